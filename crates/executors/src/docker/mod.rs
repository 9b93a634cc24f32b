//! Containers and images, through the Docker Engine's own interface; no `docker` command is needed.

mod client;
mod failure;
mod halt;
mod labels;
mod names;

use runbook_core::action::{ActionSpec, Executor, TargetSpec};
use schemars::JsonSchema as _;

/// The `docker` executor.
#[derive(Clone, Copy, Debug)]
pub struct Docker;

static ACTIONS: &[ActionSpec] = &[];

static TARGETS: &[TargetSpec] = &[TargetSpec {
    kind: "docker",
    about: "A Docker Engine; without a target it is the machine's own.",
    schema: client::Settings::json_schema,
}];

impl Executor for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn about(&self) -> &'static str {
        "Containers and images, through the Docker Engine's own interface."
    }

    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }

    fn targets(&self) -> &'static [TargetSpec] {
        TARGETS
    }
}
