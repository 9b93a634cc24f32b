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

/// The records of a journal's beginning that say of a Once effect that it began.
fn begun(journal: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(journal);
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let names = ["a", "b", "c2", "d"]
        .into_iter()
        .filter(|name| whole.contains(&format!(r#""type":"started","effect":{{"path":[{{"step":"{name}"}}],"role":"do""#)));
    names.map(str::to_owned).collect()
}

/// Cuts a finished run's journal off at every line, and at every byte of the last one, and goes on: the world is further than the journal.
async fn from_every_beginning(text: &str, end: RunEnd) {
    let mut bench = Bench::new();
    let whole = bench.run(text).await;
    assert_eq!(whole.end, end, "{}", whole.journal);
    let bytes = whole.journal.clone().into_bytes();
    let lines: Vec<usize> = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let last = lines[lines.len() - 2];
    let closed = |cut: usize| {
        String::from_utf8_lossy(&bytes[..cut]).lines().any(|line| line.contains(r#""type":"run_closed""#) && line.ends_with('}'))
    };
    let mut tried = 0;
    for cut in lines.iter().copied().chain(last..bytes.len()).filter(|cut| !closed(*cut)) {
        std::fs::write(whole.run.journal(), &bytes[..cut]).unwrap();
        let begun = begun(&bytes[..cut]);
        let before = bench.world.log();
        let ran = bench.go_on(text, Intent::GoOn).await;
        let after = bench.world.log();
        let again = &after[before.len()..];
        assert_eq!(ran.end, end, "cut at byte {cut}: {again:#?}\n{}", ran.journal);
        for name in begun.iter().filter(|name| *name != "b" || !text.contains("b after")) {
            assert_eq!(count(again, name), 0, "`{name}` was repeated after a cut at byte {cut}:\n{}", ran.journal);
        }
        tried += 1;
    }
    assert!(tried > 10, "{tried}");
}

#[tokio::test(start_paused = true)]
async fn every_beginning_of_a_journal_comes_to_the_same_end() {
    from_every_beginning(FORWARDS, RunEnd::Done).await;
    from_every_beginning(&BACKWARDS.replace("fails = 9", "fails = 100000"), RunEnd::RolledBack).await;
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_was_cut_off_in_its_first_line_never_began() {
    let mut bench = Bench::new();
    let whole = bench.run(FORWARDS).await;
    std::fs::write(whole.run.journal(), &whole.journal.as_bytes()[..40]).unwrap();
    let (session, _watching) = bench.session(FORWARDS);
    let onward = crate::session::Onward { intent: Intent::GoOn, amends: None, seen: None };
    let refused = crate::session::go_on(session, whole.run, onward).await.unwrap_err();
    assert!(matches!(refused, crate::EngineError::NeverOpened { .. }), "{refused}");
}
