//! What keeps the engine from carrying a run on. A step that fails is no error here: it is a record.

use runbook_core::view::Impossible;

use crate::disk::DiskError;
use crate::journal::JournalError;
use crate::locks::LockError;
use crate::state::StateError;

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
}
