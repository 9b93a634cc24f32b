//! Containers and images, through the Docker Engine's own interface; no `docker` command is needed.

mod client;
mod container;
mod exec;
mod failure;
mod forms;
mod halt;
mod inspect;
mod labels;
mod lines;
mod list;
mod load;
mod logs;
mod mounts;
mod names;
mod remove;
mod rename;
mod restart;
mod run;
mod start;
mod stop;
mod update;
mod wait;
mod watch;

use runbook_core::action::{ActionSpec, Executor, TargetSpec};
use schemars::JsonSchema as _;

/// The `docker` executor.
#[derive(Clone, Copy, Debug)]
pub struct Docker;

static ACTIONS: &[ActionSpec] = &[
    run::SPEC,
    stop::SPEC,
    start::SPEC,
    restart::SPEC,
    update::SPEC,
    rename::SPEC,
    remove::SPEC,
    exec::SPEC,
    inspect::SPEC,
    list::SPEC,
    load::SPEC,
    logs::SPEC,
    wait::SPEC,
];

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
