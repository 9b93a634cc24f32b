//! Which units of a phase may begin: incremental, each settling costs what it makes ready.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::effect::UnitIx;
use crate::plan::{PlanUnit, Topology};
use crate::runbook::{Needs, Phase};

/// The frontier of one phase.
///
/// A unit with written `needs` has a count of those not yet settled. A unit without waits for all that stand before it: it is ready when the front, the first
/// place whose unit is not settled, has come to its own place; so the default costs no edges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frontier {
    phase: Option<Phase>,
    /// The first place in the phase whose unit is not settled.
    front: usize,
    /// How many units of the phase are settled.
    settled: usize,
    /// Settled units behind the front.
    ahead: BTreeSet<usize>,
    /// For a unit with written needs: how many of them are not settled.
    missing: BTreeMap<UnitIx, u32>,
}

impl Frontier {
    /// Begins a phase; returns what may begin at once, in the order of the file.
    pub(crate) fn open(&mut self, order: &Topology, units: &[PlanUnit], phase: Phase) -> Vec<UnitIx> {
        *self = Self { phase: Some(phase), ..Self::default() };
        let mut ready = Vec::new();
        for (place, ix) in order.phase(phase).iter().enumerate() {
            match units.get(ix.get()).map(|u| &u.needs) {
                Some(Needs::These(needs)) if needs.is_empty() => ready.push(*ix),
                Some(Needs::These(needs)) => {
                    self.missing.insert(*ix, u32::try_from(needs.len()).unwrap_or(u32::MAX));
                }
                Some(Needs::Earlier) if place == 0 => ready.push(*ix),
                Some(Needs::Earlier) | None => {}
            }
        }
        ready
    }

    /// Notes that a unit of this phase is settled; returns what may begin because of it. Called once per unit.
    pub(crate) fn settle(&mut self, order: &Topology, units: &[PlanUnit], ix: UnitIx) -> Vec<UnitIx> {
        let mut ready = Vec::new();
        self.settled += 1;
        for dependent in order.dependents(ix) {
            if let Some(missing) = self.missing.get_mut(dependent) {
                *missing = missing.saturating_sub(1);
                if *missing == 0 {
                    self.missing.remove(dependent);
                    ready.push(*dependent);
                }
            }
        }
        let Some(phase) = self.phase else { return ready };
        self.ahead.insert(order.place(ix));
        let before = self.front;
        while self.ahead.remove(&self.front) {
            self.front += 1;
        }
        if self.front > before
            && let Some(next) = order.phase(phase).get(self.front)
            && units.get(next.get()).is_some_and(|u| u.needs == Needs::Earlier)
        {
            ready.push(*next);
        }
        ready.sort_unstable();
        ready
    }

    /// Whether every unit of the phase is settled.
    pub(crate) fn is_done(&self, order: &Topology) -> bool {
        self.phase.is_none_or(|phase| self.settled >= order.phase(phase).len())
    }

    /// The phase whose frontier this is; none before the first.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.phase
    }
}
