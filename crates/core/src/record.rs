//! The records of a run: everything that a run's view is made of, and all that its journal holds.
//!
//! A record says what *is*, never what is wanted. The table in `docs/run-loop.md` says who writes each one and when; in short:
//!
//! | record | written by | when |
//! |---|---|---|
//! | [`RunOpened`] | engine | once, first line of the journal |
//! | [`SessionOpened`] | engine | first of each session (a run, a resume, a rollback) |
//! | [`Amended`] | engine | after `SessionOpened`, where a mended runbook takes over |
//! | [`Expanded`] | engine | answering `Command::Expand` |
//! | [`Admitted`], [`Skipped`] | engine | answering `Command::Admit` (`when` held, or did not) |
//! | [`Skipped`] | decide | where a unit is not selected, or what it needs failed |
//! | [`Asked`], [`Answered`] | engine | around `Command::Ask`, and around a question that an action asks |
//! | [`Started`] | engine | answering `Command::Start`, after `capture`, synced **before** `run` |
//! | [`Evidence`] | engine | while an effect runs: what a later `settle` needs to find; synced before the effect goes on |
//! | [`Watched`] | engine | while a monitor watches: its first probe, changes of its verdict, now and then, its last probe |
//! | [`Ended`] | engine | after `run`, or instead of `Started` where preparing or capturing failed |
//! | [`Ended`] | decide | for a step whose guard does not hold any more |
//! | [`RecoveryStarted`], [`Recovered`] | engine | around `Command::Recover` |
//! | [`RetryScheduled`] | decide | after an attempt that failed and may be repeated |
//! | [`TimerFired`] | engine | when the time of `Command::Wake` has passed |
//! | [`CancelRequested`] | engine | before it carries out `Command::Cancel` |
//! | [`StopRequested`] | engine | at SIGINT, SIGTERM or SIGHUP, and again for the second; where a lock was lost |
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
mod stamped;
mod watched;

pub use effect::{
    Admitted, Answered, CancelRequested, Ended, Evidence, Expanded, ItemKey, OutputFile, Recovered, RecoveryCause, RecoveryStarted,
    RetryScheduled, SkipReason, Skipped, Started, TimerFired, UndoResolved,
};
pub use end::{PersonNeeded, RunEnd};
pub use expectation::{Expectation, judge, repeat_is_over};
pub use question::{Asked, Reply, Subject};
pub use run::{
    AcceptedSecret, Amended, CalledFile, Intent, LeaseTaken, RollbackBegan, RollbackCause, RunClosed, RunOpened, RunbookIdentity,
    SessionEnded, SessionFlags, SessionOpened, StopRequested, ValueRecord, VariableSource, VariableValue,
};
pub use stamped::{Record, Stamped};
pub use watched::{Tally, Watched};
