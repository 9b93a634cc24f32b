//! What tasks tell the dispatcher.

use runbook_core::action::{Answer, Before, Failure, Question};
use runbook_core::effect::EffectId;
use runbook_core::record::{Subject, Tally};
use serde_json::Value;
use tokio::sync::oneshot;

use super::effect::Finished;
use super::recover::Looked;
use crate::ask::Told;

/// Something that happened outside the dispatcher.
pub(crate) enum Happening {
    /// An effect knows what is there before it, or could not find out.
    Captured { effect: EffectId, result: Result<Before, Failure> },
    /// A monitor's probes found something that is worth a record.
    Watched { effect: EffectId, seen: Box<Seen> },
    /// An effect came to its end.
    Ran { effect: EffectId, finished: Box<Finished> },
    /// An interrupted effect was looked at.
    Looked { effect: EffectId, looked: Box<Looked> },
    /// A pause is over.
    Fired { effect: EffectId },
    /// A person, or nobody, answered.
    Told { subject: Subject, told: Told },
    /// A running effect leaves a trace; it waits for `done`, where there is one, until the trace is on disk.
    Evidence { effect: EffectId, evidence: Value, done: Option<oneshot::Sender<()>> },
    /// A running effect asks a person.
    Ask { effect: EffectId, question: Question, answer: oneshot::Sender<Answer> },
    /// A running effect does not wait for the answer to its question any more.
    Unask { effect: EffectId },
}

/// What a monitor's probes found.
pub(crate) struct Seen {
    pub holds: bool,
    pub tripped: bool,
    pub tally: Tally,
    pub failure: Option<Failure>,
}
