//! A journal that cannot go on: nothing new begins, and what runs is waited for.

use runbook_core::record::Record;

use super::bench::Bench;
use crate::EngineError;
use crate::events::Event;
use crate::journal::JournalError;
use crate::journal::faulty::{self, Disk};
use crate::session::begin;

const TWO: &str = r#"
    [[step]]
    id = "slow"
    needs = []
    try.once = { name = "slow", takes = 50, found = "LONG" }
    leaves = "x"
    [[step]]
    id = "quick"
    needs = []
    try.once = { name = "quick", takes = 5 }
    leaves = "x"
    [[step]]
    id = "next"
    needs = ["quick"]
    try.once = { name = "next" }
    leaves = "x"
"#;

/// Runs on a faulty disk. Returns the error, what was done, and what was recorded as ended.
async fn run(disk: Disk) -> (EngineError, Vec<String>, Vec<String>) {
    let mut bench = Bench::new();
    let (session, mut watching) = bench.session(&TWO.replace("LONG", &"x".repeat(10_000)));
    let error = begin(session, |_| Ok(faulty::journal(disk))).await.err().unwrap();
    let error = match error {
        EngineError::BrokeOff { source, .. } => *source,
        other => other,
    };
    let mut ended = Vec::new();
    while let Some(event) = watching.recv().await {
        if let Event::Record(record) = event
            && let Record::Ended(end) = &record.record
        {
            ended.push(end.effect.to_string());
        }
    }
    (error, bench.world.log(), ended)
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_the_run_before_the_next_effect_and_loses_no_result() {
    // A start needs room for three records beyond what is there. The first two have it; their own 10 KB leave too little for the third.
    let (error, done, ended) = run(Disk::new(3 * 65 * 1024 + 6_000, 0)).await;
    assert!(matches!(error, EngineError::Journal(JournalError::NoRoom { .. })), "{error}");
    assert_eq!(done, ["slow", "quick", "quick ended", "slow ended"]);
    assert_eq!(ended, ["quick", "slow"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_sync_nothing_begins_and_what_runs_is_waited_for() {
    // The opening, the two starts, then the end of `quick` with the start of `next`.
    let disk = Disk::new(10_000_000, 3);
    let (error, done, ended) = run(disk).await;
    assert!(matches!(error, EngineError::Journal(JournalError::Disk(_))), "{error}");
    assert_eq!(done, ["slow", "quick", "quick ended", "slow ended"]);
    assert!(ended.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_not_on_disk_is_not_made() {
    let (_, done, _) = run(Disk::new(10_000_000, 2)).await;
    assert!(done.is_empty(), "{done:?}");
}
