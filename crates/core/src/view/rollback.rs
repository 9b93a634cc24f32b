//! What a rollback undoes, and how far it has come.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{EffectKey, EffectState, RunView};
use crate::effect::UnitIx;
use crate::plan::{Plan, PlanFate, PlanUnit};
use crate::record::RollbackBegan;

/// A rollback under way, or at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// Why it began.
    pub(super) began: RollbackBegan,
    /// What it undoes.
    pub(super) extent: Extent,
    /// How many steps are undone.
    pub(super) next: usize,
    /// The undo action of the step that is being undone.
    pub(super) action: u16,
}

/// What a rollback undoes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Steps and items, the last begun first.
    pub undo: Vec<EffectKey>,
    /// The change that nothing can undo: what began before it stays.
    pub barrier: Option<EffectKey>,
}

impl Rollback {
    /// Why it began.
    pub const fn began(&self) -> &RollbackBegan {
        &self.began
    }

    /// What it undoes.
    pub const fn extent(&self) -> &Extent {
        &self.extent
    }

    /// How many of `extent().undo` are undone.
    pub const fn undone(&self) -> usize {
        self.next
    }

    /// The undo action that is next or under way; none when all is undone.
    pub fn current(&self) -> Option<EffectKey> {
        self.extent.undo.get(self.next).map(|key| key.undo(self.action))
    }
}

impl Extent {
    /// What a rollback would undo, from what has happened so far: every step that began and may have changed something, the last begun first, up to a change
    /// that nothing can undo. A step whose change is covered by another's undo stands for that one, even where that one changed nothing itself; where the
    /// covering step never began, the change cannot be undone.
    pub fn of(plan: &Plan, view: &RunView) -> Self {
        let begun = view.begun();
        let changed = |key: &EffectKey| view.instance(*key).is_some_and(|instance| instance.effect.may_have_changed());
        let at = begun.iter().rposition(|key| changed(key) && is_barrier(plan, view, key.unit));
        let after = begun.get(at.map_or(0, |at| at + 1)..).unwrap_or_default();
        let covering: BTreeSet<UnitIx> = after.iter().filter(|key| changed(key)).filter_map(|key| Some(fate(plan, key.unit)?.0)).collect();
        let undone = after.iter().rev().filter(|key| changed(key) || covering.contains(&key.unit));
        let undo = undone.filter(|key| plan.unit(key.unit).is_some_and(|unit| !unit.undo().is_empty())).copied().collect();
        Self { undo, barrier: at.and_then(|at| begun.get(at).copied()) }
    }
}

/// Whether nothing can undo a unit's change: it says so, or the step that covers it never began.
fn is_barrier(plan: &Plan, view: &RunView, unit: UnitIx) -> bool {
    match fate(plan, unit) {
        Some((_, PlanFate::Nothing | PlanFate::Leaves(_))) | None => false,
        Some((cover, PlanFate::Undo(_))) => !view.unit(cover).is_some_and(|u| u.instances().iter().any(|instance| instance.begun)),
        Some((_, PlanFate::Irreversible(_) | PlanFate::CoveredBy(_))) => true,
    }
}

/// What becomes of a unit's change, and the unit whose word that is: its own, or that of the step that covers it.
fn fate(plan: &Plan, unit: UnitIx) -> Option<(UnitIx, &PlanFate)> {
    let mut at = unit;
    // A chain of covers that is longer than the plan goes in a circle; it covers nothing.
    for _ in plan.units() {
        match &plan.unit(at)?.fate {
            PlanFate::CoveredBy(cover) => at = *cover,
            fate => return Some((at, fate)),
        }
    }
    Some((at, &plan.unit(at)?.fate))
}

impl RunView {
    /// Begins the rollback.
    pub(super) fn roll_back(&mut self, plan: &Plan, began: &RollbackBegan, seq: u64) {
        let given_up: Vec<_> = self.flow.unsure.iter().copied().collect();
        for key in given_up {
            if let Some(effect) = self.effect_mut(key) {
                effect.give_up();
                let state = effect.state();
                self.flow.file(key, state);
            }
        }
        let extent = Extent::of(plan, self);
        self.rollback = Some(Box::new(Rollback { began: began.clone(), extent, next: 0, action: 0 }));
        self.open_undo(plan, seq);
    }

    /// The current undo action may begin.
    fn open_undo(&mut self, plan: &Plan, seq: u64) {
        let Some(key) = self.rollback.as_ref().and_then(|r| r.current()) else { return };
        let actions = plan.unit(key.unit).map(PlanUnit::undo).unwrap_or_default();
        let Some(instance) = self.units.get_mut(key.unit.get()).and_then(|u| u.get_mut(key.item)) else { return };
        instance.undo.resize_with(actions.len(), Default::default);
        instance.ready = seq;
        if let (Some(action), Some(at)) = (actions.get(usize::from(key.undo.unwrap_or_default())), key.undo)
            && let Some(effect) = instance.undo.get_mut(usize::from(at))
        {
            effect.arrive(action.when);
        }
    }

    /// An undo action came to a new state: where it is done, the next one is opened.
    pub(super) fn undo_moved(&mut self, plan: &Plan, key: EffectKey, seq: u64) {
        let done = self.effect(key).is_some_and(|e| matches!(e.state(), EffectState::Done | EffectState::Skipped));
        let actions = plan.unit(key.unit).map_or(0, |u| u.undo().len());
        let Some(rollback) = self.rollback.as_mut().filter(|r| done && r.current() == Some(key)) else { return };
        rollback.action += 1;
        if usize::from(rollback.action) >= actions {
            rollback.next += 1;
            rollback.action = 0;
        }
        self.open_undo(plan, seq);
    }
}
