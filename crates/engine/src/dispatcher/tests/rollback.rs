use runbook_core::record::{PersonNeeded, RunEnd};

use super::bench::Bench;

#[tokio::test(start_paused = true)]
async fn everything_that_was_begun_is_undone_in_reverse_order() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            on_failure = "rollback"
            [[step]]
            id = "a"
            try.once = { name = "a", found = "running" }
            [[step.undo]]
            try.again = { name = "undo a, first; it was {{before.found}}" }
            [[step.undo]]
            try.again = { name = "undo a, second" }
            [[step]]
            id = "b"
            try.once = { name = "b" }
            undo = [{ try.again = { name = "undo b" } }]
            [[step]]
            id = "c"
            try.once = { name = "c", fails = 1 }
            undo = [{ try.again = { name = "undo c" } }]
            [[step]]
            id = "d"
            try.once = { name = "d" }
            undo = [{ try.again = { name = "undo d" } }]
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::RolledBack, "{}", ran.journal);
    assert_eq!(bench.world.log(), ["a", "b", "c", "undo c", "undo b", "undo a, first; it was running", "undo a, second"]);
    assert!(ran.story().contains(&"ended a.undo1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_is_certain_to_have_changed_nothing_is_not_undone() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            on_failure = "rollback"
            [[step]]
            id = "a"
            try.once = { name = "a" }
            undo = [{ try.again = { name = "undo a" } }]
            [[step]]
            id = "b"
            try.once = { name = "b", fails = 1, residue = "none" }
            undo = [{ try.again = { name = "undo b" } }]
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::RolledBack);
    assert_eq!(bench.world.log(), ["a", "b", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_before_a_barrier_is_undone() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            on_failure = "rollback"
            [[step]]
            id = "a"
            try.once = { name = "a" }
            undo = [{ try.again = { name = "undo a" } }]
            [[step]]
            id = "barrier"
            try.once = { name = "barrier" }
            irreversible = "the old data is gone"
            [[step]]
            id = "b"
            try.once = { name = "b" }
            undo = [{ try.again = { name = "undo b" } }]
            [[step]]
            id = "c"
            try.once = { name = "c", fails = 1, residue = "none" }
            undo = [{ try.again = { name = "undo c" } }]
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::NeedsPerson { why: PersonNeeded::Barrier });
    assert_eq!(bench.world.log(), ["a", "barrier", "b", "c", "undo b"]);
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_needs_a_person() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            on_failure = "rollback"
            [[step]]
            id = "a"
            try.once = { name = "a", fails = 1 }
            undo = [{ try.again = { name = "undo a", fails = 9 } }]
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::NeedsPerson { why: PersonNeeded::Stuck });
}

#[tokio::test(start_paused = true)]
async fn a_rollback_waits_for_what_still_runs() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            on_failure = "rollback"
            [[step]]
            id = "slow"
            needs = []
            try.once = { name = "slow", takes = 20, stubborn = true }
            interrupt = "never"
            undo = [{ try.again = { name = "undo slow" } }]
            [[step]]
            id = "fails"
            needs = []
            try.once = { name = "fails", takes = 5, fails = 1 }
            undo = [{ try.again = { name = "undo fails" } }]
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::RolledBack, "{}", ran.journal);
    let timed = bench.world.timed();
    let at = |name: &str| timed.iter().find(|(_, text)| text == name).unwrap_or_else(|| panic!("{timed:?}")).0;
    assert_eq!((at("undo fails"), at("undo slow")), (20, 20));
}
