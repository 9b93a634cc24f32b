use std::time::Duration;

use runbook_core::record::RunEnd;

use super::bench::Bench;

const TWO: &str = r#"
    [[step]]
    id = "a"
    try.again = { name = "a", takes = 100 }
    undo = [{ try.again = { name = "undo a" } }]
    [[step]]
    id = "b"
    try.again = { name = "b" }
    undo = [{ try.again = { name = "undo b" } }]
"#;

fn after(bench: &Bench, seconds: u64, signal: i32) {
    let stop = bench.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        stop.stop(signal);
    });
}

#[tokio::test(start_paused = true)]
async fn a_signal_stops_in_good_order_and_begins_nothing_new() {
    let mut bench = Bench::new();
    after(&bench, 10, 2);
    let ran = bench.run(TWO).await;
    assert_eq!(ran.end, RunEnd::Stopped { signal: 2 }, "{}", ran.journal);
    assert_eq!(&bench.world.log()[..2], ["a", "a cancelled"]);
    assert!(!bench.world.log().contains(&"b".to_owned()));
    assert_eq!(bench.world.timed()[1].0, 10);
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_forces() {
    let mut bench = Bench::new();
    after(&bench, 10, 15);
    after(&bench, 25, 15);
    let ran = bench.run("[[step]]\nid = \"a\"\ntry.again = { name = \"a\", takes = 100, stubborn = true }\nleaves = \"x\"\n").await;
    assert_eq!(ran.end, RunEnd::Stopped { signal: 15 });
    assert_eq!(bench.world.timed()[1], (25, "a cancelled".to_owned()));
    assert!(ran.story().contains(&"stop Kill".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_interrupted_is_waited_for() {
    let mut bench = Bench::new();
    after(&bench, 10, 2);
    after(&bench, 11, 2);
    let ran = bench
        .run("[[step]]\nid = \"a\"\ninterrupt = \"never\"\ntry.once = { name = \"a\", takes = 100 }\nleaves = \"x\"\n[[step]]\nid = \"b\"\ntry.once = { name = \"b\" }\nleaves = \"x\"\n")
        .await;
    assert_eq!(ran.end, RunEnd::Stopped { signal: 2 });
    assert_eq!(bench.world.timed(), [(0, "a".to_owned()), (100, "a ended".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_looking_around_has_changed_nothing() {
    let mut bench = Bench::new();
    after(&bench, 10, 2);
    let ran = bench.run("[[step]]\nid = \"a\"\ntry.once = { name = \"a\", capturing = 50 }\nleaves = \"x\"\n").await;
    assert_eq!(ran.end, RunEnd::Stopped { signal: 2 });
    assert!(bench.world.log().is_empty());
    assert_eq!(ran.story(), ["stop Graceful", "ended a"]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_keeps_its_locks() {
    let mut bench = Bench::new();
    after(&bench, 10, 2);
    let locked = format!("locks = [\"odc@db\"]\n{TWO}");
    bench.run(&locked).await;
    let mut second = Bench::new();
    std::mem::swap(&mut second.folder, &mut bench.folder);
    let error = second.try_run(&locked).await.err().unwrap().to_string();
    assert!(error.starts_with("`odc@db` belongs to the unfinished run `20261121-030000-"), "{error}");
}
