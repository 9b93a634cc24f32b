//! What has happened so far: the fold of a run's records, and the one source of every reporter, of a resume and of a rollback.
//!
//! [`RunView::apply`] takes any record at any time: it either makes the transition that the record says, or returns [`Impossible`] and changes nothing. The
//! table of transitions is in `effect.rs` and in `docs/run-loop.md`. The view keeps its frontier (what is ready, what is in flight, what would be undone)
//! up to date with every record, so that `decide` looks only at what changed.
//!
//! What was commanded but not yet recorded (*intents*, [`RunView::issue`]) belongs to the process that carries it out: it is neither part of a snapshot nor
//! of a comparison, and a new session begins without any.

mod answer;
mod apply;
mod clock;
mod effect;
mod flow;
mod frontier;
mod intents;
mod report;
mod rollback;
mod run;
mod settle;
mod unit;
mod watch;

pub use clock::{Clock, RunTime};
pub use effect::{EffectState, EffectView};
pub use report::{EffectReport, Moment};
pub use rollback::{Extent, Rollback};
pub use run::{Impossible, Mode, RunView, SessionView};
pub use unit::{EffectKey, Instance, UnitView};
pub use watch::{WatchChange, WatchReport};

pub(crate) use effect::Rules;
pub(crate) use flow::Flow;
pub(crate) use frontier::Frontier;
