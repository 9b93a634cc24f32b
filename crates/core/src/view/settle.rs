//! What follows from an effect's new state: items and units settle, others may begin, phases follow each other, sessions begin anew.

use super::intents::Intents;
use super::watch::is_monitor;
use super::{EffectKey, EffectState, RunView, SessionView};
use crate::effect::UnitIx;
use crate::plan::{FailurePolicy, Plan, WhenAt};
use crate::record::{Intent, SessionOpened};
use crate::runbook::Phase;

impl RunView {
    /// An effect came to a new state.
    pub(super) fn moved(&mut self, plan: &Plan, key: EffectKey, seq: u64) {
        let Some(state) = self.effect(key).map(super::EffectView::state) else { return };
        if is_monitor(plan, key) {
            return self.watcher_moved(plan, key, state);
        }
        self.flow.file(key, state);
        self.intents.pending.remove(&key);
        if !matches!(state, EffectState::Running | EffectState::Recovering { .. }) {
            self.intents.flight.remove(&key);
            self.intents.cancelled.remove(&key);
        }
        if key.undo.is_some() {
            self.undo_moved(plan, key, seq);
        } else if state.is_settled() {
            self.concluded(plan, key, state, seq);
        }
    }

    /// An own action came to its end.
    fn concluded(&mut self, plan: &Plan, key: EffectKey, state: EffectState, seq: u64) {
        let Some(phase) = plan.unit(key.unit).map(|u| u.phase) else { return };
        if state == EffectState::Failed {
            let guards = phase == Phase::Check && self.flow.frontier.phase() != Some(Phase::Check);
            let passes = phase != Phase::Check && self.rules(plan, key).policy == FailurePolicy::Continue;
            if passes {
                self.flow.passed += 1;
            } else if !guards {
                // A guard's failure is its step's.
                self.flow.failed.insert(key);
            }
            if phase == Phase::Step && !passes {
                return;
            }
        }
        self.settle(plan, key, state == EffectState::Failed, seq);
    }

    /// A failure that stands in the way is let pass.
    pub(super) fn pass(&mut self, plan: &Plan, key: EffectKey, seq: u64) {
        if self.flow.failed.remove(&key) {
            self.flow.passed += 1;
            if !is_monitor(plan, key) {
                self.settle(plan, key, true, seq);
            }
        }
    }

    /// Tells those who wait for it, once.
    fn settle(&mut self, plan: &Plan, key: EffectKey, failed: bool, seq: u64) {
        let first = self.instance_mut(key).is_some_and(|instance| !std::mem::replace(&mut instance.settled, true));
        if first && key.item.is_some() {
            let Some(unit) = self.units.get_mut(key.unit.get()) else { return };
            unit.settled += 1;
            unit.failed |= failed;
            if unit.settled as usize == unit.items.len() {
                self.gather(plan, EffectKey::unit(key.unit), seq);
            } else {
                self.let_go(plan, key, seq);
            }
        } else if first {
            let ready = self.flow.frontier.settle(plan.topology(), plan.units(), key.unit);
            self.arrive(plan, &ready, seq);
        }
        self.advance(plan, seq);
    }

    /// A unit ends because all its items have.
    pub(super) fn gather(&mut self, plan: &Plan, key: EffectKey, seq: u64) {
        if let Some(unit) = self.units.get_mut(key.unit.get()) {
            let failed = unit.failed;
            unit.whole.effect.gather(failed);
            self.settle(plan, EffectKey::unit(key.unit), failed, seq);
        }
    }

    /// The next item may begin.
    pub(super) fn let_go(&mut self, plan: &Plan, key: EffectKey, seq: u64) {
        let has_when = plan.unit(key.unit).is_some_and(|u| u.when == Some(WhenAt::Item));
        let Some(unit) = self.units.get_mut(key.unit.get()) else { return };
        let at = unit.let_go;
        let Some(instance) = unit.items.get_mut(at as usize) else { return };
        unit.let_go += 1;
        instance.effect.arrive(has_when);
        instance.ready = seq;
        let state = instance.effect.state();
        self.flow.file(EffectKey { item: Some(at), ..EffectKey::unit(key.unit) }, state);
    }

    fn arrive(&mut self, plan: &Plan, units: &[UnitIx], seq: u64) {
        for ix in units {
            let has_when = plan.unit(*ix).is_some_and(|u| u.when.is_some() && (u.for_each.is_none() || u.when == Some(WhenAt::Unit)));
            let key = EffectKey::unit(*ix);
            if let Some(instance) = self.instance_mut(key) {
                instance.effect.arrive(has_when);
                instance.ready = seq;
                let state = instance.effect.state();
                self.flow.file(key, state);
            }
        }
    }

    /// Goes on to the next phase where one is done.
    fn advance(&mut self, plan: &Plan, seq: u64) {
        let checks_only = self.session.as_ref().is_some_and(|s| s.opened.flags.checks_only);
        while self.flow.frontier.is_done(plan.topology()) {
            let next = match self.flow.frontier.phase() {
                None => Phase::Check,
                // Checks that failed are asked anew by a new session, all of them before the first step.
                Some(Phase::Check) if checks_only || !self.flow.is_quiet() => return,
                Some(Phase::Check) => Phase::Step,
                Some(Phase::Step) => Phase::Verify,
                Some(Phase::Verify | Phase::Monitor) => return,
            };
            let ready = self.flow.frontier.open(plan.topology(), plan.units(), next);
            self.arrive(plan, &ready, seq);
        }
    }

    /// Whether all phases are done and no failure stands in the way.
    pub(crate) fn is_through(&self, plan: &Plan) -> bool {
        self.is_last_done(plan, Phase::Verify) && self.flow.is_quiet()
    }

    /// Whether all checks are answered and hold.
    pub(crate) fn checks_hold(&self, plan: &Plan) -> bool {
        self.is_last_done(plan, Phase::Check) && self.flow.is_quiet()
    }

    /// Whether this is the phase that the run has come to, and all its units are settled.
    fn is_last_done(&self, plan: &Plan, phase: Phase) -> bool {
        self.flow.frontier.phase() == Some(phase) && self.flow.frontier.is_done(plan.topology())
    }

    /// A new session.
    pub(super) fn reopen(&mut self, plan: &Plan, opened: &SessionOpened, seq: u64) {
        self.intents = Intents::default();
        self.questions.clear();
        if self.flow.begun.is_empty() {
            self.start = None;
        }
        self.session = Some(Box::new(SessionView {
            opened: opened.clone(),
            stop: None,
            nobody: false,
            wish: None,
            roll_back: false,
            step_all: false,
            ended: None,
        }));
        self.flow.changed = seq;
        let forwards = opened.intent == Intent::GoOn && self.rollback.is_none();
        for at in 0..self.units.len() {
            let Ok(unit) = u32::try_from(at).map(UnitIx) else { return };
            let items = self.units.get(at).map_or(0, |u| u.items.len());
            let keys = std::iter::once(None).chain((0..items).map(|item| u32::try_from(item).ok()));
            for item in keys {
                self.reopen_instance(plan, EffectKey { unit, item, undo: None }, forwards, seq);
            }
        }
        self.advance(plan, seq);
    }

    fn reopen_instance(&mut self, plan: &Plan, key: EffectKey, forwards: bool, seq: u64) {
        if is_monitor(plan, key) {
            return self.watch_anew(plan, key);
        }
        let guard = plan.unit(key.unit).is_some_and(|u| u.phase == Phase::Check) && self.flow.frontier.phase() != Some(Phase::Check);
        let again = forwards && !guard && self.flow.failed.contains(&key);
        let class = self.rules(plan, key).class;
        let Some(instance) = self.instance_mut(key) else { return };
        instance.confirmed = None;
        instance.stepped = false;
        let undo_actions = u16::try_from(instance.undo.len()).unwrap_or(u16::MAX);
        let before = instance.effect.state();
        instance.effect.reopen(class, again);
        let state = instance.effect.state();
        if !state.is_settled() {
            instance.ready = seq;
        }
        if state != before || !state.is_settled() {
            self.flow.file(key, state);
        }
        for action in 0..undo_actions {
            let key = key.undo(action);
            let class = self.rules(plan, key).class;
            if let Some(effect) = self.effect_mut(key) {
                effect.reopen(class, true);
                let state = effect.state();
                self.flow.file(key, state);
            }
        }
    }
}
