use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use runbook_core::record::{Intent, RunEnd};

use super::bench::Bench;
use crate::recorded;

const STEPS: &str = r#"
    [[step]]
    id = "slow"
    try.again = { name = "slow", takes = 100 }
    timeout = "2m"
    undo = [{ try.again = { name = "undo slow" } }]
    [[verify]]
    id = "asked"
    try.look = { name = "ask", fails = 2 }
    retry = { every = "10s", for = "1m" }
"#;

const DAY: i64 = 86_400;

/// Sets the wall clock back a day, in the middle of the first step.
fn set_back(bench: &Bench) {
    let back = Arc::clone(&bench.back);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(50)).await;
        back.store(DAY, Ordering::Relaxed);
    });
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_changes_no_limit_and_no_duration() {
    let mut bench = Bench::new();
    set_back(&bench);
    let ran = bench.run(STEPS).await;
    assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
    assert_eq!(bench.world.timed().last().unwrap().0, 120, "pauses and time-outs go by the boot clock");
    let (first, last) = (&ran.records[0], ran.records.last().unwrap());
    assert!(last.at < first.at, "the records say what the clock said");
    let view = recorded(&ran.run).unwrap().seen.view;
    assert_eq!(view.clock().now().since_start(), Duration::from_mins(2), "{}", ran.journal);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_gone_on_with_under_a_wall_clock_that_is_before_its_beginning() {
    let mut bench = Bench::new();
    assert!(bench.killed(STEPS, 2, true).await);
    bench.back.store(DAY, Ordering::Relaxed);
    let ran = bench.go_on(STEPS, Intent::GoOn).await;
    assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
    bench.back.store(2 * DAY, Ordering::Relaxed);
    let ran = bench.go_on(STEPS, Intent::RollBack).await;
    assert_eq!(ran.end, RunEnd::RolledBack, "{}", ran.journal);
}
