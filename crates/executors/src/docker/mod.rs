//! Containers and images, through the Docker Engine's own interface; no `docker` command is needed.

mod client;
mod container;
mod failure;
mod forms;
mod halt;
mod inspect;
mod labels;
mod mounts;
mod names;
mod remove;
mod rename;
mod run;
mod start;
mod stop;
mod watch;

use runbook_core::action::{ActionSpec, Executor, TargetSpec};
use schemars::JsonSchema as _;

/// The `docker` executor.
#[derive(Clone, Copy, Debug)]
pub struct Docker;

static ACTIONS: &[ActionSpec] = &[run::SPEC, stop::SPEC, start::SPEC, rename::SPEC, remove::SPEC, inspect::SPEC];

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
