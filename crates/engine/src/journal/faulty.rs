//! A disk that fails as told: what no test can make a real one do.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::Journal;
use super::storage::{Room, Storage};

/// A journal on such a disk.
pub(crate) fn journal(disk: Disk) -> Journal {
    Journal::over(Path::new("journal.jsonl"), Box::new(disk))
}

/// A disk that fails as told.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    free: u64,
    kept: u64,
    /// Every sync fails from this one on (from 1); 0 for none.
    failing_sync: u64,
    syncs: u64,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Storage for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let size = u64::try_from(bytes.len()).unwrap();
        if size > self.free + self.kept {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let from_kept = size.min(self.kept);
        self.kept -= from_kept;
        self.free -= size - from_kept;
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        if self.failing_sync > 0 && self.syncs >= self.failing_sync { Err(io::Error::other("input/output error")) } else { Ok(()) }
    }
    fn reserve(&mut self, _offset: u64, bytes: u64) -> io::Result<Room> {
        if bytes > self.kept + self.free {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.free = self.free + self.kept - bytes;
        self.kept = bytes;
        Ok(Room::Kept)
    }
    fn cut(&mut self, _size: u64) -> io::Result<()> {
        Ok(())
    }
    fn unlock(&self) {}
}

impl Disk {
    /// With so many bytes free, and every sync failing from this one on (from 1; 0 for none).
    pub(crate) fn new(free: u64, failing_sync: u64) -> Self {
        Self { free, failing_sync, ..Self::default() }
    }

    /// How many lines were written.
    pub(crate) fn lines(&self) -> usize {
        self.bytes.lock().unwrap().split(|byte| *byte == b'\n').count() - 1
    }
}
