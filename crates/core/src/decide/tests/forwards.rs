//! Checks, steps and verifies on their way.

use super::bench::*;
use crate::action::{CancelKind, Class, FailureKind, Outcome, Residue};
use crate::effect::UnitIx;
use crate::plan::{FailurePolicy, Loop, PlanParts, PlanUnit, WhenAt};
use crate::record::SessionFlags;
use crate::runbook::{Needs, Retry};
use std::time::Duration;

#[test]
fn a_run_goes_through_its_phases() {
    let mut run = Bench::new(vec![check("c"), step("a"), step("b"), verify("v")]);
    assert_eq!(run.decided(), ["start c.check"]);
    run.finds("c.check");
    assert_eq!(run.decided(), ["start a"]);
    run.changes("a");
    assert_eq!(run.decided(), ["start b"]);
    run.changes("b");
    assert_eq!(run.decided(), ["start v.verify"]);
    run.finds("v.verify");
    assert_eq!(run.decided(), ["write closed Done", "end Done"]);
    assert_eq!(run.decided(), [""; 0]);
}

#[test]
fn all_checks_are_asked_before_a_failed_one_ends_the_run_and_nothing_was_changed() {
    let mut run = Bench::new(vec![check("c"), check("d"), step("a")]);
    assert_eq!(run.decided(), ["start c.check", "start d.check"]);
    run.fails("c.check", FailureKind::Unreachable, Residue::None);
    assert_eq!(run.decided(), [""; 0]);
    run.finds("d.check");
    assert_eq!(run.decided(), ["write closed ChecksFailed", "end ChecksFailed"]);
    assert!(run.view.begun().is_empty());
}

#[test]
fn a_check_that_uses_a_failed_one_is_skipped() {
    let mut uses = check("d");
    uses.uses = vec![UnitIx(0)];
    uses.needs = Needs::These(vec![UnitIx(0)]);
    let mut run = Bench::new(vec![check("c"), uses, step("a")]);
    run.decided();
    run.fails("c.check", FailureKind::Unexpected, Residue::None);
    let said = run.decided();
    assert_eq!(said, ["write skipped d NeedsFailed { needs: \"c\" }", "write closed ChecksFailed", "end ChecksFailed"]);
}

#[test]
fn checks_only_ends_after_them() {
    let parts = PlanParts { units: vec![check("c"), step("a")], ..PlanParts::new("story", 4) };
    let mut run = Bench::with(parts, SessionFlags { checks_only: true, ..SessionFlags::default() });
    run.decided();
    run.finds("c.check");
    assert_eq!(run.decided(), ["write closed ChecksPassed", "end ChecksPassed"]);
}

#[test]
fn what_only_reads_is_polled_within_one_effect() {
    let mut healthy = step("healthy");
    healthy.class = Class::READ_ONLY;
    healthy.retry = retry(30, 2);
    healthy.timeout = Some(Duration::from_secs(5));
    let mut run = Bench::new(vec![healthy]);
    assert_eq!(run.decided(), ["start healthy polling Some(30) within 5s"]);
    run.fails("healthy", FailureKind::Unexpected, Residue::None);
    assert_eq!(run.decided(), ["end Failed"], "the engine has spent the budget");
}

#[test]
fn a_failed_attempt_is_repeated_within_its_budget() {
    let mut a = step("a");
    a.class = Class::IDEMPOTENT;
    a.retry = Retry { backoff: 3, ..retry(3, 10) };
    let mut run = Bench::new(vec![a]);
    run.decided();
    run.fails("a", FailureKind::Failed, Residue::Partial);
    assert_eq!(run.decided(), ["write retry a#2 after 10s", "wake a#2 after 10s"]);
    run.fires("a");
    assert_eq!(run.decided(), ["start a#2"]);
    run.fails("a", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), ["write retry a#3 after 30s", "wake a#3 after 30s"]);
    run.fires("a");
    run.decided();
    run.fails("a", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), ["end Failed"]);
    assert!(run.view.has_changes(), "the first attempt left something");
}

#[test]
fn a_budget_of_time_ends_too() {
    let mut a = step("a");
    a.class = Class::IDEMPOTENT;
    a.retry = Retry { attempts: None, within: Some(Duration::from_mins(1)), ..retry(1, 10) };
    let mut run = Bench::new(vec![a]);
    run.decided();
    run.wait(45);
    run.fails("a", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), ["write retry a#2 after 10s", "wake a#2 after 10s"]);
    run.wait(10);
    run.fires("a");
    run.decided();
    run.fails("a", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), ["end Failed"], "55 s have passed, and the next attempt would begin after 65 s");
}

#[test]
fn what_cannot_work_the_next_time_is_not_repeated() {
    let mut a = step("a");
    a.class = Class::IDEMPOTENT;
    a.retry = retry(3, 1);
    let mut run = Bench::new(vec![a]);
    run.decided();
    run.fails("a", FailureKind::Denied, Residue::None);
    assert_eq!(run.decided(), ["end Failed"]);
}

#[test]
fn steps_with_needs_run_side_by_side_within_the_bound() {
    let free = |id| PlanUnit { needs: Needs::These(Vec::new()), ..step(id) };
    let join = PlanUnit { needs: Needs::These(vec![UnitIx(0), UnitIx(2)]), ..step("join") };
    let units = vec![free("a"), free("b"), free("c"), join, step("last")];
    let mut run = Bench::with(PlanParts { units, ..PlanParts::new("story", 2) }, SessionFlags::default());
    assert_eq!(run.decided(), ["start a", "start b"]);
    run.changes("a");
    assert_eq!(run.decided(), ["start c"]);
    run.changes("c");
    assert_eq!(run.decided(), ["start join"], "`last` waits for all earlier ones");
    run.changes("join");
    assert_eq!(run.decided(), [""; 0]);
    run.changes("b");
    assert_eq!(run.decided(), ["start last"]);
}

#[test]
fn items_are_units_of_their_own() {
    let mut each = step("each");
    each.for_each = Some(Loop { parallel: 2 });
    each.when = Some(WhenAt::Item);
    let mut run = Bench::new(vec![each, step("after")]);
    assert_eq!(run.decided(), ["expand each"]);
    run.expands("each", &["x", "y", "z"]);
    assert_eq!(run.decided(), ["admit each[x]", "admit each[y]"]);
    run.holds("each[x]");
    run.does_not_hold("each[y]");
    assert_eq!(run.decided(), ["start each[x]", "admit each[z]"]);
    run.holds("each[z]");
    assert_eq!(run.decided(), ["start each[z]"]);
    run.changes("each[z]");
    run.changes("each[x]");
    assert_eq!(run.decided(), ["start after"]);
}

#[test]
fn no_items_are_nothing_to_do() {
    let mut each = step("each");
    each.for_each = Some(Loop { parallel: 1 });
    let mut run = Bench::new(vec![each, step("after")]);
    run.decided();
    run.expands("each", &[]);
    assert_eq!(run.decided(), ["start after"]);
}

#[test]
fn a_failure_that_may_pass_is_passed_and_remembered() {
    let a = PlanUnit { on_failure: FailurePolicy::Continue, ..step("a") };
    let mut run = Bench::new(vec![a, step("b")]);
    run.decided();
    run.fails("a", FailureKind::Failed, Residue::Partial);
    assert_eq!(run.decided(), ["start b"]);
    run.changes("b");
    assert_eq!(run.decided(), ["write closed Done", "end Done"]);
    assert_eq!(run.view.passed_failures(), 1);
}

#[test]
fn a_failure_waits_for_what_runs_beside_it() {
    let free = |id| PlanUnit { needs: Needs::These(Vec::new()), ..step(id) };
    let mut run = Bench::new(vec![free("a"), free("b"), step("c")]);
    run.decided();
    run.fails("a", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), [""; 0]);
    run.changes("b");
    assert_eq!(run.decided(), ["end Failed"]);
}

#[test]
fn a_resumed_run_goes_on_at_the_failed_step() {
    let mut run = Bench::new(vec![check("c"), step("a"), step("b")]);
    run.decided();
    run.finds("c.check");
    run.decided();
    run.changes("a");
    run.decided();
    run.fails("b", FailureKind::Conflict, Residue::None);
    assert_eq!(run.decided(), ["end Failed"]);
    run.resume();
    assert_eq!(run.decided(), ["start b#2"]);
    run.changes("b");
    assert_eq!(run.decided(), ["write closed Done", "end Done"]);
}

#[test]
fn what_is_left_out_is_said_to_be() {
    let out = PlanUnit { left_out: Some("--from b".to_owned()), ..step("a") };
    let mut run = Bench::new(vec![out, step("b")]);
    assert_eq!(run.decided(), ["write skipped a NotSelected { option: \"--from b\" }", "start b"]);
}

#[test]
fn a_guard_is_asked_again_once_something_was_changed() {
    let guarded = PlanUnit { guarded_by: vec![UnitIx(0)], ..step("b") };
    let mut run = Bench::new(vec![check("c"), step("a"), guarded]);
    run.decided();
    run.finds("c.check");
    run.decided();
    run.changes("a");
    assert_eq!(run.decided(), ["start c.check#2"]);
    run.finds("c.check");
    assert_eq!(run.decided(), ["start b"]);
}

#[test]
fn a_guard_with_a_fresh_answer_is_not_asked_again_but_with_an_old_one_it_is() {
    let guarded = PlanUnit { guarded_by: vec![UnitIx(0)], ..step("a") };
    let mut run = Bench::new(vec![check("c"), guarded.clone()]);
    run.decided();
    run.finds("c.check");
    assert_eq!(run.decided(), ["start a"]);

    let mut run = Bench::new(vec![check("c"), PlanUnit { confirm: true, ..guarded }]);
    run.decided();
    run.finds("c.check");
    assert_eq!(run.decided(), ["ask confirm a"]);
    run.wait(600);
    run.says(crate::record::Reply::Yes);
    assert_eq!(run.decided(), ["start c.check#2"]);
}

#[test]
fn a_guard_that_does_not_hold_any_more_keeps_its_step_from_beginning() {
    let guarded = PlanUnit { guarded_by: vec![UnitIx(0)], ..step("b") };
    let mut run = Bench::new(vec![check("c"), step("a"), guarded]);
    run.decided();
    run.finds("c.check");
    run.decided();
    run.changes("a");
    run.decided();
    run.fails("c.check", FailureKind::Unexpected, Residue::None);
    let said = ["write ended b: the check `c`, which guards this step, does not hold any more", "end Failed"];
    assert_eq!(run.decided(), said);
    run.resume();
    assert_eq!(run.decided(), ["start c.check#3"], "a resumed run asks again");
}

#[test]
fn a_stop_cancels_what_may_be_ended_and_leaves_a_run_that_can_be_resumed() {
    let mut run = Bench::new(vec![step("a"), step("b")]);
    run.decided();
    run.signal(CancelKind::Graceful);
    assert_eq!(run.decided(), ["cancel a Graceful"]);
    run.signal(CancelKind::Kill);
    assert_eq!(run.decided(), ["cancel a Kill"]);
    run.ends("a", Outcome::Cancelled { residue: Residue::None });
    assert_eq!(run.decided(), ["end Stopped { signal: 2 }"]);
    run.resume();
    assert_eq!(run.decided(), ["start a#2"]);
}

#[test]
fn a_stop_waits_for_what_may_not_be_ended() {
    let mut a = step("a");
    a.class.interruptible = false;
    let mut run = Bench::new(vec![a]);
    run.decided();
    run.signal(CancelKind::Graceful);
    run.signal(CancelKind::Kill);
    assert_eq!(run.decided(), [""; 0]);
    run.changes("a");
    assert_eq!(run.decided(), ["write closed Done", "end Done"], "nothing was left to do");
}

#[test]
fn all_verifies_are_asked_before_a_failed_one_counts() {
    let back = PlanUnit { on_failure: FailurePolicy::Rollback, ..verify("v") };
    let mut run = Bench::new(vec![step("a"), back, verify("w")]);
    run.decided();
    run.changes("a");
    assert_eq!(run.decided(), ["start v.verify", "start w.verify"]);
    run.fails("v.verify", FailureKind::Unexpected, Residue::None);
    assert_eq!(run.decided(), [""; 0]);
    run.finds("w.verify");
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);
}
