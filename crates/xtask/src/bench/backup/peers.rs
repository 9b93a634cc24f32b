//! The peers, from Debian's packages, unpacked into the cache beside the lab's programs.

use crate::error::TaskError;
use crate::lab;
use std::path::{Path, PathBuf};

/// What is unpacked, and why.
const PACKAGES: [&str; 5] = ["mydumper", "libglib2.0-0", "libmariadb3", "libpcre3", "zlib1g"];

/// Programs to compare with.
pub(super) struct Peers {
    root: PathBuf,
}

impl Peers {
    /// Downloads and unpacks what is not there yet.
    pub(super) fn provide(cache: &Path) -> Result<Self, TaskError> {
        Ok(Self { root: lab::debian_unpacked(cache, "peers", &PACKAGES)? })
    }

    /// `mydumper` or `myloader`.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.root.join("usr/bin").join(name)
    }

    /// Folders with libraries for them.
    pub(super) fn libraries(&self) -> String {
        let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
        ["usr/lib", "lib"].map(|folder| self.root.join(folder).join(&triple).display().to_string()).join(":")
    }
}
