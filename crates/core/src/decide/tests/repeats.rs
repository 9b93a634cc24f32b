//! `repeat_until`: work in batches, each an attempt of its own.

use std::time::Duration;

use super::bench::*;
use crate::action::{FailureKind, Outcome, Residue, Verdict};
use crate::effect::UnitIx;
use crate::plan::{FailurePolicy, PlanUnit};
use crate::record::Reply;
use crate::runbook::Retry;

fn batches(times: u32, pause_s: u64) -> PlanUnit {
    let bounds = Retry { attempts: Some(times), pause: Duration::from_secs(pause_s), within: None, backoff: 1 };
    PlanUnit { repeat: Some(bounds), ..step("a") }
}

/// The first batch was done, and more is to come.
fn after_one(unit: PlanUnit) -> Bench {
    let mut run = Bench::new(vec![unit, step("b")]);
    assert_eq!(run.decided(), ["start a"]);
    run.repeats("a", false);
    run
}

fn times(run: &Bench) -> u32 {
    run.view.unit(UnitIx(0)).unwrap().whole().effect().iterations()
}

#[test]
fn it_is_done_again_until_it_is_enough_and_then_the_next_comes() {
    let mut run = after_one(batches(5, 2));
    assert_eq!(run.decided(), ["write retry a#2 after 2s", "wake a#2 after 2s"]);
    run.fires("a");
    assert_eq!(run.decided(), ["start a#2"]);
    run.repeats("a", true);
    assert_eq!(run.decided(), ["start b"]);
    assert_eq!(times(&run), 2);
}

#[test]
fn too_many_times_are_a_failure_and_all_of_them_are_undone_once() {
    let mut run = after_one(PlanUnit { on_failure: FailurePolicy::Rollback, ..batches(2, 0) });
    run.decided();
    run.fires("a");
    run.decided();
    run.repeats("a", false);
    let report = run.view.unit(UnitIx(0)).unwrap().whole().effect().report().unwrap();
    let Some(Outcome::Failed { failure, residue, .. }) = &report.outcome else { panic!("{report:?}") };
    assert_eq!((failure.message.as_str(), *residue), ("its `repeat_until` does not hold after 2 times", Residue::Partial));
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);
    run.changes("a.undo0");
    assert_eq!(run.decided(), ["write closed RolledBack", "end RolledBack"]);
}

#[test]
fn a_crash_between_two_times_goes_on_with_the_next() {
    let mut run = after_one(batches(5, 60));
    run.decided();
    run.resume();
    assert_eq!(run.decided(), ["start a#2"], "nothing is in doubt: the first was done as a whole");
    run.repeats("a", true);
    assert_eq!(run.decided(), ["start b"]);
}

#[test]
fn a_crash_within_one_time_asks_about_that_one() {
    for (verdict, then) in [(Verdict::NotDone, "start a#3"), (unknown(), "ask in doubt a#2")] {
        let mut run = after_one(batches(5, 0));
        run.decided();
        run.fires("a");
        assert_eq!(run.decided(), ["start a#2"]);
        run.resume();
        assert_eq!(run.decided(), ["recover a#2 (Crash)"]);
        run.recovers("a", verdict);
        assert_eq!(run.decided(), [then]);
    }
    let mut run = after_one(batches(5, 0));
    run.decided();
    run.fires("a");
    run.decided();
    run.resume();
    run.decided();
    run.recovers_whole("a", true);
    assert_eq!(run.decided(), ["start b"]);
}

#[test]
fn what_a_person_calls_done_is_done_once_more() {
    let mut run = after_one(batches(5, 0));
    run.decided();
    run.fires("a");
    run.decided();
    run.resume();
    run.decided();
    run.recovers("a", unknown());
    run.decided();
    run.says(Reply::Done);
    assert_eq!(run.decided(), ["write retry a#3 after 0ns", "wake a#3 after 0ns"], "nobody said that it is enough");
}

#[test]
fn a_resume_after_too_many_times_has_a_budget_of_its_own() {
    let mut run = Bench::new(vec![batches(1, 0), step("b")]);
    run.decided();
    run.repeats("a", false);
    assert_eq!(run.decided(), ["end Failed"]);
    run.resume();
    assert_eq!(run.decided(), ["start a#2"], "a Once action, and nothing of it is in doubt");
    run.repeats("a", true);
    assert_eq!(run.decided(), ["start b"]);
}

#[test]
fn a_failure_in_between_has_retries_of_its_own() {
    let mut run = after_one(PlanUnit { retry: retry(2, 1), ..batches(5, 0) });
    run.decided();
    run.fires("a");
    run.decided();
    let mut passing = failed(FailureKind::Unreachable, Residue::None);
    if let Outcome::Failed { failure, .. } = &mut passing {
        failure.retryable = true;
    }
    run.ends("a", passing);
    assert_eq!(run.decided(), ["write retry a#3 after 1s", "wake a#3 after 1s"]);
}
