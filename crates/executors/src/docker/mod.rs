//! Containers and images, through the Docker Engine's own interface; no `docker` command is needed.

mod client;
mod container;
mod copy;
mod exec;
mod failure;
mod forms;
mod halt;
mod info;
mod inspect;
mod labels;
mod lines;
mod list;
mod load;
mod logs;
mod mounts;
mod names;
mod pipe;
mod pull;
mod put_back;
mod remove;
mod rename;
mod replace;
mod restart;
mod run;
mod save;
mod start;
mod stop;
mod tag;
mod update;
mod wait;
mod watch;

use runbook_core::action::{ActionSpec, Executor, TargetSpec};

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
    replace::SPEC,
    put_back::SPEC,
    remove::SPEC,
    exec::SPEC,
    copy::SPEC,
    info::SPEC,
    inspect::SPEC,
    list::SPEC,
    load::SPEC,
    save::SPEC,
    pull::SPEC,
    tag::SPEC,
    logs::SPEC,
    wait::SPEC,
];

static TARGETS: &[TargetSpec] = &[TargetSpec {
    kind: "docker",
    about: "A Docker Engine; without a target it is the machine's own.",
    schema: runbook_core::described!(client::Settings, "target.docker"),
    leases: None,
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
