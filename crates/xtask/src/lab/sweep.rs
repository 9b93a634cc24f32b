//! Taking a lab down without a trace: containers and images, processes, mounts, folders. Each part accepts that there is nothing to do, so that it
//! also clears up after a task that was killed.

use super::docker;
use super::engine_api::EngineApi;
use super::lifecycle::{State, read_state};
use crate::checkout::Checkout;
use crate::error::TaskError;
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Removes everything that belongs to the checkout's lab.
pub(crate) fn all(checkout: &Checkout) -> Result<(), TaskError> {
    let state = read_state(checkout).unwrap_or_default();
    objects(checkout, &state)?;
    for daemon in state.daemons.iter().rev() {
        // A database that is about to be removed need not shut down in good order; the engine must, or its mounts stay.
        let patience = if daemon.name == "dockerd" { Duration::from_secs(30) } else { Duration::from_secs(3) };
        daemon.end(patience);
    }
    orphans(checkout);
    cgroups(checkout);
    for dir in [&checkout.run, &checkout.lab] {
        unmount_below(dir)?;
        remove(dir)?;
    }
    for stray in &state.strays {
        // Only where it is empty: another engine may have come to use it.
        let _ = std::fs::remove_dir(stray);
    }
    Ok(())
}

/// Containers and images with the lab's label, on an engine that answers.
fn objects(checkout: &Checkout, state: &State) -> Result<(), TaskError> {
    let Some(api) = state.docker_host.as_ref().map(EngineApi::new).filter(EngineApi::answers) else { return Ok(()) };
    for id in api.containers(checkout.label())? {
        api.remove_container(&id)?;
    }
    for id in api.images(checkout.label())? {
        api.remove_image(&id)?;
    }
    Ok(())
}

/// Ends what an engine that was killed has left behind: containerd and its shims, which have the lab's folder on their command line, and the first
/// processes of containers, whose ids stand below the engine's folder.
fn orphans(checkout: &Checkout) {
    let run = checkout.run.display().to_string();
    let lab = checkout.lab.display().to_string();
    let ours = |word: &str| word.starts_with(&format!("{run}/")) || word.starts_with(&format!("{lab}/"));
    let containers = init_pids(&checkout.run.join("exec"));
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        let daemon = ["containerd", "containerd-shim-runc-v2", "dockerd"]
            .iter()
            .any(|name| line.split('\0').next().is_some_and(|first| first.ends_with(name)));
        if ((daemon && line.split('\0').any(ours)) || containers.contains(&pid))
            && let Some(pid) = Pid::from_raw(pid)
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Removes the lab's control groups, in either layout of the hierarchy. A group that still has a process in it stays: the kernel refuses.
fn cgroups(checkout: &Checkout) {
    let root = Path::new("/sys/fs/cgroup");
    let controllers = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    let name = docker::cgroup(checkout);
    for group in controllers.chain([root.to_owned()]).map(|hierarchy| hierarchy.join(name.trim_start_matches('/'))) {
        // A process that was just killed is in its group until it is gone.
        let begun = Instant::now();
        while group.exists() && begun.elapsed() < Duration::from_secs(3) {
            remove_cgroup(&group);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn remove_cgroup(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    let _ = std::fs::remove_dir(dir);
}

/// The numbers in all files `init.pid` below `dir`.
fn init_pids(dir: &Path) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != "rootfs" {
            found.extend(init_pids(&path));
        } else if entry.file_name() == "init.pid" {
            found.extend(std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<i32>().ok()));
        }
    }
    found
}

/// Takes every mount below `dir` away, the deepest first: a network namespace and overlays stay behind an engine.
fn unmount_below(dir: &Path) -> Result<(), TaskError> {
    for point in mounts_below(dir).into_iter().rev() {
        let _ = unmount(&point, UnmountFlags::empty()).or_else(|_| unmount(&point, UnmountFlags::DETACH));
    }
    match mounts_below(dir).first() {
        None => Ok(()),
        Some(point) => Err(TaskError::missing(
            format!("`{}` is still mounted; nothing below it was removed", point.display()),
            &[&format!("unmount it as root (`umount {}`) and run `cargo xtask lab down` again", point.display())],
        )),
    }
}

/// Mount points at or below `dir`, in the order in which they were mounted.
fn mounts_below(dir: &Path) -> Vec<PathBuf> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // Field 5; blanks and the like are written in octal.
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(|point| point.replace("\\040", " ").replace("\\134", "\\"));
    points.map(PathBuf::from).filter(|point| point.starts_with(dir)).collect()
}

fn remove(dir: &Path) -> Result<(), TaskError> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(TaskError::file("remove", dir, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
