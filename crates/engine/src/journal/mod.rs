//! A run's journal: JSON lines that are appended and synced, never rewritten.
//!
//! **One line = one batch = one checksum = one sync.** A line is
//! `{"crc":"1f2e3d4c","v":1,"n":7,"records":[…]}`: `crc` is the CRC-32 of everything behind it, `v` the version of the format, `n` counts lines from 0.
//!
//! What a reader makes of damage:
//!
//! | found | meaning |
//! |---|---|
//! | bytes without a newline at the end | a write that was cut off before its sync: nobody acted on it. Cut before the next append, unless the line is whole but for its newline |
//! | a whole line at the end whose checksum is wrong | it may have been synced and acted upon: what it might have started is in doubt |
//! | such a line followed by one that names it (`after_bad`) | the same, and a later session went on from there |
//! | any other bad line with good ones behind it | the file is unusable |
//!
//! A failed write or sync poisons a journal: what is on disk is not known any more, and asking again would be told a lie by the page cache.

mod line;
mod read;
mod storage;
mod write;

#[cfg(test)]
pub(crate) mod faulty;
#[cfg(test)]
mod tests;

pub use line::{FORMAT, LineFault, MAX_LINE, MAX_RECORD};
pub use read::{Contents, Mark, Reader, Tail, read};
pub use write::Journal;

use crate::disk::DiskError;
use std::path::PathBuf;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file itself.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another process works on this run.
    #[error("another process works on this run: `{}` is locked", path.display())]
    Held {
        /// The journal.
        path: PathBuf,
    },
    /// A bad line with good ones behind it.
    #[error("line {line} of `{}` is damaged: {fault}, and good lines follow it", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// Written by a newer version of this program.
    #[error("`{}` was written by a newer version of runbook (format {found}; this one knows up to {})", path.display(), FORMAT)]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// No room for what the running steps will have to say.
    #[error("no room is left for the journal `{}`", path.display())]
    NoRoom {
        /// The journal.
        path: PathBuf,
    },
    /// An earlier write or sync failed.
    #[error("the journal `{}` cannot be written any more after an earlier failure", path.display())]
    Poisoned {
        /// The journal.
        path: PathBuf,
    },
    /// A record is over the limit; the caller puts large values beside the journal.
    #[error("a record of {bytes} bytes is over the limit of {} bytes", MAX_RECORD)]
    TooLarge {
        /// Its size as JSON.
        bytes: usize,
    },
    /// A record cannot be written as JSON.
    #[error("a record cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
}
