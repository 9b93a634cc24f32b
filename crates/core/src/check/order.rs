//! What is certain to have run before what.

use std::collections::HashMap;

use crate::decode::Draft;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::effect::UnitIx;
use crate::runbook::{Needs, Phase, Runbook};

/// The order that `needs` gives. "All earlier steps" is kept as a word, so that it costs nothing for each step.
pub(super) struct Order {
    units: Vec<(Phase, Needs)>,
    /// For each monitor, the step after whose end it begins.
    monitors: HashMap<UnitIx, Option<UnitIx>>,
}

impl Order {
    pub(super) fn of(runbook: &Runbook) -> Self {
        Self {
            units: runbook.units.iter().map(|unit| (unit.phase, unit.needs.clone())).collect(),
            monitors: runbook.units.iter().filter_map(|unit| Some((unit.ix, unit.watch?.from))).collect(),
        }
    }

    /// Whether `first` has ended whenever `then` begins. Not to be asked where there is a cycle.
    pub(super) fn is_before(&self, first: UnitIx, then: UnitIx) -> bool {
        let (Some((first_phase, _)), Some((then_phase, needs))) = (self.units.get(first.get()), self.units.get(then.get())) else {
            return false;
        };
        if let Some(from) = self.monitors.get(&then) {
            // It begins when the checks are answered; of the steps it knows only that its own one has ended.
            let ended = |from: UnitIx| from == first || self.is_before(first, from);
            return *first_phase == Phase::Check || (*first_phase == Phase::Step && from.is_some_and(ended));
        }
        if first_phase != then_phase {
            return first_phase < then_phase;
        }
        // The usual cases without a search.
        match needs {
            Needs::Earlier => return first < then,
            Needs::These(needs) if needs.contains(&first) => return true,
            Needs::These(_) => {}
        }
        let mut seen = vec![false; self.units.len()];
        let mut open = vec![then];
        while let Some(ix) = open.pop() {
            let Some((_, needs)) = self.units.get(ix.get()) else { continue };
            match needs {
                Needs::Earlier if first < ix => return true,
                // All earlier ones have all their own needs, which may stand later in the file.
                Needs::Earlier => open.extend((0..ix.0).map(UnitIx).filter(|earlier| self.mark(*earlier, *then_phase, &mut seen))),
                Needs::These(needs) => {
                    if needs.contains(&first) {
                        return true;
                    }
                    open.extend(needs.iter().copied().filter(|need| self.mark(*need, *then_phase, &mut seen)));
                }
            }
        }
        false
    }

    /// Whether it is seen for the first time, and of that phase.
    fn mark(&self, ix: UnitIx, phase: Phase, seen: &mut [bool]) -> bool {
        let same = self.units.get(ix.get()).is_some_and(|(of, _)| *of == phase);
        match seen.get_mut(ix.get()) {
            Some(seen) if !*seen && same => {
                *seen = true;
                true
            }
            _ => false,
        }
    }

    /// Reports the first cycle. Whether there is none.
    pub(super) fn report_cycle(&self, draft: &Draft, faults: &mut Diagnostics) -> bool {
        let Some(cycle) = self.cycle() else { return true };
        let units = &draft.runbook.units;
        let source = &draft.runbook.source;
        let named: Vec<_> = cycle.iter().filter_map(|ix| Some((units.get(ix.get())?, draft.units.get(ix.get())?))).collect();
        let mut path: Vec<String> = named.iter().map(|(unit, _)| format!("`{}`", unit.id)).collect();
        path.extend(path.first().cloned());
        let mut fault = Diagnostic::error(Code::NeedsCycle, format!("steps wait for each other: {}", path.join(" needs ")));
        for (unit, beside) in &named {
            let label = match &beside.needs {
                Some(_) => String::new(),
                None => "without `needs` it waits for all earlier steps".to_owned(),
            };
            let span =
                beside.needs.as_ref().and_then(|needs| needs.first().zip(needs.last())).map_or(unit.id_span, |(a, b)| a.span.to(b.span));
            fault = fault.at(source, span, label);
        }
        faults.push(fault.help("take one of these names out of a `needs`"));
        false
    }

    /// The units of a cycle, each needing the next.
    ///
    /// A depth-first search over units and, for "all earlier", a chain of marks: mark i stands for all units before i, and leads to unit i-1 and
    /// to mark i-1. So the edges are as many as what is written in the file.
    fn cycle(&self) -> Option<Vec<UnitIx>> {
        let count = self.units.len();
        // 0..count are units, count.. are marks.
        let mut state = vec![State::New; 2 * count + 1];
        for root in 0..count {
            let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
            if state.get(root) == Some(&State::New) {
                stack.push((root, self.next(root)));
                set(&mut state, root, State::Open);
            }
            while let Some((node, rest)) = stack.last_mut() {
                let node = *node;
                let Some(next) = rest.pop() else {
                    set(&mut state, node, State::Done);
                    stack.pop();
                    continue;
                };
                match state.get(next) {
                    Some(State::New) => {
                        set(&mut state, next, State::Open);
                        stack.push((next, self.next(next)));
                    }
                    Some(State::Open) => {
                        let from = stack.iter().position(|(node, _)| *node == next).unwrap_or_default();
                        let units = stack.iter().skip(from).map(|(node, _)| *node).filter(|node| *node < count);
                        return Some(units.filter_map(|node| u32::try_from(node).ok().map(UnitIx)).collect());
                    }
                    Some(State::Done) | None => {}
                }
            }
        }
        None
    }

    fn next(&self, node: usize) -> Vec<usize> {
        let count = self.units.len();
        if node >= count {
            // A mark: the unit before it, and the mark before that.
            let at = node - count;
            return match at.checked_sub(1) {
                Some(before) => vec![before, count + before],
                None => Vec::new(),
            };
        }
        match self.units.get(node) {
            Some((Phase::Step, Needs::Earlier)) => vec![count + node],
            Some((_, Needs::These(needs))) => needs.iter().map(|need| need.get()).collect(),
            _ => Vec::new(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

fn set(state: &mut [State], node: usize, to: State) {
    if let Some(state) = state.get_mut(node) {
        *state = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(needs: &[Option<&[u32]>]) -> Order {
        let units = needs
            .iter()
            .map(|needs| (Phase::Step, needs.map_or(Needs::Earlier, |needs| Needs::These(needs.iter().copied().map(UnitIx).collect()))))
            .collect();
        Order { units, monitors: HashMap::new() }
    }

    #[test]
    fn without_needs_all_earlier_steps_have_ended() {
        let order = order(&[None, None, Some(&[]), Some(&[1]), None]);
        let before = |a, b| order.is_before(UnitIx(a), UnitIx(b));
        assert!(before(0, 1) && before(0, 4) && before(2, 4));
        assert!(before(0, 3), "through step 1");
        assert!(!before(2, 3) && !before(0, 2) && !before(1, 0) && !before(1, 1));
    }

    #[test]
    fn needs_may_point_forward() {
        let order = order(&[Some(&[2]), Some(&[]), Some(&[1]), None]);
        assert!(order.is_before(UnitIx(1), UnitIx(0)));
        assert!(order.cycle().is_none());
    }

    #[test]
    fn cycles_are_found_also_through_the_default() {
        assert_eq!(order(&[Some(&[1]), Some(&[0])]).cycle(), Some(vec![UnitIx(0), UnitIx(1)]));
        assert_eq!(order(&[Some(&[0])]).cycle(), Some(vec![UnitIx(0)]));
        assert_eq!(order(&[Some(&[2]), Some(&[]), None]).cycle(), Some(vec![UnitIx(0), UnitIx(2)]));
        assert_eq!(order(&[None, None, None]).cycle(), None);
    }

    #[test]
    fn many_steps_cost_little() {
        let order = order(&vec![None; 100_000]);
        assert_eq!(order.cycle(), None);
    }
}
