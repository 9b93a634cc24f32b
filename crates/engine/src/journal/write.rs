//! Appending to a journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::line;
use super::read::{Contents, Mark, Reader};
use super::storage::{Room, Storage};
use super::{JournalError, MAX_RECORD, Tail};
use crate::crash;
use crate::disk::{self, DiskError, OnPath};

/// Room for one more record in a line of its own.
const ROOM_FOR_ONE: u64 = MAX_RECORD as u64 + 1024;

/// Room that is asked for beyond what is needed, so that most starts need not ask.
const SPARE: u64 = 1024 * 1024;

/// The one writer of a run's journal; it holds the run's lock for as long as it lives.
pub struct Journal {
    path: PathBuf,
    file: Box<dyn Storage>,
    /// Where the file ends.
    size: u64,
    /// Up to where room is kept.
    room: u64,
    /// The next line's number.
    next: u64,
    /// How many bad lines the next line follows.
    after_bad: u64,
    poisoned: bool,
}

impl Journal {
    /// Creates a run's journal (mode 0600), takes the run's lock, and syncs the folder.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(path).on("create", path)?;
        lock(&file, path)?;
        disk::sync_parent(path)?;
        Ok(Self::over(path, Box::new(file)))
    }

    /// Opens a journal to go on with: takes the lock, reads everything, cuts a torn tail (and syncs that).
    ///
    /// A damaged last line stays where it is; the next line that is appended says that it is there. Its doubt is in [`Contents::tail`].
    pub fn open<R: DeserializeOwned>(path: &Path) -> Result<(Self, Contents<R>), JournalError> {
        Self::open_seen(path, None)
    }

    /// The same, for who has read the journal before it had the lock: what was `seen` is taken for what is there where the file holds the same bytes still,
    /// so that its records need not be understood twice.
    pub fn open_seen<R: DeserializeOwned>(path: &Path, seen: Option<Contents<R>>) -> Result<(Self, Contents<R>), JournalError> {
        let mut file = OpenOptions::new().read(true).append(true).open(path).on("open", path)?;
        lock(&file, path)?;
        let contents = if let Some(contents) = seen
            && contents.mark.is_of(&mut file).on("read", path)?
        {
            contents
        } else {
            file.rewind().on("read", path)?;
            Reader::over(path, file.try_clone().on("open", path)?).contents()?
        };
        let Mark { size, kept, position: (next, after_bad), .. } = contents.mark;
        let mut journal = Self::over(path, Box::new(file));
        (journal.size, journal.next, journal.after_bad) = (kept, next, after_bad);
        if kept < size {
            journal.file.cut(kept).on("cut", path)?;
            journal.file.sync().on("sync", path)?;
        }
        if contents.tail == Tail::Unfinished {
            journal.put(b"\n", true)?;
        }
        Ok((journal, contents))
    }

    pub(super) fn over(path: &Path, file: Box<dyn Storage>) -> Self {
        Self { path: path.to_owned(), file, size: 0, room: 0, next: 0, after_bad: 0, poisoned: false }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a batch as one line and syncs it. When this returns, the records are on disk.
    ///
    /// After a failed write or sync every later call fails; what the file holds is then known only to the next one who opens it.
    pub fn append<R: Serialize>(&mut self, records: &[R]) -> Result<(), JournalError> {
        self.append_line(records, true)
    }

    /// Appends a batch without a sync: it survives the end of this process, and a power cut only with the next [`Self::append`].
    pub fn append_unsynced<R: Serialize>(&mut self, records: &[R]) -> Result<(), JournalError> {
        self.append_line(records, false)
    }

    fn append_line<R: Serialize>(&mut self, records: &[R], sync: bool) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        self.usable()?;
        let bytes = line::encode(self.next, self.after_bad, records)?;
        self.put(&bytes, sync)?;
        self.next += 1;
        self.after_bad = 0;
        Ok(())
    }

    /// Keeps room for `ends` more records, so that a disk that fills up meanwhile cannot swallow the results of what runs. Called before a start, with
    /// the number of all effects that will then run (and the start itself).
    pub fn reserve(&mut self, ends: usize) -> Result<(), JournalError> {
        self.usable()?;
        let needed = ROOM_FOR_ONE.saturating_mul(u64::try_from(ends).unwrap_or(u64::MAX));
        if self.size.saturating_add(needed) <= self.room {
            return Ok(());
        }
        for bytes in [needed.saturating_add(SPARE), needed] {
            match self.file.reserve(self.size, bytes) {
                Ok(Room::Kept) => {
                    self.room = self.size + bytes;
                    return Ok(());
                }
                Ok(Room::Unsupported) => {
                    tracing::debug!(path = %self.path.display(), "the file system cannot keep room for the journal");
                    self.room = u64::MAX;
                    return Ok(());
                }
                Err(error) if is_full(&error) => {}
                Err(error) => return Err(DiskError::new("reserve room in", &self.path, error).into()),
            }
        }
        Err(JournalError::NoRoom { path: self.path.clone() })
    }

    /// Gives back the room that was kept. The journal stays open.
    pub fn release(&mut self) -> Result<(), JournalError> {
        self.usable()?;
        if self.room > self.size && self.room != u64::MAX {
            self.file.cut(self.size).on("cut", &self.path)?;
        }
        self.room = 0;
        Ok(())
    }

    fn usable(&self) -> Result<(), JournalError> {
        if self.poisoned { Err(JournalError::Poisoned { path: self.path.clone() }) } else { Ok(()) }
    }

    fn put(&mut self, bytes: &[u8], sync: bool) -> Result<(), JournalError> {
        // Poisoned until the sync has said otherwise.
        self.poisoned = true;
        crash::point("journal.before-write");
        self.file.append(bytes).on("write", &self.path)?;
        if sync {
            crash::point("journal.before-sync");
            self.file.sync().on("sync", &self.path)?;
            crash::point("journal.after-sync");
        }
        self.poisoned = false;
        self.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.file.unlock();
    }
}

/// The run's lock is the journal's: who may append is who owns the run.
fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(JournalError::Held { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(DiskError::new("lock", path, error).into()),
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
