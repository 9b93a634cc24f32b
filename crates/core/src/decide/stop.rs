//! A session that was asked to end, by a signal or because it lost a lock.

use super::list::List;
use super::{Command, ends, next, watch};
use crate::effect::EffectId;
use crate::plan::Plan;
use crate::record::{RunEnd, StopRequested};
use crate::view::{EffectKey, EffectState, RunView};

/// Ends monitors at once and what runs as urgently as was asked; when nothing runs any more, ends the session. What may not be interrupted is waited for.
pub(super) fn decide(plan: &Plan, view: &RunView, stop: &StopRequested, commands: &mut List) {
    watch::end_all(plan, view, commands);
    let mut flying = false;
    for key in view.in_flight() {
        flying = true;
        commands.look();
        let told = view.cancelled(key);
        if told < Some(stop.kind)
            && may_end(plan, view, key)
            && let Some(effect) = flying_name(plan, view, key)
        {
            commands.push(Command::Cancel { effect, kind: stop.kind });
        }
    }
    if !flying {
        let end = if stop.lost_lock.is_some() { RunEnd::LockLost } else { RunEnd::Stopped { signal: stop.signal } };
        commands.push(ends::complete(plan, view).unwrap_or(Command::EndSession(end)));
    }
}

/// Whether a stop may end it: what only looks may always be ended, an action as its class says.
fn may_end(plan: &Plan, view: &RunView, key: EffectKey) -> bool {
    let running = view.effect(key).is_some_and(|e| e.state() == EffectState::Running);
    !running || view.rules(plan, key).class.interruptible
}

/// The name of what runs, or of what was told to start.
fn flying_name(plan: &Plan, view: &RunView, key: EffectKey) -> Option<EffectId> {
    match view.effect(key)?.state() {
        EffectState::Running | EffectState::Recovering { .. } | EffectState::Doubt { .. } => next::last(plan, view, key),
        EffectState::Waiting
        | EffectState::Ready
        | EffectState::Admitted
        | EffectState::RetryDue
        | EffectState::Pausing { .. }
        | EffectState::Unsure { .. }
        | EffectState::Held
        | EffectState::Interrupted
        | EffectState::Spread
        | EffectState::Done
        | EffectState::Failed
        | EffectState::Skipped => next::next(plan, view, key),
    }
}
