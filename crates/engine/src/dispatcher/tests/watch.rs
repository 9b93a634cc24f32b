use std::time::Duration;

use runbook_core::action::{FailureKind, Outcome};
use runbook_core::record::{Intent, Record, RunEnd, Watched};

use super::bench::{Bench, Ran};

/// A step that takes 100 seconds, then one that takes none, and a monitor.
fn with(monitor: &str) -> String {
    format!(
        r#"
        [[step]]
        id = "long"
        try.again = {{ name = "long", takes = 100 }}
        undo = [{{ try.again = {{ name = "undo long" }} }}]
        [[step]]
        id = "short"
        try.again = {{ name = "short" }}
        undo = [{{ try.again = {{ name = "undo short" }} }}]
        [[monitor]]
        id = "m"
        every = "5s"
        {monitor}
        "#
    )
}

fn watched(ran: &Ran) -> Vec<&Watched> {
    let records = ran.records.iter().map(|stamped| &stamped.record);
    records.filter_map(|record| if let Record::Watched(watched) = record { Some(&**watched) } else { None }).collect()
}

fn probes(bench: &Bench) -> Vec<u64> {
    bench.world.timed().iter().filter(|(_, name)| name == "probe").map(|(at, _)| *at).collect()
}

fn log(ran: &Ran, name: &str) -> String {
    std::fs::read_to_string(ran.run.path().join("output").join(name)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn it_probes_every_so_often_and_few_of_its_probes_are_recorded() {
    let mut bench = Bench::new();
    let ran = bench.run(&with("then = \"stop\"\ntry.look = { name = \"probe\", prints = \"noise\" }\n")).await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(probes(&bench), (0..=20).map(|n| n * 5).collect::<Vec<_>>());
    let told: Vec<u64> = watched(&ran).iter().map(|watched| watched.tally.probes).collect();
    assert_eq!(told[..5], [1, 2, 4, 8, 16]);
    assert_eq!(told.last(), Some(&u64::from(ran.ended("m.monitor").tries)));
    assert_eq!(ran.output, "", "a probe's output is kept, not shown");
    let name = ran.ended("m.monitor").output.as_ref().unwrap().path.trim_start_matches("output/").to_owned();
    assert!(log(&ran, &name).starts_with("noise2026-11-21T03:00:00Z holds (0 ms)\n"), "{}", log(&ran, &name));
}

#[tokio::test(start_paused = true)]
async fn so_many_failures_in_a_row_stop_the_run_when_what_runs_has_ended() {
    let mut bench = Bench::new();
    let ran = bench.run(&with("then = \"stop\"\nfailures = 2\ntry.look = { name = \"probe\", fails = 9 }\n")).await;
    assert_eq!(ran.end, RunEnd::Failed);
    assert_eq!(bench.world.timed().last().unwrap(), &(100, "long ended".to_owned()));
    assert_eq!(probes(&bench), [0, 5]);
    let ended = ran.ended("m.monitor");
    let Outcome::Failed { failure, .. } = &ended.outcome else { panic!("{ended:?}") };
    assert_eq!(failure.message, "2 probes failed in a row, the last one so: `probe` failed");
    assert_eq!(watched(&ran).iter().map(|w| (w.tripped, w.holds)).collect::<Vec<_>>(), [(false, false), (true, false)]);
}

#[tokio::test(start_paused = true)]
async fn a_trip_rolls_back_what_was_begun() {
    let mut bench = Bench::new();
    let ran = bench.run(&with("then = \"rollback\"\nfailures = 1\ntry.look = { name = \"probe\", fails = 9 }\n")).await;
    assert_eq!(ran.end, RunEnd::RolledBack);
    let log: Vec<_> = bench.world.log().into_iter().filter(|name| name != "probe").collect();
    assert_eq!(log, ["long", "long ended", "undo long"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_warns_trips_once_in_a_row_and_goes_on() {
    let mut bench = Bench::new();
    let ran = bench.run(&with("then = \"warn\"\nfailures = 3\ntry.look = { name = \"probe\", fails = 7 }\n")).await;
    assert_eq!(ran.end, RunEnd::Done);
    let last = watched(&ran).last().unwrap().tally;
    assert_eq!((last.failed, last.in_a_row, last.changes, last.trips), (7, 0, 1, 1));
    let tripped: Vec<u64> = watched(&ran).iter().filter(|watched| watched.tripped).map(|watched| watched.tally.probes).collect();
    assert_eq!(tripped, [3]);
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_not_in_a_row_do_not_trip() {
    let mut bench = Bench::new();
    let flaps = "then = \"stop\"\nfailures = 2\ntry.look = { name = \"probe\" }\nexpect = [\"not (or (eq count 2) (eq count 4) (eq count 6) (eq count 8))\"]\n";
    let ran = bench.run(&with(flaps)).await;
    assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
    assert_eq!(watched(&ran).last().unwrap().tally.changes, 8);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_is_ended_by_its_own_time_and_counts_as_failed() {
    let mut bench = Bench::new();
    let hangs = "then = \"stop\"\nfailures = 2\ntimeout = \"3s\"\ntry.look = { name = \"probe\", takes = 1000, stubborn = true }\n";
    let ran = bench.run(&with(hangs)).await;
    assert_eq!(ran.end, RunEnd::Failed);
    assert_eq!(probes(&bench), [0, 5], "ended after 3 seconds, begun again after 5");
    let Outcome::Failed { failure, .. } = &ran.ended("m.monitor").outcome else { panic!() };
    assert_eq!(failure.kind, FailureKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn it_is_ended_with_the_last_step_whatever_it_is_doing() {
    let mut bench = Bench::new();
    let slow = "then = \"stop\"\ntimeout = \"1h\"\ntry.look = { name = \"probe\", takes = 2000, stubborn = true }\n";
    let ran = bench.run(&with(slow)).await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(bench.world.timed().last().unwrap(), &(100, "probe cancelled".to_owned()));
    assert_eq!(ran.ended("m.monitor").tries, 0, "a probe that was told to end says nothing");
}

#[tokio::test(start_paused = true)]
async fn its_window_leaves_the_planned_downtime_out() {
    let mut bench = Bench::new();
    let text = r#"
        [[step]]
        id = "prepare"
        try.again = { name = "prepare", takes = 12 }
        leaves = "x"
        [[step]]
        id = "down"
        try.again = { name = "down", takes = 60 }
        leaves = "x"
        [[step]]
        id = "after"
        try.again = { name = "after", takes = 12 }
        leaves = "x"
        [[monitor]]
        id = "before-it"
        until = "down"
        every = "5s"
        then = "stop"
        try.look = { name = "early" }
        [[monitor]]
        id = "after-it"
        from = "down"
        every = "5s"
        then = "stop"
        try.look = { name = "late" }
        expect = ["eq steps.down.count 1"]
    "#;
    let ran = bench.run(text).await;
    assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
    let at = |name: &str| bench.world.timed().iter().filter(|(_, n)| n == name).map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(at("early"), [0, 5, 10]);
    assert_eq!(at("late"), [72, 77, 82]);
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_it_at_once_and_a_later_session_begins_it_afresh() {
    let mut bench = Bench::new();
    let text = with("then = \"stop\"\ntry.look = { name = \"probe\", takes = 3, stubborn = true }\n");
    let stop = bench.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(11)).await;
        stop.stop(2);
    });
    let ran = bench.run(&text).await;
    assert_eq!(ran.end, RunEnd::Stopped { signal: 2 });
    assert!(bench.world.timed().contains(&(11, "probe cancelled".to_owned())), "{:?}", bench.world.timed());
    let ran = bench.go_on(&text, Intent::GoOn).await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(ran.story().iter().filter(|told| told.contains("monitor")).count(), 4, "{:?}", ran.story());
    assert_eq!(ran.ended("m.monitor#2").tries, u32::try_from(watched(&ran).last().unwrap().tally.probes).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_broke_off_leaves_nothing_of_it_in_doubt() {
    let mut bench = Bench::new();
    let text = with("then = \"stop\"\ntry.look = { name = \"probe\" }\n");
    assert!(bench.killed(&text, 4, false).await);
    let ran = bench.go_on(&text, Intent::RollBack).await;
    assert_eq!(ran.end, RunEnd::RolledBack, "{}", ran.journal);
}

#[tokio::test(start_paused = true)]
async fn what_a_probe_says_of_a_secret_is_masked() {
    let mut bench = Bench::new();
    bench.vars = vec![("pw", "hunter2-hunter2")];
    let text = format!(
        "[vars.pw]\ntype = \"string\"\nsecret = true\n{}",
        with(
            "then = \"warn\"\nfailures = 1\ntry.look = { name = \"probe\", prints = \"{{vars.pw}}\", value = \"{{vars.pw}}\" }\nexpect = [\"eq value 'x'\"]\n"
        )
    );
    let ran = bench.run(&text).await;
    assert_eq!(ran.end, RunEnd::Done);
    let name = ran.ended("m.monitor").output.as_ref().unwrap().path.trim_start_matches("output/").to_owned();
    assert!(!ran.journal.contains("hunter2"), "{}", ran.journal);
    assert!(!log(&ran, &name).contains("hunter2"), "{}", log(&ran, &name));
}
