//! One task at a time works on a checkout's lab.

use crate::checkout::Checkout;
use crate::error::TaskError;
use std::fs::{File, OpenOptions, TryLockError};

/// Held as long as it lives.
pub(crate) struct Guard {
    _file: File,
}

impl Guard {
    /// Takes the lock, or says who has it. The file is outside the lab's folder, which `down` removes.
    pub(crate) fn take(checkout: &Checkout) -> Result<Self, TaskError> {
        let dir = checkout.root.join("target");
        let path = dir.join("xtask-lab.lock");
        let opened = std::fs::create_dir_all(&dir).and_then(|()| OpenOptions::new().create(true).write(true).truncate(false).open(&path));
        let file = opened.map_err(|error| TaskError::file("open", &path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(TaskError::missing(
                "another `cargo xtask` works on this checkout's lab",
                &["wait until it has ended; another checkout can have a lab of its own at the same time"],
            )),
            Err(TryLockError::Error(error)) => Err(TaskError::file("lock", &path, error)),
        }
    }
}
