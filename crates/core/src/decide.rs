//! What to do next: a pure function of the plan and of what has happened.
//!
//! `decide` reads no clock and does no I/O; a first run, a resume, a rollback and a simulation are the same code path. The engine's loop around it:
//!
//! 1. `commands = decide(&plan, &view)`; if there are none, sync the batch (if it holds anything), then let what runs go on, and wait for something to
//!    happen: an effect ends, a timer fires, an answer comes, a signal arrives. Append and `apply` the record about it and begin again.
//! 2. For each command in order: `view.issue(&command)`, then carry it out as its variant says. What that needs no waiting for (`Write`, `Admit`, `Expand`,
//!    preparing an action) happens at once, and its records are appended to the open batch and applied. Begin again at 1.
//!
//! So one batch takes the end of one step and everything up to the start of the next ones, and costs one sync. Three rules keep that safe:
//! an effect's `run` begins only after the batch with its `Started` was synced; an end never waits for anything but pure computation (a `capture` that
//! does not complete at its first poll, a question or a pause closes the batch first); a batch that cannot be synced ends the session without running
//! anything of it.

mod command;
mod decision;
mod ends;
mod forwards;
mod guards;
mod list;
mod next;
mod rollback;
mod stop;
#[cfg(test)]
mod tests;
mod watch;

pub use command::{Admit, Ask, Command, Expand, Limits, Probing, Recover, Start};
pub use decision::{decide, decide_and_count};
