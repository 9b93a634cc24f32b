//! A plan in a file: what was reviewed, so that only that is run.

use std::path::Path;

use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics};
use runbook_core::digest::Digest;
use runbook_core::plan::{Plan, PlanParts};
use runbook_core::record::{CalledFile, ValueRecord, VariableValue};
use runbook_core::source::Source;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::commands::Procedure;
use crate::loading;
use crate::outline::{Escape, escapes};

/// The version of the file's form.
const FORMAT: u32 = 1;

/// What a plan file holds. Secrets are references in it; of their values it has nothing.
#[derive(Serialize, Deserialize)]
pub(crate) struct PlanFile {
    /// The version of this form.
    pub(crate) plan_format: u32,
    /// The program that wrote it.
    pub(crate) tool: String,
    /// The runbook's file, as the operator named it.
    pub(crate) file: String,
    /// The digest of the runbook's text.
    pub(crate) runbook: Digest,
    /// The files that it calls, with their digests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) called: Vec<CalledFile>,
    /// The variables' values and where they came from.
    pub(crate) variables: Vec<VariableValue>,
    /// `[values]`: what was read and from where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<ValueRecord>,
    /// The plan.
    pub(crate) plan: PlanParts,
    /// Values in scripts, SQL texts and URLs, for the reviewer; they follow from the runbook's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) escapes: Vec<Escape>,
}

impl PlanFile {
    pub(crate) fn of(procedure: &Procedure, show_escapes: bool) -> Self {
        let source = &procedure.runbook.source;
        let digest = |source: &Source| Digest::of_bytes("sha256", source.text().as_bytes());
        let called = procedure.runbook.called_files();
        Self {
            plan_format: FORMAT,
            tool: concat!("runbook ", env!("CARGO_PKG_VERSION")).to_owned(),
            file: source.name().to_owned(),
            runbook: digest(source),
            called: called.into_iter().map(|(file, source)| CalledFile { file: file.to_owned(), digest: digest(source) }).collect(),
            variables: procedure.inputs.records(),
            values: procedure.inputs.value_records(),
            plan: procedure.plan.parts().clone(),
            escapes: escapes(&procedure.runbook, &procedure.plan, show_escapes),
        }
    }

    /// Indented JSON.
    pub(crate) fn to_text(&self) -> String {
        // A plan has text keys and no failing serializers.
        let value = serde_json::to_value(self).unwrap_or_default();
        format!("{value:#}\n")
    }
}

/// Refuses where the plan that would run is not the one in the file; says what is different.
pub(crate) fn hold_against(path: &Path, procedure: &Procedure) -> Result<(), Diagnostics> {
    let mut faults = Diagnostics::new();
    let source = loading::read(path)?;
    let shown = path.display();
    let reviewed: PlanFile = match serde_json::from_slice(source.text().as_bytes()) {
        Ok(reviewed) => reviewed,
        Err(error) => {
            let message = format!("`{shown}` is not a plan of this program: {error}");
            faults.push(Diagnostic::error(Code::PlanStale, message).help("write one with `runbook plan FILE --out PLAN`"));
            return Err(faults);
        }
    };
    let differences = differences(&reviewed, &PlanFile::of(procedure, false));
    if differences.is_empty() && Plan::new(reviewed.plan).is_ok_and(|plan| plan.digest() == procedure.plan.digest()) {
        return Ok(());
    }
    let mut diagnostic = Diagnostic::error(Code::PlanStale, format!("what would run is not what was reviewed in `{shown}`"));
    for difference in differences {
        diagnostic = diagnostic.help(difference);
    }
    faults.push(diagnostic.help("if the change is meant, write the plan again with `runbook plan --out`, and have it reviewed again"));
    Err(faults)
}

/// Each in a line: the text of the runbook, then variables, then units.
fn differences(reviewed: &PlanFile, now: &PlanFile) -> Vec<String> {
    let mut found = Vec::new();
    for variable in &now.variables {
        match reviewed.variables.iter().find(|other| other.name == variable.name) {
            None => found.push(format!("the variable `{}` is new", variable.name)),
            Some(other) if other.value != variable.value || other.secret != variable.secret => {
                found.push(format!("the variable `{}` was {} and is {}", variable.name, value(other), value(variable)));
            }
            Some(_) => {}
        }
    }
    for variable in reviewed.variables.iter().filter(|variable| now.variables.iter().all(|other| other.name != variable.name)) {
        found.push(format!("the variable `{}` is gone", variable.name));
    }
    for value in &now.values {
        match reviewed.values.iter().find(|other| other.name == value.name) {
            None => found.push(format!("`values.{}` is new", value.name)),
            Some(other) if other.value != value.value || other.secret != value.secret => {
                found.push(format!("`values.{}` from {} is different", value.name, value.origin));
            }
            Some(_) => {}
        }
    }
    for value in reviewed.values.iter().filter(|value| now.values.iter().all(|other| other.name != value.name)) {
        found.push(format!("`values.{}` is gone", value.name));
    }
    for unit in &now.plan.units {
        match reviewed.plan.units.iter().find(|other| other.id == unit.id) {
            None => found.push(format!("`{}` is new", unit.id)),
            Some(other) if other != unit => found.push(format!("`{}` is different{}", unit.id, keys(other, unit))),
            Some(_) => {}
        }
    }
    for unit in reviewed.plan.units.iter().filter(|unit| now.plan.units.iter().all(|other| other.id != unit.id)) {
        found.push(format!("`{}` is gone", unit.id));
    }
    if found.is_empty() && order(reviewed) != order(now) {
        found.push("the order of the steps is different".to_owned());
    }
    for file in &now.called {
        match reviewed.called.iter().find(|other| other.file == file.file) {
            None => found.insert(0, format!("`{}` is called, and was not", file.file)),
            Some(other) if other.digest != file.digest => {
                found.insert(0, format!("the text of `{}`, which it calls, was changed", file.file));
            }
            Some(_) => {}
        }
    }
    for file in reviewed.called.iter().filter(|file| now.called.iter().all(|other| other.file != file.file)) {
        found.insert(0, format!("`{}` is not called any more", file.file));
    }
    if reviewed.runbook != now.runbook {
        found.insert(0, format!("the text of `{}` was changed", now.file));
    }
    found
}

fn order(file: &PlanFile) -> Vec<&str> {
    file.plan.units.iter().map(|unit| unit.id.as_str()).collect()
}

fn value(variable: &VariableValue) -> String {
    match &variable.value {
        Some(value) => value.to_string(),
        None => "a secret".to_owned(),
    }
}

/// ` in timeout, fields`.
fn keys(before: &impl Serialize, now: &impl Serialize) -> String {
    let (Ok(Value::Object(before)), Ok(Value::Object(now))) = (serde_json::to_value(before), serde_json::to_value(now)) else {
        return String::new();
    };
    let mut names: Vec<&str> = now.iter().filter(|(key, value)| before.get(*key) != Some(value)).map(|(key, _)| key.as_str()).collect();
    names.extend(before.keys().filter(|key| !now.contains_key(*key)).map(String::as_str));
    names.retain(|name| *name != "spec");
    if names.is_empty() { String::new() } else { format!(" in {}", names.join(", ")) }
}
