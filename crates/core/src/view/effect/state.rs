//! Where an effect stands.

use serde::{Deserialize, Serialize};

use crate::record::RecoveryCause;
use crate::view::RunTime;

/// Where an effect stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectState {
    /// Its needs are not settled.
    #[default]
    Waiting,
    /// May be done, if its `when` holds.
    Ready,
    /// May be done.
    Admitted,
    /// Begun; its end is not recorded.
    Running,
    /// The last attempt failed, and the budget has room for another.
    RetryDue,
    /// The next attempt comes at this time of the run.
    Pausing {
        /// When.
        until: RunTime,
    },
    /// It is not known how the last attempt ended.
    Doubt {
        /// Why not.
        cause: RecoveryCause,
    },
    /// What the last attempt left is being looked at.
    Recovering {
        /// Why.
        cause: RecoveryCause,
    },
    /// It was looked at, and a person must say whether it was done.
    Unsure {
        /// Why it was looked at.
        cause: RecoveryCause,
        /// Whether something of it may still work: nothing can be undone before a person has said more.
        moving: bool,
    },
    /// A person is needed, and nobody can be asked in this session; nothing was begun by the last attempt.
    Held,
    /// Cancelled by a stop before it changed anything; the next session does it.
    Interrupted,
    /// Its items are known; it ends when they have ended (a unit with `for_each` only).
    Spread,
    /// Done.
    Done,
    /// Failed, with no budget left.
    Failed,
    /// Not done, and that is its end.
    Skipped,
}

impl EffectState {
    /// Whether nothing more happens to it unless a person says so.
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Done | Self::Failed | Self::Skipped => true,
            Self::Waiting
            | Self::Ready
            | Self::Admitted
            | Self::Running
            | Self::RetryDue
            | Self::Pausing { .. }
            | Self::Doubt { .. }
            | Self::Recovering { .. }
            | Self::Unsure { .. }
            | Self::Held
            | Self::Interrupted
            | Self::Spread => false,
        }
    }
}
