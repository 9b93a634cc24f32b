use runbook_core::action::{FailureKind, Outcome};
use runbook_core::record::RunEnd;

use super::bench::Bench;

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_again_within_one_effect() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[verify]]
            id = "healthy"
            try.look = { name = "ask" }
            retry = { every = "2s", for = "1m" }
            expect = ["ge count 4"]
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(ran.ended("healthy.verify").tries, 4);
    assert_eq!(bench.world.timed().iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 2, 4, 6]);
    assert_eq!(ran.story(), ["started healthy.verify", "ended healthy.verify"]);
}

#[tokio::test(start_paused = true)]
async fn asking_ends_with_its_budget_and_with_a_failure_that_no_repetition_mends() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[check]]
            id = "never"
            try.look = { name = "never", fails = 100 }
            retry = { every = "10s", for = "30s" }
            [[check]]
            id = "hopeless"
            try.look = { name = "hopeless", fails = 100, hopeless = true }
            retry = { every = "10s", for = "30s" }
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::ChecksFailed);
    assert_eq!(ran.ended("never.check").tries, 4);
    assert_eq!(ran.ended("hopeless.check").tries, 1);
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_step_is_tried_again_as_a_new_attempt() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            try.again = { name = "a", fails = 2, residue = "none" }
            retry = { attempts = 3, every = "5s" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(ran.story(), ["started a", "ended a", "started a#2", "ended a#2", "started a#3", "ended a#3"]);
    assert_eq!(bench.world.timed().iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 5, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_may_not_be_repeated_is_asked_about_first() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            try.once = { name = "a", fails = 1, truth = "not_done" }
            retry = { attempts = 2, every = "5s" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
    assert_eq!(bench.world.log(), ["a", "a settled", "a probed", "a"]);
    assert_eq!(ran.story(), ["started a", "ended a", "recovered a", "started a#2", "ended a#2"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_takes_too_long_is_told_to_end_and_then_forced() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            timeout = "1m"
            try.again = { name = "a", takes = 1000, stubborn = true, residue = "partial" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Failed);
    let Outcome::Failed { failure, .. } = &ran.ended("a").outcome else { panic!() };
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::TimedOut, "it timed out after 1m"));
    assert_eq!(bench.world.timed()[..2], [(0, "a".to_owned()), (90, "a cancelled".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_must_not_be_interrupted_is_waited_for() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            timeout = "1m"
            interrupt = "never"
            try.once = { name = "a", takes = 100 }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(ran.ended("a").warnings, ["it took 40 s longer than its `timeout`, and was waited for"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_repeated_until_it_is_enough() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            try.once = { name = "a" }
            repeat_until = "ge count 3"
            repeat = { every = "5s" }
            leaves = "x"
            [[step]]
            id = "b"
            try.once = { name = "b {{steps.a.iterations}} {{steps.a.count}}" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
    assert_eq!(bench.world.log(), ["a", "a", "a", "b 3 3"]);
    assert_eq!(bench.world.timed().iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 5, 10, 10]);
    assert_eq!(ran.story()[..4], ["started a", "ended a", "started a#2", "ended a#2"]);
}

#[tokio::test(start_paused = true)]
async fn a_repetition_that_nobody_can_end_is_a_failure_at_once() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            try.once = { name = "a" }
            repeat_until = "gt value 3"
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Failed);
    assert_eq!(bench.world.log(), ["a"]);
    let Outcome::Failed { failure, .. } = &ran.ended("a").outcome else { panic!("{}", ran.journal) };
    assert!(failure.message.starts_with("its `repeat_until` cannot be evaluated"), "{}", failure.message);
}
