//! A stand-in for the planner.

use runbook_core::digest::Digest;
use runbook_core::plan::{Fields, Loop, Plan, PlanFate, PlanParts, PlanUndo, PlanUnit, WhenAt};
use runbook_core::runbook::{Fate, Runbook};

pub(super) fn plan(runbook: &Runbook) -> Plan {
    let mut parts = PlanParts::new(&runbook.name, 4);
    parts.risk = runbook.risk;
    parts.on_failure = runbook.on_failure.into();
    parts.locks = runbook.locks.iter().map(|lock| lock.source().to_owned()).collect();
    let spec = |id: &str| Digest::of_bytes("spec1", id.as_bytes());
    for unit in &runbook.units {
        let fate = match &unit.fate {
            Fate::Nothing => PlanFate::Nothing,
            Fate::Irreversible(why) => PlanFate::Irreversible(why.clone()),
            Fate::Leaves(why) => PlanFate::Leaves(why.clone()),
            Fate::CoveredBy(ix) => PlanFate::CoveredBy(*ix),
            Fate::Undo(steps) => PlanFate::Undo(
                steps
                    .iter()
                    .map(|step| PlanUndo {
                        title: None,
                        action: format!("{}.{}", step.action.executor, step.action.spec.name),
                        when: step.when.is_some(),
                        timeout: step.timeout,
                        retry: step.retry,
                        class: step.class,
                        spec: spec(&unit.id),
                        fields: Fields::Deferred { needs: vec![] },
                    })
                    .collect(),
            ),
        };
        parts.units.push(PlanUnit {
            id: unit.id.clone(),
            phase: unit.phase,
            title: None,
            action: format!("{}.{}", unit.action.executor, unit.action.spec.name),
            needs: unit.needs.clone(),
            uses: Vec::new(),
            when: unit.when.as_ref().map(
                |when| {
                    if when.refs().iter().any(|name| name.path[0] == "item") { WhenAt::Item } else { WhenAt::Unit }
                },
            ),
            for_each: unit.for_each.as_ref().map(|each| Loop { parallel: each.parallel }),
            timeout: unit.timeout,
            retry: unit.retry,
            class: unit.class,
            fate,
            on_failure: unit.on_failure.into(),
            guarded_by: runbook.units.iter().filter(|check| check.guards.contains(&unit.ix)).map(|check| check.ix).collect(),
            confirm: unit.confirm.is_some(),
            left_out: None,
            spec: spec(&unit.id),
            fields: Fields::Deferred { needs: vec![] },
        });
    }
    Plan::new(parts).unwrap()
}
