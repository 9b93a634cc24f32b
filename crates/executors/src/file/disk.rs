//! Blocking work on files, and the one way in which an action does it: on a thread for such work, with a flag that ends it early.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use runbook_core::action::{CancelKind, Cx, Failure, FailureKind, Progress, Unit};
use sha2::{Digest as _, Sha256};

/// Read and written at once.
const BLOCK: usize = 256 * 1024;
/// Between two looks at how far a long read is.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// A file's size and digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digested {
    pub(super) size: u64,
    pub(super) sha256: String,
}

/// How far a piece of blocking work is, and whether it should end.
#[derive(Default)]
pub(super) struct Watch {
    done: AtomicU64,
    stop: AtomicBool,
}

/// Why blocking work ended without a result.
pub(super) enum Broken {
    /// It was told to.
    Stopped,
    /// With this failure.
    Failed(Failure),
}

/// Does `work` on a thread for blocking work, reports how far it is, and passes a cancellation on. It is always awaited.
pub(super) async fn blocking<T, F>(cx: Cx<'_>, what: &str, total: Option<u64>, work: F) -> Result<T, Broken>
where
    T: Send + 'static,
    F: FnOnce(&Watch) -> Result<T, Failure> + Send + 'static,
{
    let watch = Arc::new(Watch::default());
    let theirs = Arc::clone(&watch);
    let mut task = tokio::task::spawn_blocking(move || work(&theirs));
    let mut cancelled = cx.cancelled(CancelKind::Graceful);
    loop {
        tokio::select! {
            done = &mut task => {
                return match done {
                    Ok(Ok(value)) => Ok(value),
                    Ok(Err(_)) if watch.stop.load(Ordering::Relaxed) => Err(Broken::Stopped),
                    Ok(Err(failure)) => Err(Broken::Failed(failure)),
                    Err(error) => Err(Broken::Failed(Failure::new(FailureKind::Internal, format!("{what} broke off: {error}")))),
                };
            }
            () = &mut cancelled, if !watch.stop.load(Ordering::Relaxed) => watch.stop.store(true, Ordering::Relaxed),
            () = cx.sleep(PROGRESS_EVERY) => {
                let done = watch.done.load(Ordering::Relaxed);
                if done > 0 {
                    cx.progress(Progress { what: what.to_owned(), done, total, unit: Unit::Bytes });
                }
            }
        }
    }
}

/// A failure to do something with `path`, by the field of the action that names it.
pub(super) fn failure(error: &io::Error, doing: &str, path: &Path, field: &str) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => FailureKind::NotFound,
        io::ErrorKind::PermissionDenied => FailureKind::Denied,
        io::ErrorKind::AlreadyExists => FailureKind::Conflict,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::OutOfMemory => FailureKind::Exhausted,
        _ => FailureKind::Failed,
    };
    let why = match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::Interrupted => "it was interrupted".to_owned(),
        _ => error.to_string(),
    };
    Failure::new(kind, format!("`{}` cannot be {doing}: {why}", path.display())).field(field)
}

/// Reads a file to its end and gives its digest.
pub(super) fn digest(path: &Path, watch: &Watch) -> io::Result<Digested> {
    pump(&mut File::open(path)?, &mut io::sink(), watch)
}

/// Copies and digests on the way.
fn pump(from: &mut impl Read, to: &mut impl Write, watch: &Watch) -> io::Result<Digested> {
    let mut hash = Sha256::new();
    let mut size = 0_u64;
    let mut block = vec![0; BLOCK];
    loop {
        if watch.stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let read = match from.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = block.get(..read).unwrap_or_default();
        hash.update(piece);
        to.write_all(piece)?;
        size += read as u64;
        watch.done.store(size, Ordering::Relaxed);
    }
    Ok(Digested { size, sha256: hex(&hash.finalize()) })
}

/// The digest of a text.
pub(super) fn digest_text(text: &str) -> Digested {
    Digested { size: text.len() as u64, sha256: hex(&Sha256::digest(text.as_bytes())) }
}

/// A number of bytes as people read it: `3.2 GiB`.
pub(super) fn human(bytes: u64) -> String {
    let units = [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Owner and mode that a new file takes over from the one that it replaces.
pub(super) struct Likeness {
    mode: u32,
    owner: Option<(u32, u32)>,
}

impl Likeness {
    /// The mode that is wished, else that of the file that is there, else `0644`; the owner of the file that is there.
    pub(super) fn of(path: &Path, wished: Option<u32>) -> Self {
        let there = std::fs::metadata(path).ok();
        let mode = wished.or_else(|| there.as_ref().map(|meta| meta.mode() & 0o777)).unwrap_or(0o644);
        Self { mode, owner: there.map(|meta| (meta.uid(), meta.gid())) }
    }
}

/// Writes what `from` gives to `path`: beside it, synced, renamed over it; the folder is synced as well. Where `fresh`, a file that is there is
/// left as it is and `AlreadyExists` comes back, also when it appears at the last moment.
pub(super) fn write_atomic(path: &Path, from: &mut impl Read, like: &Likeness, fresh: bool, watch: &Watch) -> io::Result<Digested> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = beside(path);
    let made: io::Result<Digested> = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let digested = pump(from, &mut file, watch)?;
        if let Some((uid, gid)) = like.owner {
            // Only root may give a file away; a file that then belongs to who wrote it is what every editor leaves.
            let _ = std::os::unix::fs::fchown(&file, Some(uid), Some(gid));
        }
        file.set_permissions(std::fs::Permissions::from_mode(like.mode))?;
        file.sync_all()?;
        if fresh {
            std::fs::hard_link(&beside, path)?;
        } else {
            std::fs::rename(&beside, path)?;
        }
        Ok(digested)
    })();
    if made.is_err() || fresh {
        let _ = std::fs::remove_file(&beside);
    }
    let digested = made?;
    File::open(folder)?.sync_all()?;
    Ok(digested)
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.runbook-{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("runbook-disk-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_fresh_write_never_replaces() {
        let folder = folder("fresh");
        let path = folder.join("a");
        let like = Likeness::of(&path, None);
        write_atomic(&path, &mut &b"one"[..], &like, true, &Watch::default()).unwrap();
        let error = write_atomic(&path, &mut &b"two"[..], &like, true, &Watch::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_replaced_file_keeps_its_mode() {
        let folder = folder("mode");
        let path = folder.join("a");
        write_atomic(&path, &mut &b"one"[..], &Likeness::of(&path, Some(0o640)), true, &Watch::default()).unwrap();
        let written = write_atomic(&path, &mut &b"two"[..], &Likeness::of(&path, None), false, &Watch::default()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(written, digest_text("two"));
        assert_eq!(written.sha256, "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_stopped_read_ends() {
        let folder = folder("stop");
        let path = folder.join("a");
        std::fs::write(&path, "content").unwrap();
        let watch = Watch::default();
        watch.stop.store(true, Ordering::Relaxed);
        assert_eq!(digest(&path, &watch).unwrap_err().kind(), io::ErrorKind::Interrupted);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
