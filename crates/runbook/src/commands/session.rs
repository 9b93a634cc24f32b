//! What every command that works on a run has in common: the session itself, and what is said at its end.

use std::collections::BTreeSet;
use std::sync::Arc;

use runbook_core::action::Outcome;
use runbook_core::diagnostic::Diagnostics;
use runbook_core::record::{Intent, RollbackCause, RunEnd, SessionFlags};
use runbook_core::view::{EffectKey, RunView};
use runbook_engine::ask::Asker;
use runbook_engine::events;
use runbook_engine::host::Host;
use runbook_engine::locks::{Leasing, LockFolder};
use runbook_engine::signals::Stops;
use runbook_engine::state::{RunFolder, StateDir};
use runbook_engine::{EngineError, Onward, Session, SessionEnd, execute, go_on};

use super::locks;
use super::procedure::{Procedure, human};
use crate::answers::{Answer, Answers};
use crate::args::OutputMode;
use crate::ask::Terminal;
use crate::card;
use crate::damage;
use crate::exit::Exit;
use crate::failure;
use crate::report::{self, Target};
use crate::reporters::{Mode, Screen, Watcher};
use crate::runs;
use crate::streams::Streams;
use crate::text::visible;

/// How a session is to be carried out.
pub(crate) struct Manner<'a> {
    pub(crate) flags: SessionFlags,
    pub(crate) output: OutputMode,
    pub(crate) no_input: bool,
    /// What starts the runbook anew, behind `runbook exec`.
    pub(crate) again: String,
    /// What was answered on the command line.
    pub(crate) answers: &'a [Answer],
    /// The secrets that may have another value than before.
    pub(crate) accept_secrets: BTreeSet<String>,
    /// What the operator says about locks that hold on all hosts.
    pub(crate) leasing: Leasing,
    /// The run that is gone on with; none for a new one.
    pub(crate) on: Option<(RunFolder, Onward)>,
    /// Where reports are written when the session has ended.
    pub(crate) reports: &'a [Target],
}

/// This program, as runs record it.
pub(crate) fn host() -> Host {
    Host::here(concat!("runbook ", env!("CARGO_PKG_VERSION")))
}

/// Says what a word about locks means here, where it means less than somebody may believe.
fn tell_leasing(leasing: &Leasing, procedure: &Procedure, streams: &mut Streams) {
    let has_store = procedure.plan.parts().lock_store.is_some();
    if !leasing.take_over.is_empty() && !has_store {
        streams.err.line("warning: `--take-over` does nothing: the runbook has no `[lock_store]`");
    } else if leasing.without && has_store {
        streams.err.line("warning: `--no-lock-store`: no other host is kept away from what this run works on");
    }
}

/// Carries a session out and says how it ended.
pub(crate) fn carry_out(manner: Manner<'_>, procedure: &Procedure, state: &StateDir, streams: &mut Streams) -> Result<Exit, Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        streams.err.line(format_args!("error: the run cannot begin: {error}"));
        Exit::Fault
    })?;
    let Manner { flags, output, no_input, again, answers, accept_secrets, leasing, on, reports } = manner;
    tell_leasing(&leasing, procedure, streams);
    let screen = Screen::default();
    let (sender, receiver) = events::channel();
    let terminal = Terminal::new(screen.clone(), Arc::clone(&procedure.runbook), no_input);
    let (answers, unused) = Answers::new(answers, Box::new(terminal));
    let asker: Arc<dyn Asker> = Arc::new(answers);
    streams.out.flush();
    let watcher = Watcher::start(Mode::of(output), receiver, Arc::clone(&procedure.plan), &screen);
    let intent = on.as_ref().map_or(Intent::GoOn, |(_, onward)| onward.intent);
    let ended = runtime.block_on(async {
        let locks = LockFolder::locate(|name| std::env::var_os(name))?;
        let stops = Stops::listen().map_err(|error| EngineError::Internal { what: format!("signals cannot be received: {error}") })?;
        let session = Session {
            runbook: Arc::clone(&procedure.runbook),
            plan: Arc::clone(&procedure.plan),
            inputs: Arc::clone(&procedure.inputs),
            state: state.clone(),
            locks,
            host: host(),
            flags,
            accept_secrets,
            leasing,
            asker,
            events: sender,
            stops,
        };
        match on {
            None => execute(session).await,
            Some((run, onward)) => go_on(session, run, onward).await,
        }
    });
    // A task that blocks (a prompt that nobody answers any more) must not hold the end up.
    runtime.shutdown_background();
    watcher.finish();
    for answer in unused.list() {
        streams.err.line(format_args!("warning: `--answer {}` answers nothing that was asked", visible(&answer)));
        streams.err.line("help: a step in doubt takes `done` or `not-done`, a question to a person `yes`, `no` or its text");
    }
    match ended {
        Ok(ended) => {
            let exit = conclude(&Ended { output, again, intent }, procedure, state, &ended, streams);
            // What the run did counts for more than whether it could be told.
            let exit = if write_reports(reports, &ended, state, streams) || exit != Exit::Done { exit } else { Exit::Output };
            // The process ends soon: giving back all that is known of a long run takes a fifth of the time of going on with it.
            std::mem::forget((ended, Arc::clone(&procedure.runbook), Arc::clone(&procedure.plan)));
            Ok(exit)
        }
        Err(error) => Err(broken_off(&error, state, streams)),
    }
}

/// What was wished of a session that has ended.
struct Ended {
    output: OutputMode,
    again: String,
    intent: Intent,
}

/// How a session's end is told to the shell. A rollback that a person asked for, and that came to its end, is a success.
pub(crate) fn exit(end: RunEnd, view: &RunView, intent: Intent) -> Exit {
    let wanted = intent == Intent::RollBack || view.rollback().is_some_and(|rollback| rollback.began().cause == RollbackCause::Requested);
    if end == RunEnd::RolledBack && wanted { Exit::Done } else { Exit::from(end) }
}

/// Shows what failed, where it stands in the runbook, and the card.
fn conclude(manner: &Ended, procedure: &Procedure, state: &StateDir, ended: &SessionEnd, streams: &mut Streams) -> Exit {
    // Why it came to a rollback was told when it failed.
    let told = |key: &EffectKey| manner.intent == Intent::RollBack && key.undo.is_none();
    for key in card::failures(&procedure.plan, &ended.view).into_iter().filter(|key| !told(key)) {
        show_failure(procedure, ended, key, streams);
    }
    let about = card::About {
        plan: &procedure.plan,
        view: &ended.view,
        run: ended.run.id(),
        state,
        end: Some(ended.end),
        running: None,
        again: &manner.again,
    };
    let lines = card::card(&about);
    // A program reads the records, and quiet is quiet; only what went wrong is for a person all the same.
    let told = matches!(manner.output, OutputMode::Auto | OutputMode::Plain);
    if matches!(ended.end, RunEnd::Done | RunEnd::ChecksPassed) && ended.view.passed_failures() == 0 && !told {
        return Exit::Done;
    }
    card::print(&lines, &mut streams.err);
    exit(ended.end, &ended.view, manner.intent)
}

/// Writes the reports; says which could not be written.
fn write_reports(targets: &[Target], ended: &SessionEnd, state: &StateDir, streams: &mut Streams) -> bool {
    if targets.is_empty() {
        return true;
    }
    let Ok(contents) = runs::records(&ended.run, streams) else { return false };
    let told = report::of(&ended.run, &contents.records);
    let mut all = true;
    for target in targets {
        let write = |told| super::plan::write(&target.path, &target.layout.text(&told)).map_err(|error| error.to_string());
        if let Err(why) = told.clone().and_then(write) {
            all = false;
            let path = target.path.display().to_string();
            streams.err.line(format_args!("error: the report cannot be written to `{}`: {}", visible(&path), visible(&why)));
            let later = card::command(&format!("runs report {}", ended.run.id()), state.named());
            streams.err.line(format_args!("help: write it later: `{}`", visible(&later)));
        }
    }
    all
}

/// The failure under the runbook's own line, then the words of whoever failed.
fn show_failure(procedure: &Procedure, ended: &SessionEnd, key: EffectKey, streams: &mut Streams) {
    let Some(effect) = ended.view.effect(key) else { return };
    let (Some(report), Some(name)) = (effect.report(), ended.view.name(&procedure.plan, key, effect.attempt())) else { return };
    let Some(Outcome::Failed { failure, .. }) = &report.outcome else { return };
    let mut shown = Diagnostics::new();
    shown.push(failure::diagnostic(&procedure.runbook, &name, failure, &report.expectations));
    streams.err.line("");
    let text = human(&shown, streams);
    streams.err.line(text.trim_end());
    for line in &failure.detail {
        streams.err.line(format_args!("    > {}", visible(line)));
    }
}

/// Says why a run could not begin, or broke off.
pub(crate) fn broken_off(error: &EngineError, state: &StateDir, streams: &mut Streams) -> Exit {
    let (exit, help) = match error {
        EngineError::State(error) => return runs::state_fault(error, streams),
        EngineError::Journal(error) => return runs::journal_fault(error, streams),
        EngineError::NotBegun { source } => {
            let exit = broken_off(source, state, streams);
            streams.err.line("help: nothing was run, and nothing was changed: when the cause is gone, the same command can be typed again");
            return exit;
        }
        EngineError::BrokeOff { run, source } => {
            let exit = broken_off(source, state, streams);
            let next = card::command(&format!("resume {run}"), state.named());
            streams.err.line(format_args!("help: the run broke off; when the cause is gone, go on with `{}`", visible(&next)));
            return exit;
        }
        EngineError::SecretsDiffer { names } => {
            let accept: Vec<String> = names.iter().map(|name| format!("--accept-secret {name}")).collect();
            let accept = accept.join(" ");
            (Exit::Invalid, vec![format!("give the value that the run was begun with; where it was changed on purpose, add `{accept}`")])
        }
        EngineError::Lock(error) => (locks::exit(error), locks::help(error)),
        EngineError::LostRecords { path, .. } => (Exit::Unusable, damage::help(path, state)),
        EngineError::NeverOpened { .. } => (Exit::Unusable, vec!["nothing was done in it: start it again with `runbook exec`".to_owned()]),
        EngineError::AnotherPlan { .. } => (
            Exit::Unusable,
            vec!["either somebody has just gone on with it, or a file in its folder was changed: look with `runbook runs show`".to_owned()],
        ),
        EngineError::Disk(_) | EngineError::Impossible(_) | EngineError::Closed { .. } => (Exit::Unusable, Vec::new()),
        EngineError::Internal { .. } => (Exit::Fault, Vec::new()),
    };
    streams.err.line(format_args!("error: {}", visible(&error.to_string())));
    for line in help {
        streams.err.line(format_args!("help: {}", visible(&line)));
    }
    exit
}
