//! Monitors beside the steps.

use super::bench::*;
use crate::action::{CancelKind, FailureKind, Outcome, Outputs, Residue};
use crate::effect::UnitIx;
use crate::plan::{FailurePolicy, PlanParts, PlanUnit, WhenAt};
use crate::record::{Intent, Reply, SessionFlags, Tally};
use crate::view::EffectKey;

/// Steps `a` and `b`, a verify `v` and a monitor `m`: units 0 to 3.
fn units(window: (Option<u32>, Option<u32>), then: FailurePolicy) -> Vec<PlanUnit> {
    let (from, until) = window;
    let watches = PlanUnit { on_failure: then, ..monitor("m", from.map(UnitIx), until.map(UnitIx)) };
    vec![step("a"), step("b"), verify("v"), watches]
}

fn bench(window: (Option<u32>, Option<u32>), then: FailurePolicy) -> Bench {
    Bench::new(units(window, then))
}

const WHOLE: (Option<u32>, Option<u32>) = (None, None);

fn over() -> Outcome {
    Outcome::unchanged(Outputs::new())
}

fn tripped() -> Outcome {
    failed(FailureKind::Unexpected, Residue::None)
}

#[test]
fn a_monitor_begins_with_the_steps_and_ends_when_all_is_done() {
    let mut run = bench(WHOLE, FailurePolicy::Stop);
    assert_eq!(run.decided(), ["start m.monitor", "start a"]);
    run.changes("a");
    assert_eq!(run.decided(), ["start b"]);
    run.changes("b");
    assert_eq!(run.decided(), ["start v.verify"]);
    run.finds("v.verify");
    assert_eq!(run.decided(), ["cancel m.monitor Kill"]);
    assert_eq!(run.decided(), [""; 0], "it is told once");
    run.ends("m.monitor", over());
    assert_eq!(run.decided(), ["write closed Done", "end Done"]);
}

#[test]
fn it_takes_no_place_from_what_runs_side_by_side() {
    let parts = PlanParts { units: units(WHOLE, FailurePolicy::Stop), ..PlanParts::new("story", 1) };
    let mut run = Bench::with(parts, SessionFlags::default());
    assert_eq!(run.decided(), ["start m.monitor", "start a"]);
}

#[test]
fn its_window_begins_behind_one_step_and_ends_before_another() {
    let mut run = bench((Some(0), None), FailurePolicy::Stop);
    assert_eq!(run.decided(), ["start a"]);
    run.changes("a");
    assert_eq!(run.decided(), ["start m.monitor", "start b"]);

    let mut run = bench((None, Some(1)), FailurePolicy::Stop);
    assert_eq!(run.decided(), ["start m.monitor", "start a"]);
    run.changes("a");
    assert_eq!(run.decided(), ["start b", "cancel m.monitor Kill"], "both before `b` truly runs: that waits for the sync");
    run.ends("m.monitor", over());
    run.changes("b");
    assert_eq!(run.decided(), ["start v.verify"], "it does not come again");
}

#[test]
fn one_that_stops_the_run_lets_what_runs_come_to_its_end() {
    let mut run = bench(WHOLE, FailurePolicy::Stop);
    run.decided();
    run.ends("m.monitor", tripped());
    assert_eq!(run.decided(), [""; 0]);
    run.changes("a");
    assert_eq!(run.decided(), ["end Failed"]);
    run.resume();
    assert_eq!(run.decided(), ["start m.monitor#2", "start b"], "it begins afresh");
}

#[test]
fn one_that_rolls_back_undoes_what_was_begun_and_watches_no_more() {
    let mut run = bench(WHOLE, FailurePolicy::Rollback);
    run.decided();
    run.changes("a");
    assert_eq!(run.decided(), ["start b"]);
    run.ends("m.monitor", tripped());
    run.changes("b");
    assert_eq!(run.decided(), ["write rollback of 2", "start b.undo0"]);
    run.changes("b.undo0");
    run.decided();
    run.changes("a.undo0");
    assert_eq!(run.decided(), ["write closed RolledBack", "end RolledBack"]);
}

#[test]
fn other_monitors_end_before_a_rollback_begins() {
    let mut all = units(WHOLE, FailurePolicy::Rollback);
    all.push(monitor("n", None, None));
    let mut run = Bench::new(all);
    assert_eq!(run.decided(), ["start m.monitor", "start n.monitor", "start a"]);
    run.ends("m.monitor", tripped());
    run.changes("a");
    assert_eq!(run.decided(), ["cancel n.monitor Kill"]);
    run.ends("n.monitor", over());
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);
}

#[test]
fn a_failed_step_ends_the_monitors_as_well() {
    let mut run = bench(WHOLE, FailurePolicy::Continue);
    run.decided();
    run.fails("a", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), ["cancel m.monitor Kill"]);
    run.ends("m.monitor", over());
    assert_eq!(run.decided(), ["end Failed"]);
}

#[test]
fn one_that_only_warns_goes_on_and_its_probes_are_counted_over_sessions() {
    let mut run = bench(WHOLE, FailurePolicy::Continue);
    run.decided();
    run.watches("m.monitor", true, Tally { probes: 5, failed: 2, trips: 1, ..Tally::default() });
    run.changes("a");
    assert_eq!(run.decided(), ["start b"]);
    run.resume();
    run.recovers_after_crash("b");
    run.watches("m.monitor", false, Tally { probes: 2, failed: 1, in_a_row: 1, ..Tally::default() });
    let key = EffectKey::unit(UnitIx(3));
    let watch = run.view.effect(key).unwrap().report().unwrap().watch.clone().unwrap();
    assert_eq!(watch.tally(), Tally { probes: 7, failed: 3, in_a_row: 1, trips: 1, ..Tally::default() });
    assert_eq!(watch.holds, Some(false));
}

#[test]
fn at_a_signal_it_is_told_to_end_at_once() {
    let mut run = bench(WHOLE, FailurePolicy::Stop);
    run.decided();
    run.signal(CancelKind::Graceful);
    assert_eq!(run.decided(), ["cancel m.monitor Kill", "cancel a Graceful"]);
    run.ends("a", Outcome::Cancelled { residue: Residue::None });
    assert_eq!(run.decided(), [""; 0]);
    run.ends("m.monitor", over());
    assert_eq!(run.decided(), ["end Stopped { signal: 2 }"]);
}

#[test]
fn its_when_is_asked_once() {
    let mut all = units(WHOLE, FailurePolicy::Stop);
    all[3].when = Some(WhenAt::Unit);
    let mut run = Bench::new(all.clone());
    assert_eq!(run.decided(), ["admit m.monitor", "start a"]);
    run.does_not_hold("m.monitor");
    run.changes("a");
    assert_eq!(run.decided(), ["start b"]);

    let mut run = Bench::new(all);
    run.decided();
    run.holds("m.monitor");
    assert_eq!(run.decided(), ["start m.monitor"]);
    run.resume();
    assert_eq!(run.decided(), ["recover a (Crash)", "start m.monitor#2"]);
}

#[test]
fn a_person_may_let_it_pass() {
    let flags = SessionFlags { on_failure: Some(FailurePolicy::Ask), ..SessionFlags::default() };
    let parts = PlanParts { units: units(WHOLE, FailurePolicy::Stop), ..PlanParts::new("story", 4) };
    let mut run = Bench::with(parts, flags);
    run.decided();
    run.ends("m.monitor", tripped());
    run.changes("a");
    assert_eq!(run.decided(), ["ask failed m.monitor"]);
    run.says(Reply::Skip);
    assert_eq!(run.decided(), ["start b"]);
}

#[test]
fn nothing_is_watched_in_a_session_that_rolls_back() {
    let mut run = bench(WHOLE, FailurePolicy::Stop);
    run.decided();
    run.changes("a");
    run.session(Intent::RollBack, SessionFlags::default());
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);
}
