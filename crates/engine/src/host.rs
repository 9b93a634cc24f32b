//! What a run records of where and by whom it was started, and what it inherits.

use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, HostClock};
use crate::process::{self, Environment};

/// The host, the process and the people.
#[derive(Clone)]
pub struct Host {
    /// The host's name.
    pub name: String,
    /// The kernel's boot id; empty where it cannot be read.
    pub boot_id: String,
    /// The user who runs this process.
    pub user: String,
    /// The person, as far as it is known: the login name, and `sudo`'s caller where there is one.
    pub operator: String,
    /// This program's name and version.
    pub tool: String,
    /// What children inherit.
    pub environment: Arc<Environment>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
}

impl Host {
    /// This host, this process.
    pub fn here(tool: impl Into<String>) -> Self {
        let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        // The account counts, not what a variable says; `su` leaves the old name in it.
        let user = process::user_name(rustix::process::geteuid().as_raw());
        let operator = match named("SUDO_USER") {
            Some(caller) => format!("{caller} as {user}"),
            None => user.clone(),
        };
        let boot_id = crate::disk::read(Path::new("/proc/sys/kernel/random/boot_id")).unwrap_or_default();
        Self {
            name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            boot_id: String::from_utf8_lossy(&boot_id).trim().to_owned(),
            user,
            operator,
            tool: tool.into(),
            environment: Arc::new(Environment::cleaned(std::env::vars_os())),
            clock: Arc::new(HostClock),
        }
    }
}
