//! Commands about one effect, the same for a step and for an undo action.

use super::list::List;
use super::{Admit, Ask, Command, Limits, Probing, Recover, Start};
use crate::effect::EffectId;
use crate::plan::{FailurePolicy, Plan};
use crate::record::{Record, RetryScheduled, Subject};
use crate::runbook::Retry;
use crate::view::{EffectKey, EffectState, EffectView, RunView};

/// The name of the last attempt.
pub(super) fn last(plan: &Plan, view: &RunView, key: EffectKey) -> Option<EffectId> {
    view.name(plan, key, view.effect(key)?.attempt())
}

/// The name of the attempt to come.
pub(super) fn next(plan: &Plan, view: &RunView, key: EffectKey) -> Option<EffectId> {
    view.name(plan, key, view.effect(key)?.attempt().saturating_add(1))
}

pub(super) fn admit(plan: &Plan, view: &RunView, key: EffectKey) -> Option<Command> {
    Some(Command::Admit(Admit { unit: key.unit, effect: next(plan, view, key)? }))
}

pub(super) fn start(plan: &Plan, view: &RunView, key: EffectKey) -> Option<Command> {
    let unit = plan.unit(key.unit)?;
    let (class, retry, timeout) = match key.undo {
        None => (unit.class, unit.retry, unit.timeout),
        Some(action) => unit.undo().get(usize::from(action)).map(|undo| (undo.class, undo.retry, undo.timeout))?,
    };
    let polls = !class.changes() && retry != Retry::NONE;
    let goes_on = view.rules(plan, key).policy == FailurePolicy::Continue;
    let probing = unit.watch.map(|watch| Probing { every: watch.every, failures: watch.failures, goes_on });
    let limits = Limits { timeout, polling: polls.then_some(retry), probing, interruptible: class.interruptible };
    Some(Command::Start(Start { unit: key.unit, effect: next(plan, view, key)?, limits }))
}

/// What a failed attempt or a pause asks for.
pub(super) fn again(plan: &Plan, view: &RunView, key: EffectKey) -> Option<Command> {
    let effect = view.effect(key)?;
    let now = view.clock().now();
    match effect.state() {
        EffectState::RetryDue => {
            let after = effect.pause_due(view.rules(plan, key), now);
            let record = Record::RetryScheduled(RetryScheduled { effect: next(plan, view, key)?, after });
            Some(Command::Write(vec![record]))
        }
        EffectState::Pausing { until } => Some(Command::Wake { effect: next(plan, view, key)?, after: until.since(now) }),
        EffectState::Waiting
        | EffectState::Ready
        | EffectState::Admitted
        | EffectState::Running
        | EffectState::Doubt { .. }
        | EffectState::Recovering { .. }
        | EffectState::Unsure { .. }
        | EffectState::Held
        | EffectState::Interrupted
        | EffectState::Spread
        | EffectState::Done
        | EffectState::Failed
        | EffectState::Skipped => None,
    }
}

/// What is in doubt is looked at.
pub(super) fn recoveries(plan: &Plan, view: &RunView, commands: &mut List) {
    for key in &view.flow().doubts {
        commands.look();
        let Some(EffectState::Doubt { cause }) = view.effect(*key).map(EffectView::state) else { continue };
        if let (false, Some(effect)) = (view.is_pending(*key), last(plan, view, *key)) {
            let interruptible = view.rules(plan, *key).class.interruptible;
            commands.push(Command::Recover(Recover { unit: key.unit, effect, cause, interruptible }));
        }
    }
}

/// A person is asked, once; whether the question is open now.
pub(super) fn ask(view: &RunView, subject: Subject, unit: Option<EffectKey>, commands: &mut List) {
    if !view.is_asked(&subject) {
        commands.push(Command::Ask(Ask { subject, unit: unit.map(|key| key.unit) }));
    }
}

/// A person is asked about everything that nobody knows the end of; `all`, or only what may still work.
pub(super) fn ask_unsure(plan: &Plan, view: &RunView, all: bool, commands: &mut List) {
    for key in &view.flow().unsure {
        commands.look();
        let moving = matches!(view.effect(*key).map(EffectView::state), Some(EffectState::Unsure { moving: true, .. }));
        if let (true, Some(effect)) = (all || moving, last(plan, view, *key)) {
            ask(view, Subject::InDoubt { effect }, Some(*key), commands);
        }
    }
}
