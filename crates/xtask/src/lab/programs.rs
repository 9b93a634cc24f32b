//! The unpacked programs, in the cache: one folder per set of packages, made whole before it gets its name.

use super::fetch::{self, make};
use crate::error::TaskError;
use crate::hex::sha256;
use crate::say;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the lab takes from Debian, and why.
const PACKAGES: [(&str, &str); 12] = [
    ("docker.io", "the Docker Engine and its client"),
    ("containerd", "which the engine runs containers with"),
    ("runc", "which containerd runs containers with"),
    ("busybox-static", "the content of the lab's images"),
    ("bash-static", "a shell for the lab's images"),
    ("mariadb-server", "the script that makes a data folder"),
    ("mariadb-server-core", "the MariaDB server"),
    ("mariadb-client", "mariadb-dump, to compare with"),
    ("mariadb-client-core", "the client that sets the first passwords"),
    ("mariadb-common", "which both need"),
    ("libaio1", "which the MariaDB server needs"),
    ("liburing2", "which the MariaDB server needs"),
];

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    root: PathBuf,
}

impl Programs {
    /// Downloads and unpacks what is not there yet.
    pub(crate) fn provide(cache: &Path) -> Result<Self, TaskError> {
        let wanted: Vec<&str> = PACKAGES.iter().map(|(name, _)| *name).collect();
        let packages = fetch::debian(cache, &wanted)?;
        let wheel = fetch::wheel(cache)?;
        let mut names = Vec::new();
        for file in packages.iter().chain([&wheel]) {
            names.extend_from_slice(file.as_os_str().as_encoded_bytes());
            names.push(0);
        }
        let key: String = sha256(&names).chars().take(12).collect();
        let root = cache.join(format!("programs-{key}"));
        if !root.is_dir() {
            say::line(format!("unpacking into {}:", root.display()));
            for (name, why) in PACKAGES {
                say::line(format!("  {name}: {why}"));
            }
            say::line("  seekdb: OceanBase in one process");
            let fresh = cache.join(format!("unpacking-{}", std::process::id()));
            let unpacked = unpack(&packages, &wheel, &fresh);
            if unpacked.is_err() {
                let _ = std::fs::remove_dir_all(&fresh);
            }
            unpacked?;
            if let Err(error) = std::fs::rename(&fresh, &root) {
                let _ = std::fs::remove_dir_all(&fresh);
                // Another checkout may have been faster.
                if !root.is_dir() {
                    return Err(TaskError::file("write", &root, error));
                }
            }
        }
        Ok(Self { root })
    }

    /// A program of Debian's, by its path below the root: `usr/sbin/dockerd`.
    pub(crate) fn debian(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The folder with all of them.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Folders with libraries for Debian's programs.
    pub(crate) fn debian_libraries(&self) -> String {
        let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
        let usr = self.root.join("usr/lib").join(&triple);
        format!("{}:{}", usr.display(), self.root.join("lib").join(triple).display())
    }

    /// The seekdb server.
    pub(crate) fn seekdb(&self) -> PathBuf {
        self.root.join("wheel/pylibseekdb/seekdb")
    }

    /// Folders with libraries for it.
    pub(crate) fn seekdb_libraries(&self) -> String {
        let wheel = self.root.join("wheel");
        format!("{}:{}", wheel.join("pylibseekdb").display(), wheel.join("pylibseekdb.libs").display())
    }
}

/// Debian packages that the lab itself does not need, unpacked into a folder of the cache whose name begins with `prefix`.
#[cfg(feature = "bench")]
pub(crate) fn debian_unpacked(cache: &Path, prefix: &str, wanted: &[&str]) -> Result<PathBuf, TaskError> {
    unpacked(cache, prefix, &fetch::debian(cache, wanted)?)
}

/// Packages that the lab does not always need, unpacked into such a folder.
pub(super) fn unpacked(cache: &Path, prefix: &str, packages: &[PathBuf]) -> Result<PathBuf, TaskError> {
    let names: Vec<u8> = packages.iter().flat_map(|file| file.as_os_str().as_encoded_bytes().iter().copied().chain([0])).collect();
    let key: String = sha256(&names).chars().take(12).collect();
    let root = cache.join(format!("{prefix}-{key}"));
    if !root.is_dir() {
        let fresh = cache.join(format!("unpacking-{}", std::process::id()));
        make(&fresh)?;
        let unpacked = packages.iter().try_for_each(|package| run(Command::new("dpkg").arg("-x").arg(package).arg(&fresh), "dpkg -x"));
        let moved = unpacked.and_then(|()| std::fs::rename(&fresh, &root).map_err(|error| TaskError::file("write", &root, error)));
        if let Err(error) = moved {
            let _ = std::fs::remove_dir_all(&fresh);
            // Another checkout may have been faster.
            if !root.is_dir() {
                return Err(error);
            }
        }
    }
    Ok(root)
}

fn unpack(packages: &[PathBuf], wheel: &Path, into: &Path) -> Result<(), TaskError> {
    make(into)?;
    for package in packages {
        run(Command::new("dpkg").arg("-x").arg(package).arg(into), "dpkg -x")?;
    }
    let folder = into.join("wheel");
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(&folder), "python3 -m zipfile")?;
    run(Command::new("chmod").arg("+x").arg(folder.join("pylibseekdb/seekdb")), "chmod")
}

fn run(command: &mut Command, name: &str) -> Result<(), TaskError> {
    let output = command.output().map_err(|error| TaskError::missing(format!("cannot run {name}: {error}"), &[]))?;
    if output.status.success() {
        return Ok(());
    }
    Err(TaskError::failed(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
