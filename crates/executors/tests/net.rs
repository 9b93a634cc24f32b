//! Ports on this very host.

#![allow(clippy::unwrap_used, reason = "a test may")]
mod support;

use runbook_core::action::{CancelKind, FailureKind, Outcome, Residue};
use serde_json::json;
use support::{TestContext, action, try_action};
use tokio::net::TcpListener;

#[tokio::test]
async fn an_open_port_is_found_and_a_closed_one_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let cx = TestContext::new("wait");
    let (outputs, changed) = cx.succeed(&*action("net", "wait_port", json!({ "host": "127.0.0.1", "port": port }))).await;
    assert!(!changed);
    assert_eq!(outputs["address"], "127.0.0.1");
    let still = action("net", "wait_port", json!({ "host": "127.0.0.1", "port": port, "open": false, "within": "0s" }));
    assert_eq!(cx.fail(&*still).await.0.message, format!("after 0s port {port} of `127.0.0.1` still takes connections"));
    let closed = action("net", "wait_port", json!({ "host": "127.0.0.1", "port": port, "open": false }));
    drop(listener);
    assert!(cx.succeed(&*closed).await.0["address"].is_null());
}

#[tokio::test]
async fn a_port_that_never_opens_is_told_with_the_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let cx = TestContext::new("wait");
    let (failure, residue, _) = cx.fail(&*action("net", "wait_port", json!({ "host": "127.0.0.1", "port": port, "within": "0s" }))).await;
    assert_eq!((failure.kind, residue), (FailureKind::TimedOut, Residue::None));
    assert_eq!(failure.message, format!("after 0s port {port} of `127.0.0.1` does not take connections: connection refused"));
    let endless = action("net", "wait_port", json!({ "host": "127.0.0.1", "port": port, "within": "1h" }));
    cx.cancel(CancelKind::Graceful);
    assert_eq!(cx.run(&*endless).await, Outcome::Cancelled { residue: Residue::None });
}

#[test]
fn a_url_is_no_host() {
    let faults = try_action("net", "wait_port", json!({ "host": "http://odc/", "port": 80 })).err().unwrap();
    assert_eq!(faults[0].message, "`http://odc/` is not a host name or an address");
}
