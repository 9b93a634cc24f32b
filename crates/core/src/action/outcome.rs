//! How an action ended, and what is known when it did not end.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::tagged::{self, Tagged};

/// Named results, in the order in which the action documents them.
pub type Outputs = Map<String, Value>;

/// What was found before anything was changed; `before.*` in an undo.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Before(pub Map<String, Value>);

impl Before {
    /// Nothing that anyone could need.
    pub fn nothing() -> Self {
        Self::default()
    }
}

/// What a failed or cancelled action may have left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Residue {
    /// It is certain that nothing changed.
    None,
    /// Something changed.
    Partial,
    /// Nobody can say.
    Unknown,
}

/// The kind of a failure; decides about retries and exit codes, and has a page of its own in `docs/errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A value is wrong; found when it was rendered.
    Invalid,
    /// A service cannot be reached (no Docker, no database, connection refused).
    Unreachable,
    /// It answered, and refused (wrong password, no privilege).
    Denied,
    /// What the action works on is not there (container, image, file, database).
    NotFound,
    /// What the action would make is there already, or in use (name, port, folder).
    Conflict,
    /// The service or program reports that the work failed.
    Failed,
    /// It worked, and the result is not what the runbook expects.
    Unexpected,
    /// It took longer than it may.
    TimedOut,
    /// A connection was lost in the middle.
    Disconnected,
    /// A disk is full, memory or another limit is reached.
    Exhausted,
    /// A person said no.
    Refused,
    /// A person is needed, and input is off.
    NeedsPerson,
    /// A fault of this program.
    Internal,
}

/// Why an action failed: what happened, in which field of the runbook it has its cause, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind.
    pub kind: FailureKind,
    /// A fragment in lower case, names in back-quotes, with the actual value.
    pub message: String,
    /// The field of the action that is responsible (`container`, `mounts[1].source`), so that the runbook can be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// More lines: a server's own words, the last lines of an output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detail: Vec<String>,
    /// Whether the same again may work.
    pub retryable: bool,
}

impl Failure {
    /// A failure that is retried where its kind is a passing one (unreachable, disconnected, timed out, unexpected).
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let retryable = matches!(
            kind,
            FailureKind::Unreachable | FailureKind::Disconnected | FailureKind::TimedOut | FailureKind::Unexpected | FailureKind::Failed
        );
        Self { kind, message: message.into(), field: None, help: None, detail: Vec::new(), retryable }
    }

    /// Names the responsible field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a line of detail.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.detail.push(line.into());
        self
    }
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "ended", rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Succeeded {
        /// Its results.
        outputs: Outputs,
        /// Whether anything is different now (a stop of a stopped container changes nothing).
        changed: bool,
    },
    /// Not done.
    Failed {
        /// Why.
        failure: Failure,
        /// What may have been left behind.
        residue: Residue,
        /// Results that are known all the same (an exit code), for `expect`, cards and reports.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        outputs: Outputs,
    },
    /// Ended because it was told to.
    Cancelled {
        /// What may have been left behind.
        residue: Residue,
    },
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}

impl<'de> Tagged<'de> for Outcome {
    const KEY: &'static str = "ended";

    fn rest<A: MapAccess<'de>>(tag: &str, rest: A) -> Result<Self, A::Error> {
        #[derive(Deserialize)]
        struct Succeeded {
            outputs: Outputs,
            changed: bool,
        }
        #[derive(Deserialize)]
        struct Failed {
            failure: Failure,
            residue: Residue,
            #[serde(default)]
            outputs: Outputs,
        }
        #[derive(Deserialize)]
        struct Cancelled {
            residue: Residue,
        }
        let rest = MapAccessDeserializer::new(rest);
        Ok(match tag {
            "succeeded" => {
                let Succeeded { outputs, changed } = Deserialize::deserialize(rest)?;
                Self::Succeeded { outputs, changed }
            }
            "failed" => {
                let Failed { failure, residue, outputs } = Deserialize::deserialize(rest)?;
                Self::Failed { failure, residue, outputs }
            }
            "cancelled" => {
                let Cancelled { residue } = Deserialize::deserialize(rest)?;
                Self::Cancelled { residue }
            }
            _ => return Err(A::Error::custom(format_args!("no action ends as `{tag}`"))),
        })
    }
}

impl Outcome {
    /// Success that changed something.
    pub fn changed(outputs: Outputs) -> Self {
        Self::Succeeded { outputs, changed: true }
    }

    /// Success that changed nothing.
    pub fn unchanged(outputs: Outputs) -> Self {
        Self::Succeeded { outputs, changed: false }
    }

    /// Failure without results.
    pub fn failed(failure: Failure, residue: Residue) -> Self {
        Self::Failed { failure, residue, outputs: Outputs::new() }
    }

    /// Whether something may be different now.
    pub fn may_have_changed(&self) -> bool {
        match self {
            Self::Succeeded { changed, .. } => *changed,
            Self::Failed { residue, .. } | Self::Cancelled { residue } => *residue != Residue::None,
        }
    }
}

/// Whether what an interrupted effect had under way is at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "settled", rename_all = "snake_case")]
pub enum Settled {
    /// Nothing of it works any more.
    AtRest,
    /// Something still works, or nobody can say.
    Moving {
        /// What, as a person would say it.
        why: String,
    },
}

/// What the world says about an effect whose end is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It was done.
    Done {
        /// Its results, read back.
        outputs: Outputs,
        /// Whether it changed anything.
        changed: bool,
    },
    /// Nothing of it was done.
    NotDone,
    /// Some of it was done.
    Partial {
        /// What, as a person would say it.
        why: String,
    },
    /// It cannot be known.
    Unknown {
        /// Why not.
        why: String,
    },
}
