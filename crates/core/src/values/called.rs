//! The variables of a called runbook: what its call gives, and its own defaults.

use std::path::Path;

use super::uses::Frame;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::inputs::{Given, GivenValue, Inputs, Origin, resolve_but};
use crate::prepare;
use crate::runbook::{CallIx, Called, FieldKind, Runbook};
use crate::scope::Scope;

/// Works out the variables of a called runbook; those of its caller are there. What is made of a value that is not here is known later.
///
/// # Errors
///
/// What the called runbook does not accept, with the place of the call.
pub(super) fn variables(runbook: &Runbook, callee: &Called, inputs: &Inputs) -> Result<Inputs, Diagnostics> {
    let Some(end) = runbook.units.get(callee.end.get()) else { return Ok(Inputs::default()) };
    let scope = inputs.at(callee.parent).scope(&Scope::new());
    let around = runbook.at(callee.parent);
    let (mut given, mut later) = (Vec::new(), Vec::new());
    let mut faults = Diagnostics::new();
    for (name, _, field) in end.action.given() {
        if !prepare::unresolved(field, &[], &scope).is_empty() {
            later.push(name);
            continue;
        }
        let (value, found) = prepare::values(field, &[], &scope);
        for fault in found {
            let diagnostic = Diagnostic::error(Code::ActionInvalid, fault.message).at(&around.source, field.span, "");
            faults.push(match fault.help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            });
        }
        // What a text with templates in it gives is read as its variable's type, as an operator's words are.
        let value = match (value, &field.kind) {
            (serde_json::Value::String(text), FieldKind::Template(_) | FieldKind::Text(_)) => GivenValue::Text(text),
            (value, _) => GivenValue::Json(value),
        };
        given.push(Given { name: name.to_owned(), value, origin: Origin::Call { id: callee.id.clone() } });
    }
    if faults.has_errors() {
        return Err(faults);
    }
    resolve_but(&callee.runbook, given, &later).map_err(|found| {
        let mut faults = Diagnostics::new();
        for fault in &found {
            faults.push(fault.clone().at(&around.source, end.action.key_span, "called from here"));
        }
        faults
    })
}

/// No variable has a value.
pub(super) fn nothing(callee: &Runbook) -> Inputs {
    let names: Vec<&str> = callee.vars.iter().map(|var| var.name.as_str()).collect();
    resolve_but(callee, Vec::new(), &names).unwrap_or_default()
}

/// Whether a call, or one around it, is known not to be carried out.
pub(crate) fn is_idle(runbook: &Runbook, call: Option<CallIx>, inputs: &Inputs) -> bool {
    let Some(callee) = runbook.call(call) else { return false };
    let when = runbook.units.get(callee.end.get()).and_then(|end| end.when.as_ref());
    let scope = || inputs.at(callee.parent).scope(&Scope::new());
    when.is_some_and(|when| when.test(&scope()).is_ok_and(|tested| !tested.holds)) || is_idle(runbook, callee.parent, inputs)
}

/// A path that an author wrote, from the folder of the outermost runbook on.
pub(super) fn from_outermost(frame: Frame<'_>, path: &str) -> String {
    let folder = frame.whole.call(frame.call).and_then(|callee| Path::new(&callee.file).parent());
    folder.map_or_else(|| path.to_owned(), |folder| folder.join(path).to_string_lossy().into_owned())
}
