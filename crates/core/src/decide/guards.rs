//! Checks that are asked again just before a step.

use std::time::Duration;

use super::{Command, next};
use crate::action::{Failure, FailureKind, Outcome, Outputs, Residue};
use crate::plan::Plan;
use crate::record::{Ended, Record};
use crate::view::{EffectKey, EffectState, Instance, RunView};

/// How long an answer counts as fresh where nothing was changed since.
const FRESH: Duration = Duration::from_mins(1);

/// What the guards of a step say.
pub(super) enum Guards {
    /// All hold, by a fresh answer.
    Hold,
    /// Some must be asked first, or are being asked.
    Ask(Vec<Command>),
    /// The step must not be done: its end.
    Refuse(Box<Ended>),
}

/// An answer is fresh when it was asked for after the step became ready, or when nothing has been changed and no session has begun since, and not much time
/// has passed.
pub(super) fn of(plan: &Plan, view: &RunView, step: EffectKey) -> Guards {
    let guards = plan.unit(step.unit).map(|u| u.guarded_by.as_slice()).unwrap_or_default();
    let ready = view.instance(step).map_or(0, Instance::ready_at);
    let mut asks = Vec::new();
    let mut waits = false;
    for unit in guards {
        let items = view.unit(*unit).map_or(0, |u| u.items().len());
        let keys = if items == 0 { vec![None] } else { (0..items).map(|item| u32::try_from(item).ok()).collect() };
        for item in keys {
            let key = EffectKey { unit: *unit, item, undo: None };
            let Some(instance) = view.instance(key) else { continue };
            let asked_for_it = instance.tried_at() > ready;
            match instance.effect().state() {
                EffectState::Skipped | EffectState::Spread => {}
                _ if view.is_pending(key) => waits = true,
                EffectState::Done if asked_for_it || is_fresh(view, instance) => {}
                EffectState::Failed if asked_for_it => {
                    if let Some(ended) = refusal(plan, view, step, key) {
                        return Guards::Refuse(Box::new(ended));
                    }
                }
                EffectState::Done | EffectState::Failed => asks.extend(next::start(plan, view, key)),
                EffectState::Waiting
                | EffectState::Ready
                | EffectState::Admitted
                | EffectState::Running
                | EffectState::RetryDue
                | EffectState::Pausing { .. }
                | EffectState::Doubt { .. }
                | EffectState::Recovering { .. }
                | EffectState::Unsure { .. }
                | EffectState::Held
                | EffectState::Interrupted => waits = true,
            }
        }
    }
    if waits || !asks.is_empty() { Guards::Ask(asks) } else { Guards::Hold }
}

fn is_fresh(view: &RunView, instance: &Instance) -> bool {
    let finished = instance.effect().report().and_then(|r| r.finished);
    instance.tried_at() > view.flow().changed && finished.is_some_and(|f| view.clock().now().since(f.run) < FRESH)
}

/// The end of a step whose guard does not hold.
fn refusal(plan: &Plan, view: &RunView, step: EffectKey, guard: EffectKey) -> Option<Ended> {
    let id = &plan.unit(guard.unit)?.id;
    let mut failure = Failure::new(FailureKind::Unexpected, format!("the check `{id}`, which guards this step, does not hold any more"));
    failure.retryable = false;
    if let Some(Outcome::Failed { failure: cause, .. }) = view.effect(guard).and_then(|e| e.report()).and_then(|r| r.outcome.as_ref()) {
        failure = failure.detail(cause.message.clone());
    }
    never_began(plan, view, step, failure)
}

/// The end of an effect that never began.
pub(super) fn never_began(plan: &Plan, view: &RunView, key: EffectKey, failure: Failure) -> Option<Ended> {
    Some(Ended {
        effect: next::next(plan, view, key)?,
        outcome: Outcome::Failed { failure, residue: Residue::None, outputs: Outputs::new() },
        tries: 0,
        expectations: Vec::new(),
        warnings: Vec::new(),
        output: None,
        sealed: Vec::new(),
    })
}

impl From<Ended> for Command {
    fn from(ended: Ended) -> Self {
        Self::Write(vec![Record::Ended(Box::new(ended))])
    }
}
