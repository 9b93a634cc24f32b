//! Calls: what they give fits what the called runbook declares, and is known when it is needed.

use super::references::Checker;
use super::secrets::each_ref;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::place_in_string;
use crate::layout::Callee;
use crate::runbook::{Field, FieldKind, Phase, Unit, Var};
use crate::source::Span;
use crate::suggest::nearest;
use crate::template::Ref;

/// A variable that a call gives a value.
type Given<'a> = (&'a str, Span, &'a Field);

/// Checks the calls of a runbook; those whose file is faulty were reported.
pub(super) fn check(checker: &mut Checker<'_>) {
    for unit in &checker.draft.runbook.units {
        if let Some(Some(callee)) = checker.draft.callees.get(&unit.ix) {
            let given: Vec<Given<'_>> = unit.action.given().collect();
            for (name, span, field) in &given {
                match callee.runbook.vars.iter().find(|var| var.name == *name) {
                    Some(var) => value(checker, callee, var, (*span, field)),
                    None => unknown(checker, callee, name, *span),
                }
            }
            for var in callee.runbook.vars.iter().filter(|var| var.default.is_none() && given.iter().all(|(name, ..)| *name != var.name)) {
                missing(checker, callee, unit, var);
            }
            condition(checker, callee, unit);
        }
    }
}

fn unknown(checker: &mut Checker<'_>, callee: &Callee, name: &str, span: Span) {
    let names = || callee.runbook.vars.iter().map(|var| var.name.as_str());
    let fault = Diagnostic::error(Code::UnknownVariable, format!("`{name}` is no variable of `{}`", callee.file)).at(
        &checker.draft.runbook.source,
        span,
        "not declared there",
    );
    let known: Vec<String> = names().map(|name| format!("`{name}`")).collect();
    checker.faults.push(match nearest(name, names()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => fault.help("it has no variables"),
        None => fault.help(format!("its variables are {}", known.join(", "))),
    });
}

fn missing(checker: &mut Checker<'_>, callee: &Callee, unit: &Unit, var: &Var) {
    let message = format!("`{}` gives no `{}` to `{}`", unit.id, var.name, callee.file);
    checker.faults.push(
        Diagnostic::error(Code::MissingVariable, message)
            .at(&checker.draft.runbook.source, unit.action.key_span, "")
            .at(&callee.runbook.source, var.name_span, "declared here, without a default")
            .help(format!("add it: `vars = {{ {} = … }}`", var.name)),
    );
}

/// A value that is given.
fn value(checker: &mut Checker<'_>, callee: &Callee, var: &Var, (span, field): (Span, &Field)) {
    let declared = |fault: Diagnostic| fault.at(&callee.runbook.source, var.name_span, "declared here");
    let mut found = Vec::new();
    each_place(field, &mut |name, value| {
        let place = place_in_string(&checker.draft.runbook.source, value, name.span);
        if checker.secrets.covers(name) && !var.secret {
            let message = format!("a secret is given to `{}`, which `{}` does not keep secret", var.name, callee.file);
            let fault = Diagnostic::error(Code::SecretRefused, message).at(&checker.draft.runbook.source, place, "secret");
            found.push(declared(fault).help(format!("say there that it is one: `[vars.{}]` with `secret = true`", var.name)));
        }
        if let Some(root @ ("steps" | "checks" | "run")) = name.path.first().map(String::as_str) {
            let message = format!("`{name}` is known only during the run, and `{}` of a called runbook before it", var.name);
            let fault = Diagnostic::error(Code::CallTooLate, message).at(&checker.draft.runbook.source, place, "too late");
            found.push(declared(fault).help(if root == "run" {
                "it is checked and planned before the run has a name: write `run` in the called runbook itself".to_owned()
            } else {
                "give it `vars` and `values`; or let the called runbook find it out by a step of its own".to_owned()
            }));
        }
    });
    if let Some(value) = crate::decode::literal(field)
        && let Err(expected) = var.accepts(&value)
    {
        let message = format!("`{}` does not accept this value", var.name);
        let fault = Diagnostic::error(Code::VariableType, message).at(
            &checker.draft.runbook.source,
            if field.span == Span::default() { span } else { field.span },
            format!("expected {expected}"),
        );
        found.push(declared(fault));
    }
    for fault in found {
        checker.faults.push(fault);
    }
}

/// The checks of a called runbook are asked before anything is done, and so is whether they are asked at all.
fn condition(checker: &mut Checker<'_>, callee: &Callee, unit: &Unit) {
    let Some(when) = &unit.when else { return };
    let late = |name: &&Ref| matches!(name.path.first().map(String::as_str), Some("steps" | "checks"));
    let (Some(name), Some(check)) = (when.refs().iter().find(late), callee.runbook.units.iter().find(|unit| unit.phase == Phase::Check))
    else {
        return;
    };
    let source = &checker.draft.runbook.source;
    let check_source = &callee.runbook.at(check.call).source;
    checker.faults.push(
        Diagnostic::error(Code::CallTooLate, format!("`{name}` is known only when the checks of `{}` were asked", callee.file))
            .at(source, place_in_string(source, when.span, name.span), "too late")
            .at(check_source, check.id_span, "asked before anything is done")
            .help("write a condition over `vars` and `values`; or one on the steps of the called runbook, and give it the call's own variables"),
    );
}

/// Calls for each name in a field, with the place of the text that it stands in.
fn each_place(field: &Field, call: &mut dyn FnMut(&Ref, Span)) {
    match &field.kind {
        FieldKind::Table(entries) => entries.iter().for_each(|(_, _, field)| each_place(field, call)),
        FieldKind::List(items) => items.iter().for_each(|item| {
            if let crate::runbook::Element::One(field) = item {
                each_place(field, call);
            }
        }),
        FieldKind::Literal(_) | FieldKind::Template(_) | FieldKind::Text(_) | FieldKind::Expr(_) | FieldKind::Target(_) => {
            each_ref(field, &mut |name| call(name, field.span));
        }
    }
}
