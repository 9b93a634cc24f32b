//! Taking and keeping named locks.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use runbook_core::action::{Failure, Holder, Holding};
use serde::{Deserialize, Serialize};

use super::LockFolder;
use crate::disk::{DiskError, OnPath};

/// Who holds a lock, so that a refusal can say so and name the command to go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The run's id.
    pub run: String,
    /// The runbook's name.
    pub runbook: String,
    /// Where the run is kept.
    pub state_dir: PathBuf,
    /// The process that took it.
    pub pid: u32,
    /// The user who started it.
    pub user: String,
    /// Since when.
    pub since: Timestamp,
}

/// A lock file's content.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    name: String,
    owner: Owner,
}

/// Why a lock cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file system.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A live process holds it.
    #[error("`{name}` is locked{}", by(owner.as_deref()))]
    Held {
        /// The lock's name.
        name: String,
        /// Who; none in the moment in which it is being taken.
        owner: Option<Box<Owner>>,
    },
    /// A run on some host holds it.
    #[error("`{name}` is locked on all hosts by {}; its lease at {place} ends at {} unless it is renewed", leased(&by.holder, by.since), by.ends)]
    Leased {
        /// The lock's name.
        name: String,
        /// Where that is written.
        place: String,
        /// Who.
        by: Box<Holding>,
    },
    /// The run that held it fell silent, and nothing says that it is finished.
    #[error("`{name}` belongs to {}, whose lease at {place} ended at {}: nothing says that it is finished", leased(&by.holder, by.since), by.ends)]
    Lapsed {
        /// The lock's name.
        name: String,
        /// Where that is written.
        place: String,
        /// Who.
        by: Box<Holding>,
    },
    /// The place where locks hold on all hosts cannot be asked.
    #[error("the locks at {place} cannot be had: {failure}")]
    NoPlace {
        /// Which.
        place: String,
        /// Why.
        failure: Box<Failure>,
    },
    /// No process holds it, but the run that did is not finished.
    #[error("`{name}` belongs to the unfinished run `{}` of `{}`", owner.run, owner.runbook)]
    Unfinished {
        /// The lock's name.
        name: String,
        /// Who.
        owner: Box<Owner>,
    },
}

fn by(owner: Option<&Owner>) -> String {
    owner.map_or_else(String::new, |o| format!(" by run `{}` of `{}` (process {}, user `{}`)", o.run, o.runbook, o.pid, o.user))
}

fn leased(holder: &Holder, since: Timestamp) -> String {
    let Holder { run, runbook, host, pid, user, .. } = holder;
    format!("run `{run}` of `{runbook}` on host `{host}` (process {pid}, user `{user}`, since {since})")
}

/// Locks that are held. Dropping them ends the hold of this process; only [`NamedLocks::finish`] gives the names free for other runs.
#[derive(Debug, Default)]
pub struct NamedLocks {
    held: Vec<(PathBuf, File)>,
}

/// Takes all of `names` for `owner`, or none. `is_open` says whether the run of an earlier owner, whose process is gone, still has to be finished.
pub fn acquire(folder: &LockFolder, names: &[String], owner: &Owner, is_open: impl Fn(&Owner) -> bool) -> Result<NamedLocks, LockError> {
    let mut locks = NamedLocks::default();
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_unstable();
    names.dedup();
    // First all are tried, then all are written: a refusal leaves no trace.
    for name in &names {
        let path = folder.file(name);
        let file = take(&path, name, owner, &is_open)?;
        locks.held.push((path, file));
    }
    for (name, (path, file)) in names.into_iter().zip(&mut locks.held) {
        let content = Content { name: name.clone(), owner: owner.clone() };
        let text = serde_json::to_vec(&content).map_err(std::io::Error::from).on("write", path)?;
        replace(file, path, &text)?;
    }
    Ok(locks)
}

/// Gives free what a run that no process works on still holds of `names`; what others hold stays theirs.
pub fn release(folder: &LockFolder, names: &[String], run: &str) -> Result<(), DiskError> {
    for name in names {
        let path = folder.file(name);
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            opened => opened.on("open", &path)?,
        };
        if file.try_lock().is_err() {
            continue;
        }
        if written(&mut file, &path)?.is_some_and(|owner| owner.run == run) {
            replace(&mut file, &path, b"")?;
        }
        let _ = file.unlock();
    }
    Ok(())
}

impl NamedLocks {
    /// Gives the names free: the run is finished. The files stay; removing one that somebody waits for would give two holders.
    pub fn finish(mut self) -> Result<(), DiskError> {
        for (path, file) in &mut self.held {
            replace(file, path, b"")?;
        }
        Ok(())
    }
}

impl Drop for NamedLocks {
    fn drop(&mut self) {
        for (_, file) in &self.held {
            // Closing alone would not do: a child that is just being started has a copy of the file until its `exec`.
            let _ = file.unlock();
        }
    }
}

fn take(path: &Path, name: &str, owner: &Owner, is_open: &impl Fn(&Owner) -> bool) -> Result<File, LockError> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).on("open", path)?;
    let taken = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(error)) => return Err(DiskError::new("lock", path, error).into()),
    };
    match written(&mut file, path)? {
        owner if !taken => Err(LockError::Held { name: name.to_owned(), owner }),
        Some(before) if before.run != owner.run && is_open(&before) => Err(LockError::Unfinished { name: name.to_owned(), owner: before }),
        _ => Ok(file),
    }
}

/// Who a lock file says that it belongs to; none where it is free, or just being written.
fn written(file: &mut File, path: &Path) -> Result<Option<Box<Owner>>, DiskError> {
    let mut text = Vec::new();
    file.take(64 * 1024).read_to_end(&mut text).on("read", path)?;
    Ok(serde_json::from_slice::<Content>(&text).ok().map(|content| Box::new(content.owner)))
}

fn replace(file: &mut File, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    file.rewind().on("write", path)?;
    file.set_len(0).on("write", path)?;
    file.write_all(bytes).on("write", path)?;
    file.sync_data().on("sync", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn owner(run: &str) -> Owner {
        Owner {
            run: run.into(),
            runbook: "odc-upgrade".into(),
            state_dir: "/var/lib/runbook".into(),
            pid: 7,
            user: "op".into(),
            since: "2026-11-21T03:15:00Z".parse().unwrap(),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_held_name_is_refused_and_its_holder_named() {
        let home = Folder::new();
        let folder = LockFolder::at(home.path().join("locks")).unwrap();
        let _held = acquire(&folder, &names(&["odc@db/x"]), &owner("r1"), |_| true).unwrap();
        let error = acquire(&folder, &names(&["a", "odc@db/x"]), &owner("r2"), |_| true).unwrap_err();
        assert_eq!(error.to_string(), "`odc@db/x` is locked by run `r1` of `odc-upgrade` (process 7, user `op`)");
        assert!(acquire(&folder, &names(&["a"]), &owner("r3"), |_| true).is_ok(), "a refusal takes nothing");
    }

    #[test]
    fn an_unfinished_run_keeps_others_away_but_not_itself() {
        let home = Folder::new();
        let folder = LockFolder::at(home.path().join("locks")).unwrap();
        drop(acquire(&folder, &names(&["x"]), &owner("r1"), |_| true).unwrap());
        let error = acquire(&folder, &names(&["x"]), &owner("r2"), |_| true).unwrap_err();
        assert_eq!(error.to_string(), "`x` belongs to the unfinished run `r1` of `odc-upgrade`");
        assert!(acquire(&folder, &names(&["x"]), &owner("r2"), |_| false).is_ok(), "that run was given up meanwhile");
        drop(acquire(&folder, &names(&["x"]), &owner("r2"), |_| true).unwrap());
    }

    #[test]
    fn a_finished_run_gives_its_names_free() {
        let home = Folder::new();
        let folder = LockFolder::at(home.path().join("locks")).unwrap();
        acquire(&folder, &names(&["x", "y", "x"]), &owner("r1"), |_| true).unwrap().finish().unwrap();
        assert!(acquire(&folder, &names(&["y", "x"]), &owner("r2"), |_| true).is_ok());
    }

    #[test]
    fn a_run_that_is_given_up_gives_its_own_names_free_and_no_others() {
        let home = Folder::new();
        let folder = LockFolder::at(home.path().join("locks")).unwrap();
        drop(acquire(&folder, &names(&["x"]), &owner("r1"), |_| true).unwrap());
        drop(acquire(&folder, &names(&["y"]), &owner("r2"), |_| true).unwrap());
        release(&folder, &names(&["x", "y", "z"]), "r1").unwrap();
        assert!(acquire(&folder, &names(&["x"]), &owner("r3"), |_| true).is_ok());
        assert!(acquire(&folder, &names(&["y"]), &owner("r3"), |_| true).is_err());
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let home = Folder::new();
        let path = home.path().join("locks");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(LockFolder::at(path).is_err());
    }
}
