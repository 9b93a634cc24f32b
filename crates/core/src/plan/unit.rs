//! A planned unit.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::Class;
use crate::digest::Digest;
use crate::effect::UnitIx;
use crate::record::millis;
use crate::runbook::{Needs, OnFailure, Phase, Retry, Watch};

/// A check, a step, a verify or a monitor as it is planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanUnit {
    /// `id`; unique in the plan.
    pub id: String,
    /// Which part it belongs to.
    pub phase: Phase,
    /// `title`, as far as it is known before the run: rendered, or the template's own text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `EXECUTOR.ACTION`.
    pub action: String,
    /// What it waits for within its phase.
    pub needs: Needs,
    /// For a check: the checks whose results it uses. It is skipped where one of them failed or was skipped, instead of failing in its turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<UnitIx>,
    /// Whether it has a `when`, and what the `when` is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<WhenAt>,
    /// Whether the `when` is known to be false with these variables: it will not run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idle: bool,
    /// `for_each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<Loop>,
    /// Of one attempt.
    #[serde(default, rename = "timeout_ms", with = "millis::option", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// `retry`.
    pub retry: Retry,
    /// `repeat_until`: how often, with what pause and how long it is repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Retry>,
    /// The action's class with what the author says.
    pub class: Class,
    /// What becomes of its change.
    pub fate: PlanFate,
    /// What becomes of its failure.
    pub on_failure: FailurePolicy,
    /// The checks that are asked again just before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guarded_by: Vec<UnitIx>,
    /// For a monitor: when and how it watches. What becomes of the run when it trips is its `on_failure`; `continue` where it only warns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// Whether its own `confirm` is asked before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirm: bool,
    /// The option that leaves it out (`--skip load`), where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// The digest of its canonical configuration.
    pub spec: Digest,
    /// Its action's fields.
    pub fields: Fields,
}

/// What a `when` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenAt {
    /// Once, before `for_each`.
    Unit,
    /// For each item: the expression speaks of `item`.
    Item,
}

/// `for_each`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loop {
    /// How many items at once; 0 counts as 1.
    pub parallel: u32,
}

/// The public fields of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fields {
    /// Known before the run; secrets as references.
    Ready(Value),
    /// Some of them need what is known only during the run.
    Deferred {
        /// What they need: `steps.dump`, `checks.facts`, `item`, `before`, `run`.
        needs: Vec<String>,
    },
}

/// What becomes of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanFate {
    /// It changes nothing.
    Nothing,
    /// Undone by these, in this order.
    Undo(Vec<PlanUndo>),
    /// A barrier, with the reason.
    Irreversible(String),
    /// Stays and does no harm, with the reason.
    Leaves(String),
    /// The undo of this earlier step covers it.
    CoveredBy(UnitIx),
}

/// One action of an undo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanUndo {
    /// `title`, like a unit's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `EXECUTOR.ACTION`.
    pub action: String,
    /// Whether it has a `when`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub when: bool,
    /// Of one attempt.
    #[serde(default, rename = "timeout_ms", with = "millis::option", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// `retry`.
    pub retry: Retry,
    /// The action's class with what the author says.
    pub class: Class,
    /// The digest of its canonical configuration.
    pub spec: Digest,
    /// Its fields.
    pub fields: Fields,
}

/// What becomes of a failure: what the author writes, and what `--on-failure` can say beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailurePolicy {
    /// Stop there; nothing is undone.
    #[default]
    Stop,
    /// Undo everything that was begun.
    Rollback,
    /// Go on; the failure is reported at the end.
    Continue,
    /// Ask a person: retry, skip, roll back, stop.
    Ask,
}

impl From<OnFailure> for FailurePolicy {
    fn from(written: OnFailure) -> Self {
        match written {
            OnFailure::Stop => Self::Stop,
            OnFailure::Rollback => Self::Rollback,
            OnFailure::Continue => Self::Continue,
        }
    }
}

impl FailurePolicy {
    /// With the operator's wish for the session: it stands for `stop` and `rollback`, but what an author lets fail may still fail.
    #[must_use]
    pub fn wished(self, wish: Option<Self>) -> Self {
        match self {
            Self::Continue => self,
            Self::Stop | Self::Rollback | Self::Ask => wish.unwrap_or(self),
        }
    }
}

impl PlanUnit {
    /// The effect role of its own action.
    pub const fn role(&self) -> crate::effect::Role {
        match self.phase {
            Phase::Check => crate::effect::Role::Check,
            Phase::Step => crate::effect::Role::Do,
            Phase::Verify => crate::effect::Role::Verify,
            Phase::Monitor => crate::effect::Role::Monitor,
        }
    }

    /// The actions of its undo; none where its fate is another.
    pub fn undo(&self) -> &[PlanUndo] {
        match &self.fate {
            PlanFate::Undo(actions) => actions,
            PlanFate::Nothing | PlanFate::Irreversible(_) | PlanFate::Leaves(_) | PlanFate::CoveredBy(_) => &[],
        }
    }
}
