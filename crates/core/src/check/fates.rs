//! Every change has a fate, and what only asks has none.

use super::order::Order;
use crate::decode::Draft;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::runbook::{Fate, Phase, Unit};
use crate::shape::quoted;

pub(super) fn check(draft: &Draft, order: &Order, faults: &mut Diagnostics) {
    let source = &draft.runbook.source;
    for (unit, beside) in draft.runbook.units.iter().zip(&draft.units) {
        let action = format!("{}.{}", unit.action.executor, unit.action.spec.name);
        match unit.phase {
            Phase::Check | Phase::Verify | Phase::Monitor if unit.class.changes() => {
                let what = format!("a {}", unit.phase.name());
                let with = match unit.action.spec.changes_with {
                    Some(switch) if !unit.action.spec.class.changes() => format!(" with `{switch}`"),
                    Some(_) | None => String::new(),
                };
                faults.push(
                    Diagnostic::error(Code::ChangesInCheck, format!("{what} must only read, and `{action}`{with} changes something"))
                        .at(source, unit.action.key_span, "")
                        .help("make it a `[[step]]`, or say `safety = \"read_only\"` where this use of it changes nothing"),
                );
                continue;
            }
            Phase::Check | Phase::Verify | Phase::Monitor => continue,
            Phase::Step => {}
        }
        let written: Vec<&str> = beside.fates.iter().map(|(key, _)| *key).collect();
        match (&beside.fates[..], unit.class.changes()) {
            ([], true) if beside.says_fate => {}
            ([], true) => faults.push(
                Diagnostic::error(Code::NoFate, format!("nothing says what becomes of the change that `{}` makes", unit.id))
                    .at(source, unit.action.key_span, format!("`{action}` changes something"))
                    .help("say how to take it back: `undo = [{ EXECUTOR.ACTION = { … } }]`")
                    .help("or `leaves = \"what stays, and that it does no harm\"`, `irreversible = \"why\"`, `covered_by = \"STEP\"`"),
            ),
            ([(key, span)], false) => {
                let mut fault = Diagnostic::warning(Code::Useless, format!("`{key}` on a step that changes nothing")).at(source, *span, "");
                fault = if beside.says_safety {
                    fault.help(format!("remove `{key}`, or `safety = \"read_only\"`"))
                } else {
                    fault.help(format!("`{action}` only reads: remove `{key}`"))
                };
                faults.push(fault);
            }
            ([first, second, ..], _) => faults.push(
                Diagnostic::error(
                    Code::SeveralFates,
                    format!("`{}` says {} things about its change: {}", unit.id, written.len(), quoted(&written)),
                )
                .at(source, second.1, "the second")
                .at(source, first.1, "the first")
                .help("keep the one that is true"),
            ),
            ([_], true) | ([], false) => {}
        }
        cover(draft, order, unit, faults);
    }
}

/// `covered_by` names a step that certainly began before, and whose undo says how.
fn cover(draft: &Draft, order: &Order, unit: &Unit, faults: &mut Diagnostics) {
    let Fate::CoveredBy(ix) = unit.fate else { return };
    let Some(by) = draft.runbook.units.get(ix.get()) else { return };
    let span = draft.units.get(unit.ix.get()).and_then(|beside| beside.covered_by.as_ref()).map_or(unit.id_span, |name| name.span);
    let source = &draft.runbook.source;
    if !matches!(by.fate, Fate::Undo(_)) {
        let (label, help) = if by.action.is_call() {
            ("a call", "each step of a called runbook is undone for itself: name a step of this file")
        } else {
            ("has no `undo`", "name the step whose `undo` takes this change back as well")
        };
        faults.push(
            Diagnostic::error(Code::BadCover, format!("`{}` has no undo that could cover `{}`", by.id, unit.id))
                .at(source, span, label)
                .help(help),
        );
    } else if by.ix == unit.ix || !order.is_before(by.ix, unit.ix) {
        faults.push(
            Diagnostic::error(Code::BadCover, format!("`{}` is not certain to come before `{}`", by.id, unit.id))
                .at(source, span, "not an earlier step")
                .help("a rollback undoes what was begun: name a step that has begun whenever this one has"),
        );
    }
}
