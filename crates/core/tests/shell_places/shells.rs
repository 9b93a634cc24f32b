//! The shells, and folders for their canaries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A shell that scripts are held against.
#[derive(Clone)]
pub(crate) struct Shell {
    pub(crate) name: &'static str,
    argv: Vec<PathBuf>,
}

impl Shell {
    pub(crate) fn is_bash(&self) -> bool {
        self.name == "bash"
    }

    /// It, without an environment but `PATH`, ended after some seconds.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("timeout");
        command.arg("-k").arg("1").arg("60").args(&self.argv).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        command
    }

    /// Whether it can read the script.
    pub(crate) fn reads(&self, script: &str) -> bool {
        let mut command = self.command();
        command.arg("-n").arg("/dev/stdin").stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), script.as_bytes()).unwrap();
        child.wait().unwrap().success()
    }
}

/// bash and dash of this machine, busybox of the lab. A missing one is a failure.
pub(crate) fn shells() -> Vec<Shell> {
    let shell = |name, argv: &[&Path]| Shell { name, argv: argv.iter().map(|part| (*part).to_owned()).collect() };
    let busybox = busybox();
    vec![shell("bash", &[Path::new("bash")]), shell("dash", &[Path::new("dash")]), shell("busybox sh", &[&busybox, Path::new("sh")])]
}

fn busybox() -> PathBuf {
    let file = std::env::var_os("RUNBOOK_LAB").expect("this test needs the lab's busybox: run `cargo xtask test`");
    let text = std::fs::read_to_string(file).expect("RUNBOOK_LAB names a file that can be read");
    let lab: serde_json::Value = serde_json::from_str(&text).expect("RUNBOOK_LAB names a JSON file");
    PathBuf::from(lab["busybox"].as_str().expect("the lab has a busybox"))
}

/// A folder of its own, gone at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("runbook-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    /// Whether a file was there; it is not any more.
    pub(crate) fn take(&self, name: &str) -> bool {
        std::fs::remove_file(self.0.join(name)).is_ok()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
