use serde_json::json;

use super::*;

fn old() -> ContainerInspectResponse {
    serde_json::from_value(json!({
        "Id": "8bfecbc1cd0312345678",
        "Image": "sha256:aa",
        "Config": {
            "Hostname": "8bfecbc1cd03", "Image": "oceanbase/odc:4.2.4", "User": "",
            "Env": ["PATH=/usr/bin", "JAVA_HOME=/jdk8", "DATABASE_HOST=10.0.0.1", "TZ=UTC"],
            "Cmd": ["/usr/bin/supervisord"], "Entrypoint": null, "OpenStdin": true, "Tty": false,
            "Labels": { "vendor": "ob", "team": "dba", "runbook.run": "x", "runbook.step": "y", "runbook.effect": "y" },
            "ExposedPorts": { "8989/tcp": {}, "9000/tcp": {} },
            "StopTimeout": 60
        },
        "HostConfig": {
            "NetworkMode": "host", "Binds": ["/var/log/odc:/opt/odc/log:rw"], "CpuPeriod": 100_000, "CpuQuota": 400_000, "Memory": 8_589_934_592_i64,
            "Mounts": [{ "Type": "volume", "Target": "/cache" }, { "Type": "bind", "Source": "/etc/odc", "Target": "/etc/odc", "ReadOnly": true }],
            "RestartPolicy": { "Name": "always", "MaximumRetryCount": 0 }, "ContainerIDFile": "/run/x.cid", "Links": ["/db:/obodc/metadb"]
        },
        "Mounts": [
            { "Type": "bind", "Source": "/var/log/odc", "Destination": "/opt/odc/log", "RW": true },
            { "Type": "bind", "Source": "/etc/odc", "Destination": "/etc/odc", "RW": false },
            { "Type": "volume", "Name": "f00d", "Source": "/var/lib/docker/volumes/f00d/_data", "Destination": "/cache", "RW": true },
            { "Type": "volume", "Name": "beef", "Source": "/var/lib/docker/volumes/beef/_data", "Destination": "/opt/odc/data", "RW": true }
        ]
    }))
    .unwrap()
}

fn image() -> ImageConfig {
    serde_json::from_value(json!({
        "Env": ["PATH=/usr/bin", "JAVA_HOME=/jdk8", "TZ=Asia/Shanghai"], "Cmd": ["/usr/bin/supervisord"], "Labels": { "vendor": "ob" },
        "ExposedPorts": { "8989/tcp": {} }, "Volumes": { "/opt/odc/data": {} }
    }))
    .unwrap()
}

#[test]
fn the_images_own_environment_stays_behind() {
    let body = settings(&old(), &image()).body;
    assert_eq!(body.env.unwrap(), ["DATABASE_HOST=10.0.0.1", "TZ=UTC"], "a variable that overrides the image's is the container's own");
}

#[test]
fn so_do_its_command_ports_and_labels_and_our_own_marks() {
    let body = settings(&old(), &image()).body;
    assert_eq!(body.cmd, None);
    assert_eq!(body.exposed_ports.unwrap(), ["9000/tcp"]);
    assert_eq!(body.labels.unwrap(), HashMap::from([("team".to_owned(), "dba".to_owned())]));
}

#[test]
fn a_command_of_an_entrypoint_that_is_not_the_images_is_kept_even_where_it_is_the_same() {
    let mut old = old();
    old.config.as_mut().unwrap().entrypoint = Some(vec!["/wrapper".to_owned()]);
    let body = settings(&old, &image()).body;
    assert_eq!(body.entrypoint.unwrap(), ["/wrapper"]);
    assert_eq!(body.cmd.unwrap(), ["/usr/bin/supervisord"]);
}

#[test]
fn all_mounts_come_along_with_the_volumes_that_they_are_now() {
    let host = settings(&old(), &image()).body.host_config.unwrap();
    assert_eq!(host.binds.unwrap(), ["/var/log/odc:/opt/odc/log:rw"]);
    let mounts: Vec<_> = host.mounts.unwrap().into_iter().map(|m| (m.source.unwrap(), m.target.unwrap())).collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(mounts, [pair("f00d", "/cache"), pair("/etc/odc", "/etc/odc"), pair("beef", "/opt/odc/data")]);
}

#[test]
fn what_belongs_to_the_old_container_alone_is_left_out() {
    let body = settings(&old(), &image()).body;
    assert_eq!(body.hostname, None, "the default name is the id");
    let host = body.host_config.unwrap();
    assert_eq!(host.container_id_file, None);
    assert_eq!(host.links.unwrap(), ["db:metadb"]);
    assert_eq!(host.memory, Some(8 << 30));
    assert_eq!(host.cpu_quota, Some(400_000));
    assert_eq!(body.stop_timeout, Some(60));
    assert_eq!(body.open_stdin, Some(true));
}

#[test]
fn a_chosen_host_name_is_kept_on_a_network_of_its_own() {
    let mut old = old();
    old.config.as_mut().unwrap().hostname = Some("odc-1".to_owned());
    assert_eq!(settings(&old, &image()).body.hostname, None, "with the host's network the name is the host's");
    old.host_config.as_mut().unwrap().network_mode = Some("backend".to_owned());
    assert_eq!(settings(&old, &image()).body.hostname.as_deref(), Some("odc-1"));
}

#[test]
fn the_first_network_is_of_the_creation_and_the_others_are_connected_later() {
    let mut old = old();
    old.host_config.as_mut().unwrap().network_mode = Some("backend".to_owned());
    old.network_settings = serde_json::from_value(json!({ "Networks": {
        "backend": { "Aliases": ["8bfecbc1cd03", "odc"], "IPAddress": "172.18.0.5", "MacAddress": "02:42" },
        "front": { "IPAMConfig": { "IPv4Address": "172.19.0.9" } }
    } }))
    .unwrap();
    let copied = settings(&old, &image());
    let first = copied.body.networking_config.unwrap().endpoints_config.unwrap();
    assert_eq!(first["backend"].aliases.as_deref(), Some(&["odc".to_owned()][..]), "the old container's id is no alias of the new one");
    assert_eq!(first["backend"].ip_address, None);
    assert_eq!(copied.later.len(), 1);
    assert_eq!(copied.later[0].0, "front");
    assert!(copied.later[0].1.ipam_config.is_some());
}
