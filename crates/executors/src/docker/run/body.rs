//! What an author wrote, laid over what was copied, as the engine takes it.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountTmpfsOptions, MountType, PortBinding,
};
use runbook_core::value::{ByteSize, Duration};

use super::super::forms::Argument;
use super::like::Copied;
use super::options::{Health, MountKind, MountPoint, Run};

impl Run {
    /// The container to be created, without our own labels.
    pub(super) fn body(&self, copied: Copied) -> Copied {
        let Copied { mut body, mut later } = copied;
        let mut host = body.host_config.take().unwrap_or_default();
        body.image = Some(self.image.as_str().to_owned());
        body.env = Some(merged_env(body.env.take().unwrap_or_default(), &self.env));
        if !self.labels.is_empty() {
            body.labels.get_or_insert_default().extend(self.labels.clone());
        }
        over(&mut body.user, self.user.clone());
        if let Some(entrypoint) = &self.entrypoint {
            // A copied command belongs to the copied program.
            body.entrypoint = Some(Argument::texts(entrypoint));
            body.cmd = None;
        }
        over(&mut body.cmd, self.command.as_deref().map(Argument::texts));
        over(&mut body.working_dir, self.workdir.as_ref().map(|path| path.as_str().to_owned()));
        over(&mut body.hostname, self.hostname.clone());
        over(&mut body.healthcheck, self.health.as_ref().map(Health::model));
        over(&mut body.tty, self.tty);
        over(&mut body.open_stdin, self.stdin_open);
        over(&mut body.stop_signal, self.stop_signal.clone());
        over(&mut body.stop_timeout, self.stop_timeout.map(seconds));
        if let Some(network) = &self.network {
            host.network_mode = Some(network.0.clone());
            body.networking_config = None;
            later.clear();
            // These belong to a network of its own.
            if network.0 == "host" || network.0.starts_with("container:") {
                host.port_bindings = None;
            }
        }
        self.lay_ports(&mut body, &mut host);
        self.lay_limits(&mut host);
        self.lay_host(&mut host);
        self.lay_mounts(&mut body, &mut host);
        body.host_config = Some(host);
        Copied { body, later }
    }

    fn lay_ports(&self, body: &mut ContainerCreateBody, host: &mut HostConfig) {
        if self.ports.is_empty() {
            return;
        }
        let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = host.port_bindings.take().unwrap_or_default();
        for port in &self.ports {
            bindings.remove(&port.container);
        }
        let exposed = body.exposed_ports.get_or_insert_default();
        for port in &self.ports {
            let binding = PortBinding { host_ip: Some(port.ip.clone()), host_port: Some(port.host.to_string()) };
            bindings.entry(port.container.clone()).or_default().get_or_insert_default().push(binding);
            if !exposed.contains(&port.container) {
                exposed.push(port.container.clone());
            }
        }
        host.port_bindings = Some(bindings);
    }

    fn lay_limits(&self, host: &mut HostConfig) {
        if let Some(cpus) = self.cpus {
            host.nano_cpus = Some(nano(cpus));
            (host.cpu_period, host.cpu_quota) = (None, None);
        }
        if self.cpu_period.is_some() || self.cpu_quota.is_some() {
            host.nano_cpus = None;
        }
        over(&mut host.cpu_period, self.cpu_period);
        over(&mut host.cpu_quota, self.cpu_quota);
        over(&mut host.cpu_shares, self.cpu_shares);
        over(&mut host.cpuset_cpus, self.cpuset_cpus.clone());
        if let Some(memory) = self.memory {
            host.memory = Some(bytes(memory));
            // A copied limit of memory and swap was made for the copied memory; the engine refuses one that is too small.
            host.memory_swap = None;
        }
        over(&mut host.memory_swap, self.memory_swap.map(|limit| limit.0));
        over(&mut host.memory_reservation, self.memory_reservation.map(bytes));
        over(&mut host.shm_size, self.shm_size.map(bytes));
        over(&mut host.pids_limit, self.pids_limit);
        let limits = host.ulimits.get_or_insert_default();
        limits.retain(|limit| !self.ulimits.iter().any(|written| limit.name.as_deref() == Some(written.name())));
        limits.extend(self.ulimits.iter().map(super::super::forms::Ulimit::model));
    }

    fn lay_host(&self, host: &mut HostConfig) {
        over(&mut host.privileged, self.privileged);
        if self.privileged == Some(true) {
            // The engine decides these for a privileged container; copied ones would hide what it should see.
            (host.masked_paths, host.readonly_paths) = (None, None);
        }
        over(&mut host.cap_add, self.cap_add.clone());
        over(&mut host.cap_drop, self.cap_drop.clone());
        over(&mut host.restart_policy, self.restart.map(super::super::forms::RestartPolicy::model));
        over(&mut host.init, self.init);
        over(&mut host.dns, self.dns.clone());
        over(&mut host.security_opt, self.security_opt.clone());
        over(&mut host.group_add, self.group_add.clone());
        over(&mut host.ipc_mode, self.ipc.clone());
        over(&mut host.pid_mode, self.pid.clone());
        over(&mut host.readonly_rootfs, self.read_only);
        if !self.sysctls.is_empty() {
            host.sysctls.get_or_insert_default().extend(self.sysctls.clone());
        }
        if !self.extra_hosts.is_empty() {
            let hosts = host.extra_hosts.get_or_insert_default();
            let name = |entry: &String| entry.split_once(':').map(|(name, _)| name.to_owned());
            hosts.retain(|old| !self.extra_hosts.iter().any(|new| name(new) == name(old)));
            hosts.extend(self.extra_hosts.iter().cloned());
        }
        if !self.devices.is_empty() {
            let new: Vec<_> = self.devices.iter().map(super::super::forms::Device::model).collect();
            let devices = host.devices.get_or_insert_default();
            devices.retain(|old| !new.iter().any(|new| new.path_in_container == old.path_in_container));
            devices.extend(new);
        }
        if self.log_driver.is_some() || !self.log_options.is_empty() {
            let log = host.log_config.get_or_insert(HostConfigLogConfig { typ: None, config: None });
            if let Some(driver) = &self.log_driver {
                // Options of one driver mean nothing to another.
                *log = HostConfigLogConfig { typ: Some(driver.clone()), config: None };
            }
            log.config.get_or_insert_default().extend(self.log_options.clone());
        }
    }

    fn lay_mounts(&self, body: &mut ContainerCreateBody, host: &mut HostConfig) {
        let written: Vec<&str> =
            self.volumes.iter().map(|volume| volume.target.as_str()).chain(self.mounts.iter().map(|mount| mount.target.as_str())).collect();
        let binds = host.binds.get_or_insert_default();
        binds.retain(|bind| !written.iter().any(|target| super::like::bind_target(bind) == Some(target)));
        let mounts = host.mounts.get_or_insert_default();
        mounts.retain(|mount| !written.iter().any(|target| mount.target.as_deref() == Some(target)));
        if let Some(tmpfs) = &mut host.tmpfs {
            tmpfs.retain(|at, _| !written.contains(&at.as_str()));
        }
        for volume in &self.volumes {
            if volume.source.is_some() {
                binds.push(volume.text.clone());
            } else {
                body.volumes.get_or_insert_default().push(volume.target.clone());
            }
        }
        mounts.extend(self.mounts.iter().map(MountPoint::model));
    }
}

impl MountPoint {
    fn model(&self) -> Mount {
        let typ = match self.kind {
            MountKind::Bind => MountType::BIND,
            MountKind::Volume => MountType::VOLUME,
            MountKind::Tmpfs => MountType::TMPFS,
        };
        Mount {
            typ: Some(typ),
            source: self.source.clone(),
            target: Some(self.target.as_str().to_owned()),
            read_only: Some(self.read_only),
            tmpfs_options: self.size.map(|size| MountTmpfsOptions { size_bytes: Some(bytes(size)), ..MountTmpfsOptions::default() }),
            ..Mount::default()
        }
    }
}

impl Health {
    fn model(&self) -> HealthConfig {
        let test = if self.command.is_empty() {
            vec!["NONE".to_owned()]
        } else {
            std::iter::once("CMD".to_owned()).chain(Argument::texts(&self.command)).collect()
        };
        HealthConfig {
            test: Some(test),
            interval: self.interval.map(nanoseconds),
            timeout: self.per_check.map(nanoseconds),
            retries: self.retries,
            start_period: self.start_period.map(nanoseconds),
            ..HealthConfig::default()
        }
    }
}

/// Copied variables, then the written ones, which replace those of the same name.
fn merged_env(copied: Vec<String>, written: &BTreeMap<String, String>) -> Vec<String> {
    let name = |entry: &str| entry.split_once('=').map_or(entry, |(name, _)| name).to_owned();
    let kept = copied.into_iter().filter(|entry| !written.contains_key(&name(entry)));
    kept.chain(written.iter().map(|(name, value)| format!("{name}={value}"))).collect()
}

fn over<T>(place: &mut Option<T>, written: Option<T>) {
    if written.is_some() {
        *place = written;
    }
}

pub(in super::super) fn bytes(size: ByteSize) -> i64 {
    i64::try_from(size.get()).unwrap_or(i64::MAX)
}

/// Rounded up: the engine takes whole seconds.
fn seconds(time: Duration) -> i64 {
    let time = time.get();
    i64::try_from(time.as_secs() + u64::from(time.subsec_nanos() > 0)).unwrap_or(i64::MAX)
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.get().as_nanos()).unwrap_or(i64::MAX)
}

/// Processors as the engine counts them.
#[expect(clippy::cast_possible_truncation, reason = "the schema and the check of fields keep it far below the limit of a 64-bit number")]
pub(in super::super) fn nano(cpus: f64) -> i64 {
    (cpus * 1e9).round() as i64
}
