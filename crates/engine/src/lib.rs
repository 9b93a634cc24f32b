//! Carries out what the core decides.
//!
//! The dispatcher alone owns a run's journal and view. It turns the core's commands into effects, and what they report into records: a record is on
//! disk before the effect that it announces begins, and before anyone is told of the result that it holds.
//!
//! | module | owns |
//! |---|---|
//! | [`execute`], [`go_on`] | a session: a new run, or another session of one that was begun |
//! | [`recorded`](recorded()), [`abandon`](abandon()) | a run read back from its folder; its end on a person's word |
//! | `dispatcher` | the loop between decisions, effects and records |
//! | [`journal`] | the file of records: append, sync, tail, reading back |
//! | [`state`] | where runs are kept, their ids, folders and index |
//! | [`locks`] | host-wide locks by name |
//! | [`host`], [`clock`] | where, by whom and when it runs |
//! | [`process`] | child processes |
//! | [`events`], `output` | what watchers see, and what is kept of a step's output |
//! | `vault` | the real values of secret results, between sessions |
//! | `rotation` | whether secrets are those of the session before |
//! | [`signals`], [`ask`] | what comes from outside: requests to stop, a person's answers |

mod abandon;
pub mod ask;
pub mod clock;
mod context;
mod crash;
pub mod disk;
mod dispatcher;
mod error;
pub mod events;
pub mod host;
pub mod journal;
pub mod locks;
mod output;
pub mod process;
mod recorded;
mod rotation;
mod session;
pub mod signals;
pub mod state;
mod unfinished;
mod vault;

pub use abandon::{Abandon, abandon, give_free};
pub use error::EngineError;
pub use recorded::{PLAN_COPY, RUNBOOK_COPY, Recorded, Seen, called_copies, called_copy, copy_name, last_plan, recorded};
pub use session::{Onward, Session, SessionEnd, execute, go_on};

#[cfg(test)]
mod testing;
