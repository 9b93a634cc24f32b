//! Questions to people, and what their answers bind.

use super::bench::*;
use crate::action::{FailureKind, Residue};
use crate::plan::{FailurePolicy, PlanParts, PlanUnit};
use crate::record::{Reply, SessionFlags};
use crate::runbook::Risk;

fn risky(flags: SessionFlags) -> Bench {
    let units = vec![check("c"), step("a"), step("b")];
    Bench::with(PlanParts { units, risk: Risk::High, ..PlanParts::new("story", 4) }, flags)
}

/// A risky run that asks whether to start: after its checks and before its first step.
fn asked() -> Bench {
    let mut run = risky(SessionFlags::default());
    assert_eq!(run.decided(), ["start c.check"]);
    run.finds("c.check");
    assert_eq!(run.decided(), ["ask start"]);
    run
}

#[test]
fn a_yes_starts_a_risky_run() {
    let mut run = asked();
    run.says(Reply::Yes);
    assert_eq!(run.decided(), ["start a"]);
}

#[test]
fn a_no_before_the_start_closes_the_run() {
    let mut run = asked();
    run.says(Reply::No);
    assert_eq!(run.decided(), ["write closed Refused", "end Refused"]);
}

#[test]
fn yes_on_the_command_line_is_an_answer_on_the_record() {
    let mut run = risky(SessionFlags { yes: true, ..SessionFlags::default() });
    run.decided();
    run.finds("c.check");
    assert_eq!(run.decided(), ["write asked start, answered start Yes by --yes", "start a"]);
}

#[test]
fn without_anyone_to_ask_the_run_waits() {
    let mut run = asked();
    run.says(Reply::Nobody);
    assert_eq!(run.decided(), ["end WaitingForPerson"]);
    run.resume();
    assert_eq!(run.decided(), ["ask start"]);
}

#[test]
fn a_no_to_a_step_is_a_refusal_as_long_as_nothing_was_changed() {
    let confirmed = PlanUnit { confirm: true, ..step("a") };
    let mut run = Bench::new(vec![confirmed.clone()]);
    assert_eq!(run.decided(), ["ask confirm a"]);
    run.says(Reply::No);
    assert_eq!(run.decided(), ["write ended a: a person said no", "write closed Refused", "end Refused"]);

    let mut run = Bench::new(vec![step("first"), confirmed]);
    run.decided();
    run.changes("first");
    run.decided();
    run.says(Reply::No);
    assert_eq!(run.decided(), ["write ended a: a person said no", "end Failed"]);
}

#[test]
fn an_action_that_needs_a_person_holds_the_run() {
    let mut run = Bench::new(vec![step("console"), step("b")]);
    run.decided();
    run.fails("console", FailureKind::NeedsPerson, Residue::None);
    assert_eq!(run.decided(), ["end WaitingForPerson"]);
    run.resume();
    assert_eq!(run.decided(), ["start console#2"]);
}

#[test]
fn step_by_step_asks_before_each_until_told_to_go_on() {
    let units = vec![step("a"), step("b"), step("c")];
    let flags = SessionFlags { step: true, ..SessionFlags::default() };
    let mut run = Bench::with(PlanParts { units, ..PlanParts::new("story", 4) }, flags);
    assert_eq!(run.decided(), ["ask step a"]);
    run.says(Reply::Yes);
    assert_eq!(run.decided(), ["start a"]);
    run.changes("a");
    assert_eq!(run.decided(), ["ask step b"]);
    run.says(Reply::All);
    assert_eq!(run.decided(), ["start b"]);
    run.changes("b");
    assert_eq!(run.decided(), ["start c"]);
}

#[test]
fn step_by_step_does_not_ask_about_the_end_of_a_called_runbook() {
    let end = PlanUnit { action: "runbook.call".to_owned(), ..step("call") };
    let flags = SessionFlags { step: true, ..SessionFlags::default() };
    let mut run = Bench::with(PlanParts { units: vec![step("call/a"), end], ..PlanParts::new("story", 4) }, flags);
    assert_eq!(run.decided(), ["ask step call/a"]);
    run.says(Reply::Yes);
    assert_eq!(run.decided(), ["start call/a"]);
    run.changes("call/a");
    assert_eq!(run.decided(), ["start call"]);
}

fn asking() -> Bench {
    let units = vec![step("a"), step("b"), step("c")];
    let flags = SessionFlags { on_failure: Some(FailurePolicy::Ask), ..SessionFlags::default() };
    let mut run = Bench::with(PlanParts { units, ..PlanParts::new("story", 4) }, flags);
    run.decided();
    run.changes("a");
    run.decided();
    run.fails("b", FailureKind::Failed, Residue::None);
    assert_eq!(run.decided(), ["ask failed b"]);
    run
}

#[test]
fn a_person_may_have_a_failed_step_repeated() {
    let mut run = asking();
    run.says(Reply::Retry);
    assert_eq!(run.decided(), ["start b#2"]);
}

#[test]
fn a_person_may_go_on_without_a_failed_step() {
    let mut run = asking();
    run.says(Reply::Skip);
    assert_eq!(run.decided(), ["start c"]);
    run.changes("c");
    assert_eq!(run.decided(), ["write closed Done", "end Done"]);
}

#[test]
fn a_person_may_have_everything_rolled_back() {
    let mut run = asking();
    run.says(Reply::RollBack);
    assert_eq!(run.decided(), ["write rollback of 1", "start a.undo0"]);
}

#[test]
fn a_person_may_stop() {
    let mut run = asking();
    run.says(Reply::Stop);
    assert_eq!(run.decided(), ["end Failed"]);
}

#[test]
fn an_answer_that_the_question_does_not_have_is_refused() {
    let mut run = asking();
    let subject = run.view.questions()[0].subject.clone();
    let answered = crate::record::Answered { subject, reply: Reply::Done, by: String::new() };
    let refused = run.try_record(crate::record::Record::Answered(answered));
    assert_eq!(refused.unwrap_err(), "the question has no such answer");
    assert_eq!(run.view.questions().len(), 1);
}
