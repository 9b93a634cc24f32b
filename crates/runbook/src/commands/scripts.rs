//! Before the first change: every script of the plan can be read by its shell, and the shell is there. A script is known before the run, whatever its
//! values will be, since they never stand in it.

use std::collections::HashMap;
use std::sync::Arc;

use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics, render};
use runbook_core::document::place_in_string;
use runbook_core::plan::{Fields, Plan, PlanFate};
use runbook_core::runbook::{ActionCall, Fate, Field, FieldKind, Runbook};
use runbook_core::source::{Source, Span};
use runbook_engine::process::{Syntax, syntax};
use serde_json::Value;

use crate::exit::Exit;
use crate::streams::Streams;

/// A script, where its text stands, and which shell reads it.
struct Script<'a> {
    shell: String,
    text: String,
    span: Span,
    /// The text as it was written, whose lines are those of the script.
    written: &'a str,
    /// The file in which it stands.
    source: &'a Arc<Source>,
}

/// Asks the shells. What is wrong is shown; nothing was run.
pub(super) fn read(runbook: &Runbook, plan: &Plan, streams: &mut Streams) -> Result<(), Exit> {
    let mut asked: HashMap<(String, String), Syntax> = HashMap::new();
    let (mut faults, mut missing) = (Diagnostics::new(), false);
    for script in scripts(runbook, plan) {
        let key = (script.shell.clone(), script.text.clone());
        let answer = asked.entry(key).or_insert_with(|| syntax(&script.shell, &script.text));
        match answer {
            Syntax::Sound => {}
            Syntax::Faulty(fault) => {
                let place = fault
                    .line
                    .and_then(|line| line_of(script.written, line))
                    .map_or(script.span, |line| place_in_string(script.source, script.span, line));
                let message = format!("`{}` cannot read this script: {}", script.shell, fault.message);
                faults.push(
                    Diagnostic::error(Code::ScriptSyntax, message)
                        .at(script.source, place, "")
                        .help("nothing was run; `bash -n FILE` says the same of a script in a file"),
                );
            }
            Syntax::NoShell(why) => {
                missing = true;
                let message = format!("there is no `{}` to read this script: {why}", script.shell);
                faults.push(
                    Diagnostic::error(Code::ThingNotFound, message)
                        .at(script.source, script.span, "")
                        .help("install it, or write another `interpreter`"),
                );
            }
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    if missing {
        let text = super::procedure::human(&faults, streams);
        streams.err.put(text);
        if let Some(summary) = render::summary(&faults) {
            streams.err.line(format_args!("nothing was run: {summary}"));
        }
        return Err(Exit::ChecksFailed);
    }
    Err(super::procedure::invalid(&faults, streams))
}

/// The scripts of all units that may run, those of their undo included.
fn scripts<'a>(runbook: &'a Runbook, plan: &Plan) -> Vec<Script<'a>> {
    let mut found = Vec::new();
    for (planned, unit) in plan.units().iter().zip(&runbook.units) {
        if planned.left_out.is_some() {
            continue;
        }
        let source = &runbook.at(unit.call).source;
        found.extend(script(&unit.action, &planned.fields, source));
        if let (PlanFate::Undo(undo), Fate::Undo(steps)) = (&planned.fate, &unit.fate) {
            found.extend(undo.iter().zip(steps).filter_map(|(undo, step)| script(&step.action, &undo.fields, source)));
        }
    }
    found
}

fn script<'a>(call: &'a ActionCall, planned: &Fields, source: &'a Arc<Source>) -> Option<Script<'a>> {
    let FieldKind::Table(entries) = &call.fields.kind else { return None };
    let entry = |name: &str| entries.iter().find(|(key, _, _)| key == name).map(|(_, _, field)| field);
    let ready = |pointer: &str| match planned {
        Fields::Ready(public) => public.pointer(pointer).and_then(Value::as_str).map(str::to_owned),
        Fields::Deferred { .. } => None,
    };
    let shell = match entry("interpreter").map(|field| &field.kind) {
        None => "bash".to_owned(),
        Some(FieldKind::Literal(Value::String(name))) => name.clone(),
        Some(_) => ready("/interpreter")?,
    };
    if !matches!(shell.rsplit('/').next(), Some("bash" | "sh" | "dash" | "ash" | "ksh" | "zsh")) {
        return None;
    }
    entries.iter().find_map(|(key, _, Field { span, kind })| match kind {
        FieldKind::Template(template) => {
            // One into which a value goes unescaped is known only with it.
            let text = ready(&format!("/{key}/script")).or_else(|| template.script())?;
            Some(Script { shell: shell.clone(), text, span: *span, written: template.source(), source })
        }
        FieldKind::Literal(Value::String(text)) if key == "verbatim" => {
            Some(Script { shell: shell.clone(), text: text.clone(), span: *span, written: text, source })
        }
        _ => None,
    })
}

/// A line of a text, without the white space before it.
fn line_of(text: &str, number: usize) -> Option<Span> {
    let mut start = 0;
    for (at, line) in text.split('\n').enumerate() {
        if at + 1 == number {
            let indent = line.len() - line.trim_start().len();
            return Some(Span::new(start + indent, start + line.len().max(indent + 1)));
        }
        start += line.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_in_its_text() {
        assert_eq!(line_of("a\n  bc\n", 2), Some(Span::new(4, 6)));
        assert_eq!(line_of("a", 1), Some(Span::new(0, 1)));
        assert_eq!(line_of("a", 2), None);
    }
}
