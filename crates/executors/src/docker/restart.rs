//! `docker.restart`.

use std::time::Duration as Span;

use bollard::query_parameters::RestartContainerOptionsBuilder;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, Outcome, OutputKind, OutputSpec, Residue, Settled, Target, Verdict,
};
use runbook_core::value::Duration;
use schemars::JsonSchema;
use serde::Deserialize;

use super::client::{Client, Settings, change, pause};
use super::container::{BEFORE, Container, again, capture, flag_before, missing, started, text_before};
use super::halt::{Run, outcome, settled};
use super::names::ContainerName;
use super::start::shortly;
use super::stop::{minute, whole_seconds};
use super::watch::stays_up;

/// Stops a container, with time to end by itself, and starts it again; one that does not run is started.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restart {
    /// The container's name or id.
    container: ContainerName,
    /// How long it may take to end by itself before it is killed.
    #[serde(default = "minute")]
    grace: Duration,
    /// How long it is watched after the start: it must neither end nor be started again in that time. `0s` does not watch.
    #[serde(default = "shortly")]
    stays_up: Duration,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("id", OutputKind::String, "The container's id."),
        OutputSpec::new("name", OutputKind::String, "The container's name."),
        OutputSpec::new("image_id", OutputKind::String, "The id of its image."),
        OutputSpec::new("started", OutputKind::String, "When it was started, RFC 3339, by the engine's clock."),
        OutputSpec::new("was_running", OutputKind::Bool, "Whether it ran before."),
    ],
    before: BEFORE,
    example: r#"docker.restart = { container = "oms_331", grace = "120s" }"#,
    schema: runbook_core::described!(Restart, "docker.restart"),
    ..ActionSpec::of::<Restart>("restart", Class::IDEMPOTENT, "Stops a container, with time to end by itself, and starts it again.")
};

impl Restart {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::find(cx, &client, self.container.as_str()).await? else {
            return Err(missing(&client, &self.container).await.into());
        };
        let options = RestartContainerOptionsBuilder::new().t(whole_seconds(self.grace)).build();
        let patience = self.grace.get().saturating_add(Span::from_mins(5));
        let what = format!("restart the container `{}`", found.name);
        change(cx, &what, client.within(patience).restart_container(&found.id, Some(options))).await?;
        let up = stays_up(cx, &client, &found.id, self.stays_up.get()).await.map_err(|halt| halt.after(Residue::Partial))?;
        let mut outputs = started(&up);
        outputs.insert("was_running".to_owned(), found.running.into());
        Ok(Outcome::changed(outputs))
    }
}

impl Action for Restart {
    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(capture(self.target.as_ref(), &self.container))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }

    /// The engine carries it through without us. It is over when the container runs with a new start, at the latest some time after the grace.
    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [serde_json::Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            let rest = async {
                let client = Client::connect(self.target.as_ref()).await?;
                let (begun, mut first) = (cx.now(), None::<Option<String>>);
                while let Some(found) = Container::find(cx, &client, self.container.as_str()).await? {
                    let new = first.get_or_insert_with(|| found.started_at.clone()) != &found.started_at;
                    let waited = cx.now().duration_since(begun).unsigned_abs();
                    // A recent start is most likely the one that was asked for; an old one may still be on its way to the stop.
                    if (new && found.running)
                        || waited > self.grace.get().saturating_add(Span::from_secs(5))
                        || is_recent(cx, &found, self.grace.get())
                    {
                        break;
                    }
                    pause(cx, Span::from_millis(500)).await?;
                }
                Run::Ok(())
            };
            settled(rest.await)
        })
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async {
            let now = match again(self.target.as_ref(), before, &self.container).await {
                Ok(now) => now,
                Err(verdict) => return verdict,
            };
            let ran = flag_before(before, "running");
            let since = now.started_at.as_deref() != text_before(before, "started");
            match (since, now.running) {
                (false, false) if ran => {
                    Verdict::Partial { why: format!("the container `{}` was stopped and not started again", now.name) }
                }
                (false, _) => Verdict::NotDone,
                (true, false) => Verdict::Partial { why: format!("the container `{}` was started again and {}", now.name, now.ending()) },
                (true, true) => {
                    let mut outputs = started(&now);
                    outputs.insert("was_running".to_owned(), ran.into());
                    Verdict::Done { outputs, changed: true }
                }
            }
        })
    }
}

/// Whether its last start is younger than the grace.
fn is_recent(cx: Cx<'_>, found: &Container, grace: Span) -> bool {
    let started = found.started_at.as_deref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    found.running && started.is_some_and(|started| cx.now().duration_since(started).unsigned_abs() < grace)
}
