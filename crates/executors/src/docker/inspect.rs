//! `docker.inspect`.

use std::collections::BTreeMap;

use bollard::models::ImageInspect;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec, Outputs, Target,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Settings, ask};
use super::container::{Container, missing, object};
use super::failure;
use super::halt::{Run, outcome};
use super::mounts;
use super::names::{ContainerName, ImageName};

/// Looks at a container or an image.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Inspect {
    /// The container's name or id.
    container: Option<ContainerName>,
    /// The image's name or id.
    image: Option<ImageName>,
    /// Whether it is well that there is none: `exists` is false then, and everything else null.
    #[serde(default)]
    missing_ok: bool,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("exists", OutputKind::Bool, "Whether it is there."),
        OutputSpec::new("id", OutputKind::String, "The container's or the image's id."),
        OutputSpec::new("name", OutputKind::String, "The container's name."),
        OutputSpec::new("image", OutputKind::String, "The container's image, as it was named when the container was created."),
        OutputSpec::new("image_id", OutputKind::String, "The id of the image that the container was made from."),
        OutputSpec::new("running", OutputKind::Bool, "Whether the container runs (also paused, or about to be started again)."),
        OutputSpec::new("status", OutputKind::String, "`created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`."),
        OutputSpec::new("exit_code", OutputKind::Int, "How its last run ended; null where it never ran."),
        OutputSpec::new("oom_killed", OutputKind::Bool, "Whether its last run was ended for want of memory."),
        OutputSpec::new("restart_policy", OutputKind::String, "`no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`."),
        OutputSpec::new("restart_count", OutputKind::Int, "How often the engine has started it again."),
        OutputSpec::sensitive("env", OutputKind::Map, "The environment, by name, the image's own variables included."),
        OutputSpec::new(
            "mounts",
            OutputKind::List,
            "All mounts as maps of `type`, `source`, `target`, `read_only`; compare them with `same_set`.",
        ),
        OutputSpec::new("binds", OutputKind::List, "The same as texts, `SOURCE:TARGET` or `SOURCE:TARGET:ro`."),
        OutputSpec::new("labels", OutputKind::Map, "The labels, by name."),
        OutputSpec::new("network_mode", OutputKind::String, "`host`, `bridge`, `none`, or a network's name."),
        OutputSpec::new("networks", OutputKind::List, "The names of the networks that it is connected to."),
        OutputSpec::new("ports", OutputKind::Map, "Published ports: for `8989/tcp` a list of `HOST:PORT`."),
        OutputSpec::new("privileged", OutputKind::Bool, "Whether it has all privileges."),
        OutputSpec::new("pids_limit", OutputKind::Int, "How many processes it may have; null without a limit."),
        OutputSpec::new("memory", OutputKind::Int, "How much memory it may have, in bytes; 0 without a limit."),
        OutputSpec::new("cpus", OutputKind::Number, "How many processors it may use; 0 without a limit."),
        OutputSpec::new("user", OutputKind::String, "The user of its first process; empty for the default."),
        OutputSpec::new("created", OutputKind::String, "When it was created, RFC 3339."),
        OutputSpec::new("started", OutputKind::String, "When it was started last, RFC 3339; null where it never was."),
        OutputSpec::new("finished", OutputKind::String, "When its last run ended, RFC 3339; null where none has."),
        OutputSpec::new("health", OutputKind::String, "`starting`, `healthy` or `unhealthy`; null without a health check."),
        OutputSpec::new("tags", OutputKind::List, "The image's names."),
        OutputSpec::new("architecture", OutputKind::String, "What the image runs on, such as `amd64`."),
        OutputSpec::new("os", OutputKind::String, "The image's operating system."),
        OutputSpec::new("size", OutputKind::Int, "The image's size in bytes."),
    ],
    example: r#"docker.inspect = { container = "obodc" }"#,
    schema: runbook_core::described!(Inspect, "docker.inspect"),
    ..ActionSpec::of::<Inspect>("inspect", Class::READ_ONLY, "Looks at a container or an image.")
};

impl Inspect {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        if let Some(name) = &self.container {
            return match Container::find(cx, &client, name.as_str()).await? {
                Some(found) => Ok(Outcome::unchanged(of_container(&found))),
                None if self.missing_ok => Ok(Outcome::unchanged(complete(json!({ "exists": false })))),
                None => Err(missing(&client, name).await.into()),
            };
        }
        let Some(name) = &self.image else {
            return Err(Failure::new(FailureKind::Invalid, "neither `container` nor `image` is given").into());
        };
        match find_image(cx, &client, name.as_str()).await? {
            Some(found) => Ok(Outcome::unchanged(of_image(&found))),
            None if self.missing_ok => Ok(Outcome::unchanged(complete(json!({ "exists": false })))),
            None => Err(missing_image(name).into()),
        }
    }
}

/// Looks at an image; nothing where there is none.
pub(super) async fn find_image(cx: Cx<'_>, client: &Client, name: &str) -> Run<Option<ImageInspect>> {
    ask(cx, &format!("inspect the image `{name}`"), async {
        match client.quick().inspect_image(name).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if failure::is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    })
    .await
}

/// The failure of an action whose image is not there.
pub(super) fn missing_image(name: &ImageName) -> Failure {
    Failure::new(FailureKind::NotFound, format!("the image `{name}` is not on this host"))
        .field("image")
        .help(format!("load it from an archive (`docker.load`), or fetch it: `docker pull {name}`"))
}

/// Every documented output; those that were not found are null.
fn complete(found: Value) -> Outputs {
    let mut found = object(found);
    SPEC.outputs.iter().map(|output| (output.name.to_owned(), found.remove(output.name).unwrap_or(Value::Null))).collect()
}

fn of_container(found: &Container) -> Outputs {
    let config = found.raw.config.clone().unwrap_or_default();
    let host = found.raw.host_config.clone().unwrap_or_default();
    let network = found.raw.network_settings.clone().unwrap_or_default();
    let mut networks: Vec<String> = network.networks.unwrap_or_default().into_keys().collect();
    networks.sort_unstable();
    let labels: BTreeMap<String, String> = config.labels.unwrap_or_default().into_iter().collect();
    let ports: BTreeMap<String, Vec<String>> = host
        .port_bindings
        .unwrap_or_default()
        .into_iter()
        .map(|(port, to)| {
            let address = |to: bollard::models::PortBinding| {
                let ip = to.host_ip.filter(|ip| !ip.is_empty()).unwrap_or_else(|| "0.0.0.0".to_owned());
                format!("{ip}:{}", to.host_port.unwrap_or_default())
            };
            (port, to.unwrap_or_default().into_iter().map(address).collect())
        })
        .collect();
    let period = host.cpu_period.filter(|period| *period > 0).unwrap_or(100_000);
    let cpus = match (host.nano_cpus.unwrap_or_default(), host.cpu_quota.unwrap_or_default()) {
        (nano, _) if nano > 0 => ratio(nano, 1_000_000_000),
        (_, quota) if quota > 0 => ratio(quota, period),
        _ => 0.0,
    };
    complete(json!({
        "exists": true,
        "id": found.id,
        "name": found.name,
        "image": found.image,
        "image_id": found.image_id,
        "running": found.running,
        "status": found.status,
        "exit_code": found.started_at.as_ref().map(|_| found.exit_code),
        "oom_killed": found.oom_killed,
        "restart_policy": found.restart_policy,
        "restart_count": found.raw.restart_count.unwrap_or_default(),
        "env": variables(config.env.unwrap_or_default()),
        "mounts": mounts::normal_list(found.raw.mounts.as_ref()),
        "binds": mounts::binds(found.raw.mounts.as_ref()),
        "labels": labels,
        "network_mode": host.network_mode.unwrap_or_default(),
        "networks": networks,
        "ports": ports,
        "privileged": host.privileged.unwrap_or_default(),
        "pids_limit": host.pids_limit.filter(|limit| *limit > 0),
        "memory": host.memory.unwrap_or_default(),
        "cpus": cpus,
        "user": config.user.unwrap_or_default(),
        "created": found.raw.created,
        "started": found.started_at,
        "finished": found.finished_at,
        "health": found.health,
    }))
}

fn of_image(found: &ImageInspect) -> Outputs {
    let config = found.config.clone().unwrap_or_default();
    let labels: BTreeMap<String, String> = config.labels.unwrap_or_default().into_iter().collect();
    complete(json!({
        "exists": true,
        "id": found.id,
        "env": variables(config.env.unwrap_or_default()),
        "labels": labels,
        "user": config.user.unwrap_or_default(),
        "created": found.created,
        "tags": found.repo_tags.clone().unwrap_or_default(),
        "architecture": found.architecture,
        "os": found.os,
        "size": found.size,
    }))
}

/// `NAME=VALUE` by name; the last of two equal names counts, as it does for the process.
fn variables(env: Vec<String>) -> BTreeMap<String, String> {
    let pair = |entry: String| match entry.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (entry, String::new()),
    };
    env.into_iter().map(pair).collect()
}

#[expect(clippy::cast_precision_loss, reason = "numbers of processors have far fewer digits than a double holds")]
fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

impl Action for Inspect {
    fn validate(&self) -> Vec<FieldFault> {
        match (&self.container, &self.image) {
            (None, None) => vec![FieldFault::new("", "says neither `container` nor `image`").help("write one of them")],
            (Some(_), Some(_)) => vec![FieldFault::new("image", "stands beside `container`").help("write one of them only")],
            _ => Vec::new(),
        }
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }
}
