//! `docker.list`.

use std::collections::{BTreeMap, HashMap};

use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;
use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, Outcome, OutputKind, OutputSpec, Target};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Settings, ask};
use super::container::object;
use super::halt::{Run, outcome};
use super::names::ContainerName;

/// Lists containers, running or not.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Only containers of exactly these names. (The engine's own filter would take a part of a name too.)
    #[serde(default)]
    names: Vec<ContainerName>,
    /// Only containers with all these labels; an empty value takes any.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Only containers whose image was named so when they were created.
    image: Option<String>,
    /// Only containers that run, or only those that do not.
    running: Option<bool>,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new(
            "containers",
            OutputKind::List,
            "Maps of `id`, `name`, `image`, `image_id`, `status`, `running`, `labels`, `created`, by name.",
        ),
        OutputSpec::new("names", OutputKind::List, "Their names alone."),
        OutputSpec::new("count", OutputKind::Int, "How many there are."),
        OutputSpec::new("missing", OutputKind::List, "Those of the asked names that no listed container has."),
    ],
    example: r#"docker.list = { names = ["obodc", "oms_331"] }"#,
    schema: runbook_core::described!(List, "docker.list"),
    ..ActionSpec::of::<List>("list", Class::READ_ONLY, "Lists containers, by exact names or labels.")
};

impl List {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let label = |(name, value): (&String, &String)| if value.is_empty() { name.clone() } else { format!("{name}={value}") };
        let filters = HashMap::from([("label".to_owned(), self.labels.iter().map(label).collect::<Vec<String>>())]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let all = ask(cx, "list the containers", client.quick().list_containers(Some(options))).await?;
        let mut found: Vec<(String, Value)> = all.into_iter().map(entry).filter(|(name, entry)| self.takes(name, entry)).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        let missing: Vec<&str> = self.names.iter().map(ContainerName::as_str).filter(|name| !names.contains(name)).collect();
        Ok(Outcome::unchanged(object(json!({
            "names": names,
            "count": found.len(),
            "missing": missing,
            "containers": found.iter().map(|(_, entry)| entry).collect::<Vec<_>>(),
        }))))
    }

    fn takes(&self, name: &str, entry: &Value) -> bool {
        (self.names.is_empty() || self.names.iter().any(|asked| asked.as_str() == name))
            && self.image.as_ref().is_none_or(|image| entry.get("image").and_then(Value::as_str) == Some(image))
            && self.running.is_none_or(|running| entry.get("running").and_then(Value::as_bool) == Some(running))
    }
}

/// A container has one name of its own; further ones, with another slash, are links of others to it.
fn entry(summary: ContainerSummary) -> (String, Value) {
    let names = summary.names.unwrap_or_default();
    let name = names.iter().map(|name| name.trim_start_matches('/')).find(|name| !name.contains('/')).unwrap_or_default().to_owned();
    let status = summary.state.map(|state| state.to_string()).unwrap_or_default();
    let created = summary.created.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()).map(|time| time.to_string());
    let labels: BTreeMap<String, String> = summary.labels.unwrap_or_default().into_iter().collect();
    let value = json!({
        "id": summary.id,
        "name": name,
        "image": summary.image,
        "image_id": summary.image_id,
        "status": status,
        "running": matches!(status.as_str(), "running" | "paused" | "restarting"),
        "labels": labels,
        "created": created,
    });
    (name, value)
}

impl Action for List {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }
}
