//! The connection to the engine is lost in the middle: the engine goes on, and what became of it is looked up, never guessed.

use std::path::PathBuf;
use std::sync::Arc;

use runbook_core::action::{Action, Context, FailureKind, Outcome, Residue, Settled, Verdict};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::engine::{IMAGE, Named, docker, image};
use crate::support::{Folder, TestContext, lab};

/// A socket in front of the engine's that passes everything on, but closes before the answer to one kind of request.
struct Cutter {
    folder: Folder,
    task: tokio::task::JoinHandle<()>,
}

impl Cutter {
    /// Cuts requests whose first line contains `text`.
    fn before_the_answer_to(text: &'static str) -> Self {
        let folder = Folder::new("cut");
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let engine = PathBuf::from(lab()["docker_host"].as_str().unwrap().trim_start_matches("unix://"));
        let engine = Arc::new(engine);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, Arc::clone(&engine), text));
            }
        });
        Self { folder, task }
    }

    fn action(&self, name: &str, mut fields: Value) -> Box<dyn Action> {
        let socket = self.folder.path().join("s");
        fields["target"] = json!({ "name": "cut", "settings": { "host": format!("unix://{}", socket.display()) } });
        crate::support::action("docker", name, fields)
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(mut client: UnixStream, engine: Arc<PathBuf>, text: &str) {
    let mut upstream = UnixStream::connect(&*engine).await.unwrap();
    let mut first = vec![0; 64 * 1024];
    let count = client.read(&mut first).await.unwrap_or_default();
    upstream.write_all(&first[..count]).await.unwrap();
    let line = String::from_utf8_lossy(&first[..count]).lines().next().unwrap_or_default().to_owned();
    if line.contains(text) {
        // The engine has the request; its answer gets lost.
        let mut rest = [0; 1];
        let _ = upstream.read(&mut rest).await;
        return;
    }
    let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
}

fn sleeper(name: &str) -> Value {
    json!({ "image": IMAGE, "name": name, "network": "none", "stays_up": "0s" })
}

async fn is_unclear(action: &dyn Action, cx: &TestContext) -> runbook_core::action::Before {
    let before = action.capture(cx).await.unwrap();
    let Outcome::Failed { failure, residue, .. } = action.run(cx, &before).await else { panic!("the answer was lost") };
    assert_eq!((failure.kind, residue, failure.retryable), (FailureKind::Disconnected, Residue::Unknown, true), "{}", failure.message);
    before
}

#[tokio::test]
async fn a_stop_goes_on_without_us_and_is_found_done() {
    image().await;
    let name = Named::new("cutstop");
    let cx = TestContext::in_run("r1", "stop");
    cx.succeed(&*crate::engine::action("run", sleeper(&name))).await;
    let cutter = Cutter::before_the_answer_to("/stop");
    let stop = cutter.action("stop", json!({ "container": &*name, "grace": "1s" }));
    let before = is_unclear(&*stop, &cx).await;
    assert_eq!(stop.settle(&cx, &[]).await, Settled::AtRest);
    assert!(matches!(stop.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
}

#[tokio::test]
async fn a_container_whose_creation_was_not_answered_is_found_and_made_use_of() {
    image().await;
    let name = Named::new("cutrun");
    let cx = TestContext::in_run("r1", "start");
    let cutter = Cutter::before_the_answer_to("/containers/create");
    let run = cutter.action("run", sleeper(&name));
    let before = is_unclear(&*run, &cx).await;
    assert_eq!(run.settle(&cx, &[]).await, Settled::AtRest);
    let why = format!("the container `{}` was created and not started", &*name);
    assert_eq!(run.probe(&cx, &before).await, Verdict::Partial { why });
    drop(cutter);
    // The next attempt, with a whole connection.
    let (outputs, changed) = cx.again().succeed(&*crate::engine::action("run", sleeper(&name))).await;
    assert!(changed);
    let now = docker().inspect_container(&name, None::<bollard::query_parameters::InspectContainerOptions>).await.unwrap();
    assert_eq!(outputs["id"], now.id.unwrap());
}

#[tokio::test]
async fn a_rename_a_removal_and_an_update_are_found_done() {
    image().await;
    let (name, new) = (Named::new("cutname"), Named::new("cutnew"));
    let cx = TestContext::in_run("r1", "s");
    cx.succeed(&*crate::engine::action("run", sleeper(&name))).await;
    let cutter = Cutter::before_the_answer_to("/update");
    let update = cutter.action("update", json!({ "container": &*name, "restart": "always" }));
    let before = is_unclear(&*update, &cx).await;
    assert!(matches!(update.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));

    let cutter = Cutter::before_the_answer_to("/rename");
    let rename = cutter.action("rename", json!({ "container": &*name, "to": &*new }));
    let before = is_unclear(&*rename, &cx).await;
    assert!(matches!(rename.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));

    let cutter = Cutter::before_the_answer_to("DELETE");
    let remove = cutter.action("remove", json!({ "container": &*new, "force": true }));
    let before = is_unclear(&*remove, &cx).await;
    assert!(matches!(remove.probe(&cx, &before).await, Verdict::Done { changed: true, .. }));
    assert_eq!(cx.run_id(), "r1");
}

#[tokio::test]
async fn an_engine_that_is_gone_is_unreachable_and_nothing_changed() {
    let cutter = Cutter::before_the_answer_to("/never");
    let stop = cutter.action("stop", json!({ "container": "obodc" }));
    drop(cutter);
    let failure = stop.capture(&TestContext::in_run("r1", "s")).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert!(failure.message.starts_with("there is no Docker Engine: the socket `"), "{}", failure.message);
}
