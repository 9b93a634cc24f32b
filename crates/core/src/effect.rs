//! What an effect is called: the unit of the journal, of retry and of undo.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A unit's number in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnitIx(pub u32);

impl UnitIx {
    /// As an index into the plan's units.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// One place of a path: a step, and the item of its `for_each` where it has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The step's id.
    pub step: String,
    /// The item's key, where the step runs for each of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// What an effect is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A question to the world before the first effect.
    Check,
    /// The step itself.
    Do,
    /// The n-th action (from 0) of the step's undo.
    Undo(u16),
    /// A question to the world after the last effect.
    Verify,
    /// A probe that runs beside the steps.
    Monitor,
}

/// The name of an effect: where in the plan, what for, and which attempt (from 1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// From the outermost runbook inwards; one place where nothing is called.
    pub path: Vec<Place>,
    /// What it is for.
    pub role: Role,
    /// From 1.
    pub attempt: u32,
}

impl EffectId {
    /// The first attempt of a step, check or verify without items.
    pub fn first(step: impl Into<String>, role: Role) -> Self {
        Self { path: vec![Place { step: step.into(), item: None }], role, attempt: 1 }
    }
}

/// Prints `restore-metadb` or `copy[a].undo0#2`.
impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, place) in self.path.iter().enumerate() {
            if at > 0 {
                f.write_str("/")?;
            }
            f.write_str(&place.step)?;
            if let Some(item) = &place.item {
                write!(f, "[{item}]")?;
            }
        }
        match self.role {
            Role::Check => f.write_str(".check")?,
            Role::Do => {}
            Role::Undo(n) => write!(f, ".undo{n}")?,
            Role::Verify => f.write_str(".verify")?,
            Role::Monitor => f.write_str(".monitor")?,
        }
        if self.attempt > 1 {
            write!(f, "#{}", self.attempt)?;
        }
        Ok(())
    }
}
