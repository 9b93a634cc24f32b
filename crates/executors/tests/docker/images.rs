//! Names of images, archives of them, and images from a registry.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};

use bollard::query_parameters::RemoveImageOptionsBuilder;
use runbook_core::action::{FailureKind, Residue, Verdict};
use serde_json::json;

use crate::engine::{IMAGE, Recipe, action, docker, gzip, hex, image};
use crate::support::{Folder, TestContext};

async fn forget(tag: &str) {
    let options = RemoveImageOptionsBuilder::new().force(true).build();
    let _ = docker().remove_image(tag, Some(options), None).await;
}

#[tokio::test]
async fn an_image_gets_another_name_and_a_name_is_not_taken_from_another_image() {
    image().await;
    let (name, other) = ("runbook-test/tagged:before", "runbook-test/tagged:other");
    forget(name).await;
    Recipe { tag: other, salt: "tagged", ..Recipe::default() }.load().await;
    let cx = TestContext::in_run("r1", "keep");
    let tag = action("tag", json!({ "image": IMAGE, "to": name }));
    let before = tag.capture(&cx).await.unwrap();
    assert!(before.0["former"].is_null());
    assert_eq!(tag.probe(&cx, &before).await, Verdict::NotDone);
    let (outputs, changed) = cx.succeed(&*tag).await;
    assert!(changed && outputs["former"].is_null());
    assert!(matches!(tag.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
    assert!(!cx.succeed(&*tag).await.1, "it has that name already");

    let (failure, residue, _) = cx.fail(&*action("tag", json!({ "image": other, "to": name }))).await;
    assert_eq!(failure.message, format!("the name `{name}` stands for another image"));
    assert_eq!((failure.kind, residue), (FailureKind::Conflict, Residue::None));
    let (moved, _) = cx.succeed(&*action("tag", json!({ "image": other, "to": name, "move": true }))).await;
    assert_eq!(moved["former"], outputs["id"]);
    // What an undo does with it.
    cx.succeed(&*action("tag", json!({ "image": moved["former"], "to": name, "move": true }))).await;
    let (seen, _) = cx.succeed(&*action("inspect", json!({ "image": name }))).await;
    assert_eq!(seen["id"], outputs["id"]);
    forget(name).await;
    forget(other).await;
}

#[tokio::test]
async fn an_image_is_saved_once_and_loads_again() {
    let tag = "runbook-test/saved:1";
    Recipe { tag, salt: "saved", ..Recipe::default() }.load().await;
    let folder = Folder::new("save");
    for name in ["saved.tar", "saved.tar.gz"] {
        let path = folder.path().join(name);
        let cx = TestContext::in_run("r1", "save");
        let save = action("save", json!({ "images": [tag], "to": path }));
        let before = save.capture(&cx).await.unwrap();
        assert_eq!(save.probe(&cx, &before).await, Verdict::NotDone);
        let (outputs, changed) = cx.succeed(&*save).await;
        let bytes = std::fs::read(&path).unwrap();
        assert!(changed);
        assert_eq!((&outputs["images"], &outputs["sha256"]), (&json!([tag]), &json!(hex(&bytes))));
        assert_eq!(bytes.starts_with(&[0x1f, 0x8b]), name.ends_with("gz"));
        assert!(matches!(save.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
        let (again, changed) = cx.succeed(&*save).await;
        assert!(!changed && again["ids"] == outputs["ids"], "the same images are there already");
        let leftovers: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().filter(|e| e.as_ref().unwrap().path().ends_with("part")).collect();
        assert!(leftovers.is_empty());
    }
    forget(tag).await;
    let (loaded, changed) =
        TestContext::in_run("r1", "load").succeed(&*action("load", json!({ "archive": folder.path().join("saved.tar.gz") }))).await;
    assert!(changed && loaded["images"] == json!([tag]));
    forget(tag).await;
}

#[tokio::test]
async fn a_file_that_is_something_else_is_never_written_over() {
    image().await;
    let folder = Folder::new("kept");
    let path = folder.path().join("image.tar");
    std::fs::write(&path, "the only good copy").unwrap();
    let cx = TestContext::in_run("r1", "save");
    let (failure, residue, _) = cx.fail(&*action("save", json!({ "images": [IMAGE], "to": path }))).await;
    assert_eq!((failure.kind, residue), (FailureKind::Conflict, Residue::None));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "the only good copy");
    let (failure, _, _) =
        cx.fail(&*action("save", json!({ "images": ["runbook-test/none:1"], "to": folder.path().join("new.tar") }))).await;
    assert_eq!(failure.kind, FailureKind::NotFound);
}

/// The least of a registry: one image, its configuration and its layer.
fn registry(recipe: &Recipe<'_>) -> (u16, String) {
    let archive = recipe.archive();
    let mut parts = std::collections::BTreeMap::new();
    let mut layer = Vec::new();
    let mut config = Vec::new();
    for entry in tar::Archive::new(archive.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        match name.as_str() {
            "layer/layer.tar" => layer = gzip(&content),
            "manifest.json" => {}
            _ => config = content,
        }
    }
    let digest = |bytes: &[u8]| format!("sha256:{}", hex(bytes));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "size": config.len(), "digest": digest(&config) },
        "layers": [{ "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": layer.len(), "digest": digest(&layer) }]
    })
    .to_string()
    .into_bytes();
    let id = digest(&config);
    for blob in [config, layer] {
        parts.insert(format!("/v2/lab/pulled/blobs/{}", digest(&blob)), ("application/octet-stream", blob));
    }
    let media = "application/vnd.docker.distribution.manifest.v2+json";
    parts.insert(format!("/v2/lab/pulled/manifests/{}", digest(&manifest)), (media, manifest.clone()));
    parts.insert("/v2/lab/pulled/manifests/1".to_owned(), (media, manifest.clone()));
    parts.insert("/v2/".to_owned(), ("application/json", b"{}".to_vec()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let mut words = head.split(' ');
            let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let (status, kind, body) = match parts.get(path) {
                Some((kind, body)) => ("200 OK", *kind, body.clone()),
                None => (
                    "404 Not Found",
                    "application/json",
                    br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#.to_vec(),
                ),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nDocker-Content-Digest: {}\r\nDocker-Distribution-Api-Version: registry/2.0\r\nConnection: close\r\n\r\n",
                body.len(),
                digest(&body)
            );
            let _ = stream.write_all(head.as_bytes());
            if method != "HEAD" {
                let _ = stream.write_all(&body);
            }
        }
    });
    (port, id)
}

#[tokio::test]
async fn an_image_is_fetched_from_a_registry() {
    let (port, id) = registry(&Recipe { salt: "pulled", ..Recipe::default() });
    let name = format!("127.0.0.1:{port}/lab/pulled:1");
    let cx = TestContext::in_run("r1", "pull");
    let pull = action("pull", json!({ "image": name }));
    let before = pull.capture(&cx).await.unwrap();
    assert_eq!(pull.probe(&cx, &before).await, Verdict::NotDone);
    let (outputs, changed) = cx.succeed(&*pull).await;
    assert!(changed);
    assert_eq!((&outputs["id"], &outputs["pulled"], &outputs["architecture"]), (&json!(id), &json!(true), &json!("amd64")));
    assert!(matches!(pull.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
    assert!(!cx.succeed(&*pull).await.1, "the registry has nothing newer");

    let missing = format!("127.0.0.1:{port}/lab/pulled:2");
    let (failure, residue, _) = cx.fail(&*action("pull", json!({ "image": missing }))).await;
    assert_eq!((failure.kind, residue, failure.field.as_deref()), (FailureKind::NotFound, Residue::None, Some("image")), "{failure:?}");
    forget(&name).await;
}

#[tokio::test]
async fn a_registry_that_cannot_be_reached_changes_nothing_and_is_not_asked_for_what_is_there() {
    image().await;
    let cx = TestContext::in_run("r1", "pull");
    let (failure, residue, _) = cx.fail(&*action("pull", json!({ "image": "127.0.0.1:1/lab/none:1" }))).await;
    assert_eq!((failure.kind, residue), (FailureKind::Unreachable, Residue::None), "{failure:?}");
    assert!(failure.message.starts_with("the image `127.0.0.1:1/lab/none:1` was not fetched: "), "{}", failure.message);
    let (seen, changed) = cx.succeed(&*action("pull", json!({ "image": IMAGE, "only_missing": true }))).await;
    assert!(!changed && seen["pulled"] == false);
}
