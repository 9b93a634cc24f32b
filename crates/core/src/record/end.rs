//! How a session or a run ended.

use serde::{Deserialize, Serialize};

/// How a session or a run ended. The program maps it to its exit code, exhaustively; the code stands at each variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// Everything was done (exit 0). Final. Failures of steps that say `continue` do not count against it; the view lists them.
    Done,
    /// All checks hold, and nothing else was asked for (exit 0). Final.
    ChecksPassed,
    /// A step failed; stopped there, nothing was rolled back (exit 1). Can be resumed or rolled back.
    Failed,
    /// Completely rolled back (exit 5; the `rollback` command's own success). Final.
    RolledBack,
    /// A person has to look before anything goes on (exit 6). Can be resumed.
    NeedsPerson {
        /// What stands in the way.
        why: PersonNeeded,
    },
    /// A question is open, and nobody can be asked: input is off (exit 7). Can be resumed.
    WaitingForPerson,
    /// A check does not hold; nothing was changed (exit 9). Final.
    ChecksFailed,
    /// A person said no before anything was changed (exit 10). Final.
    Refused,
    /// Stopped by a signal (exit 128 + its number). Can be resumed or rolled back.
    Stopped {
        /// Its number.
        signal: i32,
    },
    /// A lock could not be kept: its lease ended, or another run has it (exit 8). Can be resumed or rolled back.
    LockLost,
    /// A person gave the run up, on the record (exit 0 of `abandon`). Final.
    Abandoned,
}

/// Why a person is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonNeeded {
    /// The rollback met a change that cannot be undone.
    Barrier,
    /// An undo failed.
    Stuck,
    /// It is not known whether a step was done, and it may not simply be repeated.
    InDoubt,
}

impl RunEnd {
    /// Whether the run is closed with it: nothing is left that a `resume` could do.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Done | Self::ChecksPassed | Self::RolledBack | Self::ChecksFailed | Self::Refused | Self::Abandoned => true,
            Self::Failed | Self::NeedsPerson { .. } | Self::WaitingForPerson | Self::Stopped { .. } | Self::LockLost => false,
        }
    }
}
