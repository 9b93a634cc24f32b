//! `runbook exec`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runbook_core::action::Outcome;
use runbook_core::diagnostic::Diagnostics;
use runbook_core::plan::{FailurePolicy, PlanOptions};
use runbook_core::record::{RunEnd, SessionFlags};
use runbook_core::view::EffectKey;
use runbook_engine::ask::Asker;
use runbook_engine::events;
use runbook_engine::host::Host;
use runbook_engine::locks::{LockError, LockFolder};
use runbook_engine::signals::Stops;
use runbook_engine::state::StateDir;
use runbook_engine::{EngineError, Session, SessionEnd, execute};

use super::procedure::{Procedure, Wish, human, invalid, prepare};
use crate::args::{ExecArgs, OnFailureArg, OutputMode};
use crate::ask::{Terminal, somebody_there};
use crate::card;
use crate::exit::Exit;
use crate::failure;
use crate::panics::Folder;
use crate::planfile::hold_against;
use crate::reporters::{Mode, Screen, Watcher};
use crate::runs;
use crate::streams::Streams;
use crate::text::visible;

/// How a session is to be carried out.
struct Manner<'a> {
    flags: SessionFlags,
    output: OutputMode,
    no_input: bool,
    /// The runbook's file, as the operator named it.
    file: &'a Path,
}

/// Carries a runbook out.
pub(crate) fn run(args: &ExecArgs, state_dir: Option<&Path>, streams: &mut Streams, folder: &Folder) -> Exit {
    let options = PlanOptions { from: args.from.clone(), until: args.until.clone(), skip: args.skip.clone(), ..PlanOptions::default() };
    let wish = Wish { file: &args.file, vars: &args.vars, options, ask: somebody_there(args.no_input), without_files: false };
    let done = prepare(&wish, streams).and_then(|procedure| {
        if let Some(path) = &args.plan {
            hold_against(path, &procedure).map_err(|faults| invalid(&faults, streams))?;
        }
        let state = runs::state_dir(state_dir, streams)?;
        let _ = folder.set(state.root().to_owned());
        let flags = SessionFlags { yes: args.yes, checks_only: args.checks_only, step: args.step, on_failure: args.on_failure.map(policy) };
        carry_out(&Manner { flags, output: args.output, no_input: args.no_input, file: &args.file }, &procedure, &state, streams)
    });
    done.unwrap_or_else(|exit| exit)
}

/// Runs the checks and nothing else, told in plain lines on standard error.
pub(crate) fn checks(
    procedure: &Procedure,
    no_input: bool,
    state_dir: Option<&Path>,
    streams: &mut Streams,
    folder: &Folder,
) -> Result<Exit, Exit> {
    let state = runs::state_dir(state_dir, streams)?;
    let _ = folder.set(state.root().to_owned());
    let flags = SessionFlags { checks_only: true, ..SessionFlags::default() };
    let file = PathBuf::from(procedure.runbook.source.name());
    carry_out(&Manner { flags, output: OutputMode::Quiet, no_input, file: &file }, procedure, &state, streams)
}

fn carry_out(manner: &Manner<'_>, procedure: &Procedure, state: &StateDir, streams: &mut Streams) -> Result<Exit, Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        streams.err.line(format_args!("error: the run cannot begin: {error}"));
        Exit::Fault
    })?;
    let screen = Screen::default();
    let (sender, receiver) = events::channel();
    let asker: Arc<dyn Asker> = Arc::new(Terminal::new(screen.clone(), Arc::clone(&procedure.runbook), manner.no_input));
    streams.out.flush();
    let watcher = Watcher::start(Mode::of(manner.output), receiver, Arc::clone(&procedure.plan), &screen);
    let ended = runtime.block_on(async {
        let locks = LockFolder::locate(|name| std::env::var_os(name))?;
        let stops = Stops::listen().map_err(|error| EngineError::Internal { what: format!("signals cannot be received: {error}") })?;
        let session = Session {
            runbook: Arc::clone(&procedure.runbook),
            plan: Arc::clone(&procedure.plan),
            inputs: Arc::clone(&procedure.inputs),
            state: state.clone(),
            locks,
            host: Host::here(concat!("runbook ", env!("CARGO_PKG_VERSION"))),
            flags: manner.flags,
            accept_secrets: BTreeSet::new(),
            asker,
            events: sender,
            stops,
        };
        execute(session).await
    });
    // A task that blocks (a prompt that nobody answers any more) must not hold the end up.
    runtime.shutdown_background();
    watcher.finish();
    match ended {
        Ok(ended) => Ok(conclude(manner, procedure, state, &ended, streams)),
        Err(error) => Err(broken_off(&error, state, streams)),
    }
}

const fn policy(wish: OnFailureArg) -> FailurePolicy {
    match wish {
        OnFailureArg::Stop => FailurePolicy::Stop,
        OnFailureArg::Rollback => FailurePolicy::Rollback,
        OnFailureArg::Ask => FailurePolicy::Ask,
    }
}

/// Shows what failed, where it stands in the runbook, and the card.
fn conclude(manner: &Manner<'_>, procedure: &Procedure, state: &StateDir, ended: &SessionEnd, streams: &mut Streams) -> Exit {
    for key in card::failures(&procedure.plan, &ended.view) {
        show_failure(procedure, ended, key, streams);
    }
    let about = card::About {
        plan: &procedure.plan,
        view: &ended.view,
        run: ended.run.id(),
        state,
        end: Some(ended.end),
        running: false,
        file: &manner.file.to_string_lossy(),
    };
    let lines = card::card(&about);
    // A program reads the records, and quiet is quiet; only what went wrong is for a person all the same.
    let told = matches!(manner.output, OutputMode::Auto | OutputMode::Plain);
    if matches!(ended.end, RunEnd::Done | RunEnd::ChecksPassed) && ended.view.passed_failures() == 0 && !told {
        return Exit::Done;
    }
    card::print(&lines, &mut streams.err);
    Exit::from(ended.end)
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
fn broken_off(error: &EngineError, state: &StateDir, streams: &mut Streams) -> Exit {
    let mut say = |text: &str| streams.err.line(format_args!("error: {}", visible(text)));
    match error {
        EngineError::State(error) => runs::state_fault(error, streams),
        EngineError::Journal(error) => runs::journal_fault(error, streams),
        EngineError::Lock(error) => {
            say(&error.to_string());
            for line in lock_help(error) {
                streams.err.line(format_args!("help: {}", visible(&line)));
            }
            Exit::Unusable
        }
        EngineError::Disk(error) => {
            say(&error.to_string());
            Exit::Unusable
        }
        EngineError::Impossible(_)
        | EngineError::LostRecords { .. }
        | EngineError::NeverOpened { .. }
        | EngineError::AnotherPlan { .. } => {
            say(&error.to_string());
            Exit::Unusable
        }
        EngineError::SecretsDiffer { names } => {
            say(&error.to_string());
            let accept: Vec<String> = names.iter().map(|name| format!("--accept-secret {name}")).collect();
            streams.err.line(format_args!(
                "help: give the value that the run was begun with; where it was changed on purpose, add `{}`",
                accept.join(" ")
            ));
            Exit::Invalid
        }
        EngineError::BrokeOff { run, source } => {
            let exit = broken_off(source, state, streams);
            let state = state.named().map(|path| format!(" --state-dir {}", card::quoted(&path.to_string_lossy()))).unwrap_or_default();
            streams.err.line(format_args!(
                "help: the run broke off: see what it has done and what is not known with `runbook runs show {run}{state}`"
            ));
            exit
        }
        EngineError::Internal { what } => {
            say(what);
            Exit::Fault
        }
    }
}

/// What to do about a lock that another run has.
fn lock_help(error: &LockError) -> Vec<String> {
    let owner = match error {
        LockError::Held { owner, .. } => owner.as_ref(),
        LockError::Unfinished { owner, .. } => Some(owner),
        LockError::Disk(_) => None,
    };
    let Some(owner) = owner else { return Vec::new() };
    let folder = owner.state_dir.to_string_lossy();
    let look = format!("look at it: `runbook runs show {} --state-dir {}`", owner.run, card::quoted(&folder));
    match error {
        LockError::Unfinished { .. } => {
            let run = format!("{}/runs/{}", folder.trim_end_matches('/'), owner.run);
            let give_up = format!(
                "once it is certain that nothing of it is under way and nothing is to be taken back, give it up: `mv {} {}`",
                card::quoted(&run),
                card::quoted(&format!("{run}.given-up"))
            );
            vec![look, give_up]
        }
        LockError::Held { .. } | LockError::Disk(_) => vec![look],
    }
}
