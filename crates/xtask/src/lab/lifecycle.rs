//! Bringing the lab up, saying what is up, taking it down.

use super::docker;
use super::engine_api::EngineApi;
use super::environment::{Environment, Server};
use super::guard::Guard;
use super::images;
use super::mariadb;
use super::mysql;
use super::preflight;
use super::private;
use super::process::Daemon;
use super::programs::Programs;
use super::seekdb;
use super::sweep;
use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::hex::hex;
use crate::say;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What runs for a lab; `state.json` in its folder. Written before anything is started and after each start.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct State {
    /// The processes, in the order in which they were started.
    pub(super) daemons: Vec<Daemon>,
    /// `DOCKER_HOST` of the engine.
    pub(super) docker_host: Option<String>,
    /// Folders outside the lab's that the engine makes, and that were not there before.
    pub(super) strays: Vec<PathBuf>,
}

/// Folders in `/run` that dockerd and containerd make whatever roots they are given; deepest first.
const STRAYS: [&str; 4] = ["/run/containerd/s", "/run/containerd", "/run/docker/plugins", "/run/docker"];

/// A lab that is up.
pub(crate) struct Lab {
    environment: Environment,
    file: PathBuf,
    started_here: bool,
    _guard: Guard,
}

impl Lab {
    /// What the lab offers.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The file that `RUNBOOK_LAB` is to name.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Prints how to use the lab.
    pub(crate) fn describe(self) {
        let Self { environment, file, .. } = self;
        say::part("The lab is up");
        say::line(format!("Docker     export DOCKER_HOST={}", environment.docker_host));
        say::line(format!("OceanBase  {}:{} (user root)", environment.seekdb.host, environment.seekdb.port));
        say::line(format!("MariaDB    {}:{} (user root)", environment.mariadb.host, environment.mariadb.port));
        if let Some(mysql) = &environment.mysql {
            say::line(format!("MySQL      {}:{} (user root)", mysql.host, mysql.port));
        }
        say::line(format!("passwords  in {}", file.display()));
        say::line(format!("tests      RUNBOOK_LAB={} cargo test", file.display()));
        say::line("`cargo xtask lab down` takes it down again");
    }

    /// Takes the lab down again, where this task has brought it up; one that was up before stays up.
    pub(crate) fn finish(self, checkout: &Checkout) -> Result<(), TaskError> {
        if self.started_here { sweep::all(checkout) } else { Ok(()) }
    }
}

/// Brings the lab up, or finds it up.
pub(crate) fn up(checkout: &Checkout) -> Result<Lab, TaskError> {
    let guard = Guard::take(checkout)?;
    let file = checkout.lab.join("env.json");
    if let Some(environment) = running(checkout)? {
        return Ok(Lab { environment, file, started_here: false, _guard: guard });
    }
    // What is left of an earlier lab, or of a task that was killed.
    if checkout.lab.exists() || checkout.run.exists() {
        sweep::all(checkout)?;
    }
    say::part("Bringing the lab up");
    match start(checkout) {
        Ok(environment) => Ok(Lab { environment, file, started_here: true, _guard: guard }),
        Err(error) => {
            sweep::all(checkout)?;
            Err(error)
        }
    }
}

/// Adds a MySQL to the lab, which is brought up where it is not: from then on its tests include it.
pub(crate) fn add_mysql(checkout: &Checkout) -> Result<Lab, TaskError> {
    let mut lab = up(checkout)?;
    if lab.environment.mysql.is_none() {
        let mut state = read_state(checkout).unwrap_or_default();
        say::line("starting MySQL");
        let (daemon, server) = mysql::start(checkout, &lab.environment.mariadb_client, &lab.environment.mariadb.password)?;
        state.daemons.push(daemon);
        write_state(checkout, &state)?;
        lab.environment.mysql = Some(server);
        write_private(&lab.file, &lab.environment)?;
    }
    Ok(lab)
}

/// Takes everything down and removes the lab's folders.
pub(crate) fn down(checkout: &Checkout) -> Result<(), TaskError> {
    let _guard = Guard::take(checkout)?;
    sweep::all(checkout)?;
    say::line("the lab is down; downloads stay in the cache:");
    say::line(checkout.cache.display());
    Ok(())
}

/// Prints what is up. An error where nothing is.
pub(crate) fn status(checkout: &Checkout) -> Result<(), TaskError> {
    let Some(state) = read_state(checkout) else {
        return Err(TaskError::missing("the lab of this checkout is not up", &["bring it up: `cargo xtask lab up`"]));
    };
    for daemon in &state.daemons {
        let state = if daemon.alive() { "runs" } else { "has ended" };
        say::line(format!("{:9} {state} (process {}, log {})", daemon.name, daemon.pid(), daemon.log.display()));
    }
    if let Some(host) = &state.docker_host {
        let version = EngineApi::new(host).version().unwrap_or_else(|| "does not answer".to_owned());
        say::line(format!("docker    {version} at {host}"));
    }
    Ok(())
}

/// The environment of a lab of which everything is alive. Where another version of this program wrote it down, it is written anew: a lab in which
/// somebody works is not restarted because of that.
fn running(checkout: &Checkout) -> Result<Option<Environment>, TaskError> {
    let Some(state) = read_state(checkout) else { return Ok(None) };
    let alive = state.daemons.iter().all(Daemon::alive) && state.docker_host.is_some_and(|host| EngineApi::new(host).answers());
    let file = checkout.lab.join("env.json");
    let Some(text) = std::fs::read(&file).ok().filter(|_| alive) else { return Ok(None) };
    if let Ok(environment) = serde_json::from_slice(&text) {
        return Ok(Some(environment));
    }
    let Some(live) = serde_json::from_slice::<Live>(&text).ok() else {
        say::line(format!("`{}` cannot be read: the lab that runs is taken down, and a new one brought up", file.display()));
        return Ok(None);
    };
    let environment = live.environment(checkout, &Programs::provide(&checkout.cache)?);
    write_private(&file, &environment)?;
    say::line(format!("the lab runs; its `{}` was written by another version, and is written anew", file.display()));
    Ok(Some(environment))
}

/// What of a lab's environment only the lab knows: the rest is the same for every lab of this version.
#[derive(Deserialize)]
struct Live {
    docker_host: String,
    seekdb: Server,
    mariadb: Server,
    mysql: Option<Server>,
}

impl Live {
    fn environment(self, checkout: &Checkout, programs: &Programs) -> Environment {
        let Self { docker_host, seekdb, mariadb, mysql } = self;
        Environment {
            docker_host,
            seekdb,
            mariadb,
            mysql,
            docker_cli: programs.debian("usr/bin/docker"),
            label: checkout.id.clone(),
            busybox: programs.debian("bin/busybox"),
            bash_static: programs.debian("bin/bash-static"),
            mariadb_client: programs.debian("usr/bin/mariadb"),
            mariadb_dump: programs.debian("usr/bin/mariadb-dump"),
            images: checkout.lab.join("images"),
            tools: checkout.lab.join("tools"),
            programs: programs.root().to_owned(),
        }
    }
}

fn start(checkout: &Checkout) -> Result<Environment, TaskError> {
    let existing = docker::existing(checkout)?;
    if existing.is_none() {
        preflight::root_for_engine()?;
    }
    preflight::room(checkout)?;
    let programs = Programs::provide(&checkout.cache)?;
    let strays = STRAYS.iter().map(PathBuf::from).filter(|path| !path.exists()).collect();
    let mut state = State { docker_host: existing.clone(), strays, ..State::default() };
    write_state(checkout, &state)?;
    let password = password()?;

    say::line("starting OceanBase (seekdb)");
    let (oceanbase, port) = seekdb::start(checkout, &programs)?;
    state.daemons.push(oceanbase.clone());
    write_state(checkout, &state)?;

    let docker_host = if let Some(host) = existing {
        say::line(format!(
            "using the Docker Engine that answers at {host}; everything made there carries the label `{}={}`",
            checkout.label().0,
            checkout.id
        ));
        host
    } else {
        let (dockerd, host) = docker::start(checkout, &programs)?;
        state.daemons.push(dockerd);
        state.docker_host = Some(host.clone());
        write_state(checkout, &state)?;
        host
    };
    let seekdb = seekdb::secure(checkout, &programs, (&oceanbase, port), &password)?;

    say::line("starting MariaDB");
    let (daemon, mariadb) = mariadb::start(checkout, &programs, &password)?;
    state.daemons.push(daemon);
    write_state(checkout, &state)?;

    let busybox = programs.debian("bin/busybox");
    images::load_busybox(checkout, &docker_host, &busybox)?;
    docker::probe(checkout, &docker_host, images::BUSYBOX)?;
    let environment = Live { docker_host, seekdb, mariadb, mysql: None }.environment(checkout, &programs);
    write_private(&checkout.lab.join("env.json"), &environment)?;
    Ok(environment)
}

pub(super) fn read_state(checkout: &Checkout) -> Option<State> {
    serde_json::from_slice(&std::fs::read(checkout.lab.join("state.json")).ok()?).ok()
}

fn write_state(checkout: &Checkout, state: &State) -> Result<(), TaskError> {
    write_private(&checkout.lab.join("state.json"), state)
}

fn write_private(path: &Path, value: &impl Serialize) -> Result<(), TaskError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| TaskError::file("write", path, error))?;
    private::write(path, &text)
}

/// A password that finds out who puts values into shells, SQL or URLs as they are.
fn password() -> Result<String, TaskError> {
    let mut bytes = [0_u8; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| TaskError::failed(format!("the system gives no random bytes: {error}")))?;
    Ok(format!("Lab $!'\"&>#@/{}", hex(&bytes)))
}
