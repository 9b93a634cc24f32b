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
mod ends;
mod forwards;
mod guards;
mod list;
mod next;
mod rollback;
mod stop;
#[cfg(test)]
mod tests;

pub use command::{Admit, Ask, Command, Expand, Limits, Recover, Start};

use list::List;

use crate::plan::Plan;
use crate::view::RunView;

/// What to do next; empty where nothing is to be done until something happens.
///
/// Between two calls the engine notes every command with [`RunView::issue`], or gets it again.
pub fn decide(plan: &Plan, view: &RunView) -> Vec<Command> {
    decide_and_count(plan, view).0
}

/// The same, with the number of effects that were looked at: what a decision costs. It is bounded by what may run at once, not by the plan.
pub fn decide_and_count(plan: &Plan, view: &RunView) -> (Vec<Command>, usize) {
    let mut commands = List::default();
    if let Some(session) = view.session().filter(|s| s.ended.is_none() && !view.is_ending()) {
        match (view.closed(), session.stop, view.rollback()) {
            (Some(closed), _, _) => commands.push(Command::EndSession(closed.end)),
            (None, Some(stop), _) => stop::decide(plan, view, stop, &mut commands),
            (None, None, Some(under_way)) => rollback::decide(plan, view, session, under_way, &mut commands),
            (None, None, None) => forwards::decide(plan, view, session, &mut commands),
        }
    }
    commands.into_parts()
}
