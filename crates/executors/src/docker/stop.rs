//! `docker.stop`.

use std::time::Duration as Span;

use bollard::query_parameters::StopContainerOptionsBuilder;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, Outcome, OutputKind, OutputSpec, Outputs, Residue, Settled, Target, Verdict,
};
use runbook_core::value::Duration;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Settings, change, pause};
use super::container::{BEFORE, Container, again, capture, flag_before, missing, object};
use super::halt::{Run, outcome};
use super::names::ContainerName;

/// Stops a container: asks it to end, and kills it after the grace. A container that does not run is left as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stop {
    /// The container's name or id.
    container: ContainerName,
    /// How long it may take to end by itself before it is killed. Docker's own 10 seconds are too short for many servers.
    #[serde(default = "minute")]
    grace: Duration,
    /// Whether it is well that there is no such container.
    #[serde(default)]
    missing_ok: bool,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) fn minute() -> Duration {
    Duration::new(Span::from_mins(1))
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("was_running", OutputKind::Bool, "Whether it ran before."),
        OutputSpec::new("exit_code", OutputKind::Int, "How its process ended; 137 says that it was killed. Null where it never ran."),
        OutputSpec::new("oom_killed", OutputKind::Bool, "Whether the kernel ended it for want of memory."),
        OutputSpec::new("duration", OutputKind::Number, "How long stopping it took, in seconds."),
    ],
    before: BEFORE,
    example: r#"docker.stop = { container = "obodc", grace = "60s" }"#,
    schema: runbook_core::described!(Stop, "docker.stop"),
    ..ActionSpec::of::<Stop>("stop", Class::IDEMPOTENT, "Stops a container, with time to end by itself.")
};

impl Stop {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::find(cx, &client, self.container.as_str()).await? else {
            return if self.missing_ok {
                Ok(Outcome::unchanged(outputs(None, false, 0.0)))
            } else {
                Err(missing(&client, &self.container).await.into())
            };
        };
        if !found.running {
            return Ok(Outcome::unchanged(outputs(Some(&found), false, 0.0)));
        }
        let begun = cx.now();
        let stopped = stop(cx, &client, &found, self.grace).await?;
        let took = cx.now().duration_since(begun).as_secs_f64();
        Ok(Outcome::changed(outputs(Some(&stopped), true, took)))
    }
}

/// Has the engine stop a container that runs, and sees that it has ended. Gives it as it is then.
pub(super) async fn stop(cx: Cx<'_>, client: &Client, found: &Container, grace: Duration) -> Run<Container> {
    let options = StopContainerOptionsBuilder::new().t(whole_seconds(grace)).build();
    let patience = grace.get().saturating_add(Span::from_mins(1));
    let what = format!("stop the container `{}`", found.name);
    change(cx, &what, client.within(patience).stop_container(&found.id, Some(options))).await?;
    ended(cx, client, found).await.map_err(|halt| halt.after(Residue::Unknown))
}

/// The engine answers when the process has ended; its own record of the end may follow a moment later.
async fn ended(cx: Cx<'_>, client: &Client, found: &Container) -> Run<Container> {
    for _ in 0..50 {
        match Container::look(client, &found.id).await? {
            Some(now) if now.running => cx.sleep(Span::from_millis(200)).await,
            Some(now) => return Ok(now),
            // Created with `--rm`: its end was its removal.
            None => return Ok(Container { running: false, ..found.clone() }),
        }
    }
    let failure = Failure::new(
        runbook_core::action::FailureKind::Failed,
        format!("the container `{}` still runs although the Docker Engine reported that it was stopped", found.name),
    );
    Err(failure.field("container").help("see with `docker ps` what starts it again").into())
}

/// Rounded up: the engine takes whole seconds, and 0 would kill at once.
pub(super) fn whole_seconds(time: Duration) -> i32 {
    let time = time.get();
    i32::try_from(time.as_secs() + u64::from(time.subsec_nanos() > 0)).unwrap_or(i32::MAX)
}

fn outputs(found: Option<&Container>, was_running: bool, duration: f64) -> Outputs {
    let ran = found.filter(|c| was_running || c.started_at.is_some());
    object(json!({
        "was_running": was_running,
        "exit_code": ran.map(|c| c.exit_code),
        "oom_killed": ran.is_some_and(|c| c.oom_killed),
        "duration": duration,
    }))
}

impl Action for Stop {
    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(capture(self.target.as_ref(), &self.container))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }

    /// The engine carries a stop through without us: within the grace it is over.
    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [serde_json::Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            let rest = async {
                let client = Client::connect(self.target.as_ref()).await?;
                let begun = cx.now();
                while let Some(found) = Container::find(cx, &client, self.container.as_str()).await? {
                    let waited = cx.now().duration_since(begun).unsigned_abs();
                    if !found.running || waited > self.grace.get().saturating_add(Span::from_secs(5)) {
                        break;
                    }
                    pause(cx, Span::from_millis(500)).await?;
                }
                Run::Ok(())
            };
            super::halt::settled(rest.await)
        })
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async {
            let ran = flag_before(before, "running");
            match again(self.target.as_ref(), before, &self.container).await {
                Ok(now) if now.running => Verdict::NotDone,
                Ok(now) => Verdict::Done { outputs: outputs(Some(&now), ran, 0.0), changed: ran },
                Err(verdict) => verdict,
            }
        })
    }
}
