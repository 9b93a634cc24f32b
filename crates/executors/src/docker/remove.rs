//! `docker.remove`.

use std::time::Duration as Span;

use bollard::query_parameters::RemoveContainerOptionsBuilder;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, Outcome, OutputKind, OutputSpec, Outputs, Residue, Stream,
    Target, Verdict,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, SLOW, Settings, change};
use super::container::{BEFORE, Container, capture, flag_before, missing, object, text_before};
use super::halt::{Run, outcome};
use super::labels;
use super::names::ContainerName;

/// Removes a container. One that is not there any more is well.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "they are the author's switches, each with a name in the runbook")]
pub(super) struct Remove {
    /// The container's name or id.
    container: ContainerName,
    /// Whether one that runs is killed first. Without it such a container is a failure.
    #[serde(default)]
    force: bool,
    /// Whether its anonymous volumes, and what is in them, are removed too.
    #[serde(default)]
    volumes: bool,
    /// Removes it only if a step of this very run created it; any other of the same name is left alone. For an undo of `docker.run`.
    #[serde(default)]
    made_by_this_run: bool,
    /// Whether it is well that there is no such container.
    #[serde(default = "yes")]
    missing_ok: bool,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

fn yes() -> bool {
    true
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("existed", OutputKind::Bool, "Whether it was there."),
        OutputSpec::new("removed", OutputKind::Bool, "Whether it was removed now."),
        OutputSpec::new("id", OutputKind::String, "Its id; null where it was not there."),
    ],
    before: BEFORE,
    example: r#"docker.remove = { container = "obodc", made_by_this_run = true }"#,
    schema: runbook_core::described!(Remove, "docker.remove"),
    ..ActionSpec::of::<Remove>("remove", Class::IDEMPOTENT, "Removes a container.")
};

impl Remove {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::find(cx, &client, self.container.as_str()).await? else {
            return if self.missing_ok {
                Ok(Outcome::unchanged(outputs(None, false)))
            } else {
                Err(missing(&client, &self.container).await.into())
            };
        };
        if self.made_by_this_run && !labels::by_this_run(cx, found.labels()) {
            let note = format!("the container `{}` ({}) was not made by this run and is left alone\n", found.name, found.image);
            cx.output(Stream::Stderr, note.as_bytes());
            return Ok(Outcome::unchanged(outputs(Some(&found), false)));
        }
        if found.running && !self.force {
            return Err(Failure::new(FailureKind::Conflict, format!("the container `{}` still runs", found.name))
                .field("container")
                .help("stop it first (`docker.stop`), or write `force = true` to kill it")
                .into());
        }
        remove(cx, &client, &found, self.force, self.volumes).await?;
        Ok(Outcome::changed(outputs(Some(&found), true)))
    }
}

/// Has the engine remove a container, and sees that it is gone: a removal that is under way already is waited for.
pub(super) async fn remove(cx: Cx<'_>, client: &Client, found: &Container, force: bool, volumes: bool) -> Run<()> {
    let options = RemoveContainerOptionsBuilder::new().force(force).v(volumes).build();
    let what = format!("remove the container `{}`", found.name);
    let request = async {
        match client.within(SLOW).remove_container(&found.id, Some(options)).await {
            Err(error) if super::failure::is_missing(&error) => Ok(()),
            Err(bollard::errors::Error::DockerResponseServerError { status_code: 409, message })
                if message.contains("already in progress") =>
            {
                Ok(())
            }
            other => other,
        }
    };
    change(cx, &what, request).await?;
    for _ in 0..100 {
        if Container::look(client, &found.id).await.map_err(|failure| super::halt::Halt::failed(failure).after(Residue::Unknown))?.is_none()
        {
            return Ok(());
        }
        cx.sleep(Span::from_millis(200)).await;
    }
    let failure = Failure::new(FailureKind::TimedOut, format!("the removal of the container `{}` does not come to an end", found.name));
    Err(super::halt::Halt::failed(failure).after(Residue::Partial))
}

fn outputs(found: Option<&Container>, removed: bool) -> Outputs {
    object(json!({ "existed": found.is_some(), "removed": removed, "id": found.map(|c| c.id.as_str()) }))
}

impl Action for Remove {
    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(capture(self.target.as_ref(), &self.container))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async {
            let Some(id) = text_before(before, "id") else { return Verdict::Done { outputs: outputs(None, false), changed: false } };
            let look = async {
                let client = Client::connect(self.target.as_ref()).await?;
                Container::look(&client, id).await
            };
            match look.await {
                Ok(None) => {
                    let removed = flag_before(before, "exists");
                    Verdict::Done { outputs: object(json!({ "existed": removed, "removed": removed, "id": id })), changed: removed }
                }
                Ok(Some(now)) if matches!(now.status.as_str(), "removing" | "dead") => {
                    Verdict::Partial { why: format!("the removal of the container `{}` has begun and is not complete", now.name) }
                }
                Ok(Some(_)) => Verdict::NotDone,
                Err(failure) => Verdict::Unknown { why: failure.message },
            }
        })
    }
}
