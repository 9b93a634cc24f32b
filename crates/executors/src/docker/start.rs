//! `docker.start`.

use std::time::Duration as Span;

use bollard::query_parameters::StartContainerOptions;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, Outcome, OutputKind, OutputSpec, Residue, Target, Verdict,
};
use runbook_core::value::Duration;
use schemars::JsonSchema;
use serde::Deserialize;

use super::client::{Client, SLOW, Settings, change};
use super::container::{BEFORE, Container, again, capture, flag_before, missing, started, text_before};
use super::halt::{Run, outcome};
use super::names::ContainerName;
use super::watch::{SHORTLY, stays_up};

/// Starts a container that is there, and watches that it stays up. One that runs already is left as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    /// The container's name or id.
    container: ContainerName,
    /// How long it is watched after the start: it must neither end nor be started again in that time. `0s` does not watch.
    #[serde(default = "shortly")]
    stays_up: Duration,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) fn shortly() -> Duration {
    Duration::new(SHORTLY)
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: STARTED,
    before: BEFORE,
    example: r#"docker.start = { container = "obodc" }"#,
    schema: runbook_core::described!(Start, "docker.start"),
    ..ActionSpec::of::<Start>("start", Class::IDEMPOTENT, "Starts a container that is there, and watches that it stays up.")
};

/// What actions that start a container give.
pub(super) const STARTED: &[OutputSpec] = &[
    OutputSpec::new("id", OutputKind::String, "The container's id."),
    OutputSpec::new("name", OutputKind::String, "The container's name."),
    OutputSpec::new("image_id", OutputKind::String, "The id of its image."),
    OutputSpec::new("started", OutputKind::String, "When it was started, RFC 3339, by the engine's clock."),
];

impl Start {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::find(cx, &client, self.container.as_str()).await? else {
            return Err(missing(&client, &self.container).await.into());
        };
        if found.running {
            return Ok(Outcome::unchanged(started(&found)));
        }
        start(cx, &client, &found.id, &found.name).await?;
        let up = stays_up(cx, &client, &found.id, self.stays_up.get()).await.map_err(|halt| halt.after(Residue::Partial))?;
        Ok(Outcome::changed(started(&up)))
    }
}

/// Has the engine start a container.
pub(super) async fn start(cx: Cx<'_>, client: &Client, id: &str, name: &str) -> Run<()> {
    change(cx, &format!("start the container `{name}`"), client.within(SLOW).start_container(id, None::<StartContainerOptions>)).await
}

/// Whether it was started since, compared with what was found before.
pub(super) fn verdict(now: &Container, before: &Before) -> Verdict {
    let ran = flag_before(before, "running");
    let since = now.started_at.as_deref() != text_before(before, "started");
    match (now.running, ran, since) {
        (true, ..) => Verdict::Done { outputs: started(now), changed: !ran || since },
        (false, _, true) => Verdict::Partial { why: format!("the container `{}` was started and {}", now.name, now.ending()) },
        (false, _, false) => Verdict::NotDone,
    }
}

impl Action for Start {
    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(capture(self.target.as_ref(), &self.container))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }

    /// A start that the engine has begun is over within moments; a process that it is about to create shows in the next look.
    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [serde_json::Value]) -> BoxFuture<'a, runbook_core::action::Settled> {
        Box::pin(async move {
            cx.sleep(Span::from_secs(1)).await;
            runbook_core::action::Settled::AtRest
        })
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async {
            again(self.target.as_ref(), before, &self.container).await.map_or_else(|verdict| verdict, |now| verdict(&now, before))
        })
    }
}
