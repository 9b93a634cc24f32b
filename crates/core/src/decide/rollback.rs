//! Undoing, one action at a time, the last begun first.

use super::list::List;
use super::{Command, ends, next};
use crate::plan::Plan;
use crate::record::{PersonNeeded, RunEnd, Subject};
use crate::view::{EffectState, Rollback, RunView, SessionView};

pub(super) fn decide(plan: &Plan, view: &RunView, session: &SessionView, rollback: &Rollback, commands: &mut List) {
    next::recoveries(plan, view, commands);
    let answerable = !session.nobody && session.wish.is_none();
    if answerable {
        next::ask_unsure(plan, view, true, commands);
    }
    let unsure = &view.flow().unsure;
    let stale = |subject: &&Subject| match subject {
        Subject::InDoubt { effect } => view.key(plan, effect).is_none_or(|key| !unsure.contains(&key)),
        _ => true,
    };
    commands.extend(view.open_questions().filter(stale).cloned().map(Command::Withdraw));
    if session.wish.is_none()
        && let Some(key) = rollback.current().filter(|key| !view.is_pending(*key))
        && let Some(effect) = view.effect(key)
    {
        commands.extend(match effect.state() {
            EffectState::Ready => next::admit(plan, view, key),
            EffectState::Admitted => next::start(plan, view, key),
            EffectState::RetryDue | EffectState::Pausing { .. } => next::again(plan, view, key),
            EffectState::Failed => Some(Command::EndSession(RunEnd::NeedsPerson { why: PersonNeeded::Stuck })),
            EffectState::Waiting
            | EffectState::Running
            | EffectState::Doubt { .. }
            | EffectState::Recovering { .. }
            | EffectState::Unsure { .. }
            | EffectState::Held
            | EffectState::Interrupted
            | EffectState::Spread
            | EffectState::Done
            | EffectState::Skipped => None,
        });
    }
    if commands.is_empty() && view.in_flight().next().is_none() {
        commands.extend(end(plan, view, session));
    }
}

/// The end of the session, where nothing is under way.
fn end(plan: &Plan, view: &RunView, session: &SessionView) -> Option<Command> {
    let held = rollback_held(view);
    match session.wish {
        Some(end) => Some(Command::EndSession(end)),
        None if held || (session.nobody && !view.flow().unsure.is_empty()) => Some(ends::unanswered(view)),
        None => ends::complete(plan, view),
    }
}

/// Whether the undo action under way needs a person whom nobody can ask. What was held on the way forwards does not matter any more.
fn rollback_held(view: &RunView) -> bool {
    view.flow().held.iter().any(|key| key.undo.is_some())
}
