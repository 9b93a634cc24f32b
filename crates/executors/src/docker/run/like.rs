//! The settings of another container, without what its image brings along itself.
//!
//! The engine shows a container's settings and its image's as one. Copied whole, the old image's environment, command or labels would override the new
//! image's; so what equals the image's own is left out and comes from the new image again. Mounts are taken from the list of mount points, which has
//! anonymous volumes and those of `--mount` too.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HostConfig, ImageConfig, Mount, MountPoint, MountType,
    NetworkingConfig,
};

use super::super::labels;

/// Settings of a container to be created.
#[derive(Clone, Debug, Default)]
pub(super) struct Copied {
    /// What it is created with.
    pub(super) body: ContainerCreateBody,
    /// Networks that it is connected to before it starts: an engine takes only one at the creation.
    pub(super) later: Vec<(String, EndpointSettings)>,
}

/// What can be taken over from `old`, whose image has the configuration `image`.
pub(super) fn settings(old: &ContainerInspectResponse, image: &ImageConfig) -> Copied {
    let config = old.config.clone().unwrap_or_default();
    let mut host = old.host_config.clone().unwrap_or_default();
    host.container_id_file = None;
    host.links = host.links.map(|links| links.iter().filter_map(|link| link_text(link)).collect());
    let id = old.id.as_deref().unwrap_or_default();
    let (networking_config, later) = networks(old, &host, id);
    copy_mounts(old.mounts.as_deref().unwrap_or_default(), &mut host);

    let own_hostname = config.hostname.filter(|name| !name.is_empty() && !id.starts_with(name.as_str()) && has_own_hostname(&host));
    let own_entrypoint = own(config.entrypoint, image.entrypoint.as_ref());
    // A command stands beside the program that it is for: it is the image's own only where the program is.
    let own_command = if own_entrypoint.is_some() { config.cmd } else { own(config.cmd, image.cmd.as_ref()) };
    let body = ContainerCreateBody {
        hostname: own_hostname,
        domainname: config.domainname.filter(|name| !name.is_empty()),
        user: own(config.user, image.user.as_ref()),
        exposed_ports: own_items(config.exposed_ports, image.exposed_ports.as_deref()),
        tty: config.tty,
        open_stdin: config.open_stdin,
        stdin_once: config.stdin_once,
        env: own_items(config.env, image.env.as_deref()),
        cmd: own_command,
        entrypoint: own_entrypoint,
        healthcheck: own(config.healthcheck, image.healthcheck.as_ref()),
        working_dir: own(config.working_dir, image.working_dir.as_ref()),
        network_disabled: config.network_disabled,
        labels: config.labels.map(|all| own_labels(all, image.labels.as_ref())),
        stop_signal: own(config.stop_signal, image.stop_signal.as_ref()),
        stop_timeout: config.stop_timeout,
        shell: own(config.shell, image.shell.as_ref()),
        host_config: Some(host),
        networking_config,
        ..ContainerCreateBody::default()
    };
    Copied { body, later }
}

/// The value, unless it is the image's.
fn own<T: PartialEq>(value: Option<T>, image: Option<&T>) -> Option<T> {
    value.filter(|value| Some(value) != image)
}

/// The items that the image does not have.
fn own_items(items: Option<Vec<String>>, image: Option<&[String]>) -> Option<Vec<String>> {
    let image = image.unwrap_or_default();
    items.map(|items| items.into_iter().filter(|item| !image.contains(item)).collect())
}

fn own_labels(all: HashMap<String, String>, image: Option<&HashMap<String, String>>) -> HashMap<String, String> {
    let of_image = |name: &String, value: &String| image.and_then(|labels| labels.get(name)) == Some(value);
    all.into_iter().filter(|(name, value)| !of_image(name, value) && !labels::is_ours(name)).collect()
}

/// With the host's or another container's network, the name is theirs.
fn has_own_hostname(host: &HostConfig) -> bool {
    let network = host.network_mode.as_deref().unwrap_or_default();
    network != "host" && !network.starts_with("container:") && host.uts_mode.as_deref() != Some("host")
}

/// `/db:/old/alias`, as the engine shows a link, is `db:alias`, as it takes one.
fn link_text(link: &str) -> Option<String> {
    let (to, alias) = link.split_once(':')?;
    Some(format!("{}:{}", to.trim_start_matches('/'), alias.rsplit('/').next()?))
}

/// The network of the creation with its settings, and those that are connected after it.
fn networks(old: &ContainerInspectResponse, host: &HostConfig, id: &str) -> (Option<NetworkingConfig>, Vec<(String, EndpointSettings)>) {
    let mode = host.network_mode.as_deref().unwrap_or("default");
    if mode == "host" || mode == "none" || mode.starts_with("container:") {
        return (None, Vec::new());
    }
    let all = old.network_settings.as_ref().and_then(|settings| settings.networks.clone()).unwrap_or_default();
    let mut all: Vec<(String, EndpointSettings)> = all.into_iter().map(|(name, endpoint)| (name, copy_endpoint(endpoint, id))).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let first = if mode == "default" { "bridge" } else { mode };
    let (at_creation, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| name == first);
    let config = (!at_creation.is_empty()).then(|| NetworkingConfig { endpoints_config: Some(at_creation.into_iter().collect()) });
    (config, later)
}

/// What a person chose; addresses that the engine gave are not taken along, and the short id, which it adds as an alias, is the old container's.
fn copy_endpoint(endpoint: EndpointSettings, id: &str) -> EndpointSettings {
    let aliases = endpoint.aliases.map(|all| all.into_iter().filter(|alias| !id.starts_with(alias.as_str())).collect::<Vec<_>>());
    EndpointSettings {
        ipam_config: endpoint.ipam_config,
        links: endpoint.links,
        aliases: aliases.filter(|all| !all.is_empty()),
        driver_opts: endpoint.driver_opts,
        ..EndpointSettings::default()
    }
}

/// Keeps what is written with a source as it is (it may carry options), and adds every other mount point by what it is now.
fn copy_mounts(points: &[MountPoint], host: &mut HostConfig) {
    let binds = host.binds.clone().unwrap_or_default();
    let mut mounts = host.mounts.take().unwrap_or_default();
    // An anonymous volume has a name by now: it is used by that name, not made anew.
    for mount in &mut mounts {
        if mount.typ == Some(MountType::VOLUME) && mount.source.as_deref().unwrap_or_default().is_empty() {
            let point = points.iter().find(|point| point.destination == mount.target);
            mount.source = point.and_then(|point| point.name.clone());
        }
    }
    host.volumes_from = None;
    let tmpfs = host.tmpfs.clone().unwrap_or_default();
    for point in points {
        let Some(target) = point.destination.as_deref() else { continue };
        let said = binds.iter().any(|bind| bind_target(bind) == Some(target))
            || mounts.iter().any(|mount| mount.target.as_deref() == Some(target))
            || tmpfs.contains_key(target);
        let (typ, source) = match point.typ.as_deref() {
            Some("volume") => (MountType::VOLUME, point.name.clone()),
            Some("bind") => (MountType::BIND, point.source.clone()),
            _ => continue,
        };
        if !said {
            mounts.push(Mount {
                typ: Some(typ),
                source,
                target: Some(target.to_owned()),
                read_only: Some(!point.rw.unwrap_or(true)),
                ..Mount::default()
            });
        }
    }
    host.mounts = Some(mounts);
}

/// Where `SOURCE:TARGET[:OPTIONS]` is mounted.
pub(super) fn bind_target(bind: &str) -> Option<&str> {
    bind.split(':').nth(1)
}

#[cfg(test)]
mod tests;
