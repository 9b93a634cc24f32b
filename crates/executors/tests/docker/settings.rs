//! What is changed on a container without making it anew, and lists.

use runbook_core::action::{FailureKind, Residue, Verdict};
use serde_json::{Value, json};

use crate::engine::{IMAGE, Named, action, image, with_target};
use crate::support::{TestContext, try_action};

async fn container(about: &str, more: Value) -> Named {
    image().await;
    let name = Named::new(about);
    let mut fields = json!({ "image": IMAGE, "name": &*name, "network": "none", "stays_up": "0s" });
    for (key, value) in more.as_object().unwrap() {
        fields[key] = value.clone();
    }
    TestContext::in_run(&name, "start").succeed(&*action("run", fields)).await;
    name
}

#[tokio::test]
async fn the_restart_policy_is_taken_away_and_given_back_as_it_was() {
    let name = container("policy", json!({ "restart": "on-failure:3" })).await;
    let cx = TestContext::in_run("r1", "no-restart");
    let update = action("update", json!({ "container": &*name, "restart": "no" }));
    let before = update.capture(&cx).await.unwrap();
    assert_eq!(before.0["restart_policy"], "on-failure:3");
    assert_eq!(update.probe(&cx, &before).await, Verdict::NotDone);
    let (now, changed) = cx.succeed(&*update).await;
    assert!(changed);
    assert_eq!(now["restart_policy"], "no");
    assert!(matches!(update.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
    assert!(!cx.succeed(&*update).await.1, "already so");
    let undo = action("update", json!({ "container": &*name, "restart": before.0["restart_policy"] }));
    assert_eq!(cx.succeed(&*undo).await.0["restart_policy"], "on-failure:3");
}

#[tokio::test]
async fn limits_are_changed_and_what_the_engine_cannot_do_is_said() {
    let name = container("limits", json!({ "memory": "64MiB", "cpus": 0.5 })).await;
    let cx = TestContext::in_run("r1", "s");
    let fields = json!({ "container": &*name, "memory": "96MiB", "memory_swap": "unlimited", "cpus": 0.75, "pids_limit": 40 });
    let (now, changed) = cx.succeed(&*action("update", fields)).await;
    assert!(changed);
    assert_eq!(
        (&now["memory"], &now["memory_swap"], &now["cpus"], &now["pids_limit"]),
        (&json!(96 << 20), &json!(-1), &json!(0.75), &json!(40))
    );

    let (now, _) = cx.succeed(&*action("update", json!({ "container": &*name, "pids_limit": -1 }))).await;
    assert_eq!(now["pids_limit"], -1);
    let (failure, residue, _) = cx.fail(&*action("update", json!({ "container": &*name, "memory": 0 }))).await;
    assert_eq!(failure.message, format!("the Docker Engine cannot take the limit `memory` away from the container `{}`", &*name));
    assert_eq!((failure.kind, failure.field.as_deref(), residue), (FailureKind::Invalid, Some("memory"), Residue::None));
}

#[tokio::test]
async fn an_update_of_nothing_is_a_fault() {
    let faults = try_action("docker", "update", with_target(json!({ "container": "obodc" }))).err().unwrap();
    assert_eq!(faults[0].message, "says nothing to change");
    let faults = try_action("docker", "update", with_target(json!({ "container": "../images", "restart": "no" }))).err().unwrap();
    assert_eq!(faults[0].path, "container");
    assert!(faults[0].message.starts_with("`../images` is not the name of a container"), "{}", faults[0].message);
}

#[tokio::test]
async fn a_restart_is_a_new_start() {
    let name = container("restart", json!({})).await;
    let cx = TestContext::in_run("r1", "s");
    let restart = action("restart", json!({ "container": &*name, "grace": "0s", "stays_up": "300ms" }));
    let before = restart.capture(&cx).await.unwrap();
    assert_eq!(restart.probe(&cx, &before).await, Verdict::NotDone);
    let (outputs, changed) = cx.succeed(&*restart).await;
    assert!(changed);
    assert_eq!(outputs["was_running"], true);
    assert_ne!(outputs["started"], before.0["started"]);
    assert!(matches!(restart.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
    cx.succeed(&*action("stop", json!({ "container": &*name, "grace": "0s" }))).await;
    assert!(matches!(restart.probe(&cx, &before).await, Verdict::Partial { .. }));
}

#[tokio::test]
async fn a_list_takes_exact_names_and_labels() {
    let first = container("list", json!({ "labels": { "group": "list-test" } })).await;
    let longer = Named(format!("{}-more", &*first));
    let fields = json!({ "image": IMAGE, "name": &*longer, "network": "none", "stays_up": "0s", "labels": { "group": "list-test" } });
    let cx = TestContext::in_run("r1", "s");
    cx.succeed(&*action("run", fields)).await;
    cx.succeed(&*action("stop", json!({ "container": &*longer, "grace": "0s" }))).await;

    let (outputs, _) = cx.succeed(&*action("list", json!({ "names": [&*first, "no-such-container"] }))).await;
    assert_eq!(outputs["names"], json!([&*first]), "a name that only begins so is not taken");
    assert_eq!(outputs["missing"], json!(["no-such-container"]));
    let of_group = json!({ "labels": { "group": "list-test", "runbook.run": "" } });
    let (outputs, _) = cx.succeed(&*action("list", of_group)).await;
    assert_eq!(outputs["names"], json!([&*first, &*longer]));
    assert_eq!(outputs["containers"][1]["running"], false);
    let (outputs, _) = cx.succeed(&*action("list", json!({ "labels": { "group": "list-test" }, "running": true }))).await;
    assert_eq!(outputs["count"], 1);
}

#[tokio::test]
async fn an_engine_says_where_it_keeps_its_data() {
    let (outputs, changed) = TestContext::in_run("r1", "s").succeed(&*action("info", json!({}))).await;
    assert!(!changed);
    let root = outputs["data_root"].as_str().unwrap();
    assert!(std::path::Path::new(root).is_absolute(), "{outputs:?}");
    for output in ["version", "storage_driver", "architecture"] {
        assert_ne!(outputs[output], "", "{output}");
    }
    assert_eq!(outputs["live_restore"], false);
}
