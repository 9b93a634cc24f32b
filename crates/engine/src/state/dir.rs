//! The state directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use runbook_core::record::RunEnd;
use runbook_core::secret::DigestKey;

use super::index::{self, Line, Opened, RunEntry, SessionEnd};
use super::{RunFolder, RunId};
use crate::disk::{self, DiskError, OnPath};

/// The state directory of a host, or the one that the operator named.
#[derive(Clone, Debug)]
pub struct StateDir {
    root: PathBuf,
    is_default: bool,
}

/// Why a run cannot be found or made.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Neither a state directory nor a home.
    #[error("there is no place for runs: `XDG_STATE_HOME` and `HOME` are not set")]
    NoPlace,
    /// There are no runs yet.
    #[error("there are no runs in `{}`", root.display())]
    NoRuns {
        /// The state directory.
        root: PathBuf,
    },
    /// No run's id begins so.
    #[error("there is no run `{wanted}` in `{}`", root.display())]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// The state directory.
        root: PathBuf,
    },
    /// Several ids begin so.
    #[error("`{wanted}` is the beginning of {} runs: {}", found.len(), list(found))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Which begin so, oldest first.
        found: Vec<RunId>,
    },
}

fn list(runs: &[RunId]) -> String {
    let mut text: Vec<_> = runs.iter().take(5).map(|run| format!("`{run}`")).collect();
    if runs.len() > 5 {
        text.push("…".to_owned());
    }
    text.join(", ")
}

impl StateDir {
    /// The directory that the operator named (`--state-dir`, else `RUNBOOK_STATE_DIR`), else the host's for root, else the user's own. Creates nothing.
    pub fn locate(flag: Option<&Path>, env: impl Fn(&str) -> Option<OsString>) -> Result<Self, StateError> {
        let named = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let default = if rustix::process::geteuid().is_root() {
            Some(PathBuf::from("/var/lib/runbook"))
        } else {
            // A relative XDG path is to be ignored, as its specification says.
            named("XDG_STATE_HOME")
                .filter(|path| path.is_absolute())
                .map(|path| path.join("runbook"))
                .or_else(|| named("HOME").map(|home| home.join(".local/state/runbook")))
        };
        let root = flag.map(Path::to_owned).or_else(|| named("RUNBOOK_STATE_DIR"));
        match (root, default) {
            (Some(root), default) => {
                let root = std::path::absolute(&root).on("find", &root)?;
                Ok(Self { is_default: default.as_ref() == Some(&root), root })
            }
            (None, Some(root)) => Ok(Self { root, is_default: true }),
            (None, None) => Err(StateError::NoPlace),
        }
    }

    /// A directory as it is named.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), is_default: false }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What a command that is printed for a person has to carry (`--state-dir PATH`); nothing where it is the default.
    pub fn named(&self) -> Option<&Path> {
        (!self.is_default).then_some(self.root.as_path())
    }

    pub(super) fn runs_folder(&self) -> PathBuf {
        self.root.join("runs")
    }

    fn index(&self) -> PathBuf {
        self.root.join("index.jsonl")
    }

    /// Creates the folder of a new run.
    pub fn create_run(&self, now: Timestamp) -> Result<RunFolder, StateError> {
        let runs = self.runs_folder();
        disk::create_folders(&runs)?;
        disk::sync_folder(&self.root)?;
        loop {
            let mut random = [0; 4];
            rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).on("read", Path::new("/dev/urandom"))?;
            let id = RunId::new(now, u32::from_ne_bytes(random));
            let path = runs.join(id.as_str());
            match RunFolder::create(id, path) {
                // Two starts in one second with the same four letters.
                Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {}
                other => return Ok(other?),
            }
        }
    }

    /// Notes in the index that a run was opened.
    pub fn note_opened(&self, run: &RunId, at: Timestamp, runbook: &str, locks: &[String]) -> Result<(), DiskError> {
        let opened = Opened { run: run.clone(), at, runbook: runbook.to_owned(), locks: locks.to_vec() };
        index::append(&self.index(), &Line::Opened(opened))
    }

    /// Notes in the index how a session ended.
    pub fn note_ended(&self, run: &RunId, at: Timestamp, end: RunEnd) -> Result<(), DiskError> {
        index::append(&self.index(), &Line::Ended { run: run.clone(), end: SessionEnd { at, end } })
    }

    /// All runs, oldest first.
    pub fn runs(&self) -> Result<Vec<RunEntry>, StateError> {
        let folder = self.runs_folder();
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mut ids = Vec::new();
        for entry in folder.read_dir().on("read", &folder)? {
            let name = entry.on("read", &folder)?.file_name();
            // What is not named like a run is none.
            if let Some(id) = name.to_str().and_then(|name| name.parse::<RunId>().ok()) {
                ids.push(id);
            }
        }
        Ok(index::read(&self.index(), ids.into_iter())?)
    }

    /// Finds a run by its id or the beginning of it.
    pub fn open_run(&self, wanted: &str) -> Result<RunFolder, StateError> {
        let found: Vec<RunId> = self.runs()?.into_iter().map(|entry| entry.run).filter(|run| run.as_str().starts_with(wanted)).collect();
        match found.as_slice() {
            [] => Err(StateError::NotFound { wanted: wanted.to_owned(), root: self.root.clone() }),
            [run] => Ok(self.folder(run)),
            _ => Err(StateError::Ambiguous { wanted: wanted.to_owned(), found }),
        }
    }

    /// The run that was opened last (`--last`).
    pub fn last_run(&self) -> Result<RunFolder, StateError> {
        match self.runs()?.last() {
            Some(entry) => Ok(self.folder(&entry.run)),
            None => Err(StateError::NoRuns { root: self.root.clone() }),
        }
    }

    /// The key of this directory's digests of secrets (32 random bytes, mode 0600); made where it is missing.
    pub fn digest_key(&self) -> Result<DigestKey, DiskError> {
        let path = self.root.join("digest.key");
        if !path.exists() {
            let mut key = [0; 32];
            rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty()).on("read", Path::new("/dev/urandom"))?;
            match disk::write_new(&path, &key) {
                // Another run was faster: its key counts.
                Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {}
                other => other?,
            }
        }
        let bytes = disk::read(&path)?;
        let key = <[u8; 32]>::try_from(bytes.as_slice());
        key.map(DigestKey::new).map_err(|_| DiskError::new("use", path, std::io::Error::other("it does not hold 32 bytes")))
    }

    /// Where the keys are with which runs keep secret results: outside of the runs' folders, so that a copy of one of those is of no use.
    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The folder of a run.
    pub fn folder(&self, run: &RunId) -> RunFolder {
        RunFolder::at(run.clone(), self.runs_folder().join(run.as_str()))
    }
}
