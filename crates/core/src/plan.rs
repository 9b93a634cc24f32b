//! What a run will do: structure only, no templates, serializable.
//!
//! A plan has the same units as its runbook, in the same order (a [`UnitIx`](crate::effect::UnitIx) means the same in both), with all that
//! [`decide`](crate::decide::decide) and a reader need: order, class, what becomes of a change, budgets, digests, and the public fields as far as they are
//! known before the run. It is a value: two plans can be compared, and a plan that was reviewed can be run later.
//!
//! A [`Plan`] cannot be made or read with duplicate ids, needs that point nowhere or a circle: what decides over it never has to ask.

mod amend;
mod build;
mod locks;
mod options;
mod parts;
mod select;
mod spec;
#[cfg(test)]
pub(crate) mod tests;
mod topology;
mod unit;

pub use amend::{Objection, Version, objections};
pub use build::{deeds, plan};
pub use options::PlanOptions;
pub use parts::{Plan, PlanFault, PlanParts, PlannedStore};
pub use unit::{FailurePolicy, Fields, Loop, PlanFate, PlanUndo, PlanUnit, WhenAt};

pub(crate) use topology::Topology;
