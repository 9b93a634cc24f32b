//! Whether a mended runbook can take a run over: what was done must be the same in it, and could have been done as it was.

use std::collections::BTreeMap;
use std::fmt;

use super::{Plan, PlanUnit};
use crate::digest::Digest;
use crate::effect::UnitIx;
use crate::record::Stamped;
use crate::runbook::Phase;
use crate::view::{EffectKey, EffectState, Instance, RunView};

/// A plan with the digests of what its units do, from [`deeds`](super::deeds).
#[derive(Clone, Copy)]
pub struct Version<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// By the units' ids.
    pub deeds: &'a BTreeMap<String, Digest>,
}

/// Why a mended runbook cannot take a run over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Something was begun that is not there any more, or is something else now.
    Gone {
        /// The unit's id.
        unit: String,
    },
    /// Something was done that would be done differently now.
    Different {
        /// The unit's id.
        unit: String,
    },
    /// What was done could not have been done in this order.
    Order {
        /// A fragment in lower case.
        why: String,
    },
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { unit } => write!(f, "`{unit}` has begun, and is not there any more"),
            Self::Different { unit } => write!(f, "`{unit}` is done or may be, and would be done differently now"),
            Self::Order { why } => write!(f, "what was done could not have been done so: {why}"),
        }
    }
}

/// Everything that keeps a mended runbook from taking over a run; `view` is the run by its own plan, `records` are all of it.
pub fn objections(view: &RunView, records: &[Stamped], old: Version<'_>, new: Version<'_>) -> Vec<Objection> {
    let mut objections: Vec<Objection> = old.plan.units().iter().filter_map(|unit| about(view, unit, old, new)).collect();
    if objections.is_empty() {
        let mut again = RunView::new(new.plan);
        if let Some(error) = records.iter().find_map(|stamped| again.apply(new.plan, stamped).err()) {
            objections.push(Objection::Order { why: error.why });
        }
    }
    objections
}

fn about(view: &RunView, unit: &PlanUnit, old: Version<'_>, new: Version<'_>) -> Option<Objection> {
    if unit.phase == Phase::Monitor {
        // What it saw is done with: it begins afresh in every session.
        return None;
    }
    let ix = old.plan.find(&unit.id)?;
    let touched = touched(view, ix)?;
    let id = || unit.id.clone();
    let Some(mended) = new.plan.find(&unit.id).and_then(|ix| new.plan.unit(ix)) else { return Some(Objection::Gone { unit: id() }) };
    if mended.phase != unit.phase || mended.for_each.is_some() != unit.for_each.is_some() {
        return Some(Objection::Gone { unit: id() });
    }
    let same = old.deeds.get(&unit.id) == new.deeds.get(&unit.id);
    (touched == Touched::Done && !same).then(|| Objection::Different { unit: id() })
}

/// What has become of a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Touched {
    /// It failed, and nothing of it counts as done.
    Failed,
    /// It is done, left out for good, or nobody knows.
    Done,
}

/// None where it has not begun.
fn touched(view: &RunView, ix: UnitIx) -> Option<Touched> {
    let unit = view.unit(ix)?;
    let states = std::iter::once(unit.whole()).chain(unit.items()).filter(|instance| begun(instance));
    let mut touched = None;
    for state in states.map(|instance| instance.effect().state()) {
        match state {
            EffectState::Failed | EffectState::RetryDue | EffectState::Pausing { .. } | EffectState::Ready | EffectState::Admitted => {
                touched = touched.or(Some(Touched::Failed));
            }
            EffectState::Waiting
            | EffectState::Running
            | EffectState::Doubt { .. }
            | EffectState::Recovering { .. }
            | EffectState::Unsure { .. }
            | EffectState::Held
            | EffectState::Interrupted
            | EffectState::Spread
            | EffectState::Done
            | EffectState::Skipped => return Some(Touched::Done),
        }
    }
    touched.filter(|_| view.effect(EffectKey::unit(ix)).is_some())
}

fn begun(instance: &Instance) -> bool {
    let effect = instance.effect();
    effect.attempt() > 0 || effect.state().is_settled() || effect.state() == EffectState::Spread
}
