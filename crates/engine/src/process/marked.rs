//! Finding what an effect left running, by the mark in its environment. Children inherit it, whatever group or session they moved to.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::environment::MARK;

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// How long a killed process may take to be gone.
const KILLED: Duration = Duration::from_secs(5);

/// Waits until nothing that carries `mark` runs. With `end_it` it is asked to end first, and killed when `wait` is over. Returns what still runs.
pub(super) async fn settle(mark: &str, end_it: bool, wait: Duration) -> Vec<u32> {
    if end_it {
        signal(&find(mark), Signal::TERM);
    }
    let left = gone(mark, wait).await;
    if left.is_empty() || !end_it {
        return left;
    }
    signal(&left, Signal::KILL);
    gone(mark, KILLED).await
}

async fn gone(mark: &str, wait: Duration) -> Vec<u32> {
    let end = Instant::now() + wait;
    loop {
        let left = find(mark);
        if left.is_empty() || Instant::now() >= end {
            return left;
        }
        sleep(LOOK).await;
    }
}

/// The processes whose environment has the mark. One that ended but was not waited for has no environment any more.
fn find(mark: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = Path::new("/proc").read_dir() else { return Vec::new() };
    let mut found: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            // Gone meanwhile, or another user's: neither is ours.
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        })
        .collect();
    found.sort_unstable();
    found
}

fn signal(pids: &[u32], signal: Signal) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
        if let Err(error) = kill_process(pid, signal) {
            tracing::debug!(%error, ?pid, "the process is gone already");
        }
    }
}

/// When a process was started, in clock ticks since boot: with its id it names a process for as long as the host is up (field 22 of `/proc/PID/stat`).
pub(super) fn start_time(pid: Pid) -> Option<u64> {
    // One read is enough: the file is short, and the kernel makes it in one piece.
    let mut buffer = [0; 1024];
    let read = File::open(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?.read(&mut buffer).ok()?;
    let stat = String::from_utf8_lossy(buffer.get(..read)?);
    // The second field is the program's name in brackets, which may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}
