//! The Docker Engine: one that answers already, or one of the lab's own.

use super::bounded;
use super::engine_api::EngineApi;
use super::fetch::make;
use super::preflight;
use super::process::{Daemon, wait_until};
use super::programs::Programs;
use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::say;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The engine that answers at `DOCKER_HOST`, or at the usual sockets where that is not set. A `DOCKER_HOST` that does not answer is an error: who sets
/// it means it. The lab's own address counts as not set: a shell keeps it from the last time.
pub(crate) fn existing(checkout: &Checkout) -> Result<Option<String>, TaskError> {
    let own = own_host(checkout);
    if let Some(host) = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty() && *host != own) {
        if EngineApi::new(&host).answers() {
            return Ok(Some(host));
        }
        return Err(TaskError::missing(
            format!("DOCKER_HOST is `{host}`, and no Docker Engine answers there"),
            &["start that engine, or unset DOCKER_HOST: the lab then starts one of its own"],
        ));
    }
    let rootless = std::env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("docker.sock"));
    let usual = [Some(PathBuf::from("/var/run/docker.sock")), rootless];
    Ok(usual.into_iter().flatten().map(|path| format!("unix://{}", path.display())).find(|host| EngineApi::new(host).answers()))
}

/// Starts an engine with socket, data and state of its own, and without a network of its own: containers use the host's.
pub(crate) fn start(checkout: &Checkout, programs: &Programs) -> Result<(Daemon, String), TaskError> {
    preflight::root_for_engine()?;
    say::line("no Docker Engine answers: starting one for this lab (its own socket and data; nothing is installed or enabled)");
    checkout.make_run_dir()?;
    let first = launch(checkout, programs, None);
    // Overlay mounts are refused on some file systems (a container's own, for one); copying is slow and works everywhere.
    match first {
        Err(TaskError::Missing { help, .. }) if help.iter().any(|line| line.contains("overlay") || line.contains("graphdriver")) => {
            say::line("overlay mounts are refused here: using the vfs driver");
            launch(checkout, programs, Some("vfs"))
        }
        other => other,
    }
}

/// Name of the control group below which the lab's containers are.
pub(super) fn cgroup(checkout: &Checkout) -> String {
    format!("/runbook-lab-{}", checkout.id)
}

fn own_host(checkout: &Checkout) -> String {
    format!("unix://{}", checkout.run.join("docker.sock").display())
}

fn launch(checkout: &Checkout, programs: &Programs, driver: Option<&str>) -> Result<(Daemon, String), TaskError> {
    let config = checkout.lab.join("docker.json");
    std::fs::write(&config, "{}").map_err(|error| TaskError::file("write", &config, error))?;
    let mut dockerd = Command::new(programs.debian("usr/sbin/dockerd"));
    let host = own_host(checkout);
    // The machine's own configuration is not for this engine.
    dockerd.arg("--config-file").arg(&config).args(["--host", &host]);
    dockerd.arg("--data-root").arg(checkout.lab.join("docker")).arg("--exec-root").arg(checkout.run.join("exec"));
    dockerd.arg("--pidfile").arg(checkout.run.join("docker.pid"));
    dockerd.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false", "--group", "root"]);
    // A control group of this lab's own, so that it can be swept whatever becomes of the engine.
    dockerd.args(["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", &cgroup(checkout)]);
    if let Some(driver) = driver {
        dockerd.args(["--storage-driver", driver]);
    }
    if bounded::needed() {
        say::line("this machine's capability bounding set is short: `--privileged` containers get what it has");
        dockerd.arg("--add-runtime").arg(format!("bounded={}", wrapper(checkout, programs)?.display()));
        dockerd.args(["--default-runtime", "bounded"]);
    }
    let own = [programs.debian("usr/sbin"), programs.debian("usr/bin")];
    let path = std::env::var("PATH").unwrap_or_default();
    dockerd.env("PATH", format!("{}:{}:{path}", own[0].display(), own[1].display()));
    let daemon = Daemon::start("dockerd", &dockerd, &checkout.lab.join("dockerd.log"))?;
    let api = EngineApi::new(&host);
    match wait_until(&daemon, Duration::from_secs(30), || api.answers()) {
        Ok(()) => Ok((daemon, host)),
        Err(error) => {
            daemon.end(Duration::from_secs(10));
            Err(error)
        }
    }
}

/// The runtime that stands before runc: a script, since the engine calls it without a first argument of ours.
fn wrapper(checkout: &Checkout, programs: &Programs) -> Result<PathBuf, TaskError> {
    let own = checkout.lab.join("xtask");
    let current = std::env::current_exe().map_err(|error| TaskError::failed(format!("cannot find this program: {error}")))?;
    // A copy: the built one may be replaced while the lab is up.
    std::fs::copy(&current, &own).map_err(|error| TaskError::file("write", &own, error))?;
    let script = checkout.run.join("bounded");
    let quoted = |path: PathBuf| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
    let text = format!("#!/bin/sh\nexec {} lab-runtime {} \"$@\"\n", quoted(own), quoted(programs.debian("usr/sbin/runc")));
    std::fs::write(&script, text).map_err(|error| TaskError::file("write", &script, error))?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).map_err(|error| TaskError::file("write", &script, error))?;
    Ok(script)
}

/// Proves that containers run, and that they see this machine's files and its network: those of engines in a virtual
/// machine, of rootless and of remote ones do not.
pub(crate) fn probe(checkout: &Checkout, host: &str, image: &str) -> Result<(), TaskError> {
    let api = EngineApi::new(host);
    let nonce = format!("{}-{}", checkout.id, std::process::id());
    let dir = checkout.lab.join("probe");
    make(&dir)?;
    let file = dir.join("nonce");
    std::fs::write(&file, &nonce).map_err(|error| TaskError::file("write", &file, error))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| TaskError::failed(format!("cannot listen: {error}")))?;
    let port = listener.local_addr().map_err(|error| TaskError::failed(format!("cannot listen: {error}")))?.port();
    let (label, value) = checkout.label();
    let greeting = format!("network-{nonce}");
    let said = greeting.clone();
    // Ends with this task where nobody calls.
    std::thread::spawn(move || listener.accept().and_then(|(mut stream, _)| stream.write_all(said.as_bytes())));
    let script = format!("cat /probe/nonce; echo; nc 127.0.0.1 {port} </dev/null");
    let ran = api.run(&serde_json::json!({
        "Image": image, "Cmd": ["/bin/sh", "-c", script], "Tty": true, "Labels": { label: value },
        "HostConfig": { "NetworkMode": "host", "Binds": [format!("{}:/probe:ro", dir.display())] },
    }));
    let output = ran.map_err(|error| {
        TaskError::missing(
            format!("containers do not run here: {error}"),
            &["control groups or mounts may be refused on this machine: run the lab in a virtual machine, or set DOCKER_HOST to an engine that works"],
        )
    })?;
    let seen = String::from_utf8_lossy(&output);
    let help = ["unset DOCKER_HOST and stop that engine, or run as root on Linux: the lab then starts an engine of its own"];
    if !seen.lines().any(|line| line.trim() == nonce) {
        return Err(TaskError::missing(format!("the engine at {host} does not see this machine's files"), &help));
    }
    if !seen.contains(&greeting) {
        return Err(TaskError::missing(format!("containers of the engine at {host} do not reach this machine's network"), &help));
    }
    Ok(())
}
