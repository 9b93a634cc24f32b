//! Records about effects: from the question whether to do them to what became of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Expectation, Reply, Subject, millis};
use crate::action::{Before, CancelKind, Class, Outcome, Settled, Verdict};
use crate::digest::Digest;
use crate::effect::{EffectId, Place, Role};

/// The key of an item and its public value (`item` in the scope).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemKey {
    /// Unique within the unit, not empty.
    pub key: String,
    /// What `item` stands for.
    pub value: Value,
}

/// The items of a `for_each`, in their order. They are never computed again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expanded {
    /// The unit's place, without an item.
    pub path: Vec<Place>,
    /// The items; none means that there is nothing to do.
    pub items: Vec<ItemKey>,
}

/// `when` held. It is never computed again for this unit, item or undo action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Admitted {
    /// Which effect, with the attempt that it is about to make.
    pub effect: EffectId,
    /// The public values of the names in `when`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actuals: Vec<(String, Value)>,
}

/// A unit, an item or an undo action is not done; this is its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// Which: a unit (no item, also before its `for_each` was expanded), an item, or an undo action.
    pub path: Vec<Place>,
    /// In which role.
    pub role: Role,
    /// Why.
    pub why: SkipReason,
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// `when` is false.
    When {
        /// The expression as written.
        text: String,
        /// The public values of the names in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        actuals: Vec<(String, Value)>,
    },
    /// `--from`, `--until` or `--skip` leave it out.
    NotSelected {
        /// The option, as written: `--from upgrade`.
        option: String,
    },
    /// A check or verify whose results it uses failed or was skipped itself.
    NeedsFailed {
        /// The id of that one.
        needs: String,
    },
}

/// An effect begins. Synced before anything is changed: whoever reads it later knows what may have been done, and how it would be undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// Which.
    pub effect: EffectId,
    /// `EXECUTOR.ACTION`.
    pub action: String,
    /// The digest of the configuration as planned; equal to the plan's.
    pub spec: Digest,
    /// The digest of the rendered public fields: what an approval binds, and what a probe compares with.
    pub render: Digest,
    /// How it may be treated.
    pub class: Class,
    /// The rendered fields, secrets as references.
    pub fields: Value,
    /// What was found before; `before.*` in the undo.
    pub before: Before,
    /// How it would be undone, in the order written. Empty for anything but a step with `undo`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<UndoResolved>,
    /// The members of `before` whose real values are not shown and are kept, encrypted, until the run is closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<String>,
}

/// An action of a step's undo, as far as it is known when the step begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UndoResolved {
    /// `EXECUTOR.ACTION`.
    pub action: String,
    /// The rendered fields, secrets as references; none where they need an output of the step itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Value>,
}

/// A trace by which a running effect can be found after a crash: a pid with its start time, a docker exec id, a connection id. Synced before the effect
/// goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which effect.
    pub effect: EffectId,
    /// In the action's own words; handed to its `settle`.
    pub evidence: Value,
}

/// Where a step's output is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Relative to the run's folder.
    pub path: String,
    /// Bytes that the step wrote; more than the file has where the middle was left out.
    pub bytes: u64,
    /// Of the file.
    pub digest: Digest,
}

/// An effect ended: the one record about its result.
///
/// Without a `Started` before it, it says that the effect never began: preparing, `when`, `for_each` or capturing failed, or it was cancelled before; its
/// residue is `None` then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Which.
    pub effect: EffectId,
    /// After [`judge`](super::judge). Outputs are public: the action's, and the author's `outputs` beside them. A time-out is
    /// `Failed { kind: TimedOut, residue }`, never `Cancelled`: that one is for a stop only.
    pub outcome: Outcome,
    /// How often it was tried within this one effect (polling of a read-only action, probes of a monitor); 1 otherwise, 0 where it never began.
    pub tries: u32,
    /// What became of `expect` and `warn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expectation>,
    /// What else a person should see: a result that was cut, a clock that disagrees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Its output, where it had any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputFile>,
    /// The members of the outputs whose real values are not shown and are kept, encrypted, until the run is closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<String>,
}

/// What an effect left is being looked at: first brought to rest, then asked about. Needs no sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStarted {
    /// Which.
    pub effect: EffectId,
    /// Why.
    pub cause: RecoveryCause,
}

/// Why an effect is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryCause {
    /// The session that ran it broke off.
    Crash,
    /// It was cancelled by a stop, and may have left something.
    Cancelled,
    /// It timed out or lost its connection: its end is not known.
    Uncertain,
    /// It failed, may not be repeated blindly, and is to be repeated (`retry`).
    Retry,
    /// The same, because the run is resumed.
    Resume,
}

/// What became of an effect whose end was not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recovered {
    /// Which.
    pub effect: EffectId,
    /// Whether anything of it may still work. If it may, `verdict` is `Unknown`.
    pub settled: Settled,
    /// What the world says. The outputs of `Done` are what [`Ended`] would have had.
    pub verdict: Verdict,
    /// For `Done`: what became of `expect` and `warn`. They are judged like those of an end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expectation>,
    /// The members of the outputs whose real values are not shown and are kept, encrypted, until the run is closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<String>,
}

/// The next attempt comes after a pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryScheduled {
    /// The attempt that is to come.
    pub effect: EffectId,
    /// The pause.
    #[serde(rename = "after_ms", with = "millis")]
    pub after: Duration,
}

/// The pause before this attempt is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerFired {
    /// The attempt that is to come.
    pub effect: EffectId,
}

/// A running effect was asked to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequested {
    /// Which.
    pub effect: EffectId,
    /// How urgently.
    pub kind: CancelKind,
}

/// Somebody, or nobody, answered. Synced before it is acted upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The question's subject.
    pub subject: Subject,
    /// What was said.
    pub reply: Reply,
    /// Who said it: a user's name, `--yes`, `--answer`; empty for nobody.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}
