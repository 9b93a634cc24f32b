//! What `write`, `copy` and `put_back` have in common: the former file is kept in the run's folder, the new one takes its place at once.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use runbook_core::action::{Before, Cx, Failure, FailureKind, Outcome, Outputs, Residue, Verdict};
use serde_json::{Map, Value};

use super::disk::{self, Broken, Digested, Likeness, Watch, blocking, failure};

/// Finds what is at `path` and keeps a copy of it. `field` names the path in the runbook.
pub(super) async fn capture(cx: Cx<'_>, path: PathBuf, field: &'static str) -> Result<Before, Failure> {
    let name: String = cx.effect().to_string().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let folder = cx.run_dir().join("kept");
    let kept = folder.join(name);
    let size = std::fs::metadata(&path).ok().map(|meta| meta.len());
    let found = blocking(cx, "keeping a copy of the former file", size, move |watch| keep(&path, &folder, &kept, field, watch)).await;
    match found {
        Ok(before) => Ok(before),
        Err(Broken::Stopped) => Err(Failure::new(FailureKind::TimedOut, "keeping a copy of the former file was stopped")),
        Err(Broken::Failed(failure)) => Err(failure),
    }
}

fn keep(path: &Path, folder: &Path, kept: &Path, field: &str, watch: &Watch) -> Result<Before, Failure> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(before(false, None, "")),
        Err(error) => return Err(failure(&error, "looked at", path, field)),
    };
    if !meta.is_file() {
        return Err(Failure::new(FailureKind::Conflict, format!("`{}` is there and is no file", path.display())).field(field));
    }
    std::fs::create_dir_all(folder).map_err(|error| failure(&error, "made", folder, field))?;
    let mut from = File::open(path).map_err(|error| failure(&error, "read", path, field))?;
    let like = Likeness::of(path, None);
    let digested = disk::write_atomic(kept, &mut from, &like, false, watch).map_err(|error| failure(&error, "kept", path, field))?;
    Ok(before(true, Some(kept), &digested.sha256))
}

fn before(existed: bool, kept: Option<&Path>, sha256: &str) -> Before {
    Before(Map::from_iter([
        ("existed".to_owned(), Value::from(existed)),
        ("kept".to_owned(), Value::from(kept.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default())),
        ("sha256".to_owned(), Value::from(sha256)),
    ]))
}

/// The digest of what was there before; none where there was no file.
pub(super) fn former(before: &Before) -> Option<&str> {
    before.0.get("sha256").and_then(Value::as_str).filter(|digest| !digest.is_empty())
}

/// The outputs of a written file.
pub(super) fn outputs(path: &Path, written: &Digested) -> Outputs {
    Outputs::from_iter([
        ("path".to_owned(), Value::from(path.to_string_lossy())),
        ("size".to_owned(), Value::from(written.size)),
        ("sha256".to_owned(), Value::from(written.sha256.as_str())),
    ])
}

/// How blocking work that broke off ends an action: a file is only ever replaced as its last act.
pub(super) fn broken(broken: Broken) -> Outcome {
    match broken {
        Broken::Stopped => Outcome::Cancelled { residue: Residue::None },
        // The rename may have happened before the folder could not be synced.
        Broken::Failed(failure) if failure.kind == FailureKind::Failed => Outcome::failed(failure, Residue::Unknown),
        Broken::Failed(failure) => Outcome::failed(failure, Residue::None),
    }
}

/// Writes `from` to `path`, unless the same is there already.
pub(super) fn put(path: &Path, source: &mut impl io::Read, wish: &Wish, watch: &Watch) -> Result<Digested, Failure> {
    let like = Likeness::of(path, wish.mode);
    disk::write_atomic(path, source, &like, !wish.overwrite, watch).map_err(|error| {
        let failed = failure(&error, "written", path, wish.field);
        match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::new(FailureKind::Conflict, format!("`{}` is there already", path.display()))
                .field(wish.field)
                .help("write `overwrite = true` to replace it; its content is then kept for the undo"),
            _ => failed,
        }
    })
}

/// How a file is to be put in place.
pub(super) struct Wish {
    pub(super) mode: Option<u32>,
    pub(super) overwrite: bool,
    /// The field of the action that names the path.
    pub(super) field: &'static str,
}

/// What the world says: the digest that is wanted is there, or the former one.
pub(super) async fn probe(cx: Cx<'_>, path: PathBuf, wanted: Digested, before: &Before) -> Verdict {
    let shown = path.clone();
    let there = blocking(cx, "reading the file", None, move |watch| match disk::digest(&path, watch) {
        Ok(digested) => Ok(Some(digested)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failure(&error, "read", &path, "path")),
    })
    .await;
    match there {
        Ok(Some(there)) if there == wanted => {
            Verdict::Done { outputs: outputs(&shown, &there), changed: former(before) != Some(wanted.sha256.as_str()) }
        }
        Ok(there) if there.as_ref().map(|digested| digested.sha256.as_str()) == former(before) => Verdict::NotDone,
        Ok(_) => Verdict::Unknown { why: format!("`{}` is neither as it was nor as it should be", shown.display()) },
        Err(Broken::Stopped) => Verdict::Unknown { why: "reading the file was stopped".to_owned() },
        Err(Broken::Failed(failure)) => Verdict::Unknown { why: failure.message },
    }
}
