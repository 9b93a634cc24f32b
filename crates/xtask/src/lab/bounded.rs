//! A runtime between containerd and runc, for machines whose capability bounding set is short (sandboxes): there, a `--privileged` container
//! asks for capabilities that nobody can give, and fails with "unable to apply caps". It takes out of the container's configuration what
//! the host does not have, and then is runc.

use crate::error::TaskError;
use serde_json::Value;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names of the capabilities, by their bit: `capability.h` of Linux.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Whether this machine's bounding set lacks one that the kernel knows.
pub(crate) fn needed() -> bool {
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok().and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(40);
    bounding_set().is_some_and(|set| set.trailing_ones() <= last)
}

/// `xtask lab-runtime RUNC ARGS…`: clips the configuration that the arguments name, and becomes runc.
pub(crate) fn run_bounded(runc: &str, args: &[&str]) -> Result<(), TaskError> {
    let file = if args.contains(&"create") || args.contains(&"run") {
        Some(Path::new(option(args, &["--bundle", "-b"]).unwrap_or(".")).join("config.json"))
    } else if args.contains(&"exec") {
        option(args, &["--process", "-p"]).map(PathBuf::from)
    } else {
        None
    };
    if let Some(file) = file {
        clip(&file)?;
    }
    let error = Command::new(runc).args(args).exec();
    Err(TaskError::failed(format!("cannot run {runc}: {error}")))
}

fn option<'a>(args: &[&'a str], names: &[&str]) -> Option<&'a str> {
    args.iter().enumerate().find_map(|(i, arg)| {
        if names.contains(arg) {
            return args.get(i + 1).copied();
        }
        arg.split_once('=').filter(|(name, _)| names.contains(name)).map(|(_, value)| value)
    })
}

fn clip(file: &Path) -> Result<(), TaskError> {
    let Some(set) = bounding_set() else { return Ok(()) };
    let bytes = std::fs::read(file).map_err(|error| TaskError::file("read", file, error))?;
    let mut document: Value = serde_json::from_slice(&bytes).map_err(|error| TaskError::file("read", file, error))?;
    let pointer = if document.get("process").is_some() { "/process/capabilities" } else { "/capabilities" };
    if let Some(Value::Object(lists)) = document.pointer_mut(pointer) {
        for list in lists.values_mut().filter_map(Value::as_array_mut) {
            list.retain(|capability| capability.as_str().is_some_and(|name| has(set, name)));
        }
    }
    std::fs::write(file, document.to_string()).map_err(|error| TaskError::file("write", file, error))
}

fn has(set: u64, capability: &str) -> bool {
    let bit = NAMES.iter().position(|name| capability.strip_prefix("CAP_") == Some(name));
    bit.is_some_and(|bit| set >> bit & 1 == 1)
}

fn bounding_set() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_looked_up_by_bit() {
        let without_resource = 0x1ff_feff_ffff;
        assert!(has(without_resource, "CAP_SYS_ADMIN"));
        assert!(!has(without_resource, "CAP_SYS_RESOURCE"));
        assert!(!has(u64::MAX, "CAP_OF_A_LATER_KERNEL"));
    }

    #[test]
    fn options_are_read_in_both_ways() {
        assert_eq!(option(&["create", "--bundle", "/b", "id"], &["--bundle", "-b"]), Some("/b"));
        assert_eq!(option(&["exec", "--process=/p", "id"], &["--process", "-p"]), Some("/p"));
        assert_eq!(option(&["delete", "id"], &["--process", "-p"]), None);
    }
}
