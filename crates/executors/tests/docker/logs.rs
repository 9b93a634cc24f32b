//! Logs since the start, and waiting.

use runbook_core::action::{CancelKind, FailureKind, Outcome, Residue};
use serde_json::{Value, json};

use crate::engine::{IMAGE, Named, action, image};
use crate::support::TestContext;

async fn container(about: &str, script: &str, more: Value) -> Named {
    image().await;
    let name = Named::new(about);
    let mut fields = json!({ "image": IMAGE, "name": &*name, "network": "none", "stays_up": "0s", "command": ["sh", "-c", script] });
    for (key, value) in more.as_object().unwrap() {
        fields[key] = value.clone();
    }
    TestContext::in_run(&name, "start").succeed(&*action("run", fields)).await;
    name
}

#[tokio::test]
async fn only_what_came_after_this_start_counts() {
    let script = "if [ -e /second ]; then echo Started OdcServer; else touch /second; echo Software degrade is not allowed; echo careful >&2; fi; sleep 3600";
    let name = container("since", script, json!({})).await;
    let cx = TestContext::in_run("r1", "s");
    let wait = |log: &str| action("wait", json!({ "container": &*name, "log": log, "within": "20s" }));
    assert_eq!(cx.succeed(&*wait("degrade")).await.0["line"], "Software degrade is not allowed");
    cx.succeed(&*action("restart", json!({ "container": &*name, "grace": "0s", "stays_up": "0s" }))).await;
    assert_eq!(cx.succeed(&*wait("Started")).await.0["line"], "Started OdcServer");

    let (outputs, changed) = cx.succeed(&*action("logs", json!({ "container": &*name, "match": "degrade" }))).await;
    assert!(!changed);
    assert_eq!(outputs["lines"], json!(["Started OdcServer"]));
    assert_eq!(outputs["matched_count"], 0, "the log keeps the old refusal, from before this start");
    let (all, _) =
        cx.succeed(&*action("logs", json!({ "container": &*name, "since": "2020-01-01T00:00:00Z", "match": "^S", "tail": 1 }))).await;
    assert_eq!(all["count"], 3);
    assert_eq!(all["matched_count"], 2);
    assert_eq!(all["matched"], json!(["Started OdcServer"]), "the last one is kept");
}

#[tokio::test]
async fn the_log_of_one_that_has_ended_can_still_be_read() {
    let name = container("ended", "echo first words; exit 3", json!({})).await;
    let cx = TestContext::in_run("r1", "s");
    let (ended, _) = cx.succeed(&*action("wait", json!({ "container": &*name, "until": "exited", "within": "20s" }))).await;
    assert_eq!(ended["exit_code"], 3);
    assert_eq!(cx.succeed(&*action("logs", json!({ "container": &*name }))).await.0["lines"], json!(["first words"]));
}

#[tokio::test]
async fn one_that_ends_is_not_waited_for_any_longer() {
    let name = container("ends", "echo last words; exit 4", json!({})).await;
    let cx = TestContext::in_run("r1", "s");
    let (failure, residue, outputs) = cx.fail(&*action("wait", json!({ "container": &*name, "log": "never" }))).await;
    assert_eq!(failure.message, format!("the container `{}` exited with code 4 while it was waited for", &*name));
    assert_eq!(failure.detail, ["last words"]);
    assert_eq!((failure.kind, residue), (FailureKind::Failed, Residue::None));
    assert_eq!(outputs["exit_code"], 4);
}

#[tokio::test]
async fn health_is_waited_for() {
    let health = json!({ "command": ["ls", "/healthy"], "interval": "200ms", "per_check": "5s", "retries": 50 });
    let name = container("health", "sleep 1; touch /healthy; sleep 3600", json!({ "health": health })).await;
    let cx = TestContext::in_run("r1", "s");
    let (outputs, _) = cx.succeed(&*action("wait", json!({ "container": &*name, "until": "healthy", "within": "1m" }))).await;
    assert_eq!(outputs["health"], "healthy");
    let name = container("nohealth", "sleep 3600", json!({})).await;
    let (failure, ..) = cx.fail(&*action("wait", json!({ "container": &*name, "until": "healthy" }))).await;
    assert_eq!(failure.message, format!("the container `{}` has no health check", &*name));
}

#[tokio::test]
async fn a_wait_has_an_end_and_can_be_told_to_end() {
    let name = container("late", "echo something else; sleep 3600", json!({})).await;
    let cx = TestContext::in_run("r1", "s");
    let (failure, ..) = cx.fail(&*action("wait", json!({ "container": &*name, "log": "Started", "within": "1s" }))).await;
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert_eq!(failure.message, format!("after 1s the container `{}` has not put out a line with `Started`", &*name));
    assert_eq!(failure.detail, ["something else"]);
    let action = action("wait", json!({ "container": &*name, "until": "exited" }));
    let (outcome, ()) = tokio::join!(cx.run(&*action), async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        cx.cancel(CancelKind::Graceful);
    });
    assert_eq!(outcome, Outcome::Cancelled { residue: Residue::None });
}
