//! Secrets over several sessions.

use runbook_core::record::{Intent, Record, RunEnd};

use super::bench::Bench;
use crate::EngineError;
use crate::session::{Onward, go_on};

const ON: Onward = Onward { intent: Intent::GoOn, amends: None };

const NEEDS_PASSWORD: &str = r#"
    [vars.password]
    type = "string"
    secret = true
    [vars.url]
    type = "string"
    default = "mysql://root:{{vars.password}}@db"
    [[step]]
    id = "ask"
    try.again = { name = "ask", asks = "ready?" }
    leaves = "nothing"
    [[step]]
    id = "use"
    try.again = { name = "use {{vars.url}}" }
    leaves = "nothing"
"#;

#[tokio::test(start_paused = true)]
async fn a_later_session_takes_the_same_secret_and_refuses_another_one() {
    let mut bench = Bench::new();
    bench.vars = vec![("password", "correct horse")];
    let first = bench.run(NEEDS_PASSWORD).await;
    assert_eq!(first.end, RunEnd::WaitingForPerson, "{}", first.journal);
    assert!(first.journal.contains("hmac-sha256:") && !first.journal.contains("correct"), "{}", first.journal);

    bench.vars = vec![("password", "battery staple")];
    let (session, _watching) = bench.session(NEEDS_PASSWORD);
    let run = bench.state().last_run().unwrap();
    let refused = go_on(session, run.clone(), ON).await.unwrap_err();
    assert_eq!(refused.to_string(), "the secret `password` has another value now than in the session before");
    assert!(matches!(refused, EngineError::SecretsDiffer { names } if names == ["password"]));
    let journal = std::fs::read_to_string(run.journal()).unwrap();
    assert_eq!(journal, first.journal, "nothing was begun");

    bench.vars = vec![("password", "correct horse")];
    let same = bench.go_on(NEEDS_PASSWORD, Intent::GoOn).await;
    assert_eq!(same.end, RunEnd::WaitingForPerson, "{}", same.journal);
}

#[tokio::test(start_paused = true)]
async fn a_changed_secret_that_is_accepted_is_what_counts_from_then_on() {
    let mut bench = Bench::new();
    bench.vars = vec![("password", "correct horse")];
    bench.run(NEEDS_PASSWORD).await;

    bench.vars = vec![("password", "battery staple")];
    bench.accept_secrets.insert("password".to_owned());
    let second = bench.go_on(NEEDS_PASSWORD, Intent::GoOn).await;
    let accepted = second.records.iter().find_map(|stamped| match &stamped.record {
        Record::SessionOpened(opened) if opened.session == 2 => Some(opened.accepted.clone()),
        _ => None,
    });
    assert_eq!(accepted.unwrap().iter().map(|secret| secret.name.as_str()).collect::<Vec<_>>(), ["password"]);

    bench.accept_secrets.clear();
    let third = bench.go_on(NEEDS_PASSWORD, Intent::GoOn).await;
    assert_eq!(third.end, RunEnd::WaitingForPerson, "the new one is known by now");
    bench.vars = vec![("password", "correct horse")];
    let (session, _watching) = bench.session(NEEDS_PASSWORD);
    let run = bench.state().last_run().unwrap();
    assert!(matches!(go_on(session, run, ON).await, Err(EngineError::SecretsDiffer { .. })), "and the old one refused");
}
