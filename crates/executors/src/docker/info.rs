//! `docker.info`.

use bollard::models::SystemInfo;
use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, Outcome, OutputKind, OutputSpec, Target};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Settings, ask};
use super::container::object;
use super::halt::{Run, outcome};

/// Says what the engine is and where it keeps its data.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Info {
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("version", OutputKind::String, "The engine's version, such as `20.10.24`."),
        OutputSpec::new(
            "data_root",
            OutputKind::String,
            "The folder, on the engine's host, in which images and containers are: what has to have room for them.",
        ),
        OutputSpec::new("storage_driver", OutputKind::String, "What it keeps images with, such as `overlay2`."),
        OutputSpec::new("architecture", OutputKind::String, "The host's, as the kernel names it: `x86_64`, `aarch64`."),
        OutputSpec::new("live_restore", OutputKind::Bool, "Whether containers run on while the engine is stopped."),
    ],
    example: "docker.info = {}",
    schema: runbook_core::described!(Info, "docker.info"),
    ..ActionSpec::of::<Info>("info", Class::READ_ONLY, "Says what the engine is and where it keeps its data.")
};

impl Info {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let info: SystemInfo = ask(cx, "ask the engine about itself", client.quick().info()).await?;
        Ok(Outcome::unchanged(object(json!({
            "version": info.server_version.unwrap_or_default(),
            "data_root": info.docker_root_dir.unwrap_or_default(),
            "storage_driver": info.driver.unwrap_or_default(),
            "architecture": info.architecture.unwrap_or_default(),
            "live_restore": info.live_restore_enabled.unwrap_or_default(),
        }))))
    }
}

impl Action for Info {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(self.go(cx).await) })
    }
}
