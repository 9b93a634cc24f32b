//! `docker.wait`.
//!
//! Asked again and again rather than through the engine's own wait: that one hangs when it is asked too late, and reports a container that never ran as
//! ended well.

use std::time::Duration as Span;

use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, CancelKind, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec,
    Outputs, Target,
};
use runbook_core::value::{Duration, Pattern};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Settings, pause, unless_told};
use super::container::{Container, missing, object};
use super::halt::{Halt, Run, outcome};
use super::lines::{Lines, this_start};
use super::logs::unreadable;
use super::names::ContainerName;
use super::watch::log_tail;

/// Waits until a container is in a state, or has put out a line since its last start.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    /// The container's name or id.
    container: ContainerName,
    /// The state: `running`, `healthy` (by its health check) or `exited`.
    until: Option<Until>,
    /// A regular expression that is found in a line of its output since its last start.
    log: Option<Pattern>,
    /// How long it is waited at most.
    #[serde(default = "five_minutes")]
    within: Duration,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

/// A state to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Until {
    /// It runs, and the engine is not about to start it again.
    Running,
    /// Its health check says so.
    Healthy,
    /// It has ended.
    Exited,
}

fn five_minutes() -> Duration {
    Duration::new(Span::from_mins(5))
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("status", OutputKind::String, "Its status then: `running`, `exited` …"),
        OutputSpec::new("health", OutputKind::String, "`starting`, `healthy` or `unhealthy`; null without a health check."),
        OutputSpec::new("exit_code", OutputKind::Int, "How its last run ended; null where it runs."),
        OutputSpec::new("oom_killed", OutputKind::Bool, "Whether its last run was ended for want of memory."),
        OutputSpec::new("line", OutputKind::String, "The line in which `log` was found; null without `log`."),
        OutputSpec::new("waited", OutputKind::Number, "How long it was waited, in seconds."),
    ],
    example: r#"docker.wait = { container = "obodc", log = "Started OdcServer", within = "10m" }"#,
    schema: runbook_core::described!(Wait, "docker.wait"),
    ..ActionSpec::of::<Wait>("wait", Class::READ_ONLY, "Waits until a container is in a state, or has put out a line.")
};

const PERIOD: Span = Span::from_millis(500);

impl Wait {
    /// Waits for the health check of a container, or for a line of its output.
    pub(super) fn until_ready(container: ContainerName, log: Option<Pattern>, within: Duration) -> Self {
        let until = log.is_none().then_some(Until::Healthy);
        Self { container, until, log, within, target: None }
    }

    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        self.wait(cx, &client).await
    }

    /// The same through a connection that is there already.
    pub(super) async fn wait(&self, cx: Cx<'_>, client: &Client) -> Run<Outcome> {
        let begun = cx.now();
        loop {
            let left = self.within.get().saturating_sub(cx.now().duration_since(begun).unsigned_abs());
            let Some(found) = Container::find(cx, client, self.container.as_str()).await? else {
                return Err(missing(client, &self.container).await.into());
            };
            let line = match &self.log {
                Some(pattern) => line(cx, client, &found, pattern, left).await?,
                None => None,
            };
            if line.is_some() || self.until.is_some_and(|until| until.holds(&found)) {
                let waited = cx.now().duration_since(begun).as_secs_f64();
                return Ok(Outcome::unchanged(outputs(&found, line.as_deref(), waited)));
            }
            if let Some(failure) = self.hopeless(&found) {
                return Err(with_log(client, &found, failure).await.with(outputs(&found, None, 0.0)));
            }
            if left.is_zero() {
                return Err(with_log(client, &found, self.late(&found)).await.with(outputs(&found, None, self.within.get().as_secs_f64())));
            }
            pause(cx, PERIOD.min(left)).await?;
        }
    }

    /// What can never come about by waiting.
    fn hopeless(&self, found: &Container) -> Option<Failure> {
        if self.until == Some(Until::Healthy) && found.health.is_none() && found.running {
            let message = format!("the container `{}` has no health check", found.name);
            return Some(
                Failure::new(FailureKind::Invalid, message)
                    .field("until")
                    .help("wait for a line of its `log`, or ask it over HTTP (`http.get` with `retry`)"),
            );
        }
        let waits_for_end = self.until == Some(Until::Exited);
        let ended = !found.running && !waits_for_end;
        let never_ran = !found.running && found.started_at.is_none();
        if never_ran {
            let message = format!("the container `{}` was never started", found.name);
            return Some(Failure::new(FailureKind::Failed, message).field("container").help("start it first (`docker.start`)"));
        }
        ended.then(|| {
            Failure::new(FailureKind::Failed, format!("the container `{}` {} while it was waited for", found.name, found.ending()))
                .field("container")
        })
    }

    fn late(&self, found: &Container) -> Failure {
        let wanted = match (self.until, &self.log) {
            (Some(Until::Healthy), _) => format!("is `{}` and not `healthy`", found.health.as_deref().unwrap_or("without a health check")),
            (Some(Until::Running), _) => format!("is `{}` and not `running`", found.status),
            (Some(Until::Exited), _) => format!("is `{}` and has not ended", found.status),
            (None, Some(pattern)) => format!("has not put out a line with `{}`", pattern.get()),
            (None, None) => "was waited for without a reason".to_owned(),
        };
        Failure::new(FailureKind::TimedOut, format!("after {} the container `{}` {wanted}", self.within, found.name)).field("within")
    }
}

impl Until {
    fn holds(self, found: &Container) -> bool {
        match self {
            Self::Running => found.status == "running",
            Self::Healthy => found.status == "running" && found.health.as_deref() == Some("healthy"),
            Self::Exited => !found.running && found.started_at.is_some(),
        }
    }
}

/// Reads the log from this start on, as long as the container runs and there is time.
async fn line(cx: Cx<'_>, client: &Client, found: &Container, pattern: &Pattern, left: Span) -> Run<Option<String>> {
    let mut lines = Lines::open(client, &found.id, this_start(found), found.running);
    let read = async {
        while let Some(line) = lines.next().await {
            let line = line.map_err(|error| Halt::failed(unreadable(&error, found)))?;
            if pattern.get().is_match(&line.text) {
                return Run::Ok(Some(line.text));
            }
        }
        Ok(None)
    };
    // At least one look at what is there already, however little time is left.
    let time = left.max(Span::from_secs(1));
    let within = async {
        tokio::select! {
            biased;
            found = read => found,
            () = cx.sleep(time) => Ok(None),
        }
    };
    unless_told(cx, CancelKind::Graceful, within).await.ok_or_else(Halt::told)?
}

async fn with_log(client: &Client, found: &Container, failure: Failure) -> Halt {
    Halt::failed(log_tail(client, &found.id, 20).await.into_iter().fold(failure, Failure::detail))
}

fn outputs(found: &Container, line: Option<&str>, waited: f64) -> Outputs {
    object(json!({
        "status": found.status,
        "health": found.health,
        "exit_code": (!found.running).then_some(found.exit_code),
        "oom_killed": found.oom_killed,
        "line": line,
        "waited": waited,
    }))
}

impl Action for Wait {
    fn validate(&self) -> Vec<FieldFault> {
        match (&self.until, &self.log) {
            (None, None) => vec![FieldFault::new("", "says not what to wait for").help("write `until` or `log`")],
            (Some(_), Some(_)) => {
                vec![FieldFault::new("log", "stands beside `until`").help("write one of them only; a second step can wait for the other")]
            }
            _ => Vec::new(),
        }
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(Box::pin(self.go(cx)).await) })
    }
}
