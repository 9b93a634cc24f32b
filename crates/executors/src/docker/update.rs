//! `docker.update`.

use bollard::models::{ContainerUpdateBody, HostConfig};
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec, Outputs, Residue,
    Target, Verdict,
};
use runbook_core::value::ByteSize;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{Client, SLOW, Settings, change};
use super::container::{Container, again, missing, object};
use super::forms::{RestartPolicy, SizeLimit};
use super::halt::{Halt, Run, outcome};
use super::names::ContainerName;
use super::run::{bytes, nano};

/// Changes the restart policy or the limits of a container, without stopping it. What is so already is left as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    /// The container's name or id.
    container: ContainerName,
    /// What the engine does when it ends: `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:N`.
    restart: Option<RestartPolicy>,
    /// How many processors it may use.
    #[schemars(range(min = 0, max = 10000.0))]
    cpus: Option<f64>,
    /// The period of the processor limit, in microseconds.
    #[schemars(range(min = 0, max = 1_000_000))]
    cpu_period: Option<i64>,
    /// How much processor time it may use in a period, in microseconds.
    #[schemars(range(min = 0))]
    cpu_quota: Option<i64>,
    /// Its weight beside other containers when processors are short.
    #[schemars(range(min = 0, max = 262_144))]
    cpu_shares: Option<i64>,
    /// How much memory it may use. The engine can change such a limit but not take it away.
    memory: Option<ByteSize>,
    /// Memory and swap together, or `unlimited`.
    memory_swap: Option<SizeLimit>,
    /// How many processes it may have; `-1` for no limit.
    #[schemars(range(min = -1))]
    pids_limit: Option<i64>,
    /// Whether it is well that there is no such container.
    #[serde(default)]
    missing_ok: bool,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

/// What it is about, as outputs and as `before.*`.
const SETTINGS: &[OutputSpec] = &[
    OutputSpec::new("exists", OutputKind::Bool, "Whether the container is there."),
    OutputSpec::new("id", OutputKind::String, "Its id."),
    OutputSpec::new("restart_policy", OutputKind::String, "`no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`."),
    OutputSpec::new("cpus", OutputKind::Number, "How many processors it may use; 0 where no such limit is set."),
    OutputSpec::new("cpu_period", OutputKind::Int, "The period of the processor limit in microseconds; 0 where none is set."),
    OutputSpec::new("cpu_quota", OutputKind::Int, "The processor time in a period in microseconds; 0 where none is set."),
    OutputSpec::new("cpu_shares", OutputKind::Int, "Its weight; 0 for the default."),
    OutputSpec::new("memory", OutputKind::Int, "How much memory it may use in bytes; 0 without a limit."),
    OutputSpec::new("memory_swap", OutputKind::Int, "Memory and swap together in bytes; 0 for the default, -1 without a limit."),
    OutputSpec::new("pids_limit", OutputKind::Int, "How many processes it may have; -1 without a limit."),
];

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: SETTINGS,
    before: SETTINGS,
    example: r#"docker.update = { container = "obodc", restart = "no" }"#,
    schema: runbook_core::described!(Update, "docker.update"),
    ..ActionSpec::of::<Update>("update", Class::IDEMPOTENT, "Changes the restart policy or the limits of a container.")
};

/// The settings of a container under the names of [`SETTINGS`]; null where it is not there.
fn settings(found: Option<&Container>) -> Map<String, Value> {
    let host = found.and_then(|found| found.raw.host_config.clone()).unwrap_or_default();
    let number = |value: Option<i64>| found.map(|_| value.unwrap_or_default());
    object(json!({
        "exists": found.is_some(),
        "id": found.map(|c| c.id.as_str()),
        "restart_policy": found.map(|c| c.restart_policy.as_str()),
        "cpus": found.map(|_| processors(&host)),
        "cpu_period": number(host.cpu_period),
        "cpu_quota": number(host.cpu_quota),
        "cpu_shares": number(host.cpu_shares),
        "memory": number(host.memory),
        "memory_swap": number(host.memory_swap),
        "pids_limit": found.map(|_| host.pids_limit.filter(|limit| *limit > 0).unwrap_or(-1)),
    }))
}

#[expect(clippy::cast_precision_loss, reason = "numbers of processors have far fewer digits than a double holds")]
fn processors(host: &HostConfig) -> f64 {
    host.nano_cpus.unwrap_or_default() as f64 / 1e9
}

impl Update {
    /// What is asked for, under the names of [`SETTINGS`].
    fn wanted(&self) -> Map<String, Value> {
        let all = object(json!({
            "restart_policy": self.restart.map(|policy| policy.to_string()),
            "cpus": self.cpus,
            "cpu_period": self.cpu_period,
            "cpu_quota": self.cpu_quota,
            "cpu_shares": self.cpu_shares,
            "memory": self.memory.map(bytes),
            "memory_swap": self.memory_swap.map(|limit| limit.0),
            "pids_limit": self.pids_limit.map(|limit| if limit > 0 { limit } else { -1 }),
        }));
        all.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    /// The names of what is not yet as it is asked for.
    fn different(&self, now: &Map<String, Value>) -> Vec<String> {
        self.wanted().into_iter().filter(|(name, value)| now.get(name) != Some(value)).map(|(name, _)| name).collect()
    }

    /// Only what differs: the engine refuses some settings beside others even where they are the same.
    fn body(&self, different: &[String]) -> ContainerUpdateBody {
        let wants = |name: &str| different.iter().any(|different| different == name);
        let memory = self.memory.filter(|_| wants("memory")).map(bytes);
        ContainerUpdateBody {
            restart_policy: self.restart.filter(|_| wants("restart_policy")).map(RestartPolicy::model),
            nano_cpus: self.cpus.filter(|_| wants("cpus")).map(nano),
            cpu_period: self.cpu_period.filter(|_| wants("cpu_period")),
            cpu_quota: self.cpu_quota.filter(|_| wants("cpu_quota")),
            cpu_shares: self.cpu_shares.filter(|_| wants("cpu_shares")),
            memory,
            // The engine wants both together: a limit of memory may not rise above that of memory and swap.
            memory_swap: self.memory_swap.filter(|_| wants("memory_swap") || memory.is_some()).map(|limit| limit.0),
            pids_limit: self.pids_limit.filter(|_| wants("pids_limit")).map(|limit| if limit > 0 { limit } else { -1 }),
            ..ContainerUpdateBody::default()
        }
    }

    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::find(cx, &client, self.container.as_str()).await? else {
            return if self.missing_ok {
                Ok(Outcome::unchanged(settings(None)))
            } else {
                Err(missing(&client, &self.container).await.into())
            };
        };
        let now = settings(Some(&found));
        let different = self.different(&now);
        if different.is_empty() {
            return Ok(Outcome::unchanged(now));
        }
        // The engine takes a zero for "not said" and would report success.
        let zero = |name: &&String| self.wanted().get(name.as_str()).and_then(Value::as_f64) == Some(0.0);
        if let Some(name) = different.iter().find(zero) {
            let message = format!("the Docker Engine cannot take the limit `{name}` away from the container `{}`", found.name);
            return Err(Failure::new(FailureKind::Invalid, message)
                .field(name.clone())
                .help("make the container anew without it (`docker.run` with `like`)")
                .into());
        }
        let what = format!("update the container `{}`", found.name);
        change(cx, &what, client.within(SLOW).update_container(&found.id, self.body(&different))).await?;
        self.checked(cx, &client, &found).await.map_err(|halt| halt.after(Residue::Unknown))
    }

    /// Reads back what was set.
    async fn checked(&self, cx: Cx<'_>, client: &Client, found: &Container) -> Run<Outcome> {
        let gone = || Halt::failed(Failure::new(FailureKind::NotFound, format!("the container `{}` is not there any more", found.name)));
        let now = settings(Some(&Container::find(cx, client, &found.id).await?.ok_or_else(gone)?));
        match self.different(&now).first() {
            None => Ok(Outcome::changed(now)),
            Some(name) => {
                let message =
                    format!("the Docker Engine reports success, and `{name}` of the container `{}` is still not as asked", found.name);
                Err(Failure::new(FailureKind::Failed, message).field(name.clone()).into())
            }
        }
    }
}

/// Gives a container this restart policy, unless it has it already.
pub(super) async fn set_restart_policy(cx: Cx<'_>, client: &Client, found: &Container, policy: &str) -> Run<()> {
    let Some(restart) = RestartPolicy::parse(policy) else {
        return Err(Failure::new(FailureKind::Invalid, format!("`{policy}` is no restart policy")).into());
    };
    if found.restart_policy == policy {
        return Ok(());
    }
    let what = format!("update the container `{}`", found.name);
    let body = ContainerUpdateBody { restart_policy: Some(restart.model()), ..ContainerUpdateBody::default() };
    change(cx, &what, client.within(SLOW).update_container(&found.id, body)).await.map(drop)
}

impl Action for Update {
    fn validate(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if self.wanted().is_empty() {
            faults.push(FieldFault::new("", "says nothing to change").help("write `restart` or a limit"));
        }
        if self.cpus.is_some() && (self.cpu_period.is_some() || self.cpu_quota.is_some()) {
            faults
                .push(FieldFault::new("cpus", "stands beside `cpu_period` or `cpu_quota`").help("write either `cpus`, or the two others"));
        }
        faults
    }

    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async {
            let client = Client::connect(self.target.as_ref()).await?;
            Ok(Before(settings(Container::look(&client, self.container.as_str()).await?.as_ref())))
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async {
            let now: Outputs = match again(self.target.as_ref(), before, &self.container).await {
                Ok(now) => settings(Some(&now)),
                Err(verdict) => return verdict,
            };
            let (left, was) = (self.different(&now), self.different(&before.0));
            match (left.len(), was.len()) {
                (0, was) => Verdict::Done { outputs: now, changed: was > 0 },
                (left, was) if left == was => Verdict::NotDone,
                _ => Verdict::Partial { why: format!("`{}` of the container `{}` is not as asked yet", left.join("`, `"), self.container) },
            }
        })
    }
}
