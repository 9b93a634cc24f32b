//! Which part of the core decides: the end of a closed run, a stop, the rollback, or the way forwards.

use super::list::List;
use super::{Command, forwards, rollback, stop, watch};
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
        match (view.closed(), &session.stop, view.rollback()) {
            (Some(closed), _, _) => commands.push(Command::EndSession(closed.end)),
            (None, Some(stop), _) => stop::decide(plan, view, stop, &mut commands),
            (None, None, Some(under_way)) => rollback::decide(plan, view, session, under_way, &mut commands),
            (None, None, None) => forwards::decide(plan, view, session, &mut commands),
        }
        watch::before_the_end(plan, view, &mut commands);
    }
    commands.into_parts()
}
