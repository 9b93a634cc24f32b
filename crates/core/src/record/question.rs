//! Questions to a person. Every one is recorded before it is shown, every answer before it is acted upon.

use serde::{Deserialize, Serialize};

use crate::action::QuestionKind;
use crate::effect::{EffectId, Place};

/// What a person is asked about. At most one question about a subject is open at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Subject {
    /// Whether to start at all; asked where `risk = "high"`, after the checks and before the first step. Replies: yes, no.
    Start,
    /// The step's own `confirm`. Replies: yes, no.
    Confirm {
        /// Which step, which item.
        path: Vec<Place>,
    },
    /// `--step`: whether to do this step. Replies: yes, no (the session ends), all (yes, and ask no more in this session).
    Step {
        /// Which step, which item.
        path: Vec<Place>,
    },
    /// An effect's end is not known and the world does not tell. Replies: done, not done, roll back, stop.
    InDoubt {
        /// Which effect.
        effect: EffectId,
    },
    /// A step failed and `--on-failure ask` is on. Replies: retry, skip, roll back, stop.
    Failed {
        /// Which effect.
        effect: EffectId,
    },
    /// An action's own question (`manual.*`), asked by the action through its context while it runs. Replies: yes, no, text.
    Action {
        /// Which effect.
        effect: EffectId,
    },
}

/// A person was asked. Written and synced before the question is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// About what.
    pub subject: Subject,
    /// The public text of an action's question or a step's `confirm`; empty for those that the program words itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What kind of answer an action wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<QuestionKind>,
}

/// What the answer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Yes, and do not ask again in this session (`--step`).
    All,
    /// It was done.
    Done,
    /// It was not done.
    NotDone,
    /// Try again.
    Retry,
    /// Go on without it.
    Skip,
    /// Undo everything that was begun.
    RollBack,
    /// End the session.
    Stop,
    /// A line of text; none where it is secret.
    Text(Option<String>),
    /// Nobody can be asked: input is off, closed, or no terminal is there.
    Nobody,
    /// The question was taken back before anyone answered (`Command::Withdraw`).
    Withdrawn,
}
