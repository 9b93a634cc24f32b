//! Removing what is finished.

use std::fs::{self, File, TryLockError};

use runbook_core::record::{RunEnd, Stamped};

use super::{RunFolder, StateDir};
use crate::disk::{DiskError, OnPath};
use crate::journal::Reader;
use crate::unfinished;

/// What the folder of a removed run is called until it is gone.
const GONE: &str = "removed";

/// Whether a run may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It has ended so, for good.
    Ended(RunEnd),
    /// It broke off before its first record; nothing was done in it.
    NeverBegan,
    /// Something is left that could be done with it: it is under way, can be resumed, or cannot be read.
    No,
}

impl RunFolder {
    /// Whether nothing is left that a `resume` could do; by the journal, not by the index.
    pub fn finished(&self) -> Finished {
        let Ok(mut reader) = Reader::<Stamped>::open(&self.journal()) else {
            return if self.journal().exists() { Finished::No } else { Finished::NeverBegan };
        };
        match reader.next_batch() {
            Ok(None) => return Finished::NeverBegan,
            Ok(Some(_)) => {}
            Err(_) => return Finished::No,
        }
        match unfinished::last_end(self) {
            Some(end) if end.is_final() => Finished::Ended(end),
            Some(_) | None => Finished::No,
        }
    }
}

impl StateDir {
    /// Removes a run that is finished, with everything in its folder; returns whether it was. Backups stand elsewhere, and stay.
    pub fn remove_run(&self, run: &RunFolder) -> Result<bool, DiskError> {
        let journal = run.journal();
        // Held until the folder has another name, so that nobody can go on with it meanwhile.
        let held = match File::open(&journal) {
            Ok(file) => match file.try_lock() {
                Ok(()) => Some(file),
                Err(TryLockError::WouldBlock) => return Ok(false),
                Err(TryLockError::Error(error)) => return Err(DiskError::new("lock", journal, error)),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(DiskError::new("open", journal, error)),
        };
        if run.finished() == Finished::No {
            return Ok(false);
        }
        let gone = run.path().with_extension(GONE);
        fs::rename(run.path(), &gone).on("rename", run.path())?;
        drop(held);
        fs::remove_dir_all(&gone).on("remove", &gone)?;
        Ok(true)
    }

    /// Removes what an earlier removal that broke off has left.
    pub fn sweep_removed(&self) -> Result<(), DiskError> {
        let folder = self.runs_folder();
        if !folder.exists() {
            return Ok(());
        }
        for entry in folder.read_dir().on("read", &folder)? {
            let path = entry.on("read", &folder)?.path();
            if path.extension().is_some_and(|extension| extension == GONE) {
                fs::remove_dir_all(&path).on("remove", &path)?;
            }
        }
        Ok(())
    }
}
