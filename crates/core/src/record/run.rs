//! Records about the run as a whole and about the sessions that work on it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RunEnd;
use crate::action::{CancelKind, Holder, Lease};
use crate::digest::Digest;
use crate::effect::{EffectId, Place};
use crate::plan::FailurePolicy;

/// A run exists. The first record of its journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunOpened {
    /// The run's id, such as `20261121-031500-k3fz`.
    pub run: String,
    /// The version of the journal's format; readers accept older ones, writers refuse newer ones.
    pub format: u32,
    /// Which runbook.
    pub runbook: RunbookIdentity,
    /// The digest of the plan that is carried out.
    pub plan: Digest,
    /// All variables, in the order of the file.
    pub variables: Vec<VariableValue>,
    /// `[values]`, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueRecord>,
    /// Who started it: the login name, and `sudo`'s caller where there is one.
    pub operator: String,
}

/// Which runbook a run carries out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunbookIdentity {
    /// `name`.
    pub name: String,
    /// `title`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The file as the operator named it, made absolute.
    pub path: String,
    /// The digest of the file's bytes.
    pub digest: Digest,
    /// The files of the runbooks that it calls, each once; the copies in the run's folder are in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<CalledFile>,
}

/// The file of a called runbook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledFile {
    /// Its path from the folder of the outermost runbook on.
    pub file: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// A variable's value and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariableValue {
    /// Its name.
    pub name: String,
    /// Its value; none for a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Whether it is secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Of a secret: its keyed digest (`hmac-sha256:…`), by which a later session knows it again. Only journals have it, plans never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where it came from, as a person would say it: `--var`, `prod.toml:4`, `RUNBOOK_VAR_IMAGE`, `default`.
    pub origin: String,
    /// Of a secret: where a later session finds it again; none where only a person can say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<VariableSource>,
}

/// Where the value of a secret is kept, so that a later session can fetch it again, wherever that one is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableSource {
    /// In the variable file at this absolute path.
    VarFile {
        /// The path.
        path: String,
    },
    /// It is the text of the file at this absolute path.
    File {
        /// The path.
        path: String,
    },
    /// It is what this command prints.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
        /// The folder that it was started in; absolute.
        dir: String,
    },
}

/// The run goes on with a mended runbook: what was done stands as it is, everything else is done as the new one says.
///
/// All records of the run, those before this one too, are read by the last plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Amended {
    /// How often the runbook of this run has been changed, this time included: the number of the copies among its sources.
    pub change: u32,
    /// Which runbook.
    pub runbook: RunbookIdentity,
    /// The digest of the plan from here on.
    pub plan: Digest,
    /// All variables from here on.
    pub variables: Vec<VariableValue>,
    /// `[values]` from here on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueRecord>,
}

/// A secret variable that has another value than before, and a person said that this is right (`--accept-secret NAME`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedSecret {
    /// The variable.
    pub name: String,
    /// The keyed digest of its value from here on.
    pub digest: String,
}

/// What `[values.NAME]` gave, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueRecord {
    /// Its name.
    pub name: String,
    /// What it is; each secret part is replaced by its name.
    pub value: Value,
    /// The paths of its secret parts; an empty path is all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret: Vec<Vec<String>>,
    /// The keyed digest of its secret parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where it came from: the file's path as the runbook gave it, or the expression.
    pub origin: String,
}

impl ValueRecord {
    /// Whether an expression gave it, and not a file.
    pub fn is_made(&self) -> bool {
        self.origin.starts_with('`')
    }
}

/// A process works on the run. What ran when the session before it broke off is in doubt from here on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpened {
    /// From 1.
    pub session: u32,
    /// What it is for.
    pub intent: Intent,
    /// The host's name.
    pub host: String,
    /// The kernel's boot id: whether `up_us` can be compared with that of another session.
    pub boot_id: String,
    /// The process.
    pub pid: u32,
    /// Who started it.
    pub user: String,
    /// The version of this program.
    pub tool: String,
    /// What the operator wishes for this session.
    pub flags: SessionFlags,
    /// Secrets that changed since the session before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<AcceptedSecret>,
    /// The locks that it has on all hosts; none where the runbook has no `[lock_store]`, or a person said to go on without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<LeaseTaken>,
}

/// A lock that a session has on all hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseTaken {
    /// The lock, and how often it was taken until then.
    #[serde(flatten)]
    pub lease: Lease,
    /// Where: `host:port/database`.
    pub place: String,
    /// Whose it was until then, where another run had left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Holder>,
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Go on, forwards or with a rollback that was begun: `exec` and `resume`.
    GoOn,
    /// Undo everything that was begun: `rollback`.
    RollBack,
}

/// What the operator wishes for one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionFlags {
    /// `--yes`: answers the question before the start, and nothing else.
    pub yes: bool,
    /// `--checks-only`: ends after the checks.
    pub checks_only: bool,
    /// `--step`: asks before every step.
    pub step: bool,
    /// `--on-failure`: instead of what steps say, except where a step says `continue`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<FailurePolicy>,
}

/// The session was asked to end, by a signal or because it lost a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRequested {
    /// The signal's number; 0 where none was sent.
    pub signal: i32,
    /// `Graceful` for the first, `Kill` for the second.
    pub kind: CancelKind,
    /// Where no signal was sent: which lock the run does not have any more, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_lock: Option<String>,
}

/// From here on everything that was begun is undone; there is no way back to going forwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackBegan {
    /// Why.
    pub cause: RollbackCause,
    /// The change that cannot be undone: what began after it is undone, nothing before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barrier: Option<Vec<Place>>,
    /// How many steps (items counted singly) are to be undone.
    pub undo: u32,
}

/// Why a rollback began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackCause {
    /// This effect failed, and `on_failure` says so.
    Failure {
        /// Which.
        effect: EffectId,
    },
    /// A person chose it when asked.
    Answer,
    /// The session was opened for it.
    Requested,
}

/// No process works on the run any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnded {
    /// How.
    pub end: RunEnd,
}

/// Nothing is left to do. A run that was closed as done can still be rolled back by a new session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunClosed {
    /// How.
    pub end: RunEnd,
    /// Why, where a person abandoned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
