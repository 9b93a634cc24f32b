//! What a machine must have before anything is started.

use super::fetch::make;
use crate::checkout::Checkout;
use crate::error::TaskError;

/// Bytes that the lab's folder takes: seekdb's data and log files alone are 2.5 GB.
const DISK: u64 = 4_500_000_000;
/// KiB of memory that must be available: seekdb uses 300 MB, and is told that it may use 2 GB.
const MEMORY_KIB: u64 = 1_500_000;

/// Room on the disk, and memory.
pub(crate) fn room(checkout: &Checkout) -> Result<(), TaskError> {
    make(&checkout.lab)?;
    let stat = rustix::fs::statvfs(&checkout.lab).map_err(|error| TaskError::file("ask the file system of", &checkout.lab, error))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < DISK {
        return Err(TaskError::missing(
            format!("{} MB are free for the lab in `{}`, and it needs {} MB", free / 1_000_000, checkout.lab.display(), DISK / 1_000_000),
            &["make room on that disk"],
        ));
    }
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = info.lines().find_map(|line| line.strip_prefix("MemAvailable:")).and_then(|rest| rest.split_whitespace().next());
    match available.and_then(|kib| kib.parse::<u64>().ok()) {
        Some(kib) if kib < MEMORY_KIB => Err(TaskError::missing(
            format!("{} MB of memory are available, and the lab needs {} MB", kib / 1000, MEMORY_KIB / 1000),
            &["end something else, or give the machine more memory"],
        )),
        _ => Ok(()),
    }
}

/// The daemon of the lab's own engine needs root.
pub(crate) fn root_for_engine() -> Result<(), TaskError> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(TaskError::missing(
        "no Docker Engine answers, and only root may start one",
        &[
            "start Docker, or set DOCKER_HOST to an engine that answers",
            "or run this command as root: the lab then starts an engine of its own and leaves the machine's alone",
        ],
    ))
}
