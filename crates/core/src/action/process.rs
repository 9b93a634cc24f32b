//! Child processes as an action asks for them; the engine supervises them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{BoxFuture, Cx, Failure};

/// Where a child's input comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Stdin {
    /// `/dev/null`.
    Null,
    /// These bytes; may hold a secret.
    Bytes(Vec<u8>),
    /// A file.
    File(PathBuf),
}

/// Where a child's output goes besides the step's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Kept up to this many bytes, for outputs; what is beyond is only counted.
    Capture(usize),
    /// Written to a new file instead; nothing of it is shown.
    File(PathBuf),
}

/// A child to be started in a process group of its own, with a cleaned environment and `RUNBOOK_EFFECT` in it.
#[derive(Clone)]
pub struct ProcessSpec {
    /// The program, looked up in `PATH` where it has no slash.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables beside the inherited, cleaned ones.
    pub env: BTreeMap<String, String>,
    /// The working folder; the runbook's own where none is said.
    pub cwd: Option<PathBuf>,
    /// Another user (and that user's groups): a name or a number.
    pub user: Option<String>,
    /// The file mode mask.
    pub umask: Option<u32>,
    /// Its input.
    pub stdin: Stdin,
    /// Its output.
    pub stdout: Sink,
    /// Its error output.
    pub stderr: Sink,
    /// How long it may go on after SIGTERM before SIGKILL.
    pub grace: Duration,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote to its output, as far as it was captured.
    pub stdout: Vec<u8>,
    /// What it wrote to its error output, as far as it was captured.
    pub stderr: Vec<u8>,
    /// Whether some of the output was not captured.
    pub truncated: bool,
    /// Whether it was ended because the action was cancelled.
    pub cancelled: bool,
    /// Whether something of its group still held the pipe after its end.
    pub left_behind: bool,
}

/// The engine's process supervision.
pub trait Processes: Send + Sync {
    /// Starts a child, journals its pid as evidence, streams its output to the step's, waits for it, and on cancellation sends SIGTERM to its group, then
    /// SIGKILL after the grace. A failure to start (no such program, no such folder) names the field `program`, `cwd` or `user`.
    fn run<'a>(&'a self, cx: Cx<'a>, spec: ProcessSpec) -> BoxFuture<'a, Result<Exit, Failure>>;

    /// Finds what carries `mark` in its environment and still runs, and waits for it or ends it. Returns what could not be ended.
    fn settle<'a>(&'a self, mark: &'a str, end_it: bool, wait: Duration) -> BoxFuture<'a, Vec<u32>>;
}
