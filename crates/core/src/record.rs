//! The records of a run: everything that a run's view is made of, and all that its journal holds.
//!
//! A record says what *is*, never what is wanted. The table in `docs/run-loop.md` says who writes each one and when; in short:
//!
//! | record | written by | when |
//! |---|---|---|
//! | [`RunOpened`] | engine | once, first line of the journal |
//! | [`SessionOpened`] | engine | first of each session (a run, a resume, a rollback) |
//! | [`Expanded`] | engine | answering `Command::Expand` |
//! | [`Admitted`], [`Skipped`] | engine | answering `Command::Admit` (`when` held, or did not) |
//! | [`Skipped`] | decide | where a unit is not selected, or what it needs failed |
//! | [`Asked`], [`Answered`] | engine | around `Command::Ask`, and around a question that an action asks |
//! | [`Started`] | engine | answering `Command::Start`, after `capture`, synced **before** `run` |
//! | [`Evidence`] | engine | while an effect runs: what a later `settle` needs to find; synced before the effect goes on |
//! | [`Ended`] | engine | after `run`, or instead of `Started` where preparing or capturing failed |
//! | [`Ended`] | decide | for a step whose guard does not hold any more |
//! | [`RecoveryStarted`], [`Recovered`] | engine | around `Command::Recover` |
//! | [`RetryScheduled`] | decide | after an attempt that failed and may be repeated |
//! | [`TimerFired`] | engine | when the time of `Command::Wake` has passed |
//! | [`CancelRequested`] | engine | before it carries out `Command::Cancel` |
//! | [`StopRequested`] | engine | at SIGINT, SIGTERM or SIGHUP, and again for the second |
//! | [`RollbackBegan`], [`RunClosed`] | decide | |
//! | [`SessionEnded`] | engine | answering `Command::EndSession`, the session's last record |
//!
//! "Written by decide" means that the record comes ready-made in a `Command::Write`. All of them hold public values only: a secret stands as a
//! reference such as `‹vars.metadb_password›`.

mod effect;
mod end;
mod expectation;
pub(crate) mod millis;
mod question;
mod run;

pub use effect::{
    Admitted, Answered, CancelRequested, Ended, Evidence, Expanded, ItemKey, OutputFile, Recovered, RecoveryCause, RecoveryStarted,
    RetryScheduled, SkipReason, Skipped, Started, TimerFired, UndoResolved,
};
pub use end::{PersonNeeded, RunEnd};
pub use expectation::{Expectation, judge};
pub use question::{Asked, Reply, Subject};
pub use run::{
    Intent, RollbackBegan, RollbackCause, RunClosed, RunOpened, RunbookIdentity, SessionEnded, SessionFlags, SessionOpened, StopRequested,
    VariableValue,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
