//! The index of runs: appended to, never trusted. A line that is missing or damaged only means that a run's folder has to be asked.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use runbook_core::record::RunEnd;
use serde::{Deserialize, Serialize};

use super::RunId;
use crate::disk::{self, DiskError};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(super) enum Line {
    /// A run was opened.
    Opened(Opened),
    /// A session ended.
    Ended {
        /// Of this run.
        run: RunId,
        /// When and how.
        #[serde(flatten)]
        end: SessionEnd,
    },
}

/// What is known of a run from its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opened {
    /// Its id.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
    /// The runbook's name.
    pub runbook: String,
    /// The names that it locks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnd {
    /// When.
    pub at: Timestamp,
    /// How.
    pub end: RunEnd,
}

/// A run as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEntry {
    /// Its id.
    pub run: RunId,
    /// The runbook's name; none where the index does not know the run and its journal has to be asked.
    pub runbook: Option<String>,
    /// When it was opened.
    pub opened: Option<Timestamp>,
    /// The names that it locks.
    pub locks: Vec<String>,
    /// How its last session ended; none while one works on it, or where one broke off.
    pub last: Option<SessionEnd>,
}

impl RunEntry {
    fn unknown(run: RunId) -> Self {
        Self { run, runbook: None, opened: None, locks: Vec::new(), last: None }
    }
}

pub(super) fn append(path: &Path, line: &Line) -> Result<(), DiskError> {
    match serde_json::to_string(line) {
        Ok(text) => disk::append_line(path, &text),
        Err(error) => Err(DiskError::new("write", path, error.into())),
    }
}

/// All runs that have a folder, oldest first; what the index says of them is filled in.
pub(super) fn read(path: &Path, folders: impl Iterator<Item = RunId>) -> Result<Vec<RunEntry>, DiskError> {
    let mut runs: BTreeMap<RunId, RunEntry> = folders.map(|run| (run.clone(), RunEntry::unknown(run))).collect();
    let text = if path.exists() { disk::read(path)? } else { Vec::new() };
    for line in text.split(|byte| *byte == b'\n') {
        // A torn or damaged line: the run's own journal is what counts.
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        match line {
            Line::Opened(opened) => {
                if let Some(entry) = runs.get_mut(&opened.run) {
                    entry.runbook = Some(opened.runbook);
                    entry.opened = Some(opened.at);
                    entry.locks = opened.locks;
                }
            }
            Line::Ended { run, end } => {
                if let Some(entry) = runs.get_mut(&run) {
                    entry.last = Some(end);
                }
            }
        }
    }
    let mut runs: Vec<RunEntry> = runs.into_values().collect();
    // Ids know the second. What began in the same one is told apart by the index, so that the last run is the last.
    runs.sort_by_key(|entry| (entry.run.started(), entry.opened));
    Ok(runs)
}
