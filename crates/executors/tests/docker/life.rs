//! A container's life: run, stop, start, rename, remove, inspect.

use runbook_core::action::{FailureKind, Residue, Verdict};
use serde_json::json;

use crate::engine::{IMAGE, Named, Recipe, action, image};
use crate::support::TestContext;

fn sleeper(name: &str) -> serde_json::Value {
    json!({ "image": IMAGE, "name": name, "network": "none", "stays_up": "500ms" })
}

#[tokio::test]
async fn a_container_is_run_stopped_started_and_removed() {
    image().await;
    let name = Named::new("life");
    let cx = TestContext::in_run("r1", "start-new");
    let (outputs, changed) = cx.succeed(&*action("run", sleeper(&name))).await;
    assert!(changed);
    assert_eq!(outputs["name"], *name);

    let inspect = action("inspect", json!({ "container": &*name }));
    let (seen, changed) = cx.succeed(&*inspect).await;
    assert!(!changed);
    assert_eq!(seen["running"], true);
    assert_eq!(seen["image"], IMAGE);
    assert_eq!(seen["network_mode"], "none");
    assert_eq!(seen["labels"]["runbook.run"], "r1");
    assert_eq!(seen["labels"]["runbook.step"], "start-new");

    let stop = action("stop", json!({ "container": &*name, "grace": "1s" }));
    let before = stop.capture(&cx).await.unwrap();
    assert_eq!(before.0["running"], true);
    assert_eq!(stop.probe(&cx, &before).await, Verdict::NotDone);
    let (stopped, changed) = cx.succeed(&*stop).await;
    assert!(changed);
    assert_eq!(stopped["was_running"], true);
    assert_eq!(stopped["exit_code"], 137, "busybox's sleep as the first process ignores SIGTERM");
    assert!(matches!(stop.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));

    let (again, changed) = cx.succeed(&*stop).await;
    assert!(!changed, "a stop of a stopped container changes nothing");
    assert_eq!(again["was_running"], false);

    let start = action("start", json!({ "container": &*name, "stays_up": "300ms" }));
    assert!(cx.succeed(&*start).await.1);
    assert!(!cx.succeed(&*start).await.1, "it runs already");

    let remove = action("remove", json!({ "container": &*name }));
    let (failure, residue, _) = cx.fail(&*remove).await;
    assert_eq!(failure.message, format!("the container `{}` still runs", &*name));
    assert_eq!((failure.kind, residue), (FailureKind::Conflict, Residue::None));
    let remove = action("remove", json!({ "container": &*name, "force": true }));
    assert!(cx.succeed(&*remove).await.1);
    assert!(!cx.succeed(&*remove).await.1, "one that is gone is well");
    let (seen, _) = cx.succeed(&*action("inspect", json!({ "container": &*name, "missing_ok": true }))).await;
    assert_eq!(seen["exists"], false);
    assert!(seen["running"].is_null());
}

#[tokio::test]
async fn a_stop_that_came_too_late_is_told_from_one_that_was_never_needed() {
    image().await;
    let name = Named::new("idle");
    let cx = TestContext::in_run("r1", "s");
    cx.succeed(&*action("run", sleeper(&name))).await;
    let stop = action("stop", json!({ "container": &*name, "grace": "1s" }));
    cx.succeed(&*stop).await;
    let before = stop.capture(&cx).await.unwrap();
    assert!(matches!(stop.probe(&cx, &before).await, Verdict::Done { changed: false, .. }), "its undo must not start it");
}

#[tokio::test]
async fn a_name_that_another_has_is_a_conflict_and_the_other_is_left_alone() {
    image().await;
    let name = Named::new("taken");
    TestContext::in_run("another-run", "start").succeed(&*action("run", sleeper(&name))).await;
    let cx = TestContext::in_run("this-run", "start");
    let run = action("run", sleeper(&name));
    let (failure, residue, _) = cx.fail(&*run).await;
    assert_eq!(failure.kind, FailureKind::Conflict);
    assert_eq!(failure.message, format!("the name `{}` is taken by another container", &*name));
    assert_eq!(failure.field.as_deref(), Some("name"));
    assert!(failure.detail[0].ends_with(&format!("of the image `{IMAGE}`, running")), "{:?}", failure.detail);
    assert_eq!(residue, Residue::None);

    let undo = action("remove", json!({ "container": &*name, "force": true, "made_by_this_run": true }));
    let (outputs, changed) = cx.succeed(&*undo).await;
    assert!(!changed);
    assert_eq!(outputs["removed"], false);
    let (seen, _) = cx.succeed(&*action("inspect", json!({ "container": &*name }))).await;
    assert_eq!(seen["running"], true);
}

#[tokio::test]
async fn what_this_step_made_is_found_again_by_its_labels() {
    image().await;
    let name = Named::new("again");
    let cx = TestContext::in_run("r1", "start");
    let run = action("run", sleeper(&name));
    let before = run.capture(&cx).await.unwrap();
    assert_eq!(run.probe(&cx, &before).await, Verdict::NotDone);
    let (first, _) = cx.succeed(&*run).await;
    assert!(matches!(run.probe(&cx.again(), &before).await, Verdict::Done { changed: true, .. }));
    let (second, changed) = cx.again().succeed(&*run).await;
    assert!(changed);
    assert_eq!(first["id"], second["id"], "it is not made twice");
    assert_eq!(run.probe(&TestContext::in_run("r2", "start"), &before).await, Verdict::NotDone, "another run's is not ours");
}

#[tokio::test]
async fn a_container_that_ends_at_once_is_a_failure_with_its_last_words() {
    image().await;
    let name = Named::new("falls");
    let cx = TestContext::in_run("r1", "start");
    let mut fields = sleeper(&name);
    fields["command"] = json!(["sh", "-c", "echo software degrade is not allowed; exit 3"]);
    let run = action("run", fields.clone());
    let (failure, residue, outputs) = cx.fail(&*run).await;
    assert_eq!(failure.kind, FailureKind::Failed);
    assert_eq!(
        failure.message,
        format!("the container `{}` did not stay up: its process exited with code 3 right after its start", &*name)
    );
    assert_eq!(failure.detail, ["software degrade is not allowed"]);
    assert_eq!(residue, Residue::Partial, "its undo has something to remove");

    fields["stays_up"] = json!("0s");
    let (again, _) = cx.again().succeed(&*action("run", fields)).await;
    assert_ne!(again["id"], outputs["id"], "what an attempt left behind is made anew");
}

#[tokio::test]
async fn a_container_that_is_started_again_and_again_is_a_failure() {
    image().await;
    let name = Named::new("loops");
    let cx = TestContext::in_run("r1", "start");
    let mut fields = sleeper(&name);
    fields["command"] = json!(["false"]);
    fields["restart"] = json!("always");
    let (failure, ..) = cx.fail(&*action("run", fields)).await;
    assert!(failure.message.contains("did not stay up"), "{}", failure.message);
    let (outputs, changed) = cx.succeed(&*action("remove", json!({ "container": &*name, "force": true, "made_by_this_run": true }))).await;
    assert!(changed);
    assert_eq!(outputs["removed"], true);
}

#[tokio::test]
async fn a_container_that_cannot_start_is_not_left_behind() {
    image().await;
    let name = Named::new("nostart");
    let cx = TestContext::in_run("r1", "start");
    let mut fields = sleeper(&name);
    fields["command"] = json!(["/no/such/program"]);
    let (failure, residue, _) = cx.fail(&*action("run", fields)).await;
    assert!(failure.message.contains("/no/such/program"), "{}", failure.message);
    assert_eq!(residue, Residue::None);
    assert!(
        failure.detail.contains(&format!("the container `{}` was created, did not start, and was removed again", &*name)),
        "{:?}",
        failure.detail
    );
    let (seen, _) = cx.succeed(&*action("inspect", json!({ "container": &*name, "missing_ok": true }))).await;
    assert_eq!(seen["exists"], false);
}

#[tokio::test]
async fn a_missing_image_and_a_missing_container_say_what_to_do() {
    image().await;
    let name = Named::new("missing");
    let cx = TestContext::in_run("r1", "start");
    let (failure, ..) = cx.fail(&*action("run", json!({ "image": "oceanbase/odc:0.0.1", "name": &*name }))).await;
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(failure.message, "the image `oceanbase/odc:0.0.1` is not on this host");
    assert_eq!(failure.help.as_deref(), Some("load it from an archive (`docker.load`), or fetch it: `docker pull oceanbase/odc:0.0.1`"));
    let (failure, ..) = cx.fail(&*action("stop", json!({ "container": &*name }))).await;
    assert_eq!(failure.message, format!("there is no container `{}`", &*name));
    let (_, changed) = cx.succeed(&*action("stop", json!({ "container": &*name, "missing_ok": true }))).await;
    assert!(!changed);
}

#[tokio::test]
async fn a_rename_knows_the_container_by_its_id() {
    image().await;
    let (old, new) = (Named::new("old"), Named::new("new"));
    let cx = TestContext::in_run("r1", "set-aside");
    cx.succeed(&*action("run", sleeper(&old))).await;
    let rename = action("rename", json!({ "container": &*old, "to": &*new }));
    let before = rename.capture(&cx).await.unwrap();
    assert_eq!(rename.probe(&cx, &before).await, Verdict::NotDone);
    let (outputs, changed) = cx.succeed(&*rename).await;
    assert!(changed);
    assert_eq!(outputs["former"], *old);
    assert!(matches!(rename.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
    assert!(!cx.succeed(&*rename).await.1, "already so");

    TestContext::in_run("r1", "start").succeed(&*action("run", sleeper(&old))).await;
    let (failure, residue, _) = cx.fail(&*rename).await;
    assert_eq!(failure.message, format!("the name `{}` is taken by another container", &*new));
    assert_eq!((failure.kind, residue), (FailureKind::Conflict, Residue::None));
}

#[tokio::test]
async fn the_settings_of_another_container_are_taken_over_but_not_its_images() {
    let (old_image, new_image) = ("runbook-test/like:old", "runbook-test/like:new");
    let old_recipe = Recipe {
        tag: old_image,
        env: &["PATH=/bin", "VERSION=4.2.4", "TZ=Asia/Shanghai"],
        salt: "old",
        volumes: &["/opt/data"],
        ..Recipe::default()
    };
    let new_recipe = Recipe {
        tag: new_image,
        env: &["PATH=/bin", "VERSION=4.3.4", "TZ=Asia/Shanghai"],
        salt: "new",
        volumes: &["/opt/data"],
        ..Recipe::default()
    };
    old_recipe.load().await;
    new_recipe.load().await;
    let folder = std::env::temp_dir().join(format!("rbt-like-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (old, new) = (Named::new("like-old"), Named::new("like-new"));
    let cx = TestContext::in_run("r1", "old");
    let fields = json!({
        "image": old_image, "name": &*old, "network": "host", "stays_up": "300ms", "restart": "always",
        "env": { "DATABASE_HOST": "10.0.0.1", "TZ": "UTC" }, "labels": { "team": "dba" },
        "volumes": [format!("{}:/opt/log", folder.display())],
        "mounts": [{ "type": "bind", "source": folder, "target": "/etc/ro", "read_only": true }, { "type": "tmpfs", "target": "/scratch", "size": "1MiB" }],
        "cpu_period": 100_000, "cpu_quota": 50_000, "memory": "64MiB", "ulimits": ["nofile=1024:2048"], "pids_limit": 50, "stdin_open": true
    });
    cx.succeed(&*action("run", fields)).await;
    cx.succeed(&*action("stop", json!({ "container": &*old, "grace": "0s" }))).await;

    let cx = TestContext::in_run("r1", "new");
    let fields = json!({ "image": new_image, "name": &*new, "like": &*old, "stays_up": "300ms", "env": { "DATABASE_HOST": "10.0.0.2" }, "restart": "no" });
    cx.succeed(&*action("run", fields)).await;
    let (was, _) = cx.succeed(&*action("inspect", json!({ "container": &*old }))).await;
    let (is, _) = cx.succeed(&*action("inspect", json!({ "container": &*new }))).await;
    assert_eq!(is["env"], json!({ "PATH": "/bin", "VERSION": "4.3.4", "TZ": "UTC", "DATABASE_HOST": "10.0.0.2" }));
    assert_eq!(is["mounts"], was["mounts"], "the anonymous volume of the image included");
    assert_eq!(is["mounts"].as_array().unwrap().len(), 4);
    for same in ["network_mode", "memory", "cpus", "pids_limit"] {
        assert_eq!(is[same], was[same], "{same}");
    }
    assert_eq!(is["cpus"], 0.5);
    assert_eq!(is["restart_policy"], "no");
    assert_eq!(is["labels"]["team"], "dba");
    assert_eq!(is["labels"]["runbook.step"], "new");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn the_options_of_the_published_procedures_are_taken() {
    image().await;
    let folder = crate::support::Folder::new("oms");
    std::fs::write(folder.path().join("config.yaml"), "oms_meta_host: db").unwrap();
    for part in ["logs", "store", "run"] {
        std::fs::create_dir(folder.path().join(part)).unwrap();
    }
    let at = |path: &str| folder.path().join(path).display().to_string();
    let (odc, oms) = (Named::new("odc"), Named::new("oms"));
    let cx = TestContext::in_run("r1", "start");
    let fields = json!({
        "image": IMAGE, "name": &*odc, "network": "host", "cpu_period": 100_000, "cpu_quota": 400_000, "memory": "8GiB", "stdin_open": true,
        "stays_up": "300ms", "env": { "DATABASE_USERNAME": "obodc@obodc#odc_cluster", "DATABASE_PASSWORD": "p!a$s'\"s w", "ODC_PROFILE_MODE": "alipay" }
    });
    cx.succeed(&*action("run", fields)).await;
    let (seen, _) = cx.succeed(&*action("inspect", json!({ "container": &*odc }))).await;
    assert_eq!((&seen["network_mode"], &seen["memory"], &seen["cpus"]), (&json!("host"), &json!(8_u64 << 30), &json!(4.0)));
    assert_eq!(seen["env"]["DATABASE_PASSWORD"], "p!a$s'\"s w");

    let fields = json!({
        "image": IMAGE, "name": &*oms, "network": "host", "tty": true, "stdin_open": true, "stays_up": "300ms",
        "volumes": [
            format!("{}:/home/admin/conf/config.yaml", at("config.yaml")), format!("{}:/home/admin/logs", at("logs")),
            format!("{}:/home/ds/store", at("store")), format!("{}:/home/ds/run:ro", at("run"))
        ],
        "env": { "OMS_HOST_IP": "10.0.0.5", "IS_UPGRADE": "true" }, "privileged": true, "pids_limit": -1, "ulimits": ["nproc=65535:65535"]
    });
    cx.succeed(&*action("run", fields)).await;
    let (seen, _) = cx.succeed(&*action("inspect", json!({ "container": &*oms }))).await;
    assert_eq!((&seen["privileged"], &seen["pids_limit"]), (&json!(true), &json!(null)));
    let logs = json!({ "type": "bind", "source": at("logs"), "target": "/home/admin/logs", "read_only": false });
    assert_eq!(seen["mounts"][1], logs);
    assert_eq!(seen["binds"][2], format!("{}:/home/ds/run:ro", at("run")));
    let host = crate::engine::docker().inspect_container(&oms, None::<bollard::query_parameters::InspectContainerOptions>).await.unwrap();
    let limit = host.host_config.unwrap().ulimits.unwrap().remove(0);
    assert_eq!((limit.name.as_deref(), limit.soft, limit.hard), (Some("nproc"), Some(65535), Some(65535)));
}

#[tokio::test]
async fn a_mount_whose_source_is_not_there_is_refused_and_points_at_its_field() {
    image().await;
    let name = Named::new("nomount");
    let cx = TestContext::in_run("r1", "start");
    let mut fields = sleeper(&name);
    fields["mounts"] = json!([{ "type": "bind", "source": "/nowhere/at/all", "target": "/data" }]);
    let (failure, residue, _) = cx.fail(&*action("run", fields)).await;
    assert!(failure.message.contains("/nowhere/at/all"), "{}", failure.message);
    assert_eq!((failure.kind, failure.field.as_deref(), residue), (FailureKind::Invalid, Some("mounts"), Residue::None));
}
