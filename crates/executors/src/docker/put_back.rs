//! `docker.put_back`.

use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec, Residue, Target,
};
use runbook_core::value::Duration;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Settings};
use super::container::{BEFORE, Container, capture, object};
use super::forms::RestartPolicy;
use super::halt::{Halt, Run, outcome};
use super::labels::{self, REPLACES};
use super::names::ContainerName;
use super::remove::remove;
use super::rename::{rename, taken};
use super::start::start;
use super::stop::{minute, stop};
use super::update::set_restart_policy;
use super::watch::{SHORTLY, stays_up};

/// Puts a container that `docker.replace` has set aside back under its name; the one that has the name now is stopped and kept under another. For its
/// undo. What is so already is left as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutBack {
    /// The name that both containers want.
    pub(super) container: ContainerName,
    /// The name under which the old container was set aside.
    pub(super) aside: ContainerName,
    /// The name that the other container gets; without it `NAME-failed-RUN`.
    pub(super) failed: Option<ContainerName>,
    /// The restart policy that the old container had, `{{before.restart_policy}}`; without it it stays as it is.
    pub(super) restart: Option<RestartPolicy>,
    /// Whether the old container is started, `{{before.running}}`.
    #[serde(default = "yes")]
    pub(super) running: bool,
    /// How long the other container may take to end by itself before it is killed.
    #[serde(default = "minute")]
    pub(super) grace: Duration,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    pub(super) target: Option<Target<Settings>>,
}

fn yes() -> bool {
    true
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("id", OutputKind::String, "The id of the container that has the name now."),
        OutputSpec::new("failed", OutputKind::String, "The name under which the other container is kept; null where there was none."),
    ],
    before: BEFORE,
    example: r#"docker.put_back = { container = "obodc", aside = "obodc-before-4.3.4" }"#,
    schema: runbook_core::described!(PutBack, "docker.put_back"),
    ..ActionSpec::of::<PutBack>("put_back", Class::IDEMPOTENT, "Puts a container that was set aside back under its name.")
};

/// Where the new container is made before it gets its name.
pub(super) fn next_name(cx: Cx<'_>, container: &ContainerName) -> String {
    format!("{container}-next-{}", cx.run_id())
}

impl PutBack {
    /// Each step accepts that it is done already, so that it can be begun again wherever it was left.
    pub(super) async fn go(&self, cx: Cx<'_>, client: &Client) -> Run<Outcome> {
        let mut changed = false;
        let lost = |halt: Halt, changed: bool| if changed { halt.after(Residue::Partial) } else { halt };
        // Made, and never given the name: nothing is lost with it.
        if let Some(next) = Container::look(client, &next_name(cx, &self.container)).await?
            && labels::by_this_run(cx, next.labels())
            && next.started_at.is_none()
        {
            remove(cx, client, &next, false, false).await?;
            changed = true;
        }
        let named = Container::look(client, self.container.as_str()).await?;
        let aside = Container::look(client, self.aside.as_str()).await?;
        let is_new = |found: &Container| found.labels().is_some_and(|labels| labels.contains_key(REPLACES));
        let (old, new) = match (aside, named) {
            (Some(aside), named) => (aside, named),
            (None, Some(named)) if !is_new(&named) => (named, None),
            (None, _) => return Err(self.nothing_aside().into()),
        };
        let failed = match &new {
            Some(new) => {
                self.out_of_the_way(cx, client, new).await.map_err(|halt| lost(halt, changed))?;
                changed = true;
                Some(self.failed_name(cx))
            }
            None => None,
        };
        if old.name != self.container.as_str() {
            rename(cx, client, &old, self.container.as_str()).await.map_err(|halt| lost(halt, changed))?;
            changed = true;
        }
        if let Some(policy) = self.restart.map(|policy| policy.to_string()).filter(|policy| *policy != old.restart_policy) {
            set_restart_policy(cx, client, &old, &policy).await.map_err(|halt| lost(halt, changed))?;
            changed = true;
        }
        if self.running && !old.running {
            start(cx, client, &old.id, self.container.as_str()).await.map_err(|halt| lost(halt, changed))?;
            stays_up(cx, client, &old.id, SHORTLY).await.map_err(|halt| halt.after(Residue::Partial))?;
            changed = true;
        }
        Ok(Outcome::Succeeded { outputs: object(json!({ "id": old.id, "failed": failed })), changed })
    }

    /// Stops the new container for good and gives it another name. It is kept: its log and its files say what went wrong.
    async fn out_of_the_way(&self, cx: Cx<'_>, client: &Client, new: &Container) -> Run<()> {
        let to = self.failed_name(cx);
        if let Some(holder) = Container::look(client, &to).await? {
            return Err(taken(&holder, "failed").into());
        }
        set_restart_policy(cx, client, new, "no").await?;
        if new.running {
            stop(cx, client, new, self.grace).await.map_err(|halt| halt.after(Residue::Partial))?;
        }
        rename(cx, client, new, &to).await.map_err(|halt| halt.after(Residue::Partial))
    }

    fn failed_name(&self, cx: Cx<'_>) -> String {
        self.failed.as_ref().map_or_else(|| format!("{}-failed-{}", self.container, cx.run_id()), ToString::to_string)
    }

    fn nothing_aside(&self) -> Failure {
        Failure::new(FailureKind::NotFound, format!("there is no container `{}` to be put back as `{}`", self.aside, self.container))
            .field("aside")
            .help("see with `docker ps -a` under which name the old container is kept")
    }
}

impl Action for PutBack {
    fn validate(&self) -> Vec<FieldFault> {
        if self.aside == self.container {
            return vec![FieldFault::new("aside", "is the name that the container gets back").help("write the name of the one set aside")];
        }
        Vec::new()
    }

    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(capture(self.target.as_ref(), &self.container))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let work = async {
                let client = Client::connect(self.target.as_ref()).await?;
                Box::pin(self.go(cx, &client)).await
            };
            outcome(work.await)
        })
    }
}
