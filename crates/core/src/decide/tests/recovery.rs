//! What is in doubt: settled, asked, decided.

use super::bench::*;
use crate::action::{CancelKind, Class, FailureKind, Outcome, Residue, Verdict};
use crate::plan::{FailurePolicy, PlanUnit};
use crate::record::{Intent, Reply, SessionFlags};

/// A Once step was running when the session broke off.
fn broken_off() -> Bench {
    let mut run = Bench::new(vec![step("a"), step("b")]);
    run.decided();
    run.resume();
    assert_eq!(run.decided(), ["recover a (Crash)"]);
    run
}

#[test]
fn what_was_done_is_recorded_and_not_repeated() {
    let mut run = broken_off();
    run.recovers("a", done());
    assert_eq!(run.decided(), ["start b"]);
}

#[test]
fn what_was_not_done_is_done() {
    let mut run = broken_off();
    run.recovers("a", Verdict::NotDone);
    assert_eq!(run.decided(), ["start a#2"]);
    assert!(!run.view.unit(crate::effect::UnitIx(1)).unwrap().whole().effect().may_have_changed());
}

#[test]
fn nobody_guesses_about_a_once_action() {
    let mut run = broken_off();
    run.recovers("a", unknown());
    assert_eq!(run.decided(), ["ask in doubt a"]);
    run.says(Reply::NotDone);
    assert_eq!(run.decided(), ["start a#2"]);

    let mut run = broken_off();
    run.recovers("a", Verdict::Partial { why: "half of it".to_owned() });
    run.decided();
    run.says(Reply::Done);
    assert_eq!(run.decided(), ["start b"]);

    let mut run = broken_off();
    run.recovers("a", unknown());
    run.decided();
    run.says(Reply::RollBack);
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);
}

#[test]
fn without_a_person_a_once_action_stays_in_doubt() {
    let mut run = broken_off();
    run.recovers("a", unknown());
    run.decided();
    run.says(Reply::Nobody);
    assert_eq!(run.decided(), ["end NeedsPerson { why: InDoubt }"]);
    run.resume();
    assert_eq!(run.decided(), ["recover a (Crash)"], "another day, another look");
}

#[test]
fn what_may_be_repeated_is_repeated() {
    let mut run = Bench::new(vec![PlanUnit { class: Class::IDEMPOTENT, ..step("a") }]);
    run.decided();
    run.resume();
    assert_eq!(run.decided(), ["recover a (Crash)"], "it may still be working");
    run.recovers("a", unknown());
    assert_eq!(run.decided(), ["start a#2"]);
}

#[test]
fn what_still_works_is_not_repeated_even_where_it_might_be() {
    let mut run = Bench::new(vec![PlanUnit { class: Class::IDEMPOTENT, ..step("a") }]);
    run.decided();
    run.resume();
    run.decided();
    run.still_moves("a");
    assert_eq!(run.decided(), ["ask in doubt a"]);
}

#[test]
fn what_only_read_is_asked_again() {
    let mut run = Bench::new(vec![check("c"), step("a")]);
    run.decided();
    run.resume();
    assert_eq!(run.decided(), ["start c.check#2"]);
}

fn timed_out(policy: FailurePolicy) -> Bench {
    let mut run = Bench::new(vec![PlanUnit { on_failure: policy, ..step("a") }]);
    run.decided();
    run.fails("a", FailureKind::TimedOut, Residue::Unknown);
    assert_eq!(run.decided(), ["recover a (Uncertain)"]);
    run
}

#[test]
fn a_time_out_is_looked_at_before_anything_else() {
    let mut run = timed_out(FailurePolicy::Stop);
    run.recovers("a", done());
    assert_eq!(run.decided(), ["write closed Done", "end Done"]);

    let mut run = timed_out(FailurePolicy::Stop);
    run.recovers("a", Verdict::NotDone);
    assert_eq!(run.decided(), ["end Failed"]);

    let mut run = timed_out(FailurePolicy::Stop);
    run.recovers("a", unknown());
    assert_eq!(run.decided(), ["ask in doubt a"]);
}

#[test]
fn a_time_out_is_rolled_back_once_it_is_at_rest() {
    let mut run = timed_out(FailurePolicy::Rollback);
    run.recovers("a", unknown());
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);

    let mut run = timed_out(FailurePolicy::Rollback);
    run.still_moves("a");
    assert_eq!(run.decided(), ["ask in doubt a"], "it may still change what an undo would put back");
    run.says(Reply::Nobody);
    assert_eq!(run.decided(), ["end NeedsPerson { why: InDoubt }"]);
}

#[test]
fn a_time_out_without_a_trace_is_an_ordinary_failure() {
    let mut run = Bench::new(vec![PlanUnit { retry: retry(2, 1), ..step("a") }]);
    run.decided();
    run.fails("a", FailureKind::TimedOut, Residue::None);
    assert_eq!(run.decided(), ["write retry a#2 after 1s", "wake a#2 after 1s"]);
}

#[test]
fn a_once_action_is_looked_at_before_it_is_repeated() {
    let with_budget = || PlanUnit { retry: retry(2, 1), ..step("a") };
    let mut run = Bench::new(vec![with_budget()]);
    run.decided();
    run.fails("a", FailureKind::Failed, Residue::Unknown);
    assert_eq!(run.decided(), ["recover a (Retry)"]);
    run.recovers("a", Verdict::NotDone);
    assert_eq!(run.decided(), ["write retry a#2 after 1s", "wake a#2 after 1s"]);

    let mut run = Bench::new(vec![with_budget()]);
    run.decided();
    run.fails("a", FailureKind::Failed, Residue::Unknown);
    run.decided();
    run.recovers("a", unknown());
    assert_eq!(run.decided(), ["end Failed"]);
    run.resume();
    assert_eq!(run.decided(), ["recover a (Resume)"]);
    run.recovers("a", unknown());
    assert_eq!(run.decided(), ["ask in doubt a"]);
}

#[test]
fn what_a_stop_cut_short_is_looked_at_by_the_next_session() {
    let mut run = Bench::new(vec![step("a")]);
    run.decided();
    run.signal(CancelKind::Graceful);
    run.decided();
    run.ends("a", Outcome::Cancelled { residue: Residue::Unknown });
    assert_eq!(run.decided(), ["end Stopped { signal: 2 }"]);
    run.resume();
    assert_eq!(run.decided(), ["recover a (Cancelled)"]);
}

#[test]
fn a_stop_ends_a_recovery_too() {
    let mut run = broken_off();
    run.signal(CancelKind::Graceful);
    assert_eq!(run.decided(), ["cancel a Graceful"]);
    run.still_moves("a");
    assert_eq!(run.decided(), ["end Stopped { signal: 2 }"]);
    run.resume();
    assert_eq!(run.decided(), ["recover a (Crash)"], "nothing was seen of it");
}

#[test]
fn a_requested_rollback_looks_first_and_asks_nobody_about_what_is_at_rest() {
    let mut run = Bench::new(vec![step("a"), step("b")]);
    run.decided();
    run.changes("a");
    run.decided();
    run.session(Intent::RollBack, SessionFlags::default());
    assert_eq!(run.decided(), ["recover b (Crash)"]);
    run.recovers("b", unknown());
    assert_eq!(run.decided(), ["write rollback of 2", "start b.undo0"]);
}
