//! The exit codes: one list, documented here and in the operators' guide.

use std::process::ExitCode;

use runbook_core::record::RunEnd;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// A step failed; the run stopped there, nothing was rolled back.
    StepFailed,
    /// The command line is wrong.
    Usage,
    /// The runbook, its variables or another file that was named is invalid or cannot be read.
    Invalid,
    /// `plan --detailed-exitcode`: there is something to do.
    SomethingToDo,
    /// Failed, and everything was rolled back.
    RolledBack,
    /// A person is needed: a rollback met a barrier or failed, or a step is in doubt.
    PersonNeeded,
    /// Waits for a person, and input is off.
    Waiting,
    /// The journal is unusable, or the run or a lock is held, or a lock was lost.
    Unusable,
    /// A check failed or something is missing; nothing was changed.
    ChecksFailed,
    /// A person said no before anything was changed.
    Declined,
    /// A fault of this program.
    Fault,
    /// The result could not be written.
    Output,
    /// Stopped by this signal; the run can be resumed.
    Signal(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::StepFailed => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::SomethingToDo => 4,
            Self::RolledBack => 5,
            Self::PersonNeeded => 6,
            Self::Waiting => 7,
            Self::Unusable => 8,
            Self::ChecksFailed => 9,
            Self::Declined => 10,
            // As in sysexits.h: EX_SOFTWARE and EX_IOERR.
            Self::Fault => 70,
            Self::Output => 74,
            Self::Signal(number) => 128_u8.saturating_add(number),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<RunEnd> for Exit {
    fn from(end: RunEnd) -> Self {
        match end {
            RunEnd::Done | RunEnd::ChecksPassed | RunEnd::Abandoned => Self::Done,
            RunEnd::Failed => Self::StepFailed,
            RunEnd::RolledBack => Self::RolledBack,
            RunEnd::NeedsPerson { .. } => Self::PersonNeeded,
            RunEnd::WaitingForPerson => Self::Waiting,
            RunEnd::ChecksFailed => Self::ChecksFailed,
            RunEnd::Refused => Self::Declined,
            RunEnd::LockLost => Self::Unusable,
            RunEnd::Stopped { signal } => Self::Signal(u8::try_from(signal).unwrap_or(u8::MAX)),
        }
    }
}
