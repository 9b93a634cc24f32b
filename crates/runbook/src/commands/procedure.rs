//! What `exec` and `plan` have in common: from a file and the operator's values to a plan.

use std::path::Path;
use std::sync::Arc;

use runbook_core::diagnostic::{Code, Diagnostics, Severity, render};
use runbook_core::inputs::Inputs;
use runbook_core::plan::{Plan, PlanOptions};
use runbook_core::runbook::Runbook;
use runbook_core::values::{self, Reading};

use crate::args::VarArgs;
use crate::exit::Exit;
use crate::loading;
use crate::streams::Streams;
use crate::values::Files;
use crate::vars::{self, Fault, Sources};

/// A runbook with its values, and what it would do.
pub(crate) struct Procedure {
    pub(crate) runbook: Arc<Runbook>,
    pub(crate) inputs: Arc<Inputs>,
    pub(crate) plan: Arc<Plan>,
}

/// What the operator says.
pub(crate) struct Wish<'a> {
    pub(crate) file: &'a Path,
    pub(crate) vars: &'a VarArgs,
    pub(crate) options: PlanOptions,
    /// Whether a person may be asked for missing values.
    pub(crate) ask: bool,
    /// Whether a file of `[values]` may be missing: a plan can be made where it is not.
    pub(crate) without_files: bool,
}

/// Reads, checks, finds the values and plans; says what is wrong with any of it.
pub(crate) fn prepare(wish: &Wish<'_>, streams: &mut Streams) -> Result<Procedure, Exit> {
    let source = loading::read(wish.file).map_err(|faults| invalid(&faults, streams))?;
    let (runbook, faults) = loading::load(&source, None);
    let Some(runbook) = runbook else { return Err(invalid(&faults, streams)) };
    show(&faults, streams);
    let runbook = Arc::new(runbook);
    let env = |name: &str| std::env::var_os(name);
    let sources = Sources { args: wish.vars, env: &env, ask: wish.ask };
    let inputs = match vars::gather(&runbook, &sources) {
        Ok(inputs) => inputs,
        Err(Fault::Usage(message)) => {
            streams.err.line(format_args!("error: {message}"));
            return Err(Exit::Usage);
        }
        Err(Fault::Invalid(faults)) => return Err(invalid(&faults, streams)),
    };
    let files = Files::beside(wish.file);
    let mut read = |format, path: &str| files.read(format, path);
    let mut reading = Reading { lenient: wish.without_files, recorded: &[], read: &mut read };
    let inputs = values::work_out(&runbook, inputs, &mut reading).map_err(|faults| lacking(&faults, streams))?;
    show(inputs.warnings(), streams);
    let plan = runbook_core::plan::plan(&runbook, &inputs, &wish.options).map_err(|faults| invalid(&faults, streams))?;
    Ok(Procedure { runbook, inputs: Arc::new(inputs), plan: Arc::new(plan) })
}

/// Diagnostics as they fit standard error.
pub(crate) fn human(diagnostics: &Diagnostics, streams: &Streams) -> String {
    render::human(diagnostics, render::Style { width: streams.err.width(), color: streams.err.paint().0 })
}

pub(crate) fn show(diagnostics: &Diagnostics, streams: &mut Streams) {
    let text = human(diagnostics, streams);
    streams.err.put(text);
}

/// Prints what is wrong with the files that values come from: the runbook is in order, the host is not.
pub(crate) fn lacking(faults: &Diagnostics, streams: &mut Streams) -> Exit {
    let exit = invalid(faults, streams);
    let of_host = |code| matches!(code, Code::ValueFile | Code::ValueSyntax | Code::ValueKey);
    let runbook_is_right = faults.iter().filter(|fault| fault.severity == Severity::Error).all(|fault| of_host(fault.code));
    if runbook_is_right { Exit::ChecksFailed } else { exit }
}

/// Prints them; nothing was run.
pub(crate) fn invalid(faults: &Diagnostics, streams: &mut Streams) -> Exit {
    show(faults, streams);
    if let Some(summary) = render::summary(faults) {
        streams.err.line(format_args!("nothing was run: {summary}"));
    }
    Exit::Invalid
}
