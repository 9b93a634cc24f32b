//! Where named locks are kept.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::disk::{self, DiskError, OnPath};

/// The host's folder of locks for this user; root's is the same for all state directories.
#[derive(Clone, Debug)]
pub struct LockFolder(PathBuf);

impl LockFolder {
    /// Finds and, where it is missing, creates it: `/run/lock/runbook` or `/var/lock/runbook` for root, else a folder under `XDG_RUNTIME_DIR` or
    /// `/tmp/runbook-locks-UID`.
    pub fn locate(env: impl Fn(&str) -> Option<OsString>) -> Result<Self, DiskError> {
        let uid = rustix::process::geteuid();
        let path = if uid.is_root() {
            let base = ["/run/lock", "/var/lock"].into_iter().map(Path::new).find(|path| path.is_dir());
            base.unwrap_or(Path::new("/run")).join("runbook")
        } else {
            match env("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir()) {
                Some(base) => base.join("runbook-locks"),
                None => PathBuf::from(format!("/tmp/runbook-locks-{}", uid.as_raw())),
            }
        };
        Self::at(path)
    }

    /// A folder as it is named; created with mode 0700. In a folder such as `/tmp` another user may have been faster: what is not ours alone is refused.
    pub fn at(path: PathBuf) -> Result<Self, DiskError> {
        disk::create_folders(&path)?;
        let found = path.symlink_metadata().on("read", &path)?;
        let ours = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.permissions().mode() & 0o022 == 0;
        if ours {
            Ok(Self(path))
        } else {
            let why = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "it is not a folder of this user alone");
            Err(DiskError::new("use", path, why))
        }
    }

    /// The file of a name. Names are free text, so they are hashed; the file's content has the name in clear.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        let hash = Sha256::digest(name.as_bytes());
        let short = hash.iter().take(12).fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        self.0.join(format!("{short}.lock"))
    }
}
