//! Images from archives.

use bollard::query_parameters::{RemoveImageOptionsBuilder, TagImageOptionsBuilder};
use runbook_core::action::{CancelKind, FailureKind, Residue, Unit, Verdict};
use serde_json::json;

use crate::engine::{IMAGE, Recipe, action, docker, gzip, image};
use crate::support::{Folder, TestContext};

/// Removes an image's name at the beginning and at the end.
async fn forget(tag: &str) {
    let options = RemoveImageOptionsBuilder::new().force(true).build();
    let _ = docker().remove_image(tag, Some(options), None).await;
}

#[tokio::test]
async fn an_archive_is_loaded_once_and_found_again() {
    let tag = "runbook-test/load:1";
    forget(tag).await;
    let folder = Folder::new("load");
    for (name, packed) in [("image.tar", false), ("image.tar.gz", true)] {
        let archive = Recipe { tag, salt: "load", ..Recipe::default() }.archive();
        std::fs::write(folder.path().join(name), if packed { gzip(&archive) } else { archive }).unwrap();
    }
    let cx = TestContext::in_run("r1", "load-image");
    let load = action("load", json!({ "archive": folder.path().join("image.tar.gz") }));
    let before = load.capture(&cx).await.unwrap();
    assert_eq!(before.0["former"], json!({ tag: null }));
    assert_eq!(load.probe(&cx, &before).await, Verdict::NotDone);
    let (outputs, changed) = cx.succeed(&*load).await;
    assert!(changed);
    assert_eq!((&outputs["images"], &outputs["loaded"]), (&json!([tag]), &json!(true)));
    assert_eq!(outputs["ids"], json!([before.0["images"][0]["id"]]));
    assert!(cx.output_text().contains(&format!("Loaded image: {tag}")), "{}", cx.output_text());
    assert!(cx.progress.lock().unwrap().iter().all(|progress| progress.unit == Unit::Bytes && progress.total == outputs["size"].as_u64()));
    assert!(matches!(load.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));

    let plain = action("load", json!({ "archive": folder.path().join("image.tar") }));
    let (again, changed) = cx.succeed(&*plain).await;
    assert!(!changed, "it is there already");
    assert_eq!((&again["ids"], &again["loaded"]), (&outputs["ids"], &json!(false)));
    forget(tag).await;
}

#[tokio::test]
async fn a_name_that_stood_for_another_image_is_told() {
    image().await;
    let tag = "runbook-test/moved:1";
    let options = TagImageOptionsBuilder::new().repo("runbook-test/moved").tag("1").build();
    docker().tag_image(IMAGE, Some(options)).await.unwrap();
    let folder = Folder::new("moved");
    std::fs::write(folder.path().join("image.tar"), Recipe { tag, salt: "moved", ..Recipe::default() }.archive()).unwrap();
    let cx = TestContext::in_run("r1", "load-image");
    let load = action("load", json!({ "archive": folder.path().join("image.tar") }));
    let before = load.capture(&cx).await.unwrap();
    assert!(before.0["former"][tag].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(load.probe(&cx, &before).await, Verdict::NotDone, "the name is there, and stands for another image");
    assert!(cx.succeed(&*load).await.1);
    forget(tag).await;
}

#[tokio::test]
async fn a_cut_archive_changes_nothing() {
    let tag = "runbook-test/cut:1";
    let folder = Folder::new("cut");
    let archive = gzip(&Recipe { tag, salt: "cut", ..Recipe::default() }.archive());
    std::fs::write(folder.path().join("image.tar.gz"), &archive[..archive.len() / 2]).unwrap();
    let cx = TestContext::in_run("r1", "load-image");
    let load = action("load", json!({ "archive": folder.path().join("image.tar.gz") }));
    let (failure, residue, _) = cx.fail(&*load).await;
    assert_eq!((failure.kind, failure.field.as_deref(), residue), (FailureKind::Invalid, Some("archive"), Residue::None));
    assert!(failure.message.contains("is damaged or not complete"), "{}", failure.message);
    // What the file is, where it is none: its content may be anybody's secret.
    let wrong = folder.path().join("keys");
    std::fs::write(&wrong, "private key\n".repeat(100)).unwrap();
    let (failure, _, _) = cx.fail(&*action("load", json!({ "archive": wrong }))).await;
    assert!(failure.message.contains("it is no tar archive") && !failure.message.contains("private"), "{}", failure.message);
    let (seen, _) = cx.succeed(&*action("inspect", json!({ "image": tag, "missing_ok": true }))).await;
    assert_eq!(seen["exists"], false);
}

#[tokio::test]
async fn an_archive_of_another_image_or_for_another_machine_is_not_sent() {
    let tag = "runbook-test/foreign:1";
    let folder = Folder::new("foreign");
    let path = folder.path().join("image.tar");
    std::fs::write(&path, Recipe { tag, salt: "foreign", architecture: "s390x", ..Recipe::default() }.archive()).unwrap();
    let cx = TestContext::in_run("r1", "load-image");
    let (failure, residue, _) = cx.fail(&*action("load", json!({ "archive": path }))).await;
    assert!(
        failure.message.starts_with(&format!("the image `{tag}` is made for `s390x`, and the Docker Engine runs on `")),
        "{}",
        failure.message
    );
    assert_eq!((failure.kind, residue), (FailureKind::Invalid, Residue::None));
    let (failure, residue, _) = cx.fail(&*action("load", json!({ "archive": path, "image": "oceanbase/oms:1" }))).await;
    let expected = format!("`{}` does not hold the image `oceanbase/oms:1`: it holds `{tag}`", path.display());
    assert_eq!((failure.message, failure.field.as_deref(), residue), (expected, Some("image"), Residue::None));
    let (seen, _) = cx.succeed(&*action("inspect", json!({ "image": tag, "missing_ok": true }))).await;
    assert_eq!(seen["exists"], false);
}

#[tokio::test]
async fn told_to_end_before_the_archive_is_sent_it_leaves_nothing() {
    let tag = "runbook-test/told:1";
    forget(tag).await;
    let folder = Folder::new("told");
    std::fs::write(folder.path().join("image.tar"), Recipe { tag, salt: "told", ..Recipe::default() }.archive()).unwrap();
    let cx = TestContext::in_run("r1", "load-image");
    let load = action("load", json!({ "archive": folder.path().join("image.tar") }));
    let before = load.capture(&cx).await.unwrap();
    cx.cancel(CancelKind::Kill);
    let outcome = load.run(&cx, &before).await;
    assert!(!matches!(outcome, runbook_core::action::Outcome::Failed { .. }), "{outcome:?}");
    let expected = load.probe(&TestContext::in_run("r1", "look"), &before).await;
    assert_eq!(outcome.may_have_changed(), expected != Verdict::NotDone, "{outcome:?} but {expected:?}");
    forget(tag).await;
}

#[tokio::test]
async fn an_image_is_inspected() {
    image().await;
    let (seen, _) = TestContext::in_run("r1", "s").succeed(&*action("inspect", json!({ "image": IMAGE }))).await;
    assert_eq!((&seen["architecture"], &seen["os"], &seen["tags"]), (&json!("amd64"), &json!("linux"), &json!([IMAGE])));
    assert_eq!((&seen["env"], &seen["labels"]), (&json!({ "PATH": "/bin" }), &json!({ "vendor": "runbook-test" })));
    assert!(seen["size"].as_u64().unwrap() > 1_000_000 && seen["id"].as_str().unwrap().starts_with("sha256:"));
}
