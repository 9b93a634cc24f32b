//! The file that keeps what a step wrote: its beginning and its end, masked, in bounded space.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use runbook_core::digest::Digest;
use runbook_core::record::OutputFile;

/// Kept from the beginning, in bytes.
const HEAD: u64 = 1024 * 1024;

/// Kept from the end, in bytes.
const TAIL: u64 = 1024 * 1024;

/// One effect's output file; created with the first byte.
///
/// The part behind the head is a ring in the file itself, so that memory stays small and a crash leaves the last output on disk; [`OutputLog::finish`] puts
/// the ring in order.
pub(crate) struct OutputLog {
    path: PathBuf,
    /// Relative to the run's folder, for the record.
    name: String,
    file: Option<File>,
    written: u64,
    /// The first failure; nothing is written after it. A step does not fail because its output cannot be kept.
    broken: Option<io::Error>,
}

impl OutputLog {
    pub(crate) fn new(path: PathBuf, name: String) -> Self {
        Self { path, name, file: None, written: 0, broken: None }
    }

    /// Appends masked output.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if self.broken.is_some() || bytes.is_empty() {
            return;
        }
        if let Err(error) = self.put(bytes) {
            self.broken = Some(error);
        }
    }

    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&self.path)?),
        };
        while !bytes.is_empty() {
            let (offset, room) = place(self.written);
            let piece = bytes.get(..usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len())).unwrap_or_default();
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(piece)?;
            self.written += u64::try_from(piece.len()).unwrap_or_default();
            bytes = bytes.get(piece.len()..).unwrap_or_default();
        }
        Ok(())
    }

    /// Puts the file in order. Returns what the record says of it, and what went wrong.
    pub(crate) fn finish(mut self) -> (Option<OutputFile>, Option<String>) {
        let Some(mut file) = self.file.take() else {
            return (None, self.broken.map(|error| format!("its output could not be kept: {error}")));
        };
        if self.broken.is_none()
            && let Err(error) = unroll(&mut file, self.written)
        {
            self.broken = Some(error);
        }
        let mut content = Vec::new();
        let read = file.rewind().and_then(|()| file.read_to_end(&mut content));
        let kept = read.is_ok().then(|| OutputFile { path: self.name, bytes: self.written, digest: Digest::of_bytes("sha256", &content) });
        (kept, self.broken.map(|error| format!("some of its output could not be kept: {error}")))
    }
}

/// Where the byte number `at` goes, and how many follow it there without a gap.
fn place(at: u64) -> (u64, u64) {
    if at < HEAD {
        (at, HEAD - at)
    } else {
        let ring = (at - HEAD) % TAIL;
        (HEAD + ring, TAIL - ring)
    }
}

/// Puts the ring in order, with a line that says what is missing.
fn unroll(file: &mut File, written: u64) -> io::Result<()> {
    if written <= HEAD + TAIL {
        return Ok(());
    }
    let mut ring = Vec::new();
    file.seek(SeekFrom::Start(HEAD))?;
    file.read_to_end(&mut ring)?;
    let oldest = usize::try_from((written - HEAD) % TAIL).unwrap_or_default().min(ring.len());
    ring.rotate_left(oldest);
    file.seek(SeekFrom::Start(HEAD))?;
    writeln!(file, "\n[{} bytes left out]", written - HEAD - TAIL)?;
    file.write_all(&ring)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn log(folder: &Folder) -> OutputLog {
        OutputLog::new(folder.path().join("x.log"), "output/x.log".into())
    }

    #[test]
    fn a_silent_step_makes_no_file() {
        let folder = Folder::new();
        assert_eq!(log(&folder).finish(), (None, None));
        assert!(!folder.path().join("x.log").exists());
    }

    #[test]
    fn a_small_output_is_kept_as_it_is() {
        let folder = Folder::new();
        let mut log = log(&folder);
        log.write(b"hello ");
        log.write(b"\xff\x00\n");
        let (kept, fault) = log.finish();
        assert_eq!(kept.unwrap().bytes, 9);
        assert_eq!(fault, None);
        assert_eq!(std::fs::read(folder.path().join("x.log")).unwrap(), b"hello \xff\x00\n");
    }

    #[test]
    fn of_a_flood_the_beginning_and_the_end_are_kept() {
        let folder = Folder::new();
        let mut log = log(&folder);
        let line = |n: u64| format!("{n:0>9}\n");
        for n in 0..1_000_000 {
            log.write(line(n).as_bytes());
        }
        assert_eq!(log.finish().0.unwrap().bytes, 10_000_000);
        let text = std::fs::read_to_string(folder.path().join("x.log")).unwrap();
        assert!(text.len() < 2 * 1024 * 1024 + 100);
        assert!(text.starts_with("000000000\n000000001\n"));
        assert!(text.ends_with("000999998\n000999999\n"));
        assert!(text.contains(&format!("\n[{} bytes left out]\n", 10_000_000 - 2 * 1024 * 1024)));
    }
}
