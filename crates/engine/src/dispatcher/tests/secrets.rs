//! Secrets over several sessions.

use std::path::Path;
use std::sync::Arc;

use runbook_core::action::Outcome;
use runbook_core::record::{Intent, Record, Reply, RunEnd};

use super::bench::{Bench, Person};
use crate::EngineError;
use crate::session::{Onward, go_on};

const ON: Onward = Onward { intent: Intent::GoOn, amends: None, seen: None };

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
    try.again = { name = "use", prints = "{{vars.url}}" }
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

const GIVES_A_TOKEN: &str = r#"
    [[step]]
    id = "login"
    try.once = { name = "login", hidden = "esroh-nekot", eulav = "nevig saw esroh-nekot", found_hidden = "erofeb-nekot" }
    outputs = { upper = "upper hidden" }
    undo = [{ try.again = { name = "logout", prints = "it was {{before.hidden}}" } }]
    [[step]]
    id = "ask"
    try.again = { name = "ask", asks = "ready?" }
    leaves = "nothing"
    [[step]]
    id = "use"
    try.again = { name = "use", prints = "{{steps.login.hidden}} {{steps.login.upper}} {{steps.login.value}}", hidden = "{{steps.login.hidden}}" }
    leaves = "nothing"
    [[step]]
    id = "stop"
    try.again = { name = "stop", asks = "more?" }
    leaves = "nothing"
"#;

/// Everything below a folder, as one text.
fn everything(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            text += &everything(&entry.path());
        } else {
            text += &String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap());
        }
    }
    text
}

fn keys(bench: &Bench) -> usize {
    std::fs::read_dir(bench.state().root().join("keys")).map_or(0, Iterator::count)
}

#[tokio::test(start_paused = true)]
async fn secret_results_are_there_in_a_later_session_and_gone_when_the_run_is_closed() {
    let mut bench = Bench::new();
    let first = bench.run(GIVES_A_TOKEN).await;
    assert_eq!(first.end, RunEnd::WaitingForPerson, "{}", first.journal);
    assert_eq!(first.ended("login").sealed, ["value", "hidden", "upper"], "{}", first.journal);
    let kept = everything(bench.state().root());
    assert!(!kept.contains("token-horse") && !kept.contains("TOKEN-HORSE"), "{kept}");
    assert!(first.run.path().join("sealed").exists());
    assert_eq!(keys(&bench), 1);

    bench.person = Arc::new(Person::saying([Reply::Yes]));
    let second = bench.go_on(GIVES_A_TOKEN, Intent::GoOn).await;
    assert_eq!(second.end, RunEnd::WaitingForPerson, "{}", second.journal);
    // It had the real ones: what it gave in turn is the first one backwards, and what it printed is masked.
    let printed = std::fs::read_to_string(second.run.path().join("output/use.log")).unwrap();
    assert_eq!(printed, "‹steps.login.hidden› ‹steps.login.upper› ‹steps.login.hidden› was given");
    assert!(!everything(bench.state().root()).contains("token-horse"));

    bench.person = Arc::new(Person::saying([Reply::Yes]));
    let third = bench.go_on(GIVES_A_TOKEN, Intent::GoOn).await;
    assert_eq!(third.end, RunEnd::Done, "{}", third.journal);
    assert!(!third.run.path().join("sealed").exists());
    assert_eq!(keys(&bench), 0);
}

#[tokio::test(start_paused = true)]
async fn an_undo_in_a_later_session_has_what_was_found_before() {
    let mut bench = Bench::new();
    let first = bench.run(GIVES_A_TOKEN).await;
    assert!(first.journal.contains("‹before.hidden› hmac-sha256:") && !first.journal.contains("token-before"), "{}", first.journal);
    let undone = bench.go_on(GIVES_A_TOKEN, Intent::RollBack).await;
    assert_eq!(undone.end, RunEnd::RolledBack, "{}", undone.journal);
    assert_eq!(undone.output, "it was ‹before.hidden›");
    assert!(undone.ended("login.undo0").outcome.may_have_changed());
    assert_eq!(keys(&bench), 0);
}

#[tokio::test(start_paused = true)]
async fn a_secret_result_that_was_not_kept_is_an_error_where_it_is_used_and_never_its_name() {
    let mut bench = Bench::new();
    let first = bench.run(GIVES_A_TOKEN).await;
    std::fs::remove_dir_all(bench.state().root().join("keys")).unwrap();
    bench.person = Arc::new(Person::saying([Reply::Yes]));
    let second = bench.go_on(GIVES_A_TOKEN, Intent::GoOn).await;
    assert_eq!(second.end, RunEnd::Failed, "{}", second.journal);
    let Outcome::Failed { failure, .. } = &second.ended("use").outcome else { panic!("{}", second.journal) };
    assert_eq!(failure.message, "`steps.login.hidden` was a secret, and its value was not kept");
    assert!(first.run.path().join("sealed").exists());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_died_after_the_last_record_leaves_no_secrets_to_the_next() {
    let mut bench = Bench::new();
    let first = bench.run(GIVES_A_TOKEN).await;
    let kept = (first.run.path().join("sealed"), bench.state().root().join("keys").join(format!("{}.key", first.run.id())));
    let copies: Vec<_> = std::fs::read_dir(&kept.0).unwrap().flatten().map(|e| (e.path(), std::fs::read(e.path()).unwrap())).collect();
    let key = std::fs::read(&kept.1).unwrap();
    bench.person = Arc::new(Person::saying([Reply::Yes, Reply::Yes]));
    assert_eq!(bench.go_on(GIVES_A_TOKEN, Intent::GoOn).await.end, RunEnd::Done);
    // As if it had not come to the removal.
    std::fs::create_dir(&kept.0).unwrap();
    for (path, bytes) in copies {
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::write(&kept.1, key).unwrap();

    bench.run("[[step]]\nid = \"a\"\ntry.again = { name = \"a\" }\nleaves = \"nothing\"").await;
    assert!(!kept.0.exists() && !kept.1.exists());
}

#[tokio::test(start_paused = true)]
async fn killed_at_every_moment_nothing_is_readable_and_the_later_session_has_it() {
    let mut moments = 0;
    for at_once in [true, false] {
        for nth in 1.. {
            let mut bench = Bench::new();
            bench.person = Arc::new(Person::saying([Reply::Yes, Reply::Yes]));
            if !bench.killed(GIVES_A_TOKEN, nth, at_once).await {
                break;
            }
            moments += 1;
            assert!(!everything(bench.state().root()).contains("token-horse"));
            // Whether it was done is for a person to say: then there is no token any more.
            bench.person = Arc::new(Person::saying([Reply::NotDone, Reply::Yes, Reply::Yes, Reply::Yes]));
            let ran = bench.go_on(GIVES_A_TOKEN, Intent::GoOn).await;
            let text = everything(bench.state().root());
            assert!(!text.contains("token-horse"), "{nth} {at_once}: {text}");
            if ran.end == RunEnd::Done {
                assert_eq!(keys(&bench), 0);
            }
        }
    }
    assert!(moments > 5, "{moments}");
}

#[tokio::test(start_paused = true)]
async fn what_runs_already_hides_what_is_learnt_meanwhile() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "login"
            needs = []
            try.once = { name = "login", hidden = "esroh-nekot", takes = 2 }
            leaves = "nothing"
            [[step]]
            id = "follow"
            needs = []
            try.again = { name = "follow", takes = 5, prints_late = "{{lower 'tOken-horse seen'}}" }
            leaves = "nothing"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
    assert!(ran.output.contains("‹steps.login.hidden› seen"), "{}", ran.output);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_a_program_printed_does_not_get_into_names_records_or_loops() {
    let mut bench = Bench::new();
    bench.vars = vec![("password", "correct horse")];
    let with = |step: &str| {
        format!(
            r#"
            [vars.password]
            type = "string"
            secret = true
            [[step]]
            id = "leak"
            try.again = {{ name = "leak", eulav = "esroh tcerroc" }}
            leaves = "nothing"
            [[step]]
            id = "use"
            {step}
            leaves = "nothing"
            "#
        )
    };
    for (step, message) in [
        ("try.again = { name = \"{{steps.leak.value}}\" }", "a secret would stand here, where others can read it"),
        ("for_each = \"split steps.leak.value \\\",\\\"\"\ntry.again = { name = \"x\" }", "a secret cannot name the items of a loop"),
    ] {
        let ran = bench.run(&with(step)).await;
        assert_eq!(ran.end, RunEnd::Failed, "{}", ran.journal);
        assert!(ran.journal.contains(message) && !ran.journal.contains("correct horse"), "{}", ran.journal);
    }
    let ran = bench.run(&with("try.again = { name = \"x\", prints = \"{{steps.leak.value}}\" }")).await;
    assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
    assert!(!ran.journal.contains("correct horse"), "{}", ran.journal);
}

#[tokio::test(start_paused = true)]
async fn what_a_step_with_an_unmaskable_secret_prints_is_withheld() {
    for (pin, user) in [("x1", "root"), ("root", "root")] {
        let mut bench = Bench::new();
        bench.vars = vec![("pin", pin), ("user", user)];
        let ran = bench
            .run(
                r#"
                [vars.pin]
                type = "string"
                secret = true
                [vars.user]
                type = "string"
                [[step]]
                id = "with"
                try.again = { name = "with", prints = "pin {{vars.pin}}", value = "was {{vars.user}}", hidden = "{{vars.pin}}" }
                leaves = "nothing"
                [[step]]
                id = "without"
                try.again = { name = "without", prints = "user {{vars.user}}" }
                leaves = "nothing"
                "#,
            )
            .await;
        assert_eq!(ran.end, RunEnd::Done, "{}", ran.journal);
        assert_eq!(ran.output, format!("‹what it prints is withheld: ‹vars.pin› cannot be masked›\nuser {user}"));
        assert!(ran.journal.contains("‹steps.with.value› hmac-sha256:"), "{}", ran.journal);
    }
}
