//! The loop that carries out what the core decides.
//!
//! One dispatcher alone owns a run's journal and view. Effects, questions and timers are tasks of their own; they tell the dispatcher what happened and
//! never touch either. The loop itself is described in [`runbook_core::decide`].
//!
//! | file | one idea |
//! |---|---|
//! | `run` | the loop |
//! | `carry_out` | what each command means |
//! | `happened` | what each happening means |
//! | `ledger` | records: stamped, applied, batched, synced, published |
//! | `results` | what templates can name, folded from records |
//! | `prepare` | from a unit to an action with its values |
//! | `effect`, `recover`, `watch` | the tasks |
//! | `items` | the items of a loop |
//! | `expect` | outputs, `expect` and `warn` after an action |
//! | `replay` | a run's records, folded again by a later session |
//! | `secrets` | what is masked, and how a secret result is recorded |
//! | `oversize` | values that are too large for a record |

mod carry_out;
mod effect;
mod expect;
mod happened;
mod happening;
mod items;
mod ledger;
pub(crate) mod oversize;
mod prepare;
mod recover;
mod replay;
mod results;
mod run;
mod secrets;
mod watch;

#[cfg(test)]
mod tests;

pub(crate) use happening::Happening;
pub(crate) use ledger::Ledger;
pub(crate) use replay::{Known, Replayed, replay, value_key};
pub(crate) use results::Results;
pub(crate) use run::{Dispatcher, Parts};
pub(crate) use secrets::Secrets;
