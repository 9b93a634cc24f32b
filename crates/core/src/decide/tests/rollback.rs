//! Undoing.

use super::bench::*;
use crate::action::{Class, FailureKind, Residue};
use crate::effect::UnitIx;
use crate::plan::{FailurePolicy, PlanFate, PlanUndo, PlanUnit};
use crate::record::{Intent, RunEnd, SessionFlags};

fn back(id: &str) -> PlanUnit {
    PlanUnit { on_failure: FailurePolicy::Rollback, ..step(id) }
}

/// Steps that all change something, the last of which fails and may have.
fn failed_at_last(units: Vec<PlanUnit>) -> Bench {
    let ids: Vec<_> = units.iter().map(|unit| unit.id.clone()).collect();
    let mut run = Bench::new(units);
    let (last, others) = ids.split_last().unwrap();
    for id in others {
        run.decided();
        run.changes(id);
    }
    run.decided();
    run.fails(last, FailureKind::Failed, Residue::Partial);
    run
}

#[test]
fn everything_that_was_begun_is_undone_in_reverse() {
    let two = PlanUnit { fate: PlanFate::Undo(vec![undo(), undo()]), ..back("b") };
    let mut run = failed_at_last(vec![back("a"), two, back("c")]);
    assert_eq!(run.decided(), ["write rollback of 3", "start c.undo0"]);
    run.changes("c.undo0");
    assert_eq!(run.decided(), ["start b.undo0"]);
    run.changes("b.undo0");
    assert_eq!(run.decided(), ["start b.undo1"]);
    run.finds("b.undo1");
    assert_eq!(run.decided(), ["start a.undo0"]);
    run.changes("a.undo0");
    assert_eq!(run.decided(), ["write closed RolledBack", "end RolledBack"]);
    assert!(!run.view.has_changes());
}

#[test]
fn what_changed_nothing_and_what_stays_are_not_undone() {
    let stays = PlanUnit { fate: PlanFate::Leaves("an image".to_owned()), ..back("b") };
    let mut run = Bench::new(vec![back("a"), stays, back("c")]);
    run.decided();
    run.finds("a");
    run.decided();
    run.changes("b");
    run.decided();
    run.fails("c", FailureKind::Conflict, Residue::None);
    assert_eq!(run.decided(), ["write rollback of 0", "write closed RolledBack", "end RolledBack"]);
}

#[test]
fn nothing_before_a_barrier_is_undone() {
    let barrier = PlanUnit { fate: PlanFate::Irreversible("it is gone".to_owned()), ..back("b") };
    let mut run = failed_at_last(vec![back("a"), barrier, back("c"), back("d")]);
    assert_eq!(run.decided(), ["write rollback of 2 to b", "start d.undo0"]);
    run.changes("d.undo0");
    run.decided();
    run.changes("c.undo0");
    assert_eq!(run.decided(), ["end NeedsPerson { why: Barrier }"]);
    run.resume();
    assert_eq!(run.decided(), ["end NeedsPerson { why: Barrier }"], "and nothing else can be done");
}

#[test]
fn a_barrier_that_changed_nothing_is_none() {
    let barrier = PlanUnit { fate: PlanFate::Irreversible("it would be gone".to_owned()), ..back("b") };
    let mut run = Bench::new(vec![back("a"), barrier]);
    run.decided();
    run.changes("a");
    run.decided();
    run.fails("b", FailureKind::Denied, Residue::None);
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);
}

#[test]
fn a_covered_change_is_undone_by_what_covers_it_even_if_that_changed_nothing() {
    let covered = PlanUnit { fate: PlanFate::CoveredBy(UnitIx(0)), ..back("b") };
    let mut run = Bench::new(vec![back("a"), covered, back("c")]);
    run.decided();
    run.finds("a");
    run.decided();
    run.changes("b");
    run.decided();
    run.fails("c", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);
}

#[test]
fn an_undo_is_skipped_or_repeated_as_it_says() {
    let some = PlanUndo { when: true, retry: retry(2, 1), ..undo() };
    let a = PlanUnit { fate: PlanFate::Undo(vec![some.clone(), some]), ..back("a") };
    let mut run = failed_at_last(vec![a]);
    assert_eq!(run.decided(), ["write rollback of 1", "admit a.undo0"]);
    run.does_not_hold("a.undo0");
    assert_eq!(run.decided(), ["admit a.undo1"]);
    run.holds("a.undo1");
    assert_eq!(run.decided(), ["start a.undo1"]);
    run.fails("a.undo1", FailureKind::Failed, Residue::Unknown);
    assert_eq!(run.decided(), ["write retry a.undo1#2 after 1s", "wake a.undo1#2 after 1s"]);
    run.fires("a.undo1");
    assert_eq!(run.decided(), ["start a.undo1#2"]);
    run.changes("a.undo1");
    assert_eq!(run.decided(), ["write closed RolledBack", "end RolledBack"]);
}

#[test]
fn an_undo_that_fails_is_stuck_and_resuming_tries_it_again() {
    let mut run = failed_at_last(vec![back("a"), back("b")]);
    run.decided();
    run.fails("b.undo0", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), ["end NeedsPerson { why: Stuck }"]);
    run.resume();
    assert_eq!(run.decided(), ["start b.undo0#2"]);
    run.changes("b.undo0");
    assert_eq!(run.decided(), ["start a.undo0"]);
}

#[test]
fn a_crash_inside_an_undo_is_looked_at() {
    let once = PlanUndo { class: Class::ONCE, ..undo() };
    let a = PlanUnit { fate: PlanFate::Undo(vec![undo(), once]), ..back("a") };
    let mut run = failed_at_last(vec![a]);
    run.decided();
    run.changes("a.undo0");
    assert_eq!(run.decided(), ["start a.undo1"]);
    run.resume();
    assert_eq!(run.decided(), ["recover a.undo1 (Crash)"]);
    run.recovers("a.undo1", unknown());
    assert_eq!(run.decided(), ["ask in doubt a.undo1"]);
    run.says(crate::record::Reply::Done);
    assert_eq!(run.decided(), ["write closed RolledBack", "end RolledBack"]);
}

#[test]
fn a_finished_run_can_be_rolled_back_on_another_day_and_only_once() {
    let mut run = Bench::new(vec![step("a"), step("b")]);
    run.decided();
    run.changes("a");
    run.decided();
    run.changes("b");
    assert_eq!(run.decided(), ["write closed Done", "end Done"]);
    run.session(Intent::RollBack, SessionFlags::default());
    assert_eq!(run.decided(), ["write rollback of 2", "start b.undo0"]);
    run.changes("b.undo0");
    run.decided();
    run.changes("a.undo0");
    assert_eq!(run.decided(), ["write closed RolledBack", "end RolledBack"]);
    assert_eq!(run.view.closed().unwrap().end, RunEnd::RolledBack);
}

#[test]
fn the_operator_decides_instead_of_the_author_but_not_where_a_failure_may_pass() {
    let flags = SessionFlags { on_failure: Some(FailurePolicy::Rollback), ..SessionFlags::default() };
    let passing = PlanUnit { on_failure: FailurePolicy::Continue, ..step("a") };
    let parts = crate::plan::PlanParts { units: vec![passing, step("b")], ..crate::plan::PlanParts::new("story", 4) };
    let mut run = Bench::with(parts, flags);
    run.decided();
    run.fails("a", FailureKind::Failed, Residue::Partial);
    assert_eq!(run.decided(), ["start b"]);
    run.fails("b", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);
}

#[test]
fn an_undo_sees_what_was_found_before_the_first_change() {
    use crate::action::Before;
    use crate::record::{Record, Started};
    let mut run = Bench::new(vec![PlanUnit { class: Class::IDEMPOTENT, retry: retry(3, 0), ..step("a") }]);
    let begins = |run: &mut Bench, found: &str| {
        let mut effect = run.effect("a");
        effect.attempt += 1;
        let before = Before([("found".to_owned(), found.into())].into_iter().collect());
        let (action, spec, render) = ("a.b".to_owned(), digest(), digest());
        let class = Class::IDEMPOTENT;
        let fields = serde_json::Value::Null;
        run.record(Record::Started(Box::new(Started {
            effect,
            action,
            spec,
            render,
            class,
            fields,
            before,
            undo: Vec::new(),
            sealed: Vec::new(),
        })));
    };
    let origin = |run: &Bench| run.view.unit(UnitIx(0)).unwrap().whole().effect().report().unwrap().origin.0["found"].clone();
    let again = |run: &mut Bench, residue| {
        run.fails("a", FailureKind::Failed, residue);
        let mut effect = run.effect("a");
        effect.attempt += 1;
        let after = std::time::Duration::ZERO;
        run.record(Record::RetryScheduled(crate::record::RetryScheduled { effect, after }));
        run.fires("a");
    };
    begins(&mut run, "1");
    again(&mut run, Residue::None);
    begins(&mut run, "2");
    assert_eq!(origin(&run), "2", "the first attempt changed nothing");
    again(&mut run, Residue::Partial);
    begins(&mut run, "3");
    assert_eq!(origin(&run), "2", "the second did");
}
