//! A record, and its place and time in a run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Admitted, Amended, Answered, Asked, CancelRequested, Ended, Evidence, Expanded, Recovered, RecoveryStarted, RetryScheduled,
    RollbackBegan, RunClosed, RunOpened, SessionEnded, SessionOpened, Skipped, Started, StopRequested, TimerFired, Watched,
};

/// A record with its place in the run and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// From 1, without gaps, over all sessions of the run.
    pub seq: u64,
    /// Wall-clock time, UTC.
    pub at: Timestamp,
    /// Microseconds since the host was booted (`CLOCK_BOOTTIME`): durations within one boot come from it, not from the wall clock.
    pub up_us: u64,
    /// What is recorded.
    pub record: Record,
}

/// One fact of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// A run exists.
    RunOpened(Box<RunOpened>),
    /// The run goes on with a mended runbook.
    Amended(Box<Amended>),
    /// A process works on the run.
    SessionOpened(Box<SessionOpened>),
    /// The items of a `for_each` are known.
    Expanded(Expanded),
    /// `when` held.
    Admitted(Admitted),
    /// It is not done.
    Skipped(Skipped),
    /// A person was asked.
    Asked(Asked),
    /// Somebody, or nobody, answered.
    Answered(Answered),
    /// An effect begins.
    Started(Box<Started>),
    /// A running effect left a trace that it can be found by.
    Evidence(Evidence),
    /// What a monitor's probes found.
    Watched(Box<Watched>),
    /// An effect ended.
    Ended(Box<Ended>),
    /// What an interrupted effect left is being looked at.
    RecoveryStarted(RecoveryStarted),
    /// What became of an interrupted effect.
    Recovered(Box<Recovered>),
    /// The next attempt comes after a pause.
    RetryScheduled(RetryScheduled),
    /// The pause is over.
    TimerFired(TimerFired),
    /// A running effect was asked to end.
    CancelRequested(CancelRequested),
    /// The session was asked to end.
    StopRequested(StopRequested),
    /// From here on everything that was begun is undone.
    RollbackBegan(RollbackBegan),
    /// No process works on the run any more.
    SessionEnded(SessionEnded),
    /// Nothing is left to do.
    RunClosed(RunClosed),
}
