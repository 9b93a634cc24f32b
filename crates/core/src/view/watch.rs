//! Monitors: what watches, when one is due and when its time is over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::apply::Taken;
use super::{EffectKey, EffectState, Moment, RunView};
use crate::action::Failure;
use crate::effect::{EffectId, Role};
use crate::plan::{FailurePolicy, Plan};
use crate::record::{Record, Subject, Tally, Watched};
use crate::runbook::{Phase, Watch};

/// What a monitor's probes found, over all its watches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchReport {
    /// Of the watches before the last one.
    before: Tally,
    /// Of the last one.
    last: Tally,
    /// Whether the last probe found what is expected; none before the first.
    pub holds: Option<bool>,
    /// When the verdict became another, or it tripped, as far as that is recorded; oldest first.
    pub changes: Vec<WatchChange>,
}

/// A probe after which a monitor's verdict was another, or it tripped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WatchChange {
    /// When.
    pub at: Timestamp,
    /// Whether what is expected held.
    pub holds: bool,
    /// Whether it tripped.
    pub tripped: bool,
    /// Why it did not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl WatchReport {
    /// All its probes.
    pub fn tally(&self) -> Tally {
        self.before.with(self.last)
    }

    /// A new watch begins.
    pub(super) fn begin(&mut self) {
        self.before = self.tally();
        self.last = Tally::default();
        self.holds = None;
    }

    pub(super) fn note(&mut self, watched: &Watched, now: Moment) {
        self.last = watched.tally;
        // That all is well from the beginning is no change.
        let before = self.holds.replace(watched.holds);
        if before.map_or(!watched.holds, |before| before != watched.holds) || watched.tripped {
            let failure = watched.failure.clone();
            self.changes.push(WatchChange { at: now.at, holds: watched.holds, tripped: watched.tripped, failure });
        }
    }
}

impl RunView {
    /// Monitors that watch, as recorded.
    pub fn watching(&self) -> impl Iterator<Item = EffectKey> + '_ {
        self.flow.watching.iter().copied()
    }

    /// Monitors that watch, or were told to.
    pub(crate) fn watchers(&self) -> impl Iterator<Item = EffectKey> + '_ {
        let told = self.intents.watching.difference(&self.flow.watching);
        self.flow.watching.iter().chain(told).copied()
    }

    /// Whether it is time for a monitor to watch: what it begins after has ended, and what it ends before has not begun.
    pub(crate) fn is_due(&self, watch: Watch) -> bool {
        let ended = |step| self.unit(step).is_some_and(|unit| unit.whole().effect().state().is_settled());
        watch.from.is_none_or(ended) && !self.is_over(watch)
    }

    /// Whether the step before which it ends has begun, or never will.
    pub(crate) fn is_over(&self, watch: Watch) -> bool {
        let Some(step) = watch.until else { return false };
        let waits = |state| matches!(state, EffectState::Waiting | EffectState::Ready | EffectState::Admitted);
        let begun = self.unit(step).is_some_and(|unit| !waits(unit.whole().effect().state()));
        begun || self.in_flight().any(|key| key.unit == step)
    }

    pub(super) fn watched(&mut self, plan: &Plan, watched: &Watched, now: Moment) -> Taken {
        let key = self.known(plan, &watched.effect)?;
        let Some(effect) = self.effect_mut(key) else { return Err("it names an effect that is not in the plan".to_owned()) };
        let fits = watched.effect.role == Role::Monitor && watched.effect.attempt == effect.attempt();
        if fits && effect.watched(watched, now) { Ok(()) } else { Err(format!("`{}` does not watch", watched.effect)) }
    }

    /// A monitor came to a new state.
    pub(super) fn watcher_moved(&mut self, plan: &Plan, key: EffectKey, state: EffectState) {
        self.intents.pending.remove(&key);
        self.flow.failed.remove(&key);
        if state == EffectState::Running {
            self.flow.watching.insert(key);
        } else {
            self.flow.watching.remove(&key);
            self.intents.watching.remove(&key);
            self.intents.cancelled.remove(&key);
        }
        // One that only warns ends so where it could not begin; it holds up nothing then, either.
        if state == EffectState::Failed && self.rules(plan, key).policy != FailurePolicy::Continue {
            self.flow.failed.insert(key);
        }
    }

    /// A new session: it begins afresh.
    pub(super) fn watch_anew(&mut self, plan: &Plan, key: EffectKey) {
        let has_when = plan.unit(key.unit).is_some_and(|unit| unit.when.is_some());
        if let Some(effect) = self.effect_mut(key) {
            effect.watch_anew(has_when);
            let state = effect.state();
            self.watcher_moved(plan, key, state);
        }
    }

    /// Whether a record is about a monitor and was written by another plan. What that one watched is done with; the last plan may not even have it.
    pub(super) fn is_foreign_watch(&self, record: &Record) -> bool {
        self.foreign && role(record) == Some(Role::Monitor)
    }
}

/// Whether it is a monitor.
pub(super) fn is_monitor(plan: &Plan, key: EffectKey) -> bool {
    plan.unit(key.unit).is_some_and(|unit| unit.phase == Phase::Monitor)
}

/// The role of the effect that a record is about.
fn role(record: &Record) -> Option<Role> {
    let effect = match record {
        Record::Admitted(r) => &r.effect,
        Record::Started(r) => &r.effect,
        Record::Watched(r) => &r.effect,
        Record::Evidence(r) => &r.effect,
        Record::Ended(r) => &r.effect,
        Record::CancelRequested(r) => &r.effect,
        Record::Asked(r) => subject(&r.subject)?,
        Record::Answered(r) => subject(&r.subject)?,
        Record::Skipped(r) => return Some(r.role),
        _ => return None,
    };
    Some(effect.role)
}

fn subject(subject: &Subject) -> Option<&EffectId> {
    match subject {
        Subject::InDoubt { effect } | Subject::Failed { effect } | Subject::Action { effect } => Some(effect),
        Subject::Start | Subject::Confirm { .. } | Subject::Step { .. } => None,
    }
}
