//! Measuring: how long a program runs, and how much memory it takes at most.

use crate::error::TaskError;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What one run of a program took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ran {
    /// From the start to the end.
    pub(super) time: Duration,
    /// Highest resident size, in bytes.
    pub(super) peak: u64,
}

/// The middle of several times.
pub(super) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Runs a program `n` times and gives the middle of its times.
pub(super) fn typical(n: usize, mut command: impl FnMut() -> Command) -> Result<Duration, TaskError> {
    let times: Result<Vec<Duration>, TaskError> = (0..n)
        .map(|_| {
            let mut command = command();
            let begun = Instant::now();
            finish(&mut command).map(|_| begun.elapsed())
        })
        .collect();
    times.map(median)
}

/// Runs a program, its output thrown away; an error where it does not succeed.
pub(super) fn finish(command: &mut Command) -> Result<ExitStatus, TaskError> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    succeeded(command, status.map_err(|error| failed(command, &error))?)
}

/// Runs a program and watches its memory. The kernel keeps the highest size, so that looking now and then is enough; what it takes in its last
/// milliseconds may be missed.
pub(super) fn watched(command: &mut Command) -> Result<Ran, TaskError> {
    let begun = Instant::now();
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = spawned.map_err(|error| failed(command, &error))?;
    let mut peak = 0;
    loop {
        peak = peak.max(high_water(child.id()).unwrap_or_default());
        if let Some(status) = child.try_wait().map_err(|error| failed(command, &error))? {
            succeeded(command, status)?;
            return Ok(Ran { time: begun.elapsed(), peak });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn high_water(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<ExitStatus, TaskError> {
    if status.success() { Ok(status) } else { Err(TaskError::failed(format!("`{}` ended with {status}", command.get_program().display()))) }
}

fn failed(command: &Command, error: &std::io::Error) -> TaskError {
    TaskError::failed(format!("cannot run `{}`: {error}", command.get_program().display()))
}
