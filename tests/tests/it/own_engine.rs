//! A Docker Engine of a test's own, which it may stop and kill: the lab's is used by others at the same time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::lab::Lab;
use crate::sandbox::Sandbox;

/// An engine with a socket, data and state of its own; ended and removed with the test.
pub(crate) struct OwnEngine {
    lab: Lab,
    folder: PathBuf,
    /// What the lab's engine keeps its images with: overlay mounts are refused on some machines.
    driver: String,
    /// The runtime that the lab's engine needs on a machine whose capability bounding set is short.
    runtime: Option<PathBuf>,
    child: Option<Child>,
}

impl OwnEngine {
    /// A new one, which answers and has the stand-ins of these tags.
    pub(crate) fn new(tags: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let shared = Lab::get();
        // Short: the path of a socket holds 107 bytes.
        let folder = std::env::temp_dir().join(format!("rb-eng-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("config.json"), "{}").expect("a file");
        let driver = shared.docker_ok(&["info", "--format", "{{.Driver}}"]);
        let socket = shared.docker_host().strip_prefix("unix://").map(PathBuf::from);
        let runtime = socket.map(|socket| socket.with_file_name("bounded")).filter(|runtime| runtime.exists());
        let lab = shared.with_engine(&format!("unix://{}", folder.join("sock").display()));
        let mut engine = Self { lab, folder, driver, runtime, child: None };
        engine.start();
        for tag in tags {
            let archive = shared.images().join(format!("{}.tar", tag.replace(['/', ':'], "-")));
            engine.lab.docker_ok(&["load", "--input", &archive.display().to_string()]);
        }
        engine
    }

    /// The lab, with this engine in place of its own.
    pub(crate) fn lab(&self) -> Lab {
        self.lab.clone()
    }

    /// Starts it, again with the containers that it has.
    pub(crate) fn start(&mut self) {
        assert!(self.try_start(), "no engine answers; its log:\n{}", std::fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }

    fn try_start(&mut self) -> bool {
        // An engine that was killed takes its containerd with it. Where nobody buries the dead (a sandbox without an init), the next one would take its id for a
        // living one, and wait for it.
        let _ = std::fs::remove_file(self.folder.join("exec/containerd/containerd.pid"));
        let log = File::options().create(true).append(true).open(self.folder.join("log")).expect("a log");
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        self.child = Some(command.spawn().expect("dockerd"));
        let begun = Instant::now();
        while !self.lab.docker(&["version"], &[]).status.success() {
            if begun.elapsed() > Duration::from_mins(1) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }

    /// Stops it in good order, as an upgrade of its package does: its containers are stopped with it.
    pub(crate) fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// Kills it: its containers run on.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut child) = self.child.take() {
            Sandbox::signal(&child, signal);
            child.wait().expect("its end");
        }
    }

    fn command(&self) -> Command {
        let programs = self.lab.programs();
        let mut dockerd = Command::new(programs.join("usr/sbin/dockerd"));
        let at = |name: &str| self.folder.join(name);
        dockerd.args(["--host", self.lab.docker_host()]).arg("--config-file").arg(at("config.json"));
        dockerd.arg("--data-root").arg(at("data")).arg("--exec-root").arg(at("exec")).arg("--pidfile").arg(at("pid"));
        dockerd.args([
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-masq=false",
            "--ip-forward=false",
            "--group",
            "root",
        ]);
        dockerd.args(["--storage-driver", &self.driver, "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", &self.cgroup()]);
        if let Some(runtime) = &self.runtime {
            dockerd.arg("--add-runtime").arg(format!("bounded={}", runtime.display())).args(["--default-runtime", "bounded"]);
        }
        let own = ["usr/sbin", "usr/bin"].map(|folder| programs.join(folder).display().to_string());
        dockerd.env("PATH", format!("{}:{}", own.join(":"), std::env::var("PATH").unwrap_or_default()));
        dockerd
    }

    /// Name of the control group below which its containers are.
    fn cgroup(&self) -> String {
        format!("/{}", self.folder.file_name().unwrap_or_default().to_string_lossy())
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        // Only an engine can end its containers.
        if self.child.is_some() || self.try_start() {
            let listed = self.lab.docker(&["ps", "--all", "--quiet"], &[]);
            for id in String::from_utf8_lossy(&listed.stdout).lines() {
                self.lab.docker(&["rm", "--force", id], &[]);
            }
        }
        self.end(Signal::TERM);
        unmount_below(&self.folder);
        let hierarchies = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
        for hierarchy in hierarchies.chain([PathBuf::from("/sys/fs/cgroup")]) {
            let _ = std::fs::remove_dir(hierarchy.join(self.cgroup().trim_start_matches('/')));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Takes away what an engine leaves mounted, the deepest first.
fn unmount_below(folder: &Path) {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points: Vec<&str> = table.lines().filter_map(|line| line.split(' ').nth(4)).collect();
    for point in points.into_iter().rev().filter(|point| Path::new(point).starts_with(folder)) {
        let _ = Command::new("umount").args(["--lazy", point]).status();
    }
}
