//! A backup's folder while it is written: under another name, until everything is on disk.

use std::fs::DirBuilder;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use runbook_core::action::{Cx, Failure, FailureKind};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::manifest::{Manifest, hex};
use super::sink::{create_new, write_failure};
use crate::sql::failure::Sql;

/// A folder that becomes a backup, or goes away.
pub(super) struct Folder {
    partial: PathBuf,
    to: PathBuf,
}

impl Folder {
    /// Makes the folder under its temporary name: `.NAME.MARK.partial` beside `to`. What an earlier attempt of the same effect left there is removed.
    pub(super) async fn create(cx: Cx<'_>, to: &Path) -> Sql<Self> {
        if to.symlink_metadata().is_ok() {
            return Err(taken(to).into());
        }
        let (Some(parent), Some(name)) = (to.parent(), to.file_name()) else {
            return Err(Failure::new(FailureKind::Invalid, format!("`{}` is no name of a new folder", to.display())).into());
        };
        let partial = parent.join(format!(".{}.{}.partial", name.to_string_lossy(), stem(cx.mark())));
        cx.evidence(json!({ "partial": partial })).await?;
        if partial.symlink_metadata().is_ok() {
            std::fs::remove_dir_all(&partial).map_err(|error| write_failure(&partial, &error))?;
        }
        std::fs::create_dir_all(parent).map_err(|error| write_failure(parent, &error))?;
        DirBuilder::new().mode(0o700).create(&partial).map_err(|error| write_failure(&partial, &error))?;
        Ok(Self { partial, to: to.to_owned() })
    }

    /// Where files are written to.
    pub(super) fn path(&self) -> &Path {
        &self.partial
    }

    /// Writes the manifest, makes everything durable and gives the folder its name.
    pub(super) fn finish(&mut self, manifest: &Manifest) -> Result<(), Failure> {
        let result = self.write_manifest(manifest).and_then(|()| self.rename());
        if result.is_err() {
            self.discard();
        }
        result
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<(), Failure> {
        let path = self.partial.join("manifest.json");
        write_synced(&path, manifest.to_text().as_bytes())
            .and_then(|()| sync_folder(&self.partial))
            .map_err(|error| write_failure(&path, &error))
    }

    fn rename(&self) -> Result<(), Failure> {
        give_name(&self.partial, &self.to, taken)
    }

    /// Removes what was written.
    pub(super) fn discard(&mut self) {
        remove_partial(&self.partial);
    }
}

/// Writes a new file and makes its bytes durable.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Gives what was written under a temporary name its own, and makes the name durable. What is there already is never replaced: `taken` says so.
pub(super) fn give_name(partial: &Path, to: &Path, taken: fn(&Path) -> Failure) -> Result<(), Failure> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    // An empty folder of that name would be replaced by a plain rename.
    match renameat_with(CWD, partial, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::EXIST | rustix::io::Errno::NOTEMPTY) => return Err(taken(to)),
        // Not every file system knows the flag.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if to.symlink_metadata().is_ok() {
                return Err(taken(to));
            }
            std::fs::rename(partial, to).map_err(|error| write_failure(to, &error))?;
        }
        Err(error) => return Err(write_failure(to, &error.into())),
    }
    let parent = to.parent().unwrap_or(Path::new("."));
    sync_folder(parent).map_err(|error| write_failure(parent, &error))
}

/// Removes a folder of [`Folder::create`]; anything else is left alone.
pub(in crate::sql) fn remove_partial(path: &Path) {
    let ours = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('.') && name.ends_with(".partial"));
    if ours {
        let _ = std::fs::remove_dir_all(path);
    }
}

fn taken(to: &Path) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        format!("`{}` is there already, and a backup is never written into an existing folder", to.display()),
    )
    .help("give a folder that does not exist")
}

/// The effect's name without the attempt: a second attempt removes what the first left.
pub(super) fn stem(mark: &str) -> String {
    without_attempt(mark).chars().map(|c| if c.is_ascii_alphanumeric() || "-_.[]".contains(c) { c } else { '_' }).take(100).collect()
}

fn without_attempt(mark: &str) -> &str {
    mark.rsplit_once('#').filter(|(_, attempt)| attempt.bytes().all(|b| b.is_ascii_digit())).map_or(mark, |(stem, _)| stem)
}

/// Whether two marks are of one effect, whichever attempt: a manifest's `made_by` and a context's mark.
pub(in crate::sql) fn same_effect(one: &str, other: &str) -> bool {
    without_attempt(one) == without_attempt(other)
}

/// A short name for an effect, the same in every attempt.
pub(in crate::sql) fn effect_digest(mark: &str) -> String {
    hex(&Sha256::digest(without_attempt(mark))).chars().take(16).collect()
}

pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}
