//! Random plans.

use std::time::Duration;

use runbook_core::action::{Class, Effect};
use runbook_core::digest::Digest;
use runbook_core::effect::UnitIx;
use runbook_core::plan::{FailurePolicy, Fields, Loop, Plan, PlanFate, PlanParts, PlanUndo, PlanUnit, WhenAt};
use runbook_core::runbook::{Needs, Phase, Retry, Risk, Watch};

use crate::rng::Rng;

fn retry(rng: &mut Rng) -> Retry {
    if rng.percent(60) {
        return Retry::NONE;
    }
    let attempts = rng.percent(80).then(|| 1 + u32::try_from(rng.below(3)).unwrap());
    let within = (attempts.is_none() || rng.percent(20)).then(|| Duration::from_secs(5));
    Retry { attempts, pause: Duration::from_millis(rng.next() % 2_000), within, backoff: 1 + u32::try_from(rng.below(2)).unwrap() }
}

fn class(rng: &mut Rng) -> Class {
    let class = rng.pick(&[Class::READ_ONLY, Class::IDEMPOTENT, Class::ONCE, Class::ONCE]);
    Class { interruptible: rng.percent(80), ..class }
}

/// Some digest; which one does not matter here.
fn digest() -> Digest {
    serde_json::from_str("\"spec1:0\"").unwrap()
}

/// A unit with nothing special about it.
pub(crate) fn unit(id: String, phase: Phase) -> PlanUnit {
    PlanUnit {
        spec: digest(),
        id,
        phase,
        title: None,
        action: "sim.act".to_owned(),
        needs: Needs::Earlier,
        uses: Vec::new(),
        idle: false,
        when: None,
        for_each: None,
        timeout: None,
        retry: Retry::NONE,
        repeat: None,
        class: Class::READ_ONLY,
        fate: PlanFate::Nothing,
        on_failure: FailurePolicy::Stop,
        guarded_by: Vec::new(),
        watch: None,
        confirm: false,
        left_out: None,
        fields: Fields::Ready(serde_json::Value::Null),
    }
}

fn undo(rng: &mut Rng) -> PlanUndo {
    PlanUndo {
        title: None,
        action: "sim.undo".to_owned(),
        when: rng.percent(20),
        timeout: None,
        retry: retry(rng),
        class: class(rng),
        spec: digest(),
        fields: Fields::Ready(serde_json::Value::Null),
    }
}

fn fate(rng: &mut Rng, step: usize, steps: &[UnitIx]) -> PlanFate {
    match rng.below(12) {
        0 => PlanFate::Irreversible("why".to_owned()),
        1 => PlanFate::Leaves("what".to_owned()),
        2 if step > 0 => PlanFate::CoveredBy(steps[rng.below(step)]),
        _ => PlanFate::Undo((0..=rng.below(3)).map(|_| undo(rng)).collect()),
    }
}

/// A monitor beside these steps.
fn monitor(id: String, steps: &[UnitIx], rng: &mut Rng) -> PlanUnit {
    let mut unit = PlanUnit { needs: Needs::These(Vec::new()), ..unit(id, Phase::Monitor) };
    let end = |percent, rng: &mut Rng| rng.percent(percent).then(|| steps[rng.below(steps.len())]);
    let (from, until) = (end(40, rng), end(40, rng));
    unit.watch = Some(Watch { from, until, every: Duration::from_secs(1), failures: 1 + u32::try_from(rng.below(3)).unwrap() });
    unit.on_failure = rng.pick(&[FailurePolicy::Continue, FailurePolicy::Stop, FailurePolicy::Rollback]);
    unit.when = rng.percent(20).then_some(WhenAt::Unit);
    unit.left_out = rng.percent(5).then(|| "--skip it".to_owned());
    unit
}

/// Up to three checks, seven steps, two verifies and two monitors, with everything that they can have.
pub(crate) fn plan(rng: &mut Rng) -> Plan {
    let mut parts = PlanParts::new("sim", 1 + u32::try_from(rng.below(4)).unwrap());
    parts.risk = rng.pick(&[Risk::Low, Risk::Medium, Risk::High]);
    let (checks, steps, verifies) = (rng.below(4), 1 + rng.below(7), rng.below(3));
    let parallel = rng.percent(50);
    let phases = std::iter::repeat_n(Phase::Check, checks)
        .chain(std::iter::repeat_n(Phase::Step, steps))
        .chain(std::iter::repeat_n(Phase::Verify, verifies));
    let mut peers: Vec<UnitIx> = Vec::new();
    let mut last = None;
    for (at, phase) in phases.enumerate() {
        if last != Some(phase) {
            peers.clear();
            last = Some(phase);
        }
        let mut unit = unit(format!("u{at}"), phase);
        if parallel && rng.percent(60) {
            let mut needs: Vec<_> = peers.iter().copied().filter(|_| rng.percent(30)).collect();
            needs.dedup();
            unit.needs = Needs::These(needs);
        }
        unit.retry = retry(rng);
        if rng.percent(20) {
            unit.when = Some(WhenAt::Unit);
        }
        if rng.percent(15) {
            unit.for_each = Some(Loop { parallel: u32::try_from(rng.below(3)).unwrap() });
            if unit.when.is_some() && rng.percent(50) {
                unit.when = Some(WhenAt::Item);
            }
        }
        if rng.percent(5) {
            unit.left_out = Some("--skip it".to_owned());
        }
        if phase == Phase::Step {
            unit.class = class(rng);
            if unit.class.effect != Effect::ReadOnly {
                unit.fate = fate(rng, peers.len(), &peers);
            }
            unit.on_failure = rng.pick(&[
                FailurePolicy::Stop,
                FailurePolicy::Stop,
                FailurePolicy::Rollback,
                FailurePolicy::Rollback,
                FailurePolicy::Rollback,
                FailurePolicy::Continue,
                FailurePolicy::Ask,
            ]);
            if rng.percent(15) {
                let pause = Duration::from_millis(rng.next() % 500);
                unit.repeat = Some(Retry { attempts: Some(1 + u32::try_from(rng.below(4)).unwrap()), pause, within: None, backoff: 1 });
            }
            unit.confirm = rng.percent(10);
            if checks > 0 && rng.percent(20) {
                unit.guarded_by = vec![UnitIx(u32::try_from(rng.below(checks)).unwrap())];
            }
        } else {
            if phase == Phase::Verify {
                unit.on_failure = rng.pick(&[FailurePolicy::Stop, FailurePolicy::Rollback, FailurePolicy::Continue]);
            }
            if !peers.is_empty() && rng.percent(20) {
                let used = peers[rng.below(peers.len())];
                unit.uses = vec![used];
                if let Needs::These(needs) = &mut unit.needs
                    && !needs.contains(&used)
                {
                    needs.push(used);
                }
            }
        }
        peers.push(UnitIx(u32::try_from(at).unwrap()));
        parts.units.push(unit);
    }
    let steps: Vec<UnitIx> = (checks..checks + steps).map(|at| UnitIx(u32::try_from(at).unwrap())).collect();
    let watches = if rng.percent(50) { 1 + rng.below(2) } else { 0 };
    parts.units.extend((0..watches).map(|at| monitor(format!("m{at}"), &steps, rng)));
    Plan::new(parts).unwrap()
}
