//! A container as the engine describes it, and the questions that all actions ask about one.

use std::collections::HashMap;

use bollard::models::{ContainerInspectResponse, ContainerState, RestartPolicy, RestartPolicyNameEnum};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};
use runbook_core::action::{Before, Cx, Failure, FailureKind, OutputKind, OutputSpec, Target, Verdict};
use serde_json::{Map, Value, json};

use super::client::{Client, Settings, ask};
use super::failure;
use super::halt::Run;
use super::names::ContainerName;

/// A container, with what every action looks at taken out of the engine's many optional fields.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    /// The full id: still the same after a rename.
    pub(crate) id: String,
    /// Its name, without the slash that the engine puts in front.
    pub(crate) name: String,
    /// The image's name as it was given when the container was created.
    pub(crate) image: String,
    /// The id of the image that it was made from.
    pub(crate) image_id: String,
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
    pub(crate) status: String,
    /// Whether it runs; also while it is paused, and while the engine is about to start it again.
    pub(crate) running: bool,
    /// Whether it has ended and the engine is about to start it again.
    pub(crate) restarting: bool,
    /// Of its last run; 0 where it never ran.
    pub(crate) exit_code: i64,
    /// Whether the kernel ended its last run for want of memory.
    pub(crate) oom_killed: bool,
    /// When it was started last, RFC 3339; none where it never was.
    pub(crate) started_at: Option<String>,
    /// When its last run ended; none where none has.
    pub(crate) finished_at: Option<String>,
    /// `starting`, `healthy` or `unhealthy`; none without a health check.
    pub(crate) health: Option<String>,
    /// As it is written in a runbook: `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`.
    pub(crate) restart_policy: String,
    /// Everything else.
    pub(crate) raw: ContainerInspectResponse,
}

/// What `before.*` holds for actions on one container. All keys are there; they are null where the container is not.
pub(crate) const BEFORE: &[OutputSpec] = &[
    OutputSpec::new("exists", OutputKind::Bool, "Whether the container was there."),
    OutputSpec::new("id", OutputKind::String, "Its id, which a rename does not change."),
    OutputSpec::new("name", OutputKind::String, "Its name."),
    OutputSpec::new("image", OutputKind::String, "Its image, as it was named when the container was created."),
    OutputSpec::new("running", OutputKind::Bool, "Whether it ran (also paused, or about to be started again)."),
    OutputSpec::new("status", OutputKind::String, "Such as `running`, `exited`, `restarting`."),
    OutputSpec::new("restart_policy", OutputKind::String, "`no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`."),
    OutputSpec::new("started", OutputKind::String, "When it was started last, RFC 3339."),
];

impl Container {
    /// Looks at a container; nothing where there is none. Gives up when the action is asked to end.
    pub(crate) async fn find(cx: Cx<'_>, client: &Client, name: &str) -> Run<Option<Self>> {
        let what = format!("inspect the container `{name}`");
        ask(cx, &what, async {
            match client.quick().inspect_container(name, None::<InspectContainerOptions>).await {
                Ok(raw) => Ok(Some(Self::from(raw))),
                Err(error) if failure::is_missing(&error) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// The same outside of a run (`capture`, `probe`), where only the time-out ends it.
    pub(crate) async fn look(client: &Client, name: &str) -> Result<Option<Self>, Failure> {
        match client.quick().inspect_container(name, None::<InspectContainerOptions>).await {
            Ok(raw) => Ok(Some(Self::from(raw))),
            Err(error) if failure::is_missing(&error) => Ok(None),
            Err(error) => Err(failure::of(&error, &format!("inspect the container `{name}`"))),
        }
    }

    /// Its labels.
    pub(crate) fn labels(&self) -> Option<&HashMap<String, String>> {
        self.raw.config.as_ref()?.labels.as_ref()
    }

    /// For `before.*`.
    pub(crate) fn before(found: Option<&Self>) -> Before {
        let mut map = Map::new();
        map.insert("exists".into(), found.is_some().into());
        map.insert("id".into(), found.map(|c| c.id.as_str()).into());
        map.insert("name".into(), found.map(|c| c.name.as_str()).into());
        map.insert("image".into(), found.map(|c| c.image.as_str()).into());
        map.insert("running".into(), found.is_some_and(|c| c.running).into());
        map.insert("status".into(), found.map(|c| c.status.as_str()).into());
        map.insert("restart_policy".into(), found.map(|c| c.restart_policy.as_str()).into());
        map.insert("started".into(), found.and_then(|c| c.started_at.as_deref()).into());
        Before(map)
    }

    /// How its last run ended, for people: "exited with code 1", "was killed for want of memory".
    pub(crate) fn ending(&self) -> String {
        if self.oom_killed {
            return format!("was ended for want of memory (code {})", self.exit_code);
        }
        match self.exit_code {
            137 => "was killed by SIGKILL (code 137)".to_owned(),
            code => format!("exited with code {code}"),
        }
    }
}

impl From<ContainerInspectResponse> for Container {
    fn from(raw: ContainerInspectResponse) -> Self {
        let state = raw.state.clone().unwrap_or_default();
        let ContainerState { status, running, restarting, oom_killed, exit_code, started_at, finished_at, health, .. } = state;
        let policy = raw.host_config.as_ref().and_then(|host| host.restart_policy.as_ref());
        Self {
            id: raw.id.clone().unwrap_or_default(),
            name: raw.name.as_deref().unwrap_or_default().trim_start_matches('/').to_owned(),
            image: raw.config.as_ref().and_then(|config| config.image.clone()).unwrap_or_default(),
            image_id: raw.image.clone().unwrap_or_default(),
            status: status.map(|status| status.to_string()).unwrap_or_default(),
            running: running.unwrap_or_default(),
            restarting: restarting.unwrap_or_default(),
            exit_code: exit_code.unwrap_or_default(),
            oom_killed: oom_killed.unwrap_or_default(),
            started_at: started_at.filter(|time| happened(time)),
            finished_at: finished_at.filter(|time| happened(time)),
            health: health
                .and_then(|health| health.status)
                .map(|status| status.to_string())
                .filter(|status| !matches!(status.as_str(), "" | "none")),
            restart_policy: policy.map_or_else(|| "no".to_owned(), policy_text),
            raw,
        }
    }
}

/// The engine writes the year 1 for what never happened.
fn happened(time: &str) -> bool {
    !time.is_empty() && !time.starts_with("0001-")
}

fn policy_text(policy: &RestartPolicy) -> String {
    match (policy.name, policy.maximum_retry_count) {
        (None | Some(RestartPolicyNameEnum::EMPTY | RestartPolicyNameEnum::NO), _) => "no".to_owned(),
        (Some(RestartPolicyNameEnum::ALWAYS), _) => "always".to_owned(),
        (Some(RestartPolicyNameEnum::UNLESS_STOPPED), _) => "unless-stopped".to_owned(),
        (Some(RestartPolicyNameEnum::ON_FAILURE), None | Some(0)) => "on-failure".to_owned(),
        (Some(RestartPolicyNameEnum::ON_FAILURE), Some(times)) => format!("on-failure:{times}"),
    }
}

/// What an action on one container finds before it.
pub(crate) async fn capture(target: Option<&Target<Settings>>, name: &ContainerName) -> Result<Before, Failure> {
    let client = Client::connect(target).await?;
    Ok(Container::before(Container::look(&client, name.as_str()).await?.as_ref()))
}

/// For a probe: the container that was found before, by its id, for its name may be another's by now. Where there is none, the verdict that follows.
pub(crate) async fn again(target: Option<&Target<Settings>>, before: &Before, name: &ContainerName) -> Result<Container, Verdict> {
    let look = async {
        let client = Client::connect(target).await?;
        Container::look(&client, text_before(before, "id").unwrap_or(name.as_str())).await
    };
    match look.await {
        Ok(Some(found)) => Ok(found),
        Ok(None) if !flag_before(before, "exists") => Err(Verdict::NotDone),
        Ok(None) => Err(Verdict::Unknown { why: format!("the container `{name}` is not there any more") }),
        Err(failure) => Err(Verdict::Unknown { why: failure.message }),
    }
}

/// The failure of an action whose container is not there, with those that are.
pub(crate) async fn missing(client: &Client, name: &ContainerName) -> Failure {
    let failure = Failure::new(FailureKind::NotFound, format!("there is no container `{name}`"))
        .field("container")
        .help("name one that is there (`docker ps -a` lists them)");
    let options = ListContainersOptionsBuilder::new().all(true).build();
    let Ok(all) = client.quick().list_containers(Some(options)).await else { return failure };
    let mut names: Vec<String> = all.into_iter().flat_map(|c| c.names.unwrap_or_default()).collect();
    names.sort_unstable();
    let shown: Vec<&str> = names.iter().take(12).map(|name| name.trim_start_matches('/')).collect();
    match (names.len(), shown.len()) {
        (0, _) => failure.detail("there are no containers at all"),
        (all, shown_count) if all > shown_count => {
            failure.detail(format!("there are {}, and {} more", shown.join(", "), all - shown_count))
        }
        _ => failure.detail(format!("there are {}", shown.join(", "))),
    }
}

/// A text of what was found before; none where it is null or not there.
pub(crate) fn text_before<'a>(before: &'a Before, key: &str) -> Option<&'a str> {
    before.0.get(key).and_then(Value::as_str)
}

/// A yes or no of what was found before.
pub(crate) fn flag_before(before: &Before, key: &str) -> bool {
    before.0.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// The entries of a JSON object literal.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

/// What actions that start a container give.
pub(crate) fn started(container: &Container) -> Map<String, Value> {
    object(json!({
        "id": container.id,
        "name": container.name,
        "image_id": container.image_id,
        "started": container.started_at,
    }))
}
