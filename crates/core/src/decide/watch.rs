//! Monitors: they begin when they are due, end when their time is over, and never keep anything else from ending.

use super::list::List;
use super::{Command, next};
use crate::action::CancelKind;
use crate::plan::Plan;
use crate::record::{Record, SkipReason, Skipped};
use crate::runbook::Phase;
use crate::view::{EffectKey, EffectState, RunView};

/// Whether a monitor has tripped that does not only warn: nothing new is begun then, no verify either.
pub(super) fn has_tripped(plan: &Plan, view: &RunView) -> bool {
    view.failed().any(|key| plan.unit(key.unit).is_some_and(|unit| unit.phase == Phase::Monitor))
}

/// Begins what is due. Called where steps or verifies may begin.
pub(super) fn begin(plan: &Plan, view: &RunView, commands: &mut List) {
    if view.is_through(plan) {
        return;
    }
    for ix in plan.phase(Phase::Monitor) {
        commands.look();
        let key = EffectKey::unit(*ix);
        let (Some(unit), Some(effect)) = (plan.unit(*ix), view.effect(key)) else { continue };
        let waits = matches!(effect.state(), EffectState::Ready | EffectState::Admitted);
        if !waits || view.is_pending(key) || !unit.watch.is_some_and(|watch| view.is_due(watch)) {
            continue;
        }
        commands.extend(match (&unit.left_out, effect.state()) {
            (Some(option), _) => view.path(plan, key).map(|path| {
                let why = SkipReason::NotSelected { option: option.clone() };
                Command::Write(vec![Record::Skipped(Skipped { path, role: unit.role(), why })])
            }),
            (None, EffectState::Ready) => next::admit(plan, view, key),
            (None, _) => next::start(plan, view, key),
        });
    }
}

/// Ends those before whose `until` the run has come.
pub(super) fn end_over(plan: &Plan, view: &RunView, commands: &mut List) {
    let over = |key: &EffectKey| plan.unit(key.unit).and_then(|unit| unit.watch).is_some_and(|watch| view.is_over(watch));
    for key in view.watchers().filter(over) {
        commands.look();
        cancel(plan, view, key, commands);
    }
}

/// Ends all of them. They only look, so that there is nothing to be waited for.
pub(super) fn end_all(plan: &Plan, view: &RunView, commands: &mut List) {
    for key in view.watchers() {
        commands.look();
        cancel(plan, view, key, commands);
    }
}

/// What ends a session, closes a run or begins a rollback has to wait until the monitors have ended; the same is decided again then.
pub(super) fn before_the_end(plan: &Plan, view: &RunView, commands: &mut List) {
    let ends = |record: &Record| matches!(record, Record::RunClosed(_) | Record::RollbackBegan(_));
    let is_end = |command: &Command| match command {
        Command::EndSession(_) => true,
        Command::Write(records) => records.iter().any(ends),
        _ => false,
    };
    if view.watchers().next().is_some() && commands.any(is_end) {
        commands.clear();
        end_all(plan, view, commands);
    }
}

fn cancel(plan: &Plan, view: &RunView, key: EffectKey, commands: &mut List) {
    let running = view.effect(key).is_some_and(|effect| effect.state() == EffectState::Running);
    let name = if running { next::last(plan, view, key) } else { next::next(plan, view, key) };
    if let (None, Some(effect)) = (view.cancelled(key), name) {
        commands.push(Command::Cancel { effect, kind: CancelKind::Kill });
    }
}
