//! Lays called runbooks out into their caller: one list of units, from which one plan is made.
//!
//! A call is replaced by the called runbook: its checks are checks of the caller; its steps stand where the call stands, and behind them its verifies, as
//! steps that only ask; its monitors are monitors of the caller whose window is the call. The call's own unit stays as its end: what needs the call
//! needs that. Names in templates stay as they are: every unit says in which runbook it stands ([`Unit::call`]).

use std::collections::BTreeMap;

use crate::call::begin;
use crate::effect::UnitIx;
use crate::runbook::{Around, CallIx, Called, Fate, Needs, Phase, Runbook, Unit, Watch};

/// A runbook that another one calls, itself laid out already.
pub(crate) struct Callee {
    /// Its file, from the folder of the outermost runbook on.
    pub(crate) file: String,
    /// The runbook.
    pub(crate) runbook: Runbook,
    /// Those of its outputs that are secret.
    pub(crate) secret_outputs: Vec<String>,
}

/// Lays the called runbooks out, each by the unit that calls it.
pub(crate) fn lay_out(runbook: Runbook, callees: BTreeMap<UnitIx, Option<Callee>>) -> Runbook {
    let mut runbook = runbook;
    let mut called = Vec::new();
    let mut calls = Vec::new();
    for (ix, callee) in callees.into_iter().filter_map(|(ix, callee)| Some((ix, callee?))) {
        let Some(unit) = runbook.units.get(ix.get()) else { continue };
        let until = |other: &Unit| other.watch.is_some_and(|watch| watch.until == Some(ix));
        let is_watched = runbook.units.iter().any(until);
        runbook.risk = runbook.risk.max(callee.runbook.risk);
        calls.push(Call::new(unit, callee, is_watched, &mut called));
    }
    if calls.is_empty() {
        return runbook;
    }
    let own = std::mem::take(&mut runbook.units);
    let places = Places::of(&own, &calls);
    let mut units: Vec<Unit> = own.into_iter().map(|unit| places.own_unit(unit, &calls)).collect();
    for (at, call) in calls.into_iter().enumerate() {
        places.inner_units(at, call, &mut units);
    }
    units.sort_unstable_by_key(|unit| unit.ix);
    for unit in &units {
        if let Some(called) = unit.ends.and_then(|CallIx(at)| called.get_mut(at)) {
            called.end = unit.ix;
        }
    }
    Runbook { units, called, ..runbook }
}

/// A call that is being laid out.
struct Call {
    /// The calling unit's number in its own runbook.
    caller: UnitIx,
    /// What it waits for, in its own runbook's numbers.
    needs: Needs,
    /// The number of the called runbook.
    ix: CallIx,
    /// The called runbook's units, in its own numbers.
    units: Vec<Unit>,
    /// Its beginning, where something is told or asked there, or watched from there on.
    begin: Option<Unit>,
}

impl Call {
    /// Takes the called runbook apart: its units to be laid out; the rest of it, and of what it calls, into the list of called ones.
    fn new(unit: &Unit, callee: Callee, is_watched: bool, all: &mut Vec<Called>) -> Self {
        let Callee { file, mut runbook, .. } = callee;
        let mut units = std::mem::take(&mut runbook.units);
        let inner = std::mem::take(&mut runbook.called);
        let first = all.len();
        let shift = |call: Option<CallIx>| Some(CallIx(first + call.map_or(0, |CallIx(at)| at + 1)));
        all.push(Called { id: unit.id.clone(), parent: None, file, end: unit.ix, runbook });
        for nested in inner {
            all.push(Called { id: format!("{}/{}", unit.id, nested.id), parent: shift(nested.parent), ..nested });
        }
        for inner in &mut units {
            inner.id = format!("{}/{}", unit.id, inner.id);
            inner.call = shift(inner.call);
            inner.ends = inner.ends.and_then(|ends| shift(Some(ends)));
            for around in &mut inner.around {
                around.call = shift(around.call);
            }
            inner.around.splice(0..0, unit.when.iter().map(|when| Around { call: None, when: when.clone() }));
        }
        let watches = units.iter().any(|inner| inner.watch.is_some_and(|watch| watch.from.is_none()));
        let begin = (watches || is_watched || unit.title.is_some() || unit.confirm.is_some()).then(|| begin(unit));
        Self { caller: unit.ix, needs: unit.needs.clone(), ix: CallIx(first), units, begin }
    }

    /// Its units of one phase.
    fn phase(&self, phase: Phase) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(move |unit| unit.phase == phase)
    }
}

/// Where the units of all runbooks come to stand.
struct Places {
    /// By their numbers in the caller.
    own: Vec<UnitIx>,
    /// For each call, by their numbers in the called runbook.
    inner: Vec<Vec<UnitIx>>,
    /// For each call, its beginning.
    begins: Vec<Option<UnitIx>>,
    /// The steps of the whole, in their order.
    steps: Vec<UnitIx>,
}

impl Places {
    /// The checks of all, the steps with the called ones among them, the verifies of the caller, the monitors of all.
    fn of(own: &[Unit], calls: &[Call]) -> Self {
        let mut places = Self {
            own: vec![UnitIx(0); own.len()],
            inner: calls.iter().map(|call| vec![UnitIx(0); call.units.len()]).collect(),
            begins: vec![None; calls.len()],
            steps: Vec::new(),
        };
        let mut count = 0_u32;
        let mut next = || {
            count = count.saturating_add(1);
            UnitIx(count - 1)
        };
        for phase in [Phase::Check, Phase::Step, Phase::Verify, Phase::Monitor] {
            for unit in own.iter().filter(|unit| unit.phase == phase) {
                if let Some((at, call)) = calls.iter().enumerate().find(|(_, call)| call.caller == unit.ix) {
                    places.begins[at] = call.begin.as_ref().map(|_| next());
                    places.steps.extend(places.begins[at]);
                    for inner in call.phase(Phase::Step).chain(call.phase(Phase::Verify)) {
                        places.inner[at][inner.ix.get()] = next();
                        places.steps.push(places.inner[at][inner.ix.get()]);
                    }
                }
                places.own[unit.ix.get()] = next();
                if phase == Phase::Step {
                    places.steps.push(places.own[unit.ix.get()]);
                }
            }
            if matches!(phase, Phase::Check | Phase::Monitor) {
                for (at, call) in calls.iter().enumerate() {
                    for inner in call.phase(phase) {
                        places.inner[at][inner.ix.get()] = next();
                    }
                }
            }
        }
        places
    }

    /// A unit of the caller, with the numbers of the whole.
    fn own_unit(&self, unit: Unit, calls: &[Call]) -> Unit {
        let mut unit = unit;
        let map = |ix: UnitIx| self.own.get(ix.get()).copied().unwrap_or(ix);
        let call = |ix: UnitIx| calls.iter().enumerate().find(|(_, call)| call.caller == ix);
        if let Some((at, called)) = call(unit.ix) {
            unit.ends = Some(called.ix);
            // It is told and asked at the beginning.
            (unit.title, unit.confirm) = (None, None);
            if unit.needs != Needs::Earlier {
                unit.needs = Needs::These(self.all(at, called));
            }
        } else if let Needs::These(needs) = &mut unit.needs {
            for need in needs.iter_mut() {
                *need = map(*need);
            }
            needs.sort_unstable();
        }
        // What is asked again before a call is asked before its first steps.
        unit.guards = unit
            .guards
            .iter()
            .flat_map(|ix| call(*ix).map_or_else(|| vec![map(*ix)], |(at, called)| self.entries(at, called, map(*ix))))
            .collect();
        if let Fate::CoveredBy(cover) = &mut unit.fate {
            *cover = map(*cover);
        }
        if let Some(watch) = unit.watch {
            let until = |ix| call(ix).and_then(|(at, _)| self.begins[at]).unwrap_or_else(|| map(ix));
            unit.watch = Some(Watch { from: watch.from.map(map), until: watch.until.map(until), ..watch });
        }
        unit.ix = map(unit.ix);
        unit
    }

    /// The units of a called runbook, with the numbers of the whole.
    fn inner_units(&self, at: usize, call: Call, units: &mut Vec<Unit>) {
        let needs: Vec<Needs> = call.units.iter().map(|unit| self.inner_needs(at, &call, unit)).collect();
        let map = |ix: UnitIx| self.inner[at].get(ix.get()).copied().unwrap_or(ix);
        let end = self.own.get(call.caller.get()).copied();
        for (mut unit, needs) in call.units.into_iter().zip(needs) {
            unit.needs = needs;
            unit.guards.iter_mut().for_each(|guard| *guard = map(*guard));
            if let Fate::CoveredBy(cover) = &mut unit.fate {
                *cover = map(*cover);
            }
            if let Some(watch) = unit.watch {
                let from = watch.from.map_or(self.begins[at], |ix| Some(map(ix)));
                let until = watch.until.map_or(end, |ix| Some(map(ix)));
                unit.watch = Some(Watch { from, until, ..watch });
            }
            if unit.phase == Phase::Verify {
                unit.phase = Phase::Step;
            }
            unit.ix = map(unit.ix);
            units.push(unit);
        }
        if let (Some(mut begin), Some(ix)) = (call.begin, self.begins[at]) {
            if let Needs::These(needs) = &mut begin.needs {
                for need in needs.iter_mut() {
                    *need = self.own.get(need.get()).copied().unwrap_or(*need);
                }
                needs.sort_unstable();
            }
            begin.ix = ix;
            units.push(begin);
        }
    }

    /// What a unit of a called runbook waits for in the whole.
    fn inner_needs(&self, at: usize, call: &Call, unit: &Unit) -> Needs {
        let map = |ix: &UnitIx| self.inner[at].get(ix.get()).copied().unwrap_or(*ix);
        let mut needs = match (unit.phase, &unit.needs) {
            (Phase::Check | Phase::Monitor, Needs::Earlier) => Vec::new(),
            (Phase::Step, Needs::Earlier) if call.needs == Needs::Earlier => return Needs::Earlier,
            (Phase::Step, Needs::Earlier) => {
                let mut needs = Vec::new();
                let mut earlier = call.phase(Phase::Step).filter(|step| step.ix < unit.ix).collect::<Vec<_>>();
                while let Some(step) = earlier.pop() {
                    needs.push(map(&step.ix));
                    // It waits for everything before it.
                    if step.needs == Needs::Earlier {
                        earlier.clear();
                    } else if earlier.is_empty() {
                        needs.extend(self.start(at, call));
                    }
                }
                if needs.is_empty() { self.start(at, call) } else { needs }
            }
            (Phase::Step, Needs::These(needs)) if needs.is_empty() => self.start(at, call),
            (Phase::Check | Phase::Monitor | Phase::Step, Needs::These(needs)) => needs.iter().map(map).collect(),
            (Phase::Verify, needs) => {
                let mut all: Vec<UnitIx> = call.phase(Phase::Step).map(|step| map(&step.ix)).collect();
                if all.is_empty() {
                    all = self.start(at, call);
                }
                if let Needs::These(needs) = needs {
                    all.extend(needs.iter().map(map));
                }
                all
            }
        };
        needs.sort_unstable();
        needs.dedup();
        Needs::These(needs)
    }

    /// What the first steps of a called runbook wait for.
    fn start(&self, at: usize, call: &Call) -> Vec<UnitIx> {
        if let Some(begin) = self.begins[at] {
            return vec![begin];
        }
        match &call.needs {
            Needs::These(needs) => needs.iter().filter_map(|need| self.own.get(need.get()).copied()).collect(),
            Needs::Earlier => {
                let first = call.units.iter().filter_map(|unit| self.step(at, unit)).min();
                let end = self.own.get(call.caller.get()).copied();
                self.steps.iter().copied().filter(|step| first.or(end).is_some_and(|first| *step < first)).collect()
            }
        }
    }

    /// Everything between the beginning and the end of a call; what it waits for where there is nothing.
    fn all(&self, at: usize, call: &Call) -> Vec<UnitIx> {
        let mut all: Vec<UnitIx> = call.units.iter().filter_map(|unit| self.step(at, unit)).collect();
        if all.is_empty() {
            all = self.start(at, call);
        }
        all.sort_unstable();
        all
    }

    /// The steps of a call that wait for none of its others; its end where it has no steps.
    fn entries(&self, at: usize, call: &Call, end: UnitIx) -> Vec<UnitIx> {
        if let Some(begin) = self.begins[at] {
            return vec![begin];
        }
        let mut first = true;
        let mut entries = Vec::new();
        for unit in call.phase(Phase::Step) {
            let waits = match &unit.needs {
                Needs::Earlier => !first,
                Needs::These(needs) => !needs.is_empty(),
            };
            if !waits {
                entries.extend(self.step(at, unit));
            }
            first = false;
        }
        if entries.is_empty() { vec![end] } else { entries }
    }

    /// Where a step or verify of a called runbook stands.
    fn step(&self, at: usize, unit: &Unit) -> Option<UnitIx> {
        let is_step = matches!(unit.phase, Phase::Step | Phase::Verify);
        self.inner[at].get(unit.ix.get()).copied().filter(|_| is_step)
    }
}

#[cfg(test)]
mod tests;
