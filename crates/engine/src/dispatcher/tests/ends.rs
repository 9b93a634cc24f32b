use runbook_core::action::{FailureKind, Outcome, Residue};
use runbook_core::record::RunEnd;

use super::bench::Bench;

#[tokio::test(start_paused = true)]
async fn all_checks_are_reported_together_and_nothing_is_changed() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[check]]
            id = "c1"
            try.look = { name = "c1", value = "17" }
            expect = ['eq value "18"', 'eq count 1']
            [[check]]
            id = "c2"
            try.look = { name = "c2", fails = 1 }
            [[check]]
            id = "c3"
            try.look = { name = "c3" }
            [[step]]
            id = "s"
            try.once = { name = "s" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::ChecksFailed);
    assert_eq!(bench.world.log().len(), 3);
    let c1 = ran.ended("c1.check");
    let Outcome::Failed { failure, .. } = &c1.outcome else { panic!("{c1:?}") };
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Unexpected, "`eq value \"18\"` does not hold"));
    assert_eq!(c1.expectations[0].actuals, [("value".to_owned(), "17".into())]);
    assert!(c1.expectations[1].holds);
    let Outcome::Failed { failure, .. } = &ran.ended("c2.check").outcome else { panic!() };
    assert_eq!(failure.field.as_deref(), Some("name"), "a failure points into the runbook");
    assert!(matches!(ran.ended("c3.check").outcome, Outcome::Succeeded { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_stops_the_run_there() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            try.once = { name = "a", fails = 1 }
            leaves = "x"
            [[step]]
            id = "b"
            try.once = { name = "b" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Failed);
    assert_eq!(bench.world.log(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_warning_fails_nothing() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            try.once = { name = "a", value = "137" }
            warn = ['ne value "137"']
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    let expectation = &ran.ended("a").expectations[0];
    assert!(expectation.warning && !expectation.holds);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_shows_at_run_time_fails_before_anything_is_done() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            try.once = { name = "a", value = "many" }
            leaves = "x"
            [[step]]
            id = "b"
            try.once = { name = "b", takes = "{{steps.a.value}}" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Failed);
    let b = ran.ended("b");
    assert_eq!(b.tries, 0);
    let Outcome::Failed { failure, residue, .. } = &b.outcome else { panic!("{b:?}") };
    assert_eq!((failure.kind, failure.field.as_deref(), *residue), (FailureKind::Invalid, Some("takes"), Residue::None));
}

#[tokio::test(start_paused = true)]
async fn an_action_that_panics_is_a_failure_that_left_nobody_knows_what() {
    let mut bench = Bench::new();
    let ran = bench.run("[[step]]\nid = \"a\"\ntry.once = { name = \"a\", panics = true }\nleaves = \"x\"\n").await;
    let Outcome::Failed { failure, residue, .. } = &ran.ended("a").outcome else { panic!() };
    assert_eq!((failure.kind, *residue), (FailureKind::Internal, Residue::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_secret_reaches_the_action_and_nothing_else() {
    let mut bench = Bench::new();
    bench.vars = vec![("password", "s3cr3t-word")];
    let ran = bench
        .run(
            r#"
            [vars.password]
            type = "string"
            secret = true
            description = "x"
            [[step]]
            id = "a"
            try.once = { name = "a", prints = "it is {{vars.password}}", value = "got {{vars.password}}", hidden = "nwonk reven" }
            leaves = "x"
            [[step]]
            id = "b"
            try.once = { name = "b", prints = "{{steps.a.hidden}}" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(ran.output, "it is ‹vars.password›‹steps.a.hidden›");
    let kept = std::fs::read_to_string(ran.run.path().join("output/a.log")).unwrap();
    assert_eq!(kept, "it is ‹vars.password›");
    for secret in ["s3cr3t-word", "never known"] {
        assert!(!ran.journal.contains(secret), "{}", ran.journal);
    }
    let Outcome::Succeeded { outputs, .. } = &ran.ended("a").outcome else { panic!() };
    assert_eq!(outputs["value"], "got ‹vars.password›");
    assert!(outputs["hidden"].as_str().unwrap().starts_with("‹steps.a.hidden› hmac-sha256:"), "{outputs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_large_result_goes_beside_the_journal_and_still_reaches_later_steps() {
    let mut bench = Bench::new();
    let long: &'static str = "x".repeat(70_000).leak();
    bench.vars = vec![("long", long)];
    let ran = bench
        .run(
            r#"
            [vars.long]
            type = "string"
            description = "x"
            [[step]]
            id = "a"
            try.once = { name = "a", value = "{{vars.long}}" }
            leaves = "x"
            [[step]]
            id = "b"
            when = 'eq steps.a.value vars.long'
            try.once = { name = "b" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(bench.world.log(), ["a", "b"]);
    let Outcome::Succeeded { outputs, .. } = &ran.ended("a").outcome else { panic!() };
    assert_eq!(outputs["value"]["beside"], "values/a.json");
    assert!(ran.run.path().join("values/a.json").exists());
}
