//! The order of a plan's units: who waits for whom, in memory that grows with what is written, not with its square.

use super::{PlanFate, PlanFault, PlanUnit};
use crate::effect::UnitIx;
use crate::runbook::{Needs, Phase};

/// Who waits for whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Topology {
    /// For each phase, its units in the order of the file.
    phases: [Vec<UnitIx>; 4],
    /// For each unit, its place in its phase.
    place: Vec<u32>,
    /// For each unit, those that name it in their `needs`.
    dependents: Vec<Vec<UnitIx>>,
}

const fn slot(phase: Phase) -> usize {
    match phase {
        Phase::Check => 0,
        Phase::Step => 1,
        Phase::Verify => 2,
        Phase::Monitor => 3,
    }
}

impl Topology {
    pub(super) fn new(units: &[PlanUnit]) -> Result<Self, PlanFault> {
        let mut this = Self { dependents: vec![Vec::new(); units.len()], ..Self::default() };
        for (at, unit) in units.iter().enumerate() {
            let ix = UnitIx(u32::try_from(at).map_err(|_| PlanFault::TooLarge)?);
            let peers = &mut this.phases[slot(unit.phase)];
            this.place.push(u32::try_from(peers.len()).map_err(|_| PlanFault::TooLarge)?);
            peers.push(ix);
            this.point(ix, unit, units)?;
        }
        this.refuse_circles(units)?;
        Ok(this)
    }

    /// Notes what a unit points at.
    fn point(&mut self, ix: UnitIx, unit: &PlanUnit, units: &[PlanUnit]) -> Result<(), PlanFault> {
        let dangling = || PlanFault::Dangling { id: unit.id.clone() };
        let in_phase = |other: &UnitIx, phase: Phase| units.get(other.get()).is_some_and(|u| u.phase == phase);
        if let Needs::These(needs) = &unit.needs {
            for need in needs {
                if !in_phase(need, unit.phase) {
                    return Err(dangling());
                }
                self.dependents[need.get()].push(ix);
            }
        }
        let covered = match &unit.fate {
            PlanFate::CoveredBy(cover) => in_phase(cover, Phase::Step) && *cover != ix,
            PlanFate::Nothing | PlanFate::Undo(_) | PlanFate::Irreversible(_) | PlanFate::Leaves(_) => true,
        };
        let window = unit.watch.iter().flat_map(|watch| [watch.from, watch.until]).flatten().all(|step| in_phase(&step, Phase::Step));
        let watches = window && unit.watch.is_some() == (unit.phase == Phase::Monitor) && (unit.watch.is_none() || unit.for_each.is_none());
        let guards = unit.guarded_by.iter().all(|g| in_phase(g, Phase::Check));
        if covered && guards && watches && unit.uses.iter().all(|u| in_phase(u, unit.phase)) { Ok(()) } else { Err(dangling()) }
    }

    /// Goes through the plan as a run would, every unit settling as soon as it may; what is left over waits for itself.
    fn refuse_circles(&self, units: &[PlanUnit]) -> Result<(), PlanFault> {
        let mut settled = vec![false; units.len()];
        for phase in [Phase::Check, Phase::Step, Phase::Verify, Phase::Monitor] {
            let mut order = crate::view::Frontier::default();
            let mut ready = order.open(self, units, phase);
            while let Some(ix) = ready.pop() {
                settled[ix.get()] = true;
                ready.extend(order.settle(self, units, ix));
            }
        }
        let ids: Vec<_> = units.iter().zip(&settled).filter(|(_, settled)| !**settled).map(|(u, _)| u.id.clone()).collect();
        if ids.is_empty() { Ok(()) } else { Err(PlanFault::Circle { ids }) }
    }

    pub(crate) fn phase(&self, phase: Phase) -> &[UnitIx] {
        &self.phases[slot(phase)]
    }

    /// Its place in its phase.
    pub(crate) fn place(&self, ix: UnitIx) -> usize {
        self.place.get(ix.get()).map_or(0, |place| *place as usize)
    }

    /// Those that name it in their `needs`.
    pub(crate) fn dependents(&self, ix: UnitIx) -> &[UnitIx] {
        self.dependents.get(ix.get()).map_or(&[], Vec::as_slice)
    }
}
