//! What an action may ask of the world that runs it.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BoxFuture, Failure, Processes};
use crate::effect::EffectId;

/// A borrowed [`Context`].
pub type Cx<'a> = &'a dyn Context;

/// How urgently an action is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelKind {
    /// In good order: undo a transaction, stop a child with SIGTERM.
    Graceful,
    /// At once: kill what runs.
    Kill,
}

/// Where a piece of output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// A child's standard output, or the result text of a service.
    Stdout,
    /// A child's standard error, or a service's warnings.
    Stderr,
}

/// What a progress counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Rows of a table.
    Rows,
    /// Tables, layers, statements: things.
    Items,
}

/// How far an action is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done now, in a few words.
    pub what: String,
    /// So much is done.
    pub done: u64,
    /// Of so much, where that is known.
    pub total: Option<u64>,
    /// In this unit.
    pub unit: Unit,
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The text, possibly of several lines.
    pub text: String,
    /// What kind of answer is wanted.
    pub kind: QuestionKind,
}

/// What kind of answer is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// Yes or no.
    Confirm,
    /// A line of text; `secret` is read without echo.
    Input {
        /// Whether it is shown while it is typed.
        secret: bool,
    },
}

/// What the person said.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// A line.
    Text(String),
    /// Nobody can be asked: input is off, closed, or no terminal is there.
    Nobody,
    /// The question was taken back, because the action was asked to end: it ends as cancelled.
    Withdrawn,
}

/// The engine as an action sees it. Output, progress and failures are masked by the engine; an action may print what it likes through it.
pub trait Context: Send + Sync {
    /// Which effect this is.
    fn effect(&self) -> &EffectId;
    /// The run's id.
    fn run_id(&self) -> &str;
    /// A mark for labels, comments and environments: `RUN/EFFECT`.
    fn mark(&self) -> &str;
    /// The run's own folder (mode 0700).
    fn run_dir(&self) -> &Path;
    /// The folder of the runbook's file: what relative paths in it start from.
    fn base_dir(&self) -> &Path;
    /// Wall-clock time.
    fn now(&self) -> Timestamp;
    /// How long this attempt may still take; none where it has no limit.
    fn remaining(&self) -> Option<Duration>;
    /// Waits without blocking.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
    /// Whether what it has under way may be ended early (the step's `interrupt`): if not, a `settle` waits for it and kills nothing.
    fn interruptible(&self) -> bool {
        true
    }
    /// Whether the action was asked to end, and how urgently.
    fn cancel_requested(&self) -> Option<CancelKind>;
    /// Ends when the action is asked to end at least this urgently (a time-out comes as `Graceful`, and as `Kill` after the grace).
    fn cancelled(&self, at_least: CancelKind) -> BoxFuture<'static, ()>;
    /// A piece of output; bounded, never blocks.
    fn output(&self, stream: Stream, bytes: &[u8]);
    /// How far it is; never blocks, may be dropped.
    fn progress(&self, progress: Progress);
    /// Journals (and syncs) what a later [`settle`](super::Action::settle) needs to find: a pid, an exec id, a connection id. Await it before going on.
    fn evidence(&self, evidence: serde_json::Value) -> BoxFuture<'_, Result<(), Failure>>;
    /// Starts child processes.
    fn processes(&self) -> &dyn Processes;
    /// Asks a person; the question and the answer are journaled. Nobody has to answer what is not waited for any more: the question is taken back when the
    /// action is asked to end, and when this is dropped.
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, Failure>>;
}
