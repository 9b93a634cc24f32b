//! What `resume` and `rollback` have in common: a run read back from its folder, with the runbook that it is gone on with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, InternedInput, UnifiedDiffConfig};
use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics};
use runbook_core::digest::Digest;
use runbook_core::document;
use runbook_core::inputs::Inputs;
use runbook_core::plan::{Plan, PlanOptions, Version, deeds, objections};
use runbook_core::record::{Record, Stamped};
use runbook_core::runbook::Runbook;
use runbook_core::source::Source;
use runbook_core::values::{self, Reading};
use runbook_engine::state::{RunFolder, StateDir};
use runbook_engine::{Recorded, called_copy, copy_name, recorded};

use super::procedure::{Procedure, invalid, lacking, show};
use super::session::broken_off;
use crate::args::{AgainArgs, VarArgs};
use crate::ask::somebody_there;
use crate::card;
use crate::exit::Exit;
use crate::loading::{self, Kept};
use crate::runs;
use crate::streams::Streams;
use crate::text::visible;
use crate::values::Files;
use crate::vars::{self, Fault, Past, Sources};

/// The most lines of a difference that are shown.
const LINES: usize = 60;

/// A run that something is to be done with.
pub(crate) struct Again {
    pub(crate) folder: RunFolder,
    pub(crate) recorded: Recorded,
}

/// What it is gone on with.
pub(crate) struct Taken {
    pub(crate) procedure: Procedure,
    /// The runbook is not the run's own, and was held against the run when that had so many records.
    pub(crate) amends: Option<u64>,
}

/// What the runbook's file, and those that it calls, have become.
enum File {
    /// The same, or there is none any more.
    Same,
    /// Something else: the runbook as it is now, and each file that is different.
    Changed(Arc<Source>, Vec<Change>),
}

/// A file that was changed: its name, and its text then and now.
struct Change {
    name: String,
    then: String,
    now: String,
}

/// The text of a runbook and of those that it calls.
struct Text {
    path: PathBuf,
    bytes: Vec<u8>,
    /// None where they are read from beside it.
    kept: Option<Kept>,
}

impl Again {
    /// Finds a run that no process works on, and reads it back.
    pub(crate) fn find(args: &AgainArgs, state: &StateDir, streams: &mut Streams) -> Result<Self, Exit> {
        let folder = runs::find(state, &args.run, streams)?;
        refuse_held(&folder, state, streams)?;
        let recorded = recorded(&folder).map_err(|error| broken_off(&error, state, streams))?;
        Ok(Self { folder, recorded })
    }

    /// The runbook's file, as the operator named it.
    pub(crate) fn file(&self) -> PathBuf {
        PathBuf::from(&self.recorded.opened.runbook.path)
    }

    /// The run with the runbook that the operator wishes. `insist` says that a changed file is refused unless the operator has said what is meant by it.
    pub(crate) fn take(&self, args: &AgainArgs, insist: bool, state: &StateDir, streams: &mut Streams) -> Result<Taken, Exit> {
        let file = self.look();
        match &file {
            File::Changed(now, _) if args.accept_changes => return self.mended(now, args, streams),
            File::Changed(_, changes) if insist && !args.as_begun => {
                let fault = self.refusal(changes, state);
                return Err(invalid(&fault, streams));
            }
            File::Changed(_, changes) if !args.as_begun => {
                let names: Vec<String> = changes.iter().map(|change| format!("`{}`", visible(&change.name))).collect();
                let were = if names.len() == 1 { "was" } else { "were" };
                streams.err.line(format_args!("note: {} {were} changed since; the run's own copy is used", names.join(", ")));
            }
            File::Changed(..) | File::Same => {}
        }
        if args.accept_changes {
            // The file is the same; what is new may be a value.
            if let Ok(now) = loading::read(&self.file()) {
                return self.mended(&now, args, streams);
            }
        }
        let own = self.own(matches!(file, File::Same));
        let (runbook, inputs) = load(&own, &args.vars, args.no_input, &self.past(false), streams)?;
        let plan = Arc::clone(&self.recorded.plan);
        let ids = |plan: &Plan| plan.units().iter().map(|unit| unit.id.clone()).collect::<Vec<_>>();
        if runbook.units.iter().map(|unit| unit.id.clone()).collect::<Vec<_>>() != ids(&plan) {
            streams.err.line("error: the run's copy of the runbook and its plan do not belong together");
            return Err(Exit::Unusable);
        }
        Ok(Taken { procedure: Procedure { runbook, inputs, plan }, amends: None })
    }

    /// The run's own copy of the runbook; under the name that the operator knows where that file still says the same.
    fn own(&self, same: bool) -> Text {
        let copy = runs::runbook_copy(&self.folder, self.recorded.change);
        let path = if same { self.file() } else { copy };
        let name = |file: &str| if same { self.beside(file) } else { self.copy_of(file) };
        let kept = Kept::of(self.recorded.called.clone(), |file| name(file).to_string_lossy().into_owned());
        Text { path, bytes: self.recorded.runbook.clone(), kept: Some(kept) }
    }

    /// A called file as it is found from the runbook's.
    fn beside(&self, file: &str) -> PathBuf {
        self.file().parent().unwrap_or(Path::new("")).join(file)
    }

    /// The run's copy of a called file.
    fn copy_of(&self, file: &str) -> PathBuf {
        let at = self.recorded.opened.runbook.called.iter().position(|called| called.file == file).unwrap_or_default();
        self.folder.source(&copy_name(&called_copy(at), self.recorded.change))
    }

    /// The values that the run began with.
    fn past(&self, accept_changes: bool) -> Past<'_> {
        let opened = &self.recorded.opened;
        Past { variables: &opened.variables, values: &opened.values, file: Path::new(&opened.runbook.path), accept_changes }
    }

    /// The runbook as it is now, where what was done is the same in it.
    fn mended(&self, now: &Arc<Source>, args: &AgainArgs, streams: &mut Streams) -> Result<Taken, Exit> {
        let none = VarArgs { vars: Vec::new(), var_files: Vec::new() };
        let mended = Text { path: PathBuf::from(now.name()), bytes: now.text().as_bytes().to_vec(), kept: None };
        let (runbook, inputs) = load(&mended, &args.vars, args.no_input, &self.past(true), streams)?;
        let plan = runbook_core::plan::plan(&runbook, &inputs, &self.options()).map_err(|faults| invalid(&faults, streams))?;
        // Secrets are references in what is compared, so that today's values do for both.
        let mut variables = self.recorded.opened.variables.clone();
        for variable in variables.iter_mut().filter(|variable| variable.value.is_none()) {
            variable.value = inputs.get(&variable.name).map(|input| input.value.clone());
        }
        let past = Past { variables: &variables, ..self.past(true) };
        let (own, values) = load(&self.own(false), &none, true, &past, streams)?;
        let (then, today) = (deeds(&own, &values), deeds(&runbook, &inputs));
        let old = Version { plan: &self.recorded.plan, deeds: &then };
        let objections =
            objections(&self.recorded.seen.view, &self.recorded.seen.journal.records, old, Version { plan: &plan, deeds: &today });
        if !objections.is_empty() {
            let message = format!("`{}` cannot take over run {}", now.name(), self.folder.id());
            let mut fault = Diagnostic::error(Code::CannotTakeOver, message);
            for objection in objections {
                fault = fault.help(objection.to_string());
            }
            let mut faults = Diagnostics::new();
            faults.push(fault.help("put that back, or go on with the run's own copy: `--as-begun`"));
            return Err(invalid(&faults, streams));
        }
        // The run's own scripts were read before it began; these were not.
        super::scripts::read(&runbook, &plan, streams)?;
        Ok(Taken { procedure: Procedure { runbook, inputs, plan: Arc::new(plan) }, amends: Some(self.recorded.seen.view.seq()) })
    }

    /// What the run was begun with beside the runbook and its values: the steps that were left out, found again in its plan.
    fn options(&self) -> PlanOptions {
        let mut options = PlanOptions::default();
        for written in self.recorded.plan.units().iter().filter_map(|unit| unit.left_out.as_deref()) {
            match written.split_once(' ') {
                Some(("--from", id)) => options.from = Some(id.to_owned()),
                Some(("--until", id)) => options.until = Some(id.to_owned()),
                Some(("--skip", id)) => options.skip.push(id.to_owned()),
                Some(_) | None => {}
            }
        }
        options
    }

    /// What the runbook's file has become since the run began. One that is not there any more, or that this operator may not read, is no change: the run has
    /// all that it needs.
    fn look(&self) -> File {
        let Ok(now) = loading::read(&self.file()) else { return File::Same };
        let recorded = &self.recorded;
        let digest = |source: &Source| Digest::of_bytes("sha256", source.text().as_bytes());
        let mut changes = Vec::new();
        let mut hold = |now: &Source, then: &[u8]| {
            let then = String::from_utf8_lossy(then).into_owned();
            changes.push(Change { name: now.name().to_owned(), then, now: now.text().to_owned() });
        };
        if digest(&now) != recorded.opened.runbook.digest {
            hold(&now, &recorded.runbook);
        }
        for called in &recorded.opened.runbook.called {
            let Ok(now) = loading::read(&self.beside(&called.file)) else { continue };
            let then = recorded.called.iter().find(|(file, _)| *file == called.file).map(|(_, bytes)| bytes.as_slice());
            if digest(&now) != called.digest {
                hold(&now, then.unwrap_or_default());
            }
        }
        if changes.is_empty() { File::Same } else { File::Changed(now, changes) }
    }

    /// The difference, and what can be done about it.
    fn refusal(&self, changes: &[Change], state: &StateDir) -> Diagnostics {
        let names: Vec<String> = changes.iter().map(|change| format!("`{}`", change.name)).collect();
        let were = if names.len() == 1 { "was" } else { "were" };
        let message = format!("{} {were} changed since run {} began", names.join(", "), self.folder.id());
        let command = |what: &str| card::command(&format!("resume {} {what}", self.folder.id()), state.named());
        let mut fault = Diagnostic::error(Code::RunbookChanged, message);
        for Change { name, then, now } in changes {
            let of = if changes.len() == 1 { String::new() } else { format!(" in `{name}`") };
            fault = fault.help(format!("this is what changed{of}:\n{}", difference(then, now)));
        }
        let fault = fault
            .help(format!("to go on with the changed runbook: `{}`", command("--accept-changes")))
            .help(format!("to go on with the runbook as it was when the run began: `{}`", command("--as-begun")));
        let mut faults = Diagnostics::new();
        faults.push(fault);
        faults
    }

    /// Says of answers that they are about no step of the run.
    pub(crate) fn hold_answers(&self, args: &AgainArgs, plan: &Plan, streams: &mut Streams) -> Result<(), Exit> {
        let mut faults = Diagnostics::new();
        for (at, answer) in args.answers.iter().enumerate() {
            let other = args.answers.iter().take(at).find(|other| other.step == answer.step && other.said != answer.said);
            if let Some(other) = other {
                let (step, one, two) = (visible(&answer.step), visible(&other.said), visible(&answer.said));
                streams.err.line(format_args!("error: `--answer` says both `{one}` and `{two}` of `{step}`: which is it?"));
                return Err(Exit::Usage);
            }
            let step = answer.step.split('[').next().unwrap_or_default();
            if plan.find(step).is_none() {
                let message = format!("`--answer {}={}` names no step of run {}", answer.step, answer.said, self.folder.id());
                let near = runbook_core::suggest::nearest(step, plan.units().iter().map(|unit| unit.id.as_str()));
                let fault = Diagnostic::error(Code::AnswerUnknown, message);
                faults.push(match near {
                    Some(near) => fault.help(format!("did you mean `{near}`?")),
                    None => fault,
                });
            }
        }
        if faults.has_errors() { Err(invalid(&faults, streams)) } else { Ok(()) }
    }
}

/// A run's own copy of its runbook with its values, without a person and without a word; none where a secret cannot be had so.
pub(super) fn load_in_silence(recorded: &Recorded) -> Option<(Arc<Runbook>, Inputs)> {
    let opened = &recorded.opened;
    let source = document::read(&opened.runbook.path, recorded.runbook.clone()).ok()?;
    let kept = Kept::of(recorded.called.clone(), str::to_owned);
    let runbook = Arc::new(loading::load(&source, Some(&kept)).0?);
    let past = Past { variables: &opened.variables, values: &opened.values, file: Path::new(&opened.runbook.path), accept_changes: false };
    let none = VarArgs { vars: Vec::new(), var_files: Vec::new() };
    let env = |name: &str| std::env::var_os(name);
    let inputs = vars::gather_again(&runbook, &Sources { args: &none, env: &env, ask: false }, &past).ok()?;
    let inputs = read_again(&runbook, inputs, &past).ok()?;
    Some((runbook, inputs))
}

/// A runbook with the values of a run.
fn load(
    Text { path, bytes, kept }: &Text,
    args: &VarArgs,
    no_input: bool,
    past: &Past<'_>,
    streams: &mut Streams,
) -> Result<(Arc<Runbook>, Arc<Inputs>), Exit> {
    let source = document::read(&path.to_string_lossy(), bytes.clone()).map_err(|fault| {
        let mut faults = Diagnostics::new();
        faults.push(fault);
        invalid(&faults, streams)
    })?;
    let (runbook, faults) = loading::load(&source, kept.as_ref());
    // Its warnings were shown when the run began.
    let Some(runbook) = runbook else { return Err(invalid(&faults, streams)) };
    let runbook = Arc::new(runbook);
    let env = |name: &str| std::env::var_os(name);
    let sources = Sources { args, env: &env, ask: somebody_there(no_input) };
    let inputs = match vars::gather_again(&runbook, &sources, past) {
        Ok(inputs) => inputs,
        Err(Fault::Usage(message)) => {
            streams.err.line(format_args!("error: {message}"));
            return Err(Exit::Usage);
        }
        Err(Fault::Invalid(faults)) => return Err(invalid(&faults, streams)),
    };
    let inputs = read_again(&runbook, inputs, past).map_err(|faults| lacking(&faults, streams))?;
    show(inputs.warnings(), streams);
    Ok((runbook, Arc::new(inputs)))
}

/// `[values]` as the run read them, with what is secret in them read again; what a mended runbook has beside them, and the variables of called runbooks, are
/// worked out.
fn read_again(runbook: &Runbook, inputs: Inputs, past: &Past<'_>) -> Result<Inputs, Diagnostics> {
    let files = Files::beside(past.file);
    let mut read = |format, path: &str| files.read(format, path);
    values::work_out(runbook, inputs, &mut Reading { lenient: false, recorded: past.values, read: &mut read })
}

/// Refuses a run that a process works on, and says which.
pub(crate) fn refuse_held(folder: &RunFolder, state: &StateDir, streams: &mut Streams) -> Result<(), Exit> {
    if !runs::is_held(folder) {
        return Ok(());
    }
    let records = runs::records(folder, streams)?.records;
    let by = records.iter().rev().find_map(|Stamped { record, .. }| match record {
        Record::SessionOpened(session) => Some(format!(" by process {} of `{}` on {}", session.pid, session.user, session.host)),
        _ => None,
    });
    streams.err.line(format_args!("error: run {} is under way{}", folder.id(), visible(&by.unwrap_or_default())));
    let follow = card::command(&format!("runs show {} --follow", folder.id()), state.named());
    streams.err.line(format_args!("help: watch it: `{}`", visible(&follow)));
    Err(Exit::Unusable)
}

/// Changed lines with a little around them.
fn difference(then: &str, now: &str) -> String {
    let input = InternedInput::new(then, now);
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    let mut around = UnifiedDiffConfig::default();
    around.context_len(2);
    let text = diff.unified_diff(&BasicLineDiffPrinter(&input.interner), around, &input).to_string();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let more = lines.len().saturating_sub(LINES);
    if more > 0 {
        lines.truncate(LINES);
        lines.push(format!("… and {more} lines more"));
    }
    lines.join("\n")
}
