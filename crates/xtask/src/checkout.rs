//! Where things are: the checkout, its lab, and the cache that all checkouts of a user share.

use crate::error::TaskError;
use crate::hex::sha256;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Longest folder in which a Unix socket of the lab still fits: a socket's path holds 107 bytes, and containerd adds about 60.
const LONGEST_RUN_DIR: usize = 40;

/// This working copy, with the folders derived from it.
#[derive(Debug)]
pub(crate) struct Checkout {
    /// Top of the repository.
    pub(crate) root: PathBuf,
    /// Short name of this checkout, the same in every run: for labels and for folders outside of it.
    pub(crate) id: String,
    /// The lab's data.
    pub(crate) lab: PathBuf,
    /// The lab's sockets: in the lab's folder, or in a short one where that path is too long.
    pub(crate) run: PathBuf,
    /// What was downloaded and unpacked, for all checkouts of this user.
    pub(crate) cache: PathBuf,
}

impl Checkout {
    /// Finds the checkout that this program was built from.
    pub(crate) fn find() -> Result<Self, TaskError> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root =
            manifest.parent().and_then(Path::parent).filter(|root| root.join("Cargo.toml").is_file()).ok_or_else(|| {
                TaskError::failed("the checkout that this program was built from is gone: build it again with `cargo xtask`")
            })?;
        let id: String = sha256(root.as_os_str().as_bytes()).chars().take(8).collect();
        let lab = root.join(".lab");
        let run =
            if lab.as_os_str().len() + "/run".len() <= LONGEST_RUN_DIR { lab.join("run") } else { short_base().join(format!("rbl-{id}")) };
        let cache = match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
            (Some(cache), _) if !cache.is_empty() => PathBuf::from(cache),
            (_, Some(home)) => PathBuf::from(home).join(".cache"),
            (_, None) => {
                return Err(TaskError::missing("neither HOME nor XDG_CACHE_HOME is set", &["set HOME: downloads are kept below it"]));
            }
        };
        Ok(Self { root: root.to_owned(), id, lab, run, cache: cache.join("runbook-lab") })
    }

    /// Makes the folder for sockets, for nobody else's eyes. In `/tmp` everybody may have made one of that name before: one that is not ours is refused.
    pub(crate) fn make_run_dir(&self) -> Result<(), TaskError> {
        if self.run.starts_with(&self.lab) {
            std::fs::create_dir_all(&self.lab).map_err(|error| TaskError::file("create", &self.lab, error))?;
        }
        match DirBuilder::new().mode(0o700).create(&self.run) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(TaskError::file("create", &self.run, error)),
            Ok(()) | Err(_) => {}
        }
        let found = std::fs::symlink_metadata(&self.run).map_err(|error| TaskError::file("look at", &self.run, error))?;
        if found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() {
            return Ok(());
        }
        Err(TaskError::missing(
            format!("`{}` is another user's, or no folder", self.run.display()),
            &["remove it, or set XDG_RUNTIME_DIR to a short folder of your own"],
        ))
    }

    /// The label that everything made in Docker carries, so that it can be swept: name and value.
    pub(crate) fn label(&self) -> (&'static str, &str) {
        ("runbook.lab", &self.id)
    }
}

fn short_base() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime.filter(|dir| dir.is_dir() && dir.as_os_str().len() < 24).unwrap_or_else(|| PathBuf::from("/tmp"))
}
