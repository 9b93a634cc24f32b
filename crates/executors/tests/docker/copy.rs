//! Files out of a container and into one.

use std::os::unix::fs::symlink;

use runbook_core::action::{FailureKind, Residue, Verdict};
use serde_json::json;

use crate::engine::{IMAGE, Named, action, hex, image};
use crate::support::{Folder, TestContext};

async fn container(name: &str) {
    image().await;
    let fields = json!({ "image": IMAGE, "name": name, "network": "none", "stays_up": "0s" });
    TestContext::in_run("before", "old").succeed(&*action("run", fields)).await;
}

#[tokio::test]
async fn a_folder_goes_in_and_comes_out_the_same() {
    let name = Named::new("copy");
    container(&name).await;
    let folder = Folder::new("copy");
    let from = folder.path().join("conf");
    std::fs::create_dir_all(from.join("deep/empty")).unwrap();
    std::fs::write(from.join("deep/名字.txt"), b"\x00\xff 'quoted' $x\n").unwrap();
    std::fs::write(from.join("big"), vec![7_u8; 3_000_000]).unwrap();
    symlink("deep/名字.txt", from.join("link")).unwrap();
    let cx = TestContext::in_run("r1", "copy");
    let into = action("copy", json!({ "into": &*name, "inside": "/etc/conf", "outside": from }));
    let before = into.capture(&cx).await.unwrap();
    assert_eq!((into.probe(&cx, &before).await, &before.0["exists"]), (Verdict::NotDone, &json!(false)));
    let (outputs, changed) = cx.succeed(&*into).await;
    assert!(changed);
    assert_eq!((&outputs["files"], &outputs["sha256"]), (&json!(2), &json!(null)));
    assert!(matches!(into.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
    assert!(!cx.succeed(&*into).await.1, "the same is there already");

    let to = folder.path().join("back");
    let out = action("copy", json!({ "out_of": &*name, "inside": "/etc/conf", "outside": to }));
    let (again, changed) = cx.succeed(&*out).await;
    assert!(changed && again == outputs);
    assert_eq!(std::fs::read(to.join("deep/名字.txt")).unwrap(), b"\x00\xff 'quoted' $x\n");
    assert_eq!(std::fs::read_link(to.join("link")).unwrap().to_str().unwrap(), "deep/名字.txt");
    assert!(to.join("deep/empty").is_dir() && !folder.path().join("back.part").exists());
    assert!(!cx.succeed(&*out).await.1);
}

#[tokio::test]
async fn nothing_is_written_over_unless_that_was_said() {
    let name = Named::new("copyover");
    container(&name).await;
    let folder = Folder::new("copyover");
    let file = folder.path().join("salt");
    std::fs::write(&file, "new").unwrap();
    let cx = TestContext::in_run("r1", "copy");
    let (failure, residue, _) = cx.fail(&*action("copy", json!({ "into": &*name, "inside": "/etc/salt", "outside": file }))).await;
    assert_eq!(failure.message, "`/etc/salt` is there already, with another content");
    assert_eq!((failure.kind, residue), (FailureKind::Conflict, Residue::None));
    let (failure, residue, _) = cx.fail(&*action("copy", json!({ "out_of": &*name, "inside": "/etc/salt", "outside": file }))).await;
    assert_eq!((failure.kind, residue), (FailureKind::Conflict, Residue::None));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
    let over = action("copy", json!({ "into": &*name, "inside": "/etc/salt", "outside": file, "overwrite": true }));
    let (outputs, changed) = cx.succeed(&*over).await;
    assert!(changed);
    assert_eq!(outputs["sha256"], hex(b"new"));
}

#[tokio::test]
async fn what_is_not_there_is_said_and_leaves_nothing() {
    let name = Named::new("copynone");
    container(&name).await;
    let folder = Folder::new("copynone");
    let to = folder.path().join("none");
    let cx = TestContext::in_run("r1", "copy");
    let (failure, residue, _) = cx.fail(&*action("copy", json!({ "out_of": &*name, "inside": "/etc/none", "outside": to }))).await;
    assert_eq!(failure.message, format!("there is no `/etc/none` in the container `{}`", &*name));
    assert_eq!((failure.kind, residue), (FailureKind::NotFound, Residue::None));
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    let (failure, _, _) = cx.fail(&*action("copy", json!({ "into": &*name, "inside": "/etc/none", "outside": to }))).await;
    assert_eq!((failure.kind, failure.field.as_deref()), (FailureKind::NotFound, Some("outside")));
}
