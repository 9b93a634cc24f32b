//! A failure while a runbook runs, shown as a fault of its text is: with the line that is responsible.

use std::sync::Arc;

use runbook_core::action::{Failure, FailureKind};
use runbook_core::diagnostic::{Code, Diagnostic};
use runbook_core::effect::{EffectId, Role};
use runbook_core::prepare;
use runbook_core::record::Expectation;
use runbook_core::runbook::{ActionCall, Fate, Placed, Runbook, Unit};
use runbook_core::source::{Source, Span};
use runbook_core::template::Expr;
use serde_json::Value;

use crate::reporters::unit_id;

/// The failure of an effect, pointing at the field or the expectation that is responsible.
pub(crate) fn diagnostic(runbook: &Runbook, effect: &EffectId, failure: &Failure, expectations: &[Expectation]) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(code(failure.kind), format!("{} failed: {}", name(effect), failure.message));
    if let Some((unit, call, expect)) = find(runbook, effect) {
        let broken: Vec<_> = expectations
            .iter()
            .filter(|expectation| !expectation.holds && !expectation.warning)
            .filter_map(|expectation| {
                // A `repeat_until` that does not hold yet is no fault, unless the failure is about it.
                let place = if expectation.until {
                    unit.repeat.as_ref().map(|repeat| &repeat.until).filter(|_| failure.field.as_deref() == Some("repeat_until"))?
                } else {
                    expect.get(usize::try_from(expectation.index).ok()?)?
                };
                Some((expectation, place))
            })
            .collect();
        let source = &runbook.at(unit.call).source;
        for (expectation, place) in &broken {
            diagnostic = diagnostic.at(source, place.span, found(expectation));
        }
        if broken.is_empty() {
            diagnostic = match failure.field.as_deref().and_then(|path| output(runbook, unit, path)) {
                Some((source, span)) => diagnostic.at(source, span, ""),
                None => diagnostic.at(source, failure.field.as_deref().map_or(call.key_span, |path| field(call, path)), ""),
            };
        }
        diagnostic = diagnostic.at(source, unit.id_span, "");
        for (source, span) in calls(runbook, unit) {
            diagnostic = diagnostic.at(source, span, "called from here");
        }
    }
    match &failure.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// `` `restore` ``, `` the undo of `restore` ``.
fn name(effect: &EffectId) -> String {
    let id = unit_id(&effect.path);
    match effect.role {
        Role::Undo(_) => format!("the undo of `{id}`"),
        Role::Check | Role::Do | Role::Verify | Role::Monitor => format!("`{id}`"),
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
            let Fate::Undo(undo) = &unit.fate else { return None };
            let undo = undo.get(usize::from(number))?;
            Some((unit, &undo.action, &undo.expect))
        }
        Role::Check | Role::Do | Role::Verify | Role::Monitor => Some((unit, &unit.action, &unit.expect)),
    }
}

/// The place of an output of a called runbook that its call could not give.
fn output<'a>(runbook: &'a Runbook, unit: &Unit, path: &str) -> Option<(&'a Arc<Source>, Span)> {
    let name = path.strip_prefix("outputs.")?;
    let called = &runbook.call(unit.ends)?.runbook;
    let (_, written) = called.outputs.iter().find(|(output, _)| output == name)?;
    Some((&called.source, written.span))
}

/// Where the calls stand that lead to a unit, from the inside outwards.
fn calls<'a>(runbook: &'a Runbook, unit: &Unit) -> Vec<(&'a Arc<Source>, Span)> {
    let mut places = Vec::new();
    let mut call = unit.call;
    while let Some(called) = runbook.call(call) {
        let end = runbook.units.get(called.end.get());
        places.extend(end.map(|end| (&runbook.at(called.parent).source, end.action.key_span)));
        call = called.parent;
    }
    places
}

/// The place of a field; the action's name where the field is not written.
fn field(call: &ActionCall, path: &str) -> Span {
    let span = prepare::locate(&call.fields, path);
    if span == call.fields.span { call.key_span } else { span }
}
