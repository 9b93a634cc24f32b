//! What keeps the engine from carrying a run on. A step that fails is no error here: it is a record.

use std::path::PathBuf;

use runbook_core::record::RunEnd;
use runbook_core::view::Impossible;

use crate::disk::DiskError;
use crate::journal::JournalError;
use crate::locks::LockError;
use crate::state::{RunId, StateError};

/// Why a session could not begin, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal cannot be read or written. What ran was waited for; what it did is found out by the next session.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Another run has the named lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The run cannot be found or made.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of the run.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The records of the run contradict its plan or each other.
    #[error("the records of the run contradict each other: {0}")]
    Impossible(#[from] Impossible),
    /// The last line of the journal is damaged: what it began is not known.
    #[error("line {line} of `{}` is damaged, and it is the last: what it began is not known", path.display())]
    LostRecords {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: u64,
    },
    /// The run broke off before its first record.
    #[error("run `{run}` broke off before it began")]
    NeverOpened {
        /// Its id.
        run: String,
    },
    /// The plan is not the one that the run carries out.
    #[error("the plan is not the one of run `{run}`")]
    AnotherPlan {
        /// Its id.
        run: String,
    },
    /// Secrets have other values than in the session before, and nobody said that this is right.
    #[error("{} now than in the session before", differ(names))]
    SecretsDiffer {
        /// The variables.
        names: Vec<String>,
    },
    /// The run is closed: nothing can be done with it any more.
    #[error("run `{run}` has ended")]
    Closed {
        /// Its id.
        run: String,
        /// How.
        end: RunEnd,
    },
    /// A disk keeps the session from its first record: nothing was run. The cause is the source.
    #[error("nothing was run: {source}")]
    NotBegun {
        /// Why.
        source: Box<EngineError>,
    },
    /// A session broke off after the run had begun. The cause is the source.
    #[error("run `{run}` broke off: {source}")]
    BrokeOff {
        /// The run's id.
        run: RunId,
        /// Why.
        source: Box<EngineError>,
    },
    /// A fault of this program.
    #[error("{what}")]
    Internal {
        /// What should not be.
        what: String,
    },
}

impl EngineError {
    pub(crate) fn internal(what: impl Into<String>) -> Self {
        Self::Internal { what: what.into() }
    }

    /// What an error means where no record of the session is on disk yet: a fault of the disk passes, and then the session can begin.
    pub(crate) fn before_the_first_record(self) -> Self {
        match self {
            Self::Disk(_)
            | Self::State(StateError::Disk(_))
            | Self::Journal(JournalError::Disk(_) | JournalError::NoRoom { .. } | JournalError::Poisoned { .. }) => {
                Self::NotBegun { source: Box::new(self) }
            }
            other => other,
        }
    }
}

fn differ(names: &[String]) -> String {
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() == 1 { format!("the secret {list} has another value") } else { format!("the secrets {list} have other values") }
}
