//! `docker.replace` and its undo.

use runbook_core::action::{Action, CancelKind, FailureKind, Outcome, Residue, Verdict};
use serde_json::{Value, json};

use crate::engine::{IMAGE, Named, Recipe, action, docker, image};
use crate::support::TestContext;

const NEW: &str = "runbook-test/replace:2";

async fn prepared(name: &str) -> String {
    image().await;
    Recipe { tag: NEW, salt: "replace", env: &["PATH=/bin", "VERSION=2"], ..Recipe::default() }.load().await;
    let fields = json!({
        "image": IMAGE, "name": name, "network": "none", "stays_up": "0s", "restart": "always", "env": { "KEPT": "yes" },
        "volumes": [format!("{name}-data:/data")], "stop_signal": "SIGKILL",
    });
    let (outputs, _) = TestContext::in_run("before", "old").succeed(&*action("run", fields)).await;
    outputs["id"].as_str().unwrap().to_owned()
}

fn replace(name: &str, more: &Value) -> Box<dyn Action> {
    let mut fields = json!({ "container": name, "image": NEW, "aside": format!("{name}-aside"), "grace": "1s", "stays_up": "300ms" });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    action("replace", fields)
}

async fn seen(name: &str) -> Value {
    let (seen, _) =
        TestContext::in_run("look", "look").succeed(&*action("inspect", json!({ "container": name, "missing_ok": true }))).await;
    Value::Object(seen)
}

/// The names of a test's containers, to be removed at its end.
fn names(name: &str, run: &str) -> Vec<Named> {
    ["-aside".to_owned(), format!("-failed-{run}"), format!("-next-{run}")].map(|end| Named(format!("{name}{end}"))).into_iter().collect()
}

#[tokio::test]
async fn a_container_is_replaced_with_its_settings_and_put_back_with_them() {
    let name = Named::new("rep");
    let _others = names(&name, "r1");
    let old = prepared(&name).await;
    let cx = TestContext::in_run("r1", "replace");
    let step = replace(&name, &json!({}));
    let before = step.capture(&cx).await.unwrap();
    assert_eq!((&before.0["running"], &before.0["restart_policy"]), (&json!(true), &json!("always")));
    assert_eq!(step.probe(&cx, &before).await, Verdict::NotDone);
    let (outputs, changed) = cx.succeed(&*step).await;
    assert!(changed);
    assert_eq!(outputs["replaced"], old.as_str());
    assert!(matches!(step.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
    let (now, aside) = (seen(&name).await, seen(&format!("{}-aside", &*name)).await);
    assert_eq!((&now["running"], &now["image"], &now["restart_policy"]), (&json!(true), &json!(NEW), &json!("always")));
    assert_eq!(
        (&now["env"]["KEPT"], &now["env"]["VERSION"]),
        (&json!("yes"), &json!("2")),
        "the settings are the old one's, the image's its own"
    );
    assert_eq!(now["mounts"], aside["mounts"]);
    assert_eq!((&aside["id"], &aside["running"], &aside["restart_policy"]), (&json!(old), &json!(false), &json!("no")));

    let undo = json!({
        "container": &*name, "aside": format!("{}-aside", &*name), "restart": before.0["restart_policy"], "running": before.0["running"], "grace": "1s"
    });
    let undo = action("put_back", undo);
    let (back, changed) = cx.succeed(&*undo).await;
    assert!(changed && back["id"] == old.as_str());
    let now = seen(&name).await;
    assert_eq!((&now["id"], &now["running"], &now["restart_policy"]), (&json!(old), &json!(true), &json!("always")));
    assert_eq!(seen(&format!("{}-failed-r1", &*name)).await["image"], NEW);
    assert!(!cx.succeed(&*undo).await.1, "it is back already");
}

#[tokio::test]
async fn a_new_one_that_does_not_come_up_is_kept_aside_and_the_old_one_is_back() {
    let name = Named::new("repfail");
    let _others = names(&name, "r1");
    let old = prepared(&name).await;
    let cx = TestContext::in_run("r1", "replace");
    let (failure, residue, _) = cx.fail(&*replace(&name, &json!({ "command": ["sh", "-c", "echo not today; exit 4"] }))).await;
    assert_eq!((failure.kind, residue), (FailureKind::Failed, Residue::Partial));
    assert_eq!(failure.detail.last().unwrap(), &format!("the old container is back as `{}` and runs", &*name));
    assert!(failure.detail.iter().any(|line| line == "not today"), "{failure:?}");
    let now = seen(&name).await;
    assert_eq!((&now["id"], &now["running"], &now["restart_policy"]), (&json!(old), &json!(true), &json!("always")));
    let failed = seen(&format!("{}-failed-r1", &*name)).await;
    assert_eq!((&failed["exit_code"], &failed["restart_policy"]), (&json!(4), &json!("no")));
}

#[tokio::test]
async fn a_line_that_never_comes_is_a_failure_too() {
    let name = Named::new("replog");
    let _others = names(&name, "r1");
    let old = prepared(&name).await;
    let cx = TestContext::in_run("r1", "replace");
    let (failure, _, _) = cx.fail(&*replace(&name, &json!({ "log": "ready to serve", "within": "1s" }))).await;
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert_eq!(seen(&name).await["id"], old.as_str());
}

#[tokio::test]
async fn what_the_engine_refuses_is_refused_before_the_old_one_is_touched() {
    let name = Named::new("repref");
    let _others = names(&name, "r1");
    prepared(&name).await;
    let started = seen(&name).await["started"].clone();
    let cx = TestContext::in_run("r1", "replace");
    let (failure, residue, _) = cx.fail(&*replace(&name, &json!({ "image": "runbook-test/none:1" }))).await;
    assert_eq!((failure.kind, residue), (FailureKind::NotFound, Residue::None));
    let (failure, residue, _) = cx.fail(&*replace(&name, &json!({ "aside": &*name, "container": "rbt-none" }))).await;
    assert_eq!((failure.kind, residue), (FailureKind::NotFound, Residue::None));
    let now = seen(&name).await;
    assert_eq!((&now["started"], &now["restart_policy"]), (&started, &json!("always")));
}

/// Each state in which a killed process may leave it.
#[tokio::test]
async fn wherever_it_was_left_it_goes_on_and_can_be_undone() {
    for left in ["made", "stopped", "aside", "named"] {
        for undo in [false, true] {
            let name = Named::new(&format!("rep-{left}"));
            let _others = names(&name, "r1");
            let old = prepared(&name).await;
            let first = TestContext::in_run("r1", "replace");
            let step = replace(&name, &json!({}));
            let before = step.capture(&first).await.unwrap();
            // A whole replacement, taken back to that point by hand.
            first.succeed(&*step).await;
            let (engine, next) = (docker(), format!("{}-next-r1", &*name));
            let again = |to: &str| bollard::query_parameters::RenameContainerOptionsBuilder::new().name(to).build();
            let gently = bollard::query_parameters::StopContainerOptionsBuilder::new().t(1).build();
            engine.stop_container(&name, Some(gently)).await.unwrap();
            if left != "named" {
                engine.rename_container(&name, again(&next)).await.unwrap();
            }
            if left == "made" || left == "stopped" {
                engine.rename_container(&old, again(&name)).await.unwrap();
            }
            if left == "made" {
                engine.start_container(&old, None::<bollard::query_parameters::StartContainerOptions>).await.unwrap();
            }
            let cx = first.again();
            assert!(matches!(step.probe(&cx, &before).await, Verdict::Partial { .. }), "{left}");
            let found = step.capture(&cx).await.unwrap();
            assert_eq!(
                (&found.0["running"], &found.0["restart_policy"]),
                (&json!(true), &json!("always")),
                "{left}: what was before is lost"
            );
            if undo {
                let fields = json!({ "container": &*name, "aside": format!("{}-aside", &*name), "restart": "always", "grace": "1s" });
                cx.succeed(&*action("put_back", fields)).await;
                let now = seen(&name).await;
                assert_eq!((&now["id"], &now["running"], &now["restart_policy"]), (&json!(old), &json!(true), &json!("always")), "{left}");
            } else {
                let (outputs, changed) = cx.succeed(&*step).await;
                assert!(changed && outputs["replaced"] == old.as_str(), "{left}");
                assert_eq!(seen(&name).await["image"], NEW, "{left}");
            }
        }
    }
}

#[tokio::test]
async fn told_to_end_it_leaves_the_rest_to_whoever_takes_it_up() {
    let name = Named::new("reptold");
    let _others = names(&name, "r1");
    prepared(&name).await;
    let cx = TestContext::in_run("r1", "replace");
    let step = replace(&name, &json!({ "log": "never", "within": "1m" }));
    let before = step.capture(&cx).await.unwrap();
    let told = async {
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        cx.cancel(CancelKind::Graceful);
    };
    let (outcome, ()) = tokio::join!(step.run(&cx, &before), told);
    assert_eq!(outcome, Outcome::Cancelled { residue: Residue::Partial });
    assert_eq!(seen(&name).await["image"], NEW);
}
