//! Killed at every moment, and gone on with: the same end, and nothing that may not be repeated is repeated.

use runbook_core::record::{Intent, RunEnd};

use super::bench::{Bench, Ran};

const FORWARDS: &str = r#"
    [[check]]
    id = "c"
    try.look = { name = "c", value = "x" }
    [[step]]
    id = "a"
    try.once = { name = "a", truth = "honest", found = "running", value = "from a" }
    undo = [{ try.again = { name = "undo a" } }]
    [[step]]
    id = "b"
    needs = ["a"]
    try.again = { name = "b after {{steps.a.value}}", takes = 3, capturing = 1, truth = "honest" }
    undo = [{ try.again = { name = "undo b" } }]
    [[step]]
    id = "c2"
    needs = ["a"]
    try.once = { name = "c2", truth = "honest" }
    undo = [{ try.again = { name = "undo c2" } }]
    [[step]]
    id = "d"
    when = 'eq steps.a.value "from a"'
    try.once = { name = "d", truth = "honest" }
    undo = [{ try.again = { name = "undo d" } }]
    [[verify]]
    id = "v"
    try.look = { name = "v" }
"#;

const BACKWARDS: &str = r#"
    on_failure = "rollback"
    [[step]]
    id = "a"
    try.once = { name = "a", truth = "honest", found = "running" }
    undo = [{ try.again = { name = "undo a, {{before.found}}", takes = 2 } }, { try.again = { name = "undo a again" } }]
    [[step]]
    id = "b"
    try.once = { name = "b", truth = "honest" }
    undo = [{ try.again = { name = "undo b" } }]
    [[step]]
    id = "fails"
    try.once = { name = "fails", fails = 9, residue = "none", hopeless = true, truth = "not_done" }
    undo = [{ try.again = { name = "undo fails" } }]
"#;

/// How often each deed was done.
fn count(log: &[String], name: &str) -> usize {
    log.iter().filter(|text| *text == name).count()
}

/// Kills a run at its n-th wait for every n, and goes on with it.
async fn at_every_moment(text: &str, intent: Intent, check: impl Fn(&Ran, &[String], &str)) {
    let mut moments = 0;
    for at_once in [true, false] {
        for nth in 1.. {
            let mut bench = Bench::new();
            if !bench.killed(text, nth, at_once).await {
                break;
            }
            moments += 1;
            let ran = bench.go_on(text, intent).await;
            let log = bench.world.log();
            let moment = format!("killed at wait {nth} (at once: {at_once}): {log:#?}\n{}", ran.journal);
            check(&ran, &log, &moment);
        }
    }
    assert!(moments > 10, "{moments}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_is_done_in_the_end_and_nothing_twice() {
    at_every_moment(FORWARDS, Intent::GoOn, |ran, log, moment| {
        assert_eq!(ran.end, RunEnd::Done, "{moment}");
        for once in ["a", "c2", "d"] {
            assert_eq!(count(log, once), 1, "{once}, {moment}");
        }
        assert!(count(log, "b after from a") >= 1, "{moment}");
        let at = |name: &str| log.iter().rposition(|text| text == name);
        assert!(at("a") < at("b after from a") && at("b after from a ended") < at("d") && at("d") < at("v"), "{moment}");
        assert!(!log.iter().any(|text| text.starts_with("undo")), "{moment}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_killed_is_complete_in_the_end() {
    at_every_moment(BACKWARDS, Intent::GoOn, |ran, log, moment| {
        assert_eq!(ran.end, RunEnd::RolledBack, "{moment}");
        for once in ["a", "b"] {
            assert_eq!(count(log, once), 1, "{once}, {moment}");
        }
        let at = |name: &str| log.iter().rposition(|text| text == name).unwrap_or_else(|| panic!("no {name}, {moment}"));
        assert!(at("undo b") < at("undo a, running") && at("undo a, running ended") < at("undo a again"), "{moment}");
        assert_eq!(count(log, "undo fails"), 0, "{moment}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_can_be_undone_instead() {
    at_every_moment(FORWARDS, Intent::RollBack, |ran, log, moment| {
        assert_eq!(ran.end, RunEnd::RolledBack, "{moment}");
        for (done, undo) in [("a", "undo a"), ("b after from a", "undo b"), ("c2", "undo c2"), ("d", "undo d")] {
            assert_eq!(count(log, undo), usize::from(count(log, done) > 0), "{undo}, {moment}");
        }
    })
    .await;
}
