use std::sync::Arc;
use std::time::Duration;

use runbook_core::record::{PersonNeeded, Record, Reply, RunEnd};

use super::bench::{Bench, Person};

fn person(answers: impl IntoIterator<Item = Reply>) -> Arc<Person> {
    Arc::new(Person::saying(answers))
}

const CONFIRM: &str = r#"
    [[step]]
    id = "a"
    confirm = "really?"
    try.once = { name = "a" }
    leaves = "x"
"#;

#[tokio::test(start_paused = true)]
async fn a_step_asks_before_it_begins() {
    let mut bench = Bench::new();
    bench.person = person([Reply::Yes]);
    let ran = bench.run(CONFIRM).await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(bench.person.asked(), ["confirm a: really?"]);
    let kinds: Vec<_> = ran
        .records
        .iter()
        .filter_map(|stamped| match &stamped.record {
            Record::Asked(_) => Some("asked"),
            Record::Answered(_) => Some("answered"),
            Record::Started(_) => Some("started"),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["asked", "answered", "started"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_to_ask_ends_the_session_and_not_the_run() {
    let mut bench = Bench::new();
    let ran = bench.run(CONFIRM).await;
    assert_eq!(ran.end, RunEnd::WaitingForPerson);
    assert!(bench.world.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_no_before_anything_was_changed_is_a_refusal() {
    let mut bench = Bench::new();
    bench.person = person([Reply::No]);
    let ran = bench.run(&format!("risk = \"high\"\n{CONFIRM}")).await;
    assert_eq!(ran.end, RunEnd::Refused);
    assert_eq!(bench.person.asked(), ["start"]);

    // Also where a failure would be rolled back: there is nothing to take back.
    let mut bench = Bench::new();
    bench.person = person([Reply::No]);
    let ran = bench.run(&format!("on_failure = \"rollback\"\n{CONFIRM}")).await;
    assert_eq!(ran.end, RunEnd::Refused);
}

#[tokio::test(start_paused = true)]
async fn yes_on_the_command_line_answers_the_start_and_nothing_else() {
    let mut bench = Bench::new();
    bench.flags.yes = true;
    let ran = bench.run(&format!("risk = \"high\"\n{CONFIRM}")).await;
    assert_eq!(ran.end, RunEnd::WaitingForPerson);
    assert_eq!(bench.person.asked(), ["confirm a: really?"]);
}

#[tokio::test(start_paused = true)]
async fn an_actions_own_question_is_recorded_before_it_is_shown() {
    let mut bench = Bench::new();
    bench.person = person([Reply::Text(Some("blue".into()))]);
    let ran = bench.run("[[step]]\nid = \"a\"\ntry.once = { name = \"a\", asks = \"which colour?\" }\nleaves = \"x\"\n").await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(bench.person.asked(), ["a: which colour?"]);
    assert_eq!(bench.world.log(), ["a heard blue", "a"]);
}

#[tokio::test(start_paused = true)]
async fn an_open_question_is_taken_back_by_a_stop() {
    let mut bench = Bench::new();
    bench.person = Arc::new(Person::saying([Reply::Yes]).slowly(Duration::from_secs(1000)));
    let stop = bench.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        stop.stop(2);
    });
    let ran = bench.run(CONFIRM).await;
    assert_eq!(ran.end, RunEnd::Stopped { signal: 2 });
    assert!(bench.world.log().is_empty());
    assert!(!ran.records.iter().any(|stamped| matches!(stamped.record, Record::Answered(_))), "nobody answered");
}

#[tokio::test(start_paused = true)]
async fn an_actions_own_question_is_taken_back_by_a_stop() {
    let mut bench = Bench::new();
    bench.person = Arc::new(Person::saying([Reply::Yes]).slowly(Duration::from_secs(1000)));
    let stop = bench.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        stop.stop(2);
    });
    let ran = bench.run("[[step]]\nid = \"a\"\ntry.once = { name = \"a\", asks = \"done?\" }\nleaves = \"x\"\n").await;
    assert_eq!(ran.end, RunEnd::Stopped { signal: 2 });
    assert_eq!(bench.world.timed(), [(10, "a not answered".to_owned())]);
    let answers = ran.records.iter().filter_map(|stamped| match &stamped.record {
        Record::Answered(answered) => Some(answered.reply.clone()),
        _ => None,
    });
    assert_eq!(answers.collect::<Vec<_>>(), [Reply::Withdrawn]);
}

#[tokio::test(start_paused = true)]
async fn an_actions_own_question_is_taken_back_when_its_time_is_over() {
    let mut bench = Bench::new();
    bench.person = Arc::new(Person::saying([Reply::Yes]).slowly(Duration::from_secs(1000)));
    let text = "[[step]]\nid = \"a\"\ntimeout = \"5s\"\ntry.once = { name = \"a\", asks = \"done?\" }\nleaves = \"x\"\n";
    let ran = bench.run(text).await;
    assert_eq!(ran.end, RunEnd::Failed);
    assert_eq!(bench.world.timed(), [(5, "a not answered".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_person_decides_what_the_world_does_not_tell() {
    let mut bench = Bench::new();
    bench.person = person([Reply::Done]);
    let text = r#"
        [[step]]
        id = "a"
        timeout = "5s"
        try.once = { name = "a", takes = 100 }
        leaves = "x"
        [[step]]
        id = "b"
        try.once = { name = "b" }
        leaves = "x"
    "#;
    let ran = bench.run(text).await;
    assert_eq!(bench.person.asked(), ["in doubt a"], "{}", ran.journal);
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(bench.world.log(), ["a", "a cancelled", "a settled", "a probed", "b"]);

    let mut bench = Bench::new();
    let ran = bench.run(text).await;
    assert_eq!(ran.end, RunEnd::NeedsPerson { why: PersonNeeded::InDoubt });
}

#[tokio::test(start_paused = true)]
async fn a_person_is_asked_again_until_the_proof_holds() {
    let mut bench = Bench::new();
    bench.person = person([Reply::Yes, Reply::Yes, Reply::Yes]);
    let text = r#"
        [[step]]
        id = "console"
        try.once = { name = "told", asks = "done?", proof = { try.look = { name = "read back" }, expect = ["ge count 3"] } }
        leaves = "x"
    "#;
    let ran = bench.run(text).await;
    assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
    assert_eq!(bench.world.log(), ["told", "read back", "told", "read back", "told", "read back"]);
    assert_eq!(bench.person.asked().len(), 3);
    let line = |count: u32| format!("the proof does not hold yet: `ge count 3` does not hold: `count` is {count}\n");
    assert_eq!(ran.output, line(1) + &line(2));

    let mut bench = Bench::new();
    bench.person = person([Reply::Yes, Reply::No]);
    let ran = bench.run(text).await;
    assert_eq!(ran.end, RunEnd::Failed, "a person who says no is not asked for ever");
}
