//! Outputs of checks and steps: whether they are certain to be there, and exist.

use super::references::{Checker, suggest};
use super::scope::{Site, TIMES, of_output};
use crate::action::OutputSpec;
use crate::diagnostic::Code;
use crate::runbook::{OnFailure, Phase, Unit};
use crate::source::Span;
use crate::suggest::nearest;
use crate::template::Ref;

/// How often a step with `repeat_until` was done.
const ITERATIONS: &str = "iterations";

impl<'a> Checker<'a> {
    /// `checks.ID.OUTPUT`, `steps.ID.OUTPUT`.
    pub(super) fn output(&mut self, phase: Phase, name: &Ref, value: Span, site: Site<'a>) {
        let what = if phase == Phase::Check { "check" } else { "step" };
        let Some(id) = name.path.get(1) else {
            let fault = self.fault(Code::UnknownName, format!("`{what}s` alone is no value"), name, value, "");
            self.faults.push(fault.help(format!("write `{what}s.ID.OUTPUT`")));
            return;
        };
        let Some(unit) = self.names.unit(phase, id) else {
            if self.draft.broken.contains_key(id) {
                return;
            }
            let fault = self.fault(Code::UnknownName, format!("there is no {what} `{id}`"), name, value, "");
            let units = || self.draft.runbook.units.iter();
            let elsewhere = units().find(|unit| unit.id == *id);
            let fault = match (nearest(id, units().filter(|u| u.phase == phase).map(|u| u.id.as_str())), elsewhere) {
                (_, Some(Unit { phase: Phase::Check, .. })) => fault.help(format!("it is a check: write `checks.{id}`")),
                (_, Some(Unit { phase: Phase::Step, .. })) => fault.help(format!("it is a step: write `steps.{id}`")),
                (Some(near), _) => fault.help(format!("did you mean `{what}s.{near}`?")),
                (None, _) => fault,
            };
            self.faults.push(fault);
            return;
        };
        let certain = match site.unit {
            Some(here) => self.is_certain(unit, here, name, value, site),
            None => !self.may_be_skipped(unit, name, value, site),
        };
        if certain {
            self.member(unit, name, value);
        }
    }

    /// Whether the unit has run whenever this place is looked at; reports where it has not.
    fn is_certain(&mut self, unit: &'a Unit, here: &'a Unit, name: &Ref, value: Span, site: Site<'a>) -> bool {
        let shown = format!("{}s.{}", if unit.phase == Phase::Check { "check" } else { "step" }, unit.id);
        let source = &self.draft.runbook.source;
        if unit.ix == here.ix {
            if site.undo && !name.guarded {
                let fault = self.fault(
                    Code::MaySkip,
                    format!("`{shown}` may have no outputs when it is taken back"),
                    name,
                    value,
                    "it may have failed",
                );
                self.faults.push(fault.help(format!("say what to use then: `(default {} VALUE)`; or use `before`", name.path.join("."))));
                return false;
            }
            if !site.undo {
                let fault = self.fault(Code::NotRunYet, format!("`{shown}` is this {} itself", unit.phase.name()), name, value, "");
                let help = match site.own {
                    Some(_) => "its own outputs have no prefix here",
                    None => "its outputs are there when it has ended",
                };
                self.faults.push(fault.help(help));
                return false;
            }
            return true;
        }
        if self.order.is_some_and(|order| !order.is_before(unit.ix, here.ix)) {
            let fault = self.fault(Code::NotRunYet, format!("`{shown}` may not have run yet"), name, value, "").at(
                source,
                unit.id_span,
                "this one",
            );
            let help = if here.phase == Phase::Monitor {
                format!(
                    "a monitor begins with the first step, or behind its own: write `from = \"{}\"`, or name a later step there",
                    unit.id
                )
            } else if here.phase > unit.phase || here.ix > unit.ix {
                format!("add `{}` to the `needs` of `{}`", unit.id, here.id)
            } else {
                format!("move `{}` behind `{}`", here.id, unit.id)
            };
            self.faults.push(fault.help(help));
            return false;
        }
        !self.may_be_skipped(unit, name, value, site)
    }

    /// Whether the unit may have been left out, or have failed, where this place is looked at; reports it.
    fn may_be_skipped(&mut self, unit: &'a Unit, name: &Ref, value: Span, site: Site<'a>) -> bool {
        if name.guarded {
            return false;
        }
        let shown = format!("{}s.{}", if unit.phase == Phase::Check { "check" } else { "step" }, unit.id);
        let source = &self.draft.runbook.source;
        let when = unit.when.as_ref().map(|when| when.source());
        let same_condition = when.is_some_and(|when| site.when.iter().flatten().any(|here| implies(here, when)));
        // A condition on the items leaves the step itself, and the list of its items, where they are.
        let of_items = unit.for_each.is_some()
            && unit.when.as_ref().is_some_and(|when| when.refs().iter().any(|r| r.path.first().is_some_and(|p| p == "item")));
        let one_item = name.path.get(2).is_some_and(|p| p == "items") && name.path.len() > 3;
        let why = match (&unit.when, unit.on_failure) {
            (Some(when), _) if !same_condition && (!of_items || one_item) => Some((when.span, "it is skipped where this does not hold")),
            (_, OnFailure::Continue) if unit.phase == Phase::Step => Some((unit.id_span, "the run goes on where it fails")),
            _ => None,
        };
        if let Some((span, label)) = why {
            let fault = self.fault(Code::MaySkip, format!("`{shown}` may have no outputs"), name, value, "").at(source, span, label);
            self.faults.push(fault.help(if site.unit.is_some() {
                format!("say what to use then: `(default {} VALUE)`; or write the same `when` here", name.path.join("."))
            } else {
                format!("say what to use then: `(default {} VALUE)`", name.path.join("."))
            }));
            return true;
        }
        false
    }

    /// The output of a unit that has run.
    fn member(&mut self, unit: &Unit, name: &Ref, value: Span) {
        if self.draft.callees.get(&unit.ix).is_some_and(Option::is_none) {
            // What the called runbook would have given is not known, as was reported.
            return;
        }
        let mut path = name.path.get(2..).unwrap_or_default();
        if unit.for_each.is_some() {
            match path {
                [] => return,
                [items] if items == "items" => return,
                [items, _key] if items == "items" => return,
                [items, _key, rest @ ..] if items == "items" => path = rest,
                [time, ..] if TIMES.iter().any(|t| t.name == time) => return,
                [output, ..] => {
                    let fault = self.fault(Code::UnknownOutput, format!("`{}` has outputs for each item", unit.id), name, value, "");
                    self.faults.push(fault.help(format!("write `steps.{}.items.KEY.{output}`", unit.id)));
                    return;
                }
            }
        }
        let Some(wanted) = path.first() else { return };
        if unit.outputs.iter().any(|(known, _)| known == wanted) || (wanted == ITERATIONS && unit.repeat.is_some()) {
            return;
        }
        let all = unit.action.spec.outputs.iter().chain(&TIMES);
        self.spec_output(
            all,
            path,
            name,
            value,
            &format!("`{}`", unit.id),
            &outputs(unit).chain(TIMES.iter().map(|t| t.name)).collect::<Vec<_>>(),
        );
    }

    /// An output among those that are declared, and what is below it.
    pub(super) fn spec_output<'o>(
        &mut self,
        mut all: impl Iterator<Item = &'o OutputSpec>,
        path: &[String],
        name: &Ref,
        value: Span,
        owner: &str,
        known: &[&str],
    ) {
        let Some(wanted) = path.first() else { return };
        match all.find(|output| output.name == wanted) {
            Some(output) if path.len() > 1 && !of_output(output.kind).has_members() => {
                let what = of_output(output.kind).name();
                let fault = self.fault(Code::UnknownOutput, format!("`{wanted}` is {what}, with nothing below it"), name, value, "");
                self.faults.push(fault);
            }
            Some(_) => {}
            None => {
                let fault = self.fault(Code::UnknownOutput, format!("{owner} has no output `{wanted}`"), name, value, "");
                self.faults.push(suggest(fault, wanted, known));
            }
        }
    }

    pub(super) fn before(&mut self, name: &Ref, value: Span, site: Site<'a>) {
        let Some(unit) = site.unit.filter(|_| site.before) else {
            let fault = self.fault(Code::UnknownName, "there is no `before` here".to_owned(), name, value, "");
            self.faults.push(fault.help("what the action found before is there in `undo`, `expect`, `warn`, `outputs` and `probe`"));
            return;
        };
        let path = name.path.get(1..).unwrap_or_default();
        let known: Vec<&str> = unit.action.spec.before.iter().map(|o| o.name).collect();
        let owner = format!("the `before` of `{}.{}`", unit.action.executor, unit.action.spec.name);
        self.spec_output(unit.action.spec.before.iter(), path, name, value, &owner, &known);
    }
}

/// All names in `steps.ID` but the times.
pub(super) fn outputs(unit: &Unit) -> impl Iterator<Item = &str> {
    unit.action.spec.outputs.iter().map(|o| o.name).chain(unit.outputs.iter().map(|(name, _)| name.as_str()))
}

/// Whether a place that is looked at only where `here` holds implies that `when` held: the same text, or an `and` with it.
fn implies(here: &str, when: &str) -> bool {
    let (here, when) = (here.trim(), when.trim());
    here == when || (here.starts_with("and ") && here.contains(&format!("({when})")))
}
