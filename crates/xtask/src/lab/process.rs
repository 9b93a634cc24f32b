//! A process that outlives the task which started it, known by its id and its start time: ids are used again.

use crate::error::TaskError;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Who a process is.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Daemon {
    /// What it is, for a person: `dockerd`, `seekdb`, `mariadbd`.
    pub(crate) name: String,
    pid: i32,
    /// Clock ticks after boot at which it started: field 22 of `/proc/PID/stat`.
    start: u64,
    /// Where its output goes.
    pub(crate) log: PathBuf,
}

impl Daemon {
    /// Starts `command` in a session of its own, with its output in `log`.
    pub(crate) fn start(name: &str, command: &Command, log: &Path) -> Result<Self, TaskError> {
        let file = File::create(log).map_err(|error| TaskError::file("write", log, error))?;
        let errors = file.try_clone().map_err(|error| TaskError::file("write", log, error))?;
        // `setsid` of util-linux: a session of its own without code between fork and exec.
        let mut detached = Command::new("setsid");
        detached.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null()).stdout(file).stderr(errors);
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => detached.env(key, value),
                None => detached.env_remove(key),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            detached.current_dir(dir);
        }
        let child = detached.spawn().map_err(|error| TaskError::failed(format!("cannot start {name}: {error}")))?;
        let pid = i32::try_from(child.id()).map_err(|_| TaskError::failed(format!("{name} has an impossible process id")))?;
        let start = start_time(pid).ok_or_else(|| TaskError::failed(format!("{name} ended at once; see {}", log.display())))?;
        Ok(Self { name: name.to_owned(), pid, start, log: log.to_owned() })
    }

    /// Whether it is still the process that was started, and no zombie.
    pub(crate) fn alive(&self) -> bool {
        start_time(self.pid) == Some(self.start)
    }

    /// Its process id, for a person.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Asks it to end, and kills it when `patience` is over. Nothing happens to a process that has come to the same id since.
    pub(crate) fn end(&self, patience: Duration) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        for signal in [Signal::TERM, Signal::KILL] {
            if !self.alive() {
                return;
            }
            let _ = kill_process(pid, signal);
            let asked = Instant::now();
            while self.alive() && asked.elapsed() < patience {
                sleep(Duration::from_millis(20));
            }
        }
    }

    /// The end of its log, for a message.
    pub(crate) fn last_lines(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

/// Start time of a process that is there and no zombie.
fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so count from the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Waits until `ready` says so, the daemon has died, or `patience` is over.
pub(crate) fn wait_until(daemon: &Daemon, patience: Duration, mut ready: impl FnMut() -> bool) -> Result<(), TaskError> {
    let begun = Instant::now();
    loop {
        if ready() {
            return Ok(());
        }
        let why = if !daemon.alive() {
            "ended"
        } else if begun.elapsed() > patience {
            "does not answer"
        } else {
            sleep(Duration::from_millis(50));
            continue;
        };
        return Err(TaskError::Missing {
            what: format!("{} {why}", daemon.name),
            help: vec![format!("its log is {}; its end is:\n{}", daemon.log.display(), daemon.last_lines())],
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_is_known_by_its_start_and_ended() {
        let dir = std::env::temp_dir().join(format!("xtask-process-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let mut command = Command::new("sleep");
        command.arg("600");
        let daemon = Daemon::start("sleep", &command, &dir.join("log")).unwrap();
        assert!(daemon.alive());
        let other = Daemon { start: daemon.start + 1, ..daemon.clone() };
        assert!(!other.alive());
        other.end(Duration::from_secs(1));
        assert!(daemon.alive(), "a process of another start time must be left alone");
        daemon.end(Duration::from_secs(5));
        assert!(!daemon.alive());
        std::fs::remove_dir_all(dir).unwrap();
    }
}
