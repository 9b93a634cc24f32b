//! Reading a journal back, one line at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::JournalError;
use super::line::{self, Line, LineFault, MAX_LINE, Rejected};
use crate::disk::OnPath;

/// How many bytes are read at once.
const CHUNK: usize = 64 * 1024;

/// How a journal ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// With a good line, or empty.
    #[default]
    Clean,
    /// With `bytes` of a write that was cut off; nobody acted on it.
    Torn {
        /// How many bytes are to be cut.
        bytes: u64,
    },
    /// With a good line that lacks only its newline.
    Unfinished,
    /// With a whole line that is damaged: what it might have started is in doubt.
    InDoubt {
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it.
        fault: LineFault,
    },
}

/// What a journal's file was when it was read: where it is to be gone on with, and how its bytes are known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How many bytes of the file were read.
    pub size: u64,
    /// The CRC-32 of them.
    sum: u32,
    /// Where the last line that stays ends.
    pub(super) kept: u64,
    /// The number of the next line, and how many bad lines it would follow.
    pub(super) position: (u64, u64),
}

/// A whole journal in memory.
#[derive(Debug)]
pub struct Contents<R> {
    /// All records, in their order.
    pub records: Vec<R>,
    /// How the file ends.
    pub tail: Tail,
    /// The file that they were read from.
    pub mark: Mark,
    /// The positions in `records` before which a damaged line stood that an earlier session went on from.
    pub doubts: Vec<usize>,
}

impl Mark {
    /// Whether a file, read from its beginning, still holds the same bytes and no more.
    pub(super) fn is_of(&self, file: &mut File) -> io::Result<bool> {
        let mut sum = crc32fast::Hasher::new();
        let mut buffer = vec![0; CHUNK];
        let mut size = 0;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(size == self.size && sum.finalize() == self.sum);
            }
            size += len(read);
            sum.update(buffer.get(..read).unwrap_or_default());
        }
    }
}

/// Reads a whole journal. Readers take no lock: a run that goes on shows as one that is not at its end, possibly with a torn tail.
pub fn read<R: DeserializeOwned>(path: &Path) -> Result<Contents<R>, JournalError> {
    Reader::open(path)?.contents()
}

/// One line's records.
#[derive(Debug)]
pub struct Batch<R> {
    /// In their order.
    pub records: Vec<R>,
    /// Whether a damaged line stands before it.
    pub after_bad: bool,
}

/// Reads batch after batch; holds one line in memory.
pub struct Reader<R> {
    path: PathBuf,
    input: BufReader<File>,
    buffer: Vec<u8>,
    /// Bytes seen, and their CRC-32.
    read: u64,
    sum: crc32fast::Hasher,
    /// Lines seen, good and bad.
    lines: u64,
    /// The number that the next good line must have.
    next: u64,
    /// Where the last line that stays ends.
    kept: u64,
    /// The first of the bad lines that were met and not yet named by a good one, and how many there are.
    bad: Option<(u64, LineFault, u64)>,
    tail: Tail,
    done: bool,
    record: PhantomData<fn() -> R>,
}

impl<R: DeserializeOwned> Reader<R> {
    /// Opens a journal at its beginning.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).on("open", path)?;
        Ok(Self::over(path, file))
    }

    pub(super) fn over(path: &Path, file: File) -> Self {
        Self {
            path: path.to_owned(),
            input: BufReader::with_capacity(CHUNK, file),
            buffer: Vec::new(),
            read: 0,
            sum: crc32fast::Hasher::new(),
            lines: 0,
            next: 0,
            kept: 0,
            bad: None,
            tail: Tail::Clean,
            done: false,
            record: PhantomData,
        }
    }

    /// All that is left of it.
    pub(super) fn contents(mut self) -> Result<Contents<R>, JournalError> {
        let mut records = Vec::new();
        let mut doubts = Vec::new();
        while let Some(batch) = self.next_batch()? {
            if batch.after_bad {
                doubts.push(records.len());
            }
            records.extend(batch.records);
        }
        let mark = Mark { size: self.read, kept: self.kept, position: self.position(), sum: self.sum.finalize() };
        Ok(Contents { records, tail: self.tail, mark, doubts })
    }

    /// How the file ends; known once [`Self::next_batch`] has returned nothing.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The number of the next line that a writer would append, and how many bad lines it would follow.
    fn position(&self) -> (u64, u64) {
        let bad = self.bad.map_or(0, |(_, _, count)| count);
        (self.next + bad, bad)
    }

    /// The next line's records; nothing at the end.
    pub fn next_batch(&mut self) -> Result<Option<Batch<R>>, JournalError> {
        while !self.done {
            self.buffer.clear();
            let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX) + 1;
            let read = self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer).on("read", &self.path)?;
            self.read += len(read);
            self.sum.update(&self.buffer);
            if read == 0 {
                self.end();
                return Ok(None);
            }
            let whole = self.buffer.last() == Some(&b'\n');
            if !whole && read > MAX_LINE {
                return Err(self.damaged(self.lines + 1, LineFault::Length));
            }
            if !whole {
                return Ok(self.unfinished(read));
            }
            self.lines += 1;
            let decoded = line::decode::<R>(self.buffer.get(..read - 1).unwrap_or_default());
            match decoded {
                Ok(line) => return self.good(line, read).map(Some),
                Err(Rejected::Newer(found)) => return Err(JournalError::Newer { path: self.path.clone(), found }),
                Err(Rejected::Fault(fault)) => {
                    self.kept += len(read);
                    let (first, fault, count) = self.bad.unwrap_or((self.lines, fault, 0));
                    self.bad = Some((first, fault, count + 1));
                }
            }
        }
        Ok(None)
    }

    fn good(&mut self, line: Line<R>, read: usize) -> Result<Batch<R>, JournalError> {
        let (expected, bad) = self.position();
        if line.after_bad != bad {
            let (at, fault) = self.bad.map_or((self.lines, LineFault::Order), |(at, fault, _)| (at, fault));
            return Err(self.damaged(at, fault));
        }
        if line.n != expected {
            return Err(self.damaged(self.lines, LineFault::Order));
        }
        self.kept += len(read);
        self.next = line.n + 1;
        self.bad = None;
        Ok(Batch { records: line.records, after_bad: bad > 0 })
    }

    /// Bytes behind the last newline.
    fn unfinished(&mut self, read: usize) -> Option<Batch<R>> {
        self.done = true;
        let (expected, bad) = self.position();
        match line::decode::<R>(&self.buffer) {
            Ok(line) if line.n == expected && line.after_bad == bad => {
                self.kept += len(read);
                self.next = line.n + 1;
                self.bad = None;
                self.tail = Tail::Unfinished;
                Some(Batch { records: line.records, after_bad: bad > 0 })
            }
            _ => {
                // A damaged line before a torn one keeps its doubt: the torn one was cut off before it could name it.
                self.end();
                if self.tail == Tail::Clean {
                    self.tail = Tail::Torn { bytes: len(read) };
                }
                None
            }
        }
    }

    fn end(&mut self) {
        self.done = true;
        if let Some((line, fault, _)) = self.bad {
            self.tail = Tail::InDoubt { line, fault };
        }
    }

    fn damaged(&self, line: u64, fault: LineFault) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), line, fault }
    }
}

/// Sizes of files are 64 bits wide, those in memory may be less.
fn len(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
