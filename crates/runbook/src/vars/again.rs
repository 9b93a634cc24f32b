//! The values of a run that is gone on with: what was recorded counts, secrets are fetched again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics};
use runbook_core::inputs::{self, Given, GivenValue, Inputs, Origin};
use runbook_core::record::{ValueRecord, VariableSource, VariableValue};
use runbook_core::runbook::{Runbook, Var};
use serde_json::Value;

use super::indirect::{Indirect, Way};
use super::{Fault, Found, Sources, command_line, environment, file, prompt};
use crate::text::visible;

/// What a run began with.
pub(crate) struct Past<'a> {
    /// Its variables, as recorded.
    pub(crate) variables: &'a [VariableValue],
    /// Its `[values]`, as recorded.
    pub(crate) values: &'a [ValueRecord],
    /// The runbook's file, beside which those of `[values]` are.
    pub(crate) file: &'a Path,
    /// Whether other values than the recorded ones are taken.
    pub(crate) accept_changes: bool,
}

impl Past<'_> {
    fn get(&self, name: &str) -> Option<&VariableValue> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// The recorded value, where there is one: of what is not secret.
    fn value(&self, name: &str) -> Option<&Value> {
        self.get(name)?.value.as_ref()
    }
}

/// Finds the values again. Public ones are those of the record; the environment of today does not count for them. A secret comes from what the operator says
/// now, else from where it came from, else from a person.
pub(crate) fn gather(runbook: &Arc<Runbook>, sources: &Sources<'_>, past: &Past<'_>) -> Result<Inputs, Fault> {
    let mut faults = Diagnostics::new();
    let mut said = Found::default();
    command_line(&sources.args.vars, &mut said).map_err(Fault::Usage)?;
    for path in &sources.args.var_files {
        file::read(path, &mut said, &mut faults);
    }
    let recorded = |name: &str| past.value(name).is_some();
    let mut around = Found::default();
    environment(runbook, sources.env, &mut around, &mut faults);
    around.direct.retain(|given| !recorded(&given.name));
    around.indirect.retain(|indirect| !recorded(&indirect.name));

    // What a variable file of the whole site says of variables that this runbook has not is no fault; `resolve` tells of it.
    let mut direct = said.direct;
    direct.extend(around.direct);
    for indirect in said.indirect.into_iter().chain(around.indirect) {
        if direct.iter().all(|given| given.name != indirect.name) {
            fetch(indirect, &mut direct, &mut faults);
        }
    }
    let explicit: Vec<String> = direct.iter().map(|given| given.name.clone()).collect();
    let mut lost = Vec::new();
    for var in runbook.vars.iter().filter(|var| !explicit.contains(&var.name)) {
        match remembered(var, past) {
            Remembered::Value(value) => {
                direct.push(Given { name: var.name.clone(), value: GivenValue::Json(value), origin: Origin::Record });
            }
            Remembered::Kept(source) => match again(var, source) {
                Ok(given) => direct.push(given),
                Err(fault) if sources.ask => {
                    eprint(&fault);
                    lost.push(var);
                }
                Err(fault) => faults.push(*fault),
            },
            Remembered::Said => lost.push(var),
            Remembered::New => {}
        }
    }
    if !faults.has_errors() && sources.ask {
        let mut missing: Vec<&Var> = inputs::missing(runbook, &direct);
        missing.extend(lost.iter().copied().filter(|var| var.default.is_some()));
        direct.extend(prompt::ask(&missing));
    }
    // A default would be another value than the one that was typed.
    for var in lost.into_iter().filter(|var| var.default.is_some() && direct.iter().all(|given| given.name != var.name)) {
        faults.push(inputs::lacking(runbook, var));
    }
    if faults.has_errors() {
        return Err(Fault::Invalid(faults));
    }
    let inputs = inputs::resolve(runbook, direct).map_err(Fault::Invalid)?;
    if !past.accept_changes {
        differences(runbook, &inputs, past, &explicit).map_err(Fault::Invalid)?;
    }
    Ok(inputs)
}

/// What the record knows of a variable.
enum Remembered<'a> {
    /// Its value.
    Value(Value),
    /// Where its value is kept.
    Kept(&'a VariableSource),
    /// That somebody said it.
    Said,
    /// Nothing that would have to be fetched.
    New,
}

fn remembered<'a>(var: &Var, past: &'a Past<'_>) -> Remembered<'a> {
    let Some(recorded) = past.get(&var.name) else { return Remembered::New };
    match (&recorded.value, &recorded.source) {
        // The value of what is secret now and was not before stands in the journal; it is the same value all the same.
        (Some(value), _) => Remembered::Value(value.clone()),
        (None, Some(source)) => Remembered::Kept(source),
        // A default is worked out again, from the same values.
        (None, None) if recorded.origin == Origin::Default.to_string() => Remembered::New,
        (None, None) => Remembered::Said,
    }
}

/// From where it came from.
fn again(var: &Var, source: &VariableSource) -> Result<Given, Box<Diagnostic>> {
    let name = || var.name.clone();
    match source {
        VariableSource::File { path } => Indirect { name: name(), way: Way::File(path.clone()) }.read(),
        VariableSource::Command { argv, dir } => {
            let shown = argv.join(" ");
            Indirect { name: name(), way: Way::Command { argv: argv.clone(), shown, dir: Some(dir.into()) } }.read()
        }
        VariableSource::VarFile { path } => {
            let (mut found, mut faults) = (Found::default(), Diagnostics::new());
            file::read(Path::new(path), &mut found, &mut faults);
            match (found.direct.into_iter().rev().find(|given| given.name == var.name), faults.iter().next()) {
                (_, Some(fault)) => Err(Box::new(fault.clone())),
                (Some(given), None) => Ok(given),
                (None, None) => Err(Box::new(Diagnostic::error(
                    Code::ValueUnreadable,
                    format!("the variable `{}` has no value: `{path}` does not have it any more", var.name),
                ))),
            }
        }
    }
}

fn fetch(indirect: Indirect, direct: &mut Vec<Given>, faults: &mut Diagnostics) {
    match indirect.read() {
        Ok(given) => direct.push(given),
        Err(fault) => faults.push(*fault),
    }
}

/// A word before the question that follows.
fn eprint(fault: &Diagnostic) {
    crate::ask::say(&format!("warning: {}\n", visible(&fault.message)));
}

/// Refuses what the operator says where the record says something else.
fn differences(runbook: &Runbook, inputs: &Inputs, past: &Past<'_>, explicit: &[String]) -> Result<(), Diagnostics> {
    let mut faults = Diagnostics::new();
    let values: BTreeMap<&str, &Value> = inputs.iter().map(|input| (input.name.as_str(), &input.value)).collect();
    for var in runbook.vars.iter().filter(|var| explicit.contains(&var.name)) {
        if let (Some(now), Some(then)) = (values.get(var.name.as_str()), past.value(&var.name))
            && *now != then
        {
            let message = if var.secret {
                format!("`{}` is another value than the one that the run began with", var.name)
            } else {
                format!("`{}` is {now}, but the run began with {then}", var.name)
            };
            let help = "leave it out: the run goes on with its own values; `--accept-changes` takes the new one where nothing that was done depends on it";
            faults.push(Diagnostic::error(Code::VariableDiffers, message).at(&runbook.source, var.name_span, "declared here").help(help));
        }
    }
    if faults.has_errors() { Err(faults) } else { Ok(()) }
}
