//! What a journal asks of its file; a seam for the faults that no test can make a disk have.

use std::fs::File;
use std::io::{self, Write};

use rustix::fs::FallocateFlags;

/// Whether room could be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It is ours.
    Kept,
    /// This file system cannot keep room (NFS before 4.2, some FUSE).
    Unsupported,
}

/// The file under a journal.
pub(super) trait Storage: Send {
    /// Appends all of it.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was appended last.
    fn sync(&mut self) -> io::Result<()>;
    /// Keeps room for `bytes` behind `offset` without changing the file's size.
    fn reserve(&mut self, offset: u64, bytes: u64) -> io::Result<Room>;
    /// Gives room back: cuts the file, and what is kept behind it, at `size`.
    fn cut(&mut self, size: u64) -> io::Result<()>;
    /// Gives the lock free. Closing alone would not: a child that is just being started has a copy of the file until its `exec`.
    fn unlock(&self);
}

impl Storage for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn reserve(&mut self, offset: u64, bytes: u64) -> io::Result<Room> {
        use rustix::io::Errno;
        loop {
            match rustix::fs::fallocate(&*self, FallocateFlags::KEEP_SIZE, offset, bytes) {
                Ok(()) => return Ok(Room::Kept),
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Room::Unsupported),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn cut(&mut self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn unlock(&self) {
        // Where that fails, the lock ends with the last copy.
        let _ = Self::unlock(self);
    }
}
