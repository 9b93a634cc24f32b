//! `--from`, `--until`, `--skip`: what is left out, and whether the rest can do without.

use std::collections::BTreeMap;

use super::PlanOptions;
use super::options::{LeftOut, is_left_out};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::effect::UnitIx;
use crate::prepare;
use crate::runbook::{CallIx, Fate, Phase, Runbook, Unit};
use crate::suggest::nearest;
use crate::template::Ref;

/// For each unit, the option that leaves it out; faults are added to `faults`.
pub(super) fn left_out(runbook: &Runbook, options: &PlanOptions, faults: &mut Diagnostics) -> LeftOut {
    let mut left_out: LeftOut = vec![None; runbook.units.len()];
    let steps = |unit: &Unit| unit.phase == Phase::Step;
    let ends = |unit: &Unit| unit.phase == Phase::Step || unit.phase == Phase::Verify;
    let from = options.from.as_deref().and_then(|id| find(runbook, "--from", id, faults));
    let until = options.until.as_deref().and_then(|id| find(runbook, "--until", id, faults));
    if let Some(at) = from {
        let first = runbook.units.iter().filter(|unit| steps(unit) && is_of(runbook, unit, at)).map(|unit| unit.ix).min().unwrap_or(at);
        leave(runbook, &mut left_out, &format!("--from {}", id(runbook, at)), |unit| steps(unit) && unit.ix < first);
        if let Some(last) = until.filter(|last| *last < first) {
            faults.push(nothing_between(runbook, at, last));
        }
    }
    if let Some(at) = until {
        leave(runbook, &mut left_out, &format!("--until {}", id(runbook, at)), |unit| ends(unit) && unit.ix > at);
    }
    for skip in &options.skip {
        if let Some(at) = find(runbook, "--skip", skip, faults) {
            leave(runbook, &mut left_out, &format!("--skip {skip}"), |unit| unit.phase != Phase::Check && is_of(runbook, unit, at));
        }
    }
    if left_out.iter().any(Option::is_some) {
        refuse_needed(runbook, &left_out, faults);
    }
    left_out
}

/// Whether a unit is the one of that number or, where that is the end of a call, one of the called runbook.
fn is_of(runbook: &Runbook, unit: &Unit, at: UnitIx) -> bool {
    let named = runbook.units.get(at.get());
    let below = |call: &Unit| {
        unit.id.strip_prefix(call.id.as_str()).is_some_and(|rest| call.ends.is_some() && (rest.starts_with('/') || rest.starts_with(':')))
    };
    unit.ix == at || named.is_some_and(below)
}

fn id(runbook: &Runbook, ix: UnitIx) -> &str {
    runbook.units.get(ix.get()).map(|u| u.id.as_str()).unwrap_or_default()
}

fn leave(runbook: &Runbook, left_out: &mut LeftOut, option: &str, which: impl Fn(&Unit) -> bool) {
    for (unit, slot) in runbook.units.iter().zip(left_out) {
        if which(unit) {
            slot.get_or_insert_with(|| option.to_owned());
        }
    }
}

/// Refuses a last step that comes before the first one: a run of nothing would end as done.
fn nothing_between(runbook: &Runbook, from: UnitIx, until: UnitIx) -> Diagnostic {
    let message =
        format!("`--from {}` and `--until {}` leave no step: the first comes after the last", id(runbook, from), id(runbook, until));
    let mut fault = Diagnostic::error(Code::Selection, message);
    for (at, what) in [(until, "the last step"), (from, "the first step")] {
        if let Some(unit) = runbook.units.get(at.get()) {
            fault = fault.at(&runbook.at(unit.call).source, unit.id_span, what);
        }
    }
    fault.help(format!("write `--from {} --until {}`", id(runbook, until), id(runbook, from)))
}

/// The step that an option names.
fn find(runbook: &Runbook, option: &str, name: &str, faults: &mut Diagnostics) -> Option<UnitIx> {
    let takes = |unit: &&Unit| unit.phase == Phase::Step || (option == "--skip" && matches!(unit.phase, Phase::Verify | Phase::Monitor));
    match runbook.units.iter().find(|unit| unit.id == name) {
        Some(unit) if takes(&unit) => return Some(unit.ix),
        Some(unit) => {
            let (what, help) = match unit.phase {
                Phase::Check => ("a check", "checks only look, and are always asked: mend what it finds"),
                Phase::Monitor => ("a monitor", "name a step"),
                Phase::Step | Phase::Verify => ("a verify", "name a step"),
            };
            let message = format!("`{option} {name}` names {what}");
            let fault = Diagnostic::error(Code::Selection, message)
                .at(&runbook.at(unit.call).source, unit.id_span, format!("{what}, not a step"))
                .help(help);
            faults.push(fault);
        }
        None => {
            let mut fault = Diagnostic::error(Code::Selection, format!("`{option} {name}` names no step of this runbook"));
            let ids: Vec<&str> = runbook.units.iter().filter(takes).map(|unit| unit.id.as_str()).collect();
            fault = match nearest(name, ids.iter().copied()) {
                Some(near) => fault.help(format!("write `{option} {near}`")),
                None if ids.len() <= 20 => fault.help(format!("its steps are {}", quoted(&ids))),
                None => fault,
            };
            faults.push(fault);
        }
    }
    None
}

fn quoted(ids: &[&str]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

/// Refuses to leave out what the rest refers to, or what covers the rest.
fn refuse_needed(runbook: &Runbook, left_out: &LeftOut, faults: &mut Diagnostics) {
    let by_id: BTreeMap<&str, &Unit> = runbook.units.iter().map(|unit| (unit.id.as_str(), unit)).collect();
    for unit in runbook.units.iter().filter(|unit| !is_left_out(left_out, unit.ix)) {
        let mut told = Vec::new();
        for (call, name) in references(runbook, unit) {
            let [group, id, ..] = name.path.as_slice() else { continue };
            let id = runbook.full_id(call, id);
            if group != "steps" || name.guarded || told.contains(&id) {
                continue;
            }
            if let Some(needed) = by_id.get(id.as_str()).filter(|needed| is_left_out(left_out, needed.ix)) {
                told.push(id);
                faults.push(needed_fault(runbook, left_out, unit, needed, &format!("uses `{name}`")));
            }
        }
        if let Fate::CoveredBy(cover) = &unit.fate
            && let Some(needed) = runbook.units.get(cover.get()).filter(|needed| is_left_out(left_out, needed.ix))
        {
            faults.push(needed_fault(runbook, left_out, unit, needed, "has its undo there"));
        }
    }
}

fn needed_fault(runbook: &Runbook, left_out: &LeftOut, unit: &Unit, needed: &Unit, why: &str) -> Diagnostic {
    let option = left_out.get(needed.ix.get()).and_then(Option::as_deref).unwrap_or_default();
    Diagnostic::error(Code::SelectionNeeded, format!("`{option}` leaves out `{}`, which `{}` needs", needed.id, unit.id))
        .at(&runbook.at(unit.call).source, unit.id_span, why)
        .at(&runbook.at(needed.call).source, needed.id_span, "is left out")
        .help(format!("leave out `{}` as well, or run both", unit.id))
}

/// Every name that a unit uses anywhere, each with the called runbook whose name it is.
pub(super) fn references<'a>(runbook: &'a Runbook, unit: &'a Unit) -> Vec<(Option<CallIx>, &'a Ref)> {
    let targets = &runbook.at(unit.call).targets;
    let mut found = prepare::refs(&unit.action.fields, targets);
    let templates = unit.title.iter().chain(&unit.confirm);
    found.extend(templates.flat_map(|template| template.refs()));
    let loops = unit.for_each.iter().map(|for_each| &for_each.items);
    let exprs = loops.chain(&unit.expect).chain(&unit.warn);
    let exprs = exprs.chain(unit.repeat.iter().map(|repeat| &repeat.until));
    found.extend(exprs.flat_map(|expr| expr.refs()));
    for proof in unit.probe.iter().chain(&unit.proof) {
        found.extend(prepare::refs(&proof.action.fields, targets));
        found.extend(proof.expect.iter().flat_map(|expr| expr.refs()));
    }
    if let Fate::Undo(actions) = &unit.fate {
        for undo in actions {
            found.extend(prepare::refs(&undo.action.fields, targets));
            found.extend(undo.when.iter().chain(&undo.expect).flat_map(|expr| expr.refs()));
        }
    }
    let own = found.into_iter().map(|name| (unit.call, name));
    let conditions = unit.conditions().flat_map(|(call, when)| when.refs().iter().map(move |name| (call, name)));
    // Those of a call are the called runbook's.
    let outputs = unit.outputs.iter().flat_map(|(_, expr)| expr.refs()).map(|name| (unit.ends.or(unit.call), name));
    own.chain(conditions).chain(outputs).collect()
}
