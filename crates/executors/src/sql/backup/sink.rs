//! The files of a backup while it is written: one thread hashes, packs and writes what a bounded channel brings.
//!
//! A connection that reads rows and the disk work side by side. What waits for the disk is bounded by its size: while a small file is synced, the rows
//! of many small tables can wait, and of a large one three batches. Each connection has a sink of its own; which file a batch belongs to is said with
//! it, so that the files do not depend on which connection was faster.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use runbook_core::action::{Failure, FailureKind};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::manifest::{FORMAT, FileEntry, Part, RELATED_TABLES, hex};

/// A data file ends after the batch with which it reaches this size: files can be loaded side by side, and one lost file is not everything.
const FILE_BYTES: u64 = 64 << 20;
/// How much text may wait for the disk, in KiB.
const WAITING_KIB: u32 = 3 << 10;
/// How many batches may wait for it.
const WAITING: usize = 1 << 10;

/// What every file begins with, so that each can be loaded by itself.
///
/// Rows are loaded without the strict mode: it refuses values that the table holds already, such as the empty one of an `ENUM` that has no such member.
/// What a server would change in them is found by the checksums.
const fn head(part: Part) -> [&'static str; 2] {
    [
        "SET NAMES utf8mb4",
        match part {
            Part::Data => {
                "SET SESSION time_zone = '+00:00', SESSION foreign_key_checks = 0, SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'"
            }
            _ => {
                "SET SESSION time_zone = '+00:00', SESSION foreign_key_checks = 0, \
                 SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,ALLOW_INVALID_DATES'"
            }
        },
    ]
}

/// The last line of a file.
pub(super) fn end_marker(name: &str) -> String {
    format!("-- end of {}\n", name.strip_suffix(".gz").unwrap_or(name))
}

/// Which file a batch goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) part: Part,
    /// For data: the number of the group of tables.
    pub(super) group: usize,
    /// For data: the number of the piece of a large table of that group; 0 for the beginnings of all its tables. For tables: 1 where they refer to
    /// each other.
    pub(super) piece: usize,
}

impl Place {
    /// Tables that refer to each other.
    pub(super) const RELATED: Self = Self { part: Part::Tables, group: 0, piece: 1 };

    /// The one file of a part that is not data.
    pub(super) const fn of(part: Part) -> Self {
        Self { part, group: 0, piece: 0 }
    }

    /// The file's name; `volume` counts from 1 where it is cut because of its size.
    fn name(self, volume: usize) -> String {
        let Self { part, group, piece } = self;
        let stem = part.stem();
        match (part, piece, volume) {
            (Part::Data, 0, 1) => format!("{stem}-{group:05}.sql"),
            (Part::Data, _, 1) => format!("{stem}-{group:05}-{piece:05}.sql"),
            (Part::Data, ..) => format!("{stem}-{group:05}-{piece:05}-{volume:04}.sql"),
            (Part::Tables, 1, _) => RELATED_TABLES.to_owned(),
            _ => format!("{stem}.sql"),
        }
    }
}

/// A number of statements, each with its delimiter and a line end.
pub(super) struct Batch {
    pub(super) place: Place,
    pub(super) text: Vec<u8>,
    pub(super) statements: u64,
}

/// A batch on its way, with its part of what may wait.
type Sent = (Batch, OwnedSemaphorePermit);

/// The writing end.
pub(super) struct Sink {
    batches: Option<mpsc::Sender<Sent>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<Result<Vec<FileEntry>, Failure>>>,
    /// What the disk said first.
    failed: Option<Failure>,
    abandoned: Arc<AtomicBool>,
}

impl Sink {
    /// Writes into `folder`, which must be there.
    pub(super) fn new(folder: &Path, gzip: bool) -> Result<Self, Failure> {
        let (batches, mut incoming) = mpsc::channel::<Sent>(WAITING);
        let handle = File::open(folder).map_err(|error| write_failure(folder, &error))?;
        let mut writer = Writer { folder: folder.to_owned(), handle, gzip, open: None, done: Vec::new() };
        let abandoned = Arc::new(AtomicBool::new(false));
        let given_up = Arc::clone(&abandoned);
        let thread = tokio::task::spawn_blocking(move || {
            while let Some((batch, _room)) = incoming.blocking_recv() {
                if given_up.load(Ordering::Relaxed) {
                    return Ok(Vec::new());
                }
                writer.write(&batch)?;
            }
            writer.close()?;
            Ok(writer.done)
        });
        let room = Arc::new(Semaphore::new(WAITING_KIB as usize));
        Ok(Self { batches: Some(batches), room, thread: Some(thread), failed: None, abandoned })
    }

    /// Hands a batch over; waits while the disk is behind.
    pub(super) async fn write(&mut self, batch: Batch) -> Result<(), Failure> {
        let kib = u32::try_from(batch.text.len() >> 10).unwrap_or(u32::MAX).clamp(1, WAITING_KIB);
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await;
        let sent = match (&self.batches, room) {
            (Some(batches), Ok(room)) => batches.send((batch, room)).await.is_ok(),
            _ => false,
        };
        if sent {
            return Ok(());
        }
        let failure = self.join().await.err().unwrap_or_else(ended_early);
        self.failed = Some(failure.clone());
        Err(failure)
    }

    /// Waits until everything is on disk.
    pub(super) async fn finish(mut self) -> Result<Vec<FileEntry>, Failure> {
        match self.failed.take() {
            Some(failure) => Err(failure),
            None => self.join().await,
        }
    }

    async fn join(&mut self) -> Result<Vec<FileEntry>, Failure> {
        self.batches = None;
        match self.thread.take() {
            Some(thread) => thread.await.unwrap_or_else(|_| Err(ended_early())),
            None => Err(ended_early()),
        }
    }
}

impl Drop for Sink {
    /// What still waits is not written any more.
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}

fn ended_early() -> Failure {
    Failure::new(FailureKind::Internal, "the writer of the backup ended early")
}

struct Writer {
    folder: PathBuf,
    /// The folder itself: a writer that outlives its dump cannot write into a later folder of the same name.
    handle: File,
    gzip: bool,
    open: Option<Open>,
    done: Vec<FileEntry>,
}

struct Open {
    name: String,
    place: Place,
    volume: usize,
    path: PathBuf,
    out: Packed,
    statements: u64,
    text_bytes: u64,
}

/// The way of the bytes: packed or not, hashed and counted, to the disk.
enum Packed {
    Plain(Hashed),
    Gzip(Box<GzEncoder<Hashed>>),
}

struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(piece)?;
        self.hash.update(piece.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Packed {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
        }
    }

    fn finish(self) -> std::io::Result<Hashed> {
        let mut hashed = match self {
            Self::Plain(out) => out,
            Self::Gzip(out) => out.finish()?,
        };
        hashed.flush()?;
        hashed.file.get_ref().sync_all()?;
        Ok(hashed)
    }
}

impl Writer {
    fn write(&mut self, batch: &Batch) -> Result<(), Failure> {
        let next = match &self.open {
            Some(open) if open.place != batch.place => Some(1),
            Some(open) if batch.place.part == Part::Data && open.text_bytes >= FILE_BYTES => Some(open.volume + 1),
            Some(_) => None,
            None => Some(1),
        };
        if let Some(volume) = next {
            self.close()?;
            self.open = Some(self.start(batch.place, volume)?);
        }
        if let Some(open) = &mut self.open {
            open.out.write_all(&batch.text).map_err(|error| write_failure(&open.path, &error))?;
            open.text_bytes += batch.text.len() as u64;
            open.statements += batch.statements;
        }
        Ok(())
    }

    fn start(&self, place: Place, volume: usize) -> Result<Open, Failure> {
        let plain = place.name(volume);
        let name = if self.gzip { format!("{plain}.gz") } else { plain.clone() };
        let path = self.folder.join(&name);
        let file = create_in(&self.handle, &name).map_err(|error| write_failure(&path, &error))?;
        let hashed = Hashed { file: BufWriter::with_capacity(1 << 16, file), hash: Sha256::new(), bytes: 0 };
        let out = if self.gzip { Packed::Gzip(Box::new(GzEncoder::new(hashed, Compression::fast()))) } else { Packed::Plain(hashed) };
        let head = head(place.part);
        let mut open = Open { name, place, volume, path, out, statements: head.len() as u64, text_bytes: 0 };
        let mut beginning = format!("-- runbook backup, format {FORMAT}: {plain}\n");
        for statement in head {
            beginning.push_str(statement);
            beginning.push_str(";\n");
        }
        open.out.write_all(beginning.as_bytes()).map_err(|error| write_failure(&open.path, &error))?;
        Ok(open)
    }

    fn close(&mut self) -> Result<(), Failure> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let path = open.path;
        let hashed = open
            .out
            .write_all(end_marker(&open.name).as_bytes())
            .and_then(|()| open.out.finish())
            .map_err(|error| write_failure(&path, &error))?;
        self.done.push(FileEntry {
            name: open.name,
            part: open.place.part,
            bytes: hashed.bytes,
            sha256: hex(&hashed.hash.finalize()),
            statements: open.statements,
        });
        Ok(())
    }
}

/// A new file that only its owner reads: dumps hold passwords.
pub(super) fn create_new(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn create_in(folder: &File, name: &str) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags, openat};
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    Ok(openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// What a disk says.
pub(super) fn write_failure(path: &Path, error: &std::io::Error) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => FailureKind::Exhausted,
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => FailureKind::Denied,
        std::io::ErrorKind::AlreadyExists => FailureKind::Conflict,
        std::io::ErrorKind::NotFound => FailureKind::NotFound,
        _ => FailureKind::Failed,
    };
    let failure = Failure::new(kind, format!("cannot write `{}`: {error}", path.display()));
    if kind == FailureKind::Exhausted { failure.help("make room on that disk, or give a folder on another one") } else { failure }
}
