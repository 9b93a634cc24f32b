//! A failure while a runbook runs, shown as a fault of its text is: with the line that is responsible.

use runbook_core::action::{Failure, FailureKind};
use runbook_core::diagnostic::{Code, Diagnostic};
use runbook_core::effect::{EffectId, Role};
use runbook_core::record::Expectation;
use runbook_core::runbook::{ActionCall, Element, Field, FieldKind, Placed, Runbook, Unit};
use runbook_core::source::Span;
use runbook_core::template::Expr;
use serde_json::Value;

/// The failure of an effect, pointing at the field or the expectation that is responsible.
pub(crate) fn diagnostic(runbook: &Runbook, effect: &EffectId, failure: &Failure, expectations: &[Expectation]) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(code(failure.kind), format!("`{effect}` failed: {}", failure.message));
    if let Some((unit, call, expect)) = find(runbook, effect) {
        let broken: Vec<_> = expectations
            .iter()
            .filter(|expectation| !expectation.holds && !expectation.warning)
            .filter_map(|expectation| Some((expectation, expect.get(usize::try_from(expectation.index).ok()?)?)))
            .collect();
        for (expectation, place) in &broken {
            diagnostic = diagnostic.at(&runbook.source, place.span, found(expectation));
        }
        if broken.is_empty() {
            let span = failure.field.as_deref().map_or(call.key_span, |path| field(call, path));
            diagnostic = diagnostic.at(&runbook.source, span, "");
        }
        diagnostic = diagnostic.at(&runbook.source, unit.id_span, "");
    }
    match &failure.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// The code of each kind of failure.
const fn code(kind: FailureKind) -> Code {
    match kind {
        FailureKind::Invalid => Code::ActionInvalid,
        FailureKind::Unreachable => Code::ServiceUnreachable,
        FailureKind::Denied => Code::AccessDenied,
        FailureKind::NotFound => Code::ThingNotFound,
        FailureKind::Conflict => Code::Conflict,
        FailureKind::Failed => Code::ActionFailed,
        FailureKind::Unexpected => Code::Unexpected,
        FailureKind::TimedOut => Code::TimedOut,
        FailureKind::Disconnected => Code::Disconnected,
        FailureKind::Exhausted => Code::Exhausted,
        FailureKind::Refused => Code::PersonRefused,
        FailureKind::NeedsPerson => Code::PersonNeeded,
        FailureKind::Internal => Code::ProgramFault,
    }
}

/// What the names in an expectation were.
fn found(expectation: &Expectation) -> String {
    if let Some(fault) = &expectation.fault {
        return fault.clone();
    }
    let actuals: Vec<String> = expectation.actuals.iter().map(|(name, value)| format!("{name} is {}", short(value))).collect();
    if actuals.is_empty() { "this does not hold".to_owned() } else { actuals.join(", ") }
}

/// A value as one looks at it under a caret.
fn short(value: &Value) -> String {
    const MOST: usize = 120;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// The unit, the action and the expectations of an effect.
fn find<'a>(runbook: &'a Runbook, effect: &EffectId) -> Option<(&'a Unit, &'a ActionCall, &'a [Placed<Expr>])> {
    let step = &effect.path.last()?.step;
    let unit = runbook.units.iter().find(|unit| unit.id == *step)?;
    match effect.role {
        Role::Undo(number) => {
            let runbook_core::runbook::Fate::Undo(undo) = &unit.fate else { return None };
            let undo = undo.get(usize::from(number))?;
            Some((unit, &undo.action, &undo.expect))
        }
        Role::Check | Role::Do | Role::Verify | Role::Monitor => Some((unit, &unit.action, &unit.expect)),
    }
}

/// The place of a field by its path (`mounts[1].source`); of what is nearest to it where the whole path is not written.
fn field(call: &ActionCall, path: &str) -> Span {
    let mut at = &call.fields;
    let mut span = call.key_span;
    for part in path.split(['.', '[']).map(|part| part.trim_end_matches(']')).filter(|part| !part.is_empty()) {
        let Some((there, next)) = below(at, part) else { break };
        span = there;
        at = next;
    }
    span
}

fn below<'a>(field: &'a Field, part: &str) -> Option<(Span, &'a Field)> {
    match &field.kind {
        FieldKind::Table(entries) => entries.iter().find(|(key, _, _)| key == part).map(|(_, _, field)| (field.span, field)),
        FieldKind::List(elements) => {
            // Optional elements shift what stands behind them: then only the list itself is certain.
            let fixed = elements.iter().all(|element| matches!(element, Element::One(_)));
            match elements.get(part.parse::<usize>().ok().filter(|_| fixed)?)? {
                Element::One(field) => Some((field.span, field)),
                Element::When(..) => None,
            }
        }
        FieldKind::Literal(_) | FieldKind::Template(_) | FieldKind::Text(_) | FieldKind::Expr(_) | FieldKind::Target(_) => None,
    }
}
