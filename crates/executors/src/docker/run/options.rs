//! What an author may write in `docker.run`.

use std::collections::BTreeMap;

use runbook_core::action::{FieldFault, Target};
use runbook_core::value::{AbsolutePath, ByteSize, Duration};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::client::Settings;
use super::super::forms::{Argument, Device, Network, Published, RestartPolicy, SizeLimit, Ulimit, Volume};
use super::super::names::{ContainerName, ImageName};
use super::super::start::shortly;

/// Creates a container, starts it, and watches that it stays up.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Run {
    /// The image; it must be on the host already.
    pub(super) image: ImageName,
    /// The container's name; no other container may have it.
    pub(super) name: ContainerName,
    /// Takes all settings of this container but those that its image brings along itself (environment, command, labels …). What is written beside it wins.
    /// Its volumes are used too, anonymous ones included; its name, its default host name and its data outside of volumes are not.
    pub(super) like: Option<ContainerName>,
    /// The network: `host`, `none`, `bridge`, a network's name, or `container:NAME`.
    pub(super) network: Option<Network>,
    /// Published ports, `[IP:]HOST:CONTAINER[/udp]`.
    #[serde(default)]
    pub(super) ports: Vec<Published>,
    /// Environment variables. A secret may stand here.
    #[serde(default)]
    #[schemars(extend("x-secret" = "accept"))]
    pub(super) env: BTreeMap<String, String>,
    /// Folders and volumes as `docker run -v` takes them, `SOURCE:TARGET[:ro]`. A folder that does not exist is created, empty; `mounts` refuses it.
    #[serde(default)]
    pub(super) volumes: Vec<Volume>,
    /// Mounts in full.
    #[serde(default)]
    pub(super) mounts: Vec<MountPoint>,
    /// How many processors it may use, such as `4` or `1.5`.
    #[schemars(range(min = 0.01, max = 10000.0))]
    pub(super) cpus: Option<f64>,
    /// The period of the processor limit, in microseconds; goes with `cpu_quota`.
    #[schemars(range(min = 1000, max = 1_000_000))]
    pub(super) cpu_period: Option<i64>,
    /// How much processor time it may use in a period, in microseconds: `400000` of `100000` are 4 processors.
    #[schemars(range(min = 1000))]
    pub(super) cpu_quota: Option<i64>,
    /// Its weight beside other containers when processors are short; 1024 is the default.
    #[schemars(range(min = 2, max = 262_144))]
    pub(super) cpu_shares: Option<i64>,
    /// The processors that it may use, such as `0-3`.
    pub(super) cpuset_cpus: Option<String>,
    /// How much memory it may use.
    pub(super) memory: Option<ByteSize>,
    /// Memory and swap together, or `unlimited`.
    pub(super) memory_swap: Option<SizeLimit>,
    /// The memory that it should be brought down to when memory is short.
    pub(super) memory_reservation: Option<ByteSize>,
    /// The size of `/dev/shm`.
    pub(super) shm_size: Option<ByteSize>,
    /// All privileges of the host.
    pub(super) privileged: Option<bool>,
    /// Capabilities beside the default ones, such as `SYS_PTRACE`.
    pub(super) cap_add: Option<Vec<String>>,
    /// Default capabilities that it does not get.
    pub(super) cap_drop: Option<Vec<String>>,
    /// How many processes it may have; `-1` for no limit.
    #[schemars(range(min = -1))]
    pub(super) pids_limit: Option<i64>,
    /// Limits of the kernel, such as `nproc=65535:65535`.
    #[serde(default)]
    pub(super) ulimits: Vec<Ulimit>,
    /// What the engine does when it ends: `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:N`.
    pub(super) restart: Option<RestartPolicy>,
    /// The user of its first process, `NAME` or `UID[:GID]`.
    pub(super) user: Option<String>,
    /// Labels.
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    /// The program that is started instead of the image's.
    pub(super) entrypoint: Option<Vec<Argument>>,
    /// Its arguments, instead of the image's.
    pub(super) command: Option<Vec<Argument>>,
    /// The folder in which it starts.
    pub(super) workdir: Option<AbsolutePath>,
    /// Its host name.
    pub(super) hostname: Option<String>,
    /// How the engine finds out whether it is healthy.
    pub(super) health: Option<Health>,
    /// Where its output goes: `json-file`, `local`, `journald`, `syslog` …
    pub(super) log_driver: Option<String>,
    /// Options of the log driver, such as `max-size`.
    #[serde(default)]
    pub(super) log_options: BTreeMap<String, String>,
    /// Whether a small first process takes care of orphans and signals.
    pub(super) init: Option<bool>,
    /// Whether it gets a terminal.
    pub(super) tty: Option<bool>,
    /// Whether its standard input stays open, as with `docker run -i`.
    pub(super) stdin_open: Option<bool>,
    /// Entries in its `/etc/hosts`, `NAME:ADDRESS`.
    #[serde(default)]
    pub(super) extra_hosts: Vec<String>,
    /// Name servers.
    pub(super) dns: Option<Vec<String>>,
    /// Devices of the host.
    #[serde(default)]
    pub(super) devices: Vec<Device>,
    /// Security options, such as `seccomp=unconfined`.
    pub(super) security_opt: Option<Vec<String>>,
    /// Groups beside the user's own.
    pub(super) group_add: Option<Vec<String>>,
    /// Kernel parameters of its own, such as `net.core.somaxconn`.
    #[serde(default)]
    pub(super) sysctls: BTreeMap<String, String>,
    /// Whose shared memory it uses: `private`, `shareable`, `host` or `container:NAME`.
    pub(super) ipc: Option<String>,
    /// Whose processes it sees: `host` or `container:NAME`.
    pub(super) pid: Option<String>,
    /// Whether its own file system cannot be written to.
    pub(super) read_only: Option<bool>,
    /// The signal that asks it to end, such as `SIGINT`.
    pub(super) stop_signal: Option<String>,
    /// How long a stop waits before it kills, where nobody says otherwise.
    pub(super) stop_timeout: Option<Duration>,
    /// How long it is watched after the start: it must neither end nor be started again in that time. `0s` does not watch: for a container that does its work and ends.
    #[serde(default = "shortly")]
    pub(super) stays_up: Duration,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    pub(super) target: Option<Target<Settings>>,
}

/// A mount in full.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MountPoint {
    /// `bind` (a folder or file of the host, which must exist), `volume`, or `tmpfs`.
    #[serde(rename = "type")]
    pub(super) kind: MountKind,
    /// The path on the host, or the volume's name; a volume without one is anonymous, a `tmpfs` has none.
    pub(super) source: Option<String>,
    /// Where it is in the container.
    pub(super) target: AbsolutePath,
    /// Whether it cannot be written to.
    #[serde(default)]
    pub(super) read_only: bool,
    /// The size of a `tmpfs`.
    pub(super) size: Option<ByteSize>,
}

/// What is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum MountKind {
    /// A folder or file of the host.
    Bind,
    /// A volume of the engine.
    Volume,
    /// Memory.
    Tmpfs,
}

/// A health check.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Health {
    /// The program and its arguments, run inside the container; 0 is healthy. An empty list switches the image's own check off.
    pub(super) command: Vec<Argument>,
    /// Between two checks.
    pub(super) interval: Option<Duration>,
    /// How long one check may take.
    pub(super) per_check: Option<Duration>,
    /// How many failures in a row make it unhealthy.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) retries: Option<i64>,
    /// How long after the start failures do not count.
    pub(super) start_period: Option<Duration>,
}

/// What may be written beside the settings that are copied from another container.
pub(in super::super) struct Written {
    pub(in super::super) env: BTreeMap<String, String>,
    pub(in super::super) volumes: Vec<Volume>,
    pub(in super::super) labels: BTreeMap<String, String>,
    pub(in super::super) command: Option<Vec<Argument>>,
}

impl Run {
    /// A container of this image and name that is like another one.
    pub(in super::super) fn copy_of(like: ContainerName, image: ImageName, name: ContainerName, written: Written) -> Self {
        Self {
            image,
            name,
            like: Some(like),
            network: None,
            ports: Vec::new(),
            env: written.env,
            volumes: written.volumes,
            mounts: Vec::new(),
            cpus: None,
            cpu_period: None,
            cpu_quota: None,
            cpu_shares: None,
            cpuset_cpus: None,
            memory: None,
            memory_swap: None,
            memory_reservation: None,
            shm_size: None,
            privileged: None,
            cap_add: None,
            cap_drop: None,
            pids_limit: None,
            ulimits: Vec::new(),
            restart: None,
            user: None,
            labels: written.labels,
            entrypoint: None,
            command: written.command,
            workdir: None,
            hostname: None,
            health: None,
            log_driver: None,
            log_options: BTreeMap::new(),
            init: None,
            tty: None,
            stdin_open: None,
            extra_hosts: Vec::new(),
            dns: None,
            devices: Vec::new(),
            security_opt: None,
            group_add: None,
            sysctls: BTreeMap::new(),
            ipc: None,
            pid: None,
            read_only: None,
            stop_signal: None,
            stop_timeout: None,
            stays_up: Duration::new(std::time::Duration::ZERO),
            target: None,
        }
    }

    /// Faults that no schema can say.
    pub(in super::super) fn faults(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if self.like.as_ref() == Some(&self.name) {
            faults.push(
                FieldFault::new("like", "is the name that the new container gets")
                    .help("give the old container another name first (`docker.rename`), and write that one"),
            );
        }
        if self.cpus.is_some() && (self.cpu_period.is_some() || self.cpu_quota.is_some()) {
            faults
                .push(FieldFault::new("cpus", "stands beside `cpu_period` or `cpu_quota`").help("write either `cpus`, or the two others"));
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                faults.push(FieldFault::new(
                    format!("env.{name}"),
                    "is not an environment variable: its name is empty or holds `=`, or there is a NUL",
                ));
            }
        }
        for name in self.labels.keys().filter(|name| super::super::labels::is_ours(name)) {
            faults.push(FieldFault::new(format!("labels.{name}"), "is a label that this tool sets itself").help("take another name"));
        }
        let mut targets: Vec<&str> = Vec::new();
        for (at, volume) in self.volumes.iter().enumerate() {
            repeated(&mut targets, &volume.target, format!("volumes[{at}]"), &mut faults);
        }
        for (at, mount) in self.mounts.iter().enumerate() {
            repeated(&mut targets, mount.target.as_str(), format!("mounts[{at}].target"), &mut faults);
            faults.extend(mount.fault(at));
        }
        for (at, entry) in self.extra_hosts.iter().enumerate() {
            if entry.split_once(':').is_none_or(|(name, address)| name.is_empty() || address.is_empty()) {
                faults.push(FieldFault::new(format!("extra_hosts[{at}]"), format!("`{entry}` is not `NAME:ADDRESS`")));
            }
        }
        if !self.log_options.is_empty() && self.log_driver.is_none() && self.like.is_none() {
            faults.push(FieldFault::new("log_options", "stands without `log_driver`").help("name the driver that the options are for"));
        }
        faults
    }
}

fn repeated<'a>(targets: &mut Vec<&'a str>, target: &'a str, path: String, faults: &mut Vec<FieldFault>) {
    if targets.contains(&target) {
        faults.push(FieldFault::new(path, format!("`{target}` is mounted twice")));
    }
    targets.push(target);
}

impl MountPoint {
    fn fault(&self, at: usize) -> Option<FieldFault> {
        let fault = |key: &str, message: &str| Some(FieldFault::new(format!("mounts[{at}].{key}"), message));
        match (self.kind, self.source.as_deref()) {
            (MountKind::Bind, None) => fault("source", "is missing: a bind mount needs the path on the host"),
            (MountKind::Bind, Some(path)) if !path.starts_with('/') => fault("source", "is not an absolute path"),
            (MountKind::Volume, Some(name)) if ContainerName::parse(name).is_none() => fault("source", "is not the name of a volume"),
            (MountKind::Tmpfs, Some(_)) => fault("source", "has no meaning for a `tmpfs`"),
            (MountKind::Bind | MountKind::Volume, _) if self.size.is_some() => fault("size", "has a meaning only for a `tmpfs`"),
            _ => None,
        }
    }
}
