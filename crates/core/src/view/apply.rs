//! The fold: one record further.

use super::watch::is_monitor;
use super::{EffectKey, EffectState, EffectView, Impossible, Instance, Moment, Rules, RunView};
use crate::action::{Class, Outcome};
use crate::effect::{EffectId, Role};
use crate::plan::{FailurePolicy, Plan, PlanUnit};
use crate::record::{
    Admitted, Amended, CancelRequested, Ended, Evidence, Expanded, Intent, Record, Recovered, RecoveryStarted, RetryScheduled,
    RollbackBegan, RunClosed, RunOpened, SessionEnded, Skipped, Stamped, Started, TimerFired,
};
use crate::runbook::{Phase, Retry};

/// Why a record is refused: a fragment in lower case.
pub(super) type Refusal = String;
pub(super) type Taken = Result<(), Refusal>;

impl RunView {
    /// Goes on by one record. The plan is the one that the view was made for.
    ///
    /// A record that cannot follow is refused and changes nothing.
    pub fn apply(&mut self, plan: &Plan, stamped: &Stamped) -> Result<(), Impossible> {
        let refuse = |why: String| Impossible { seq: stamped.seq, why };
        if self.seq.checked_add(1) != Some(stamped.seq) {
            return Err(refuse(format!("its number is not {}", self.seq.saturating_add(1))));
        }
        let boot = match &stamped.record {
            Record::SessionOpened(opened) => Some(opened.boot_id.as_str()),
            _ => None,
        };
        let run = self.clock.at_record(stamped.at, stamped.up_us, boot);
        let now = Moment { at: stamped.at, run };
        self.take(plan, stamped, now).map_err(refuse)?;
        self.seq = stamped.seq;
        self.clock.set(run, stamped.at, stamped.up_us, boot);
        Ok(())
    }

    fn take(&mut self, plan: &Plan, stamped: &Stamped, now: Moment) -> Taken {
        let seq = stamped.seq;
        match &stamped.record {
            Record::RunOpened(opened) => return self.run_opened(plan, opened),
            Record::SessionOpened(opened) => return self.session_opened(plan, opened, seq),
            Record::SessionEnded(ended) => {
                self.in_session()?;
                return self.session_ended(*ended);
            }
            Record::RunClosed(_)
            | Record::Amended(_)
            | Record::Expanded(_)
            | Record::Admitted(_)
            | Record::Skipped(_)
            | Record::Asked(_)
            | Record::Answered(_)
            | Record::Started(_)
            | Record::Evidence(_)
            | Record::Watched(_)
            | Record::Ended(_)
            | Record::RecoveryStarted(_)
            | Record::Recovered(_)
            | Record::RetryScheduled(_)
            | Record::TimerFired(_)
            | Record::CancelRequested(_)
            | Record::StopRequested(_)
            | Record::RollbackBegan(_) => {}
        }
        self.in_session()?;
        if self.closed.is_some() && !matches!(stamped.record, Record::StopRequested(_) | Record::TimerFired(_)) {
            return Err("the run is closed".to_owned());
        }
        if self.is_foreign_watch(&stamped.record) {
            return Ok(());
        }
        match &stamped.record {
            Record::RunOpened(_) | Record::SessionOpened(_) | Record::SessionEnded(_) => Ok(()),
            Record::Expanded(expanded) => self.expanded(plan, expanded, seq),
            Record::Admitted(Admitted { effect, .. }) => self.change(plan, effect, Attempt::Next, seq, EffectView::admit),
            Record::Skipped(skipped) => self.skipped(plan, skipped, seq),
            Record::Asked(asked) => self.asked(plan, asked),
            Record::Answered(answered) => self.answered(plan, answered, seq),
            Record::Started(started) => self.started(plan, started, seq, now),
            Record::Evidence(Evidence { effect, evidence }) => self.change(plan, effect, Attempt::Last, seq, |e| e.note(evidence)),
            Record::Watched(watched) => self.watched(plan, watched, now),
            Record::Ended(ended) => self.ended(plan, ended, seq, now),
            Record::RecoveryStarted(RecoveryStarted { effect, .. }) => {
                self.change(plan, effect, Attempt::Last, seq, EffectView::recovery_starts)
            }
            Record::Recovered(recovered) => self.recovered(plan, recovered, seq, now),
            Record::RetryScheduled(RetryScheduled { effect, after }) => {
                self.change(plan, effect, Attempt::Next, seq, |e| e.schedule(*after, now.run))
            }
            Record::TimerFired(TimerFired { effect }) => self.change(plan, effect, Attempt::Next, seq, EffectView::wake),
            Record::CancelRequested(CancelRequested { effect, .. }) => self.known(plan, effect).map(|_| ()),
            Record::StopRequested(stop) => {
                self.in_session_mut(|session| session.stop = Some(stop.clone()));
                Ok(())
            }
            Record::RollbackBegan(began) => self.rollback_began(plan, began, seq),
            Record::RunClosed(closed) => self.run_closed(closed),
            Record::Amended(amended) => self.amended(plan, amended),
        }
    }

    fn in_session(&self) -> Taken {
        match &self.session {
            Some(session) if session.ended.is_none() => Ok(()),
            Some(_) => Err("the session has ended".to_owned()),
            None => Err("no session has been opened".to_owned()),
        }
    }

    fn run_opened(&mut self, plan: &Plan, opened: &RunOpened) -> Taken {
        if self.opened.is_some() {
            return Err("the run has been opened before".to_owned());
        }
        // A run whose runbook was mended later is read by its last plan: the record about that follows.
        self.foreign = opened.plan != plan.digest();
        self.opened = Some(Box::new(opened.clone()));
        Ok(())
    }

    fn amended(&mut self, plan: &Plan, amended: &Amended) -> Taken {
        if self.is_anything_running() {
            return Err("something still runs".to_owned());
        }
        let Some(opened) = &mut self.opened else { return Err("the run has not been opened".to_owned()) };
        opened.runbook = amended.runbook.clone();
        opened.plan = amended.plan.clone();
        opened.variables.clone_from(&amended.variables);
        opened.values.clone_from(&amended.values);
        self.foreign = amended.plan != plan.digest();
        Ok(())
    }

    fn session_ended(&mut self, ended: SessionEnded) -> Taken {
        if self.is_anything_running() {
            return Err("something still runs".to_owned());
        }
        self.in_session_mut(|session| session.ended = Some(ended.end));
        Ok(())
    }

    fn run_closed(&mut self, closed: &RunClosed) -> Taken {
        if self.is_anything_running() {
            return Err("something still runs".to_owned());
        }
        if !closed.end.is_final() {
            return Err("its end is not final".to_owned());
        }
        self.closed = Some(closed.clone());
        Ok(())
    }

    fn rollback_began(&mut self, plan: &Plan, began: &RollbackBegan, seq: u64) -> Taken {
        if self.rollback.is_some() {
            return Err("a rollback has begun before".to_owned());
        }
        if self.is_anything_running() || !self.flow.doubts.is_empty() || self.is_moving() {
            return Err("something still runs or is in doubt".to_owned());
        }
        self.roll_back(plan, began, seq);
        Ok(())
    }

    /// Whether an effect or a monitor runs.
    fn is_anything_running(&self) -> bool {
        !(self.flow.running.is_empty() && self.flow.watching.is_empty())
    }

    /// Whether something that was looked at may still work.
    pub(crate) fn is_moving(&self) -> bool {
        self.flow
            .unsure
            .iter()
            .any(|key| matches!(self.effect(*key).map(EffectView::state), Some(EffectState::Unsure { moving: true, .. })))
    }

    fn expanded(&mut self, plan: &Plan, expanded: &Expanded, seq: u64) -> Taken {
        let role = match expanded.path.as_slice() {
            [place] => plan.find(&place.step).and_then(|ix| plan.unit(ix)).map_or(Role::Do, PlanUnit::role),
            _ => Role::Do,
        };
        let key = self.key_of(plan, &expanded.path, role).ok_or("it names a unit that is not in the plan")?;
        if key.item.is_some() || plan.unit(key.unit).is_none_or(|u| u.for_each.is_none()) {
            return Err("the unit has no `for_each`".to_owned());
        }
        let mut keys = std::collections::BTreeMap::new();
        for (at, item) in expanded.items.iter().enumerate() {
            let at = u32::try_from(at).map_err(|_| "too many items")?;
            if keys.insert(item.key.clone(), at).is_some() {
                return Err(format!("the key `{}` stands twice", item.key));
            }
        }
        let Some(unit) = self.units.get_mut(key.unit.get()) else { return Err("it names a unit that is not in the plan".to_owned()) };
        if !unit.whole.effect.spread() {
            return Err(format!("the unit is {:?}", unit.whole.effect.state()));
        }
        unit.items = expanded.items.iter().map(|item| Instance { item: Some(Box::new(item.clone())), ..Instance::default() }).collect();
        unit.keys = keys;
        self.moved(plan, key, seq);
        if expanded.items.is_empty() {
            self.gather(plan, key, seq);
        } else {
            let parallel = plan.unit(key.unit).and_then(|u| u.for_each).map_or(1, |l| l.parallel.max(1));
            for _ in 0..parallel {
                self.let_go(plan, key, seq);
            }
        }
        Ok(())
    }

    fn skipped(&mut self, plan: &Plan, skipped: &Skipped, seq: u64) -> Taken {
        let key = self.key_of(plan, &skipped.path, skipped.role).ok_or("it names an effect that is not in the plan")?;
        let why = skipped.why.clone();
        self.change_key(plan, key, seq, |e| e.skip(why))
    }

    fn started(&mut self, plan: &Plan, started: &Started, seq: u64, now: Moment) -> Taken {
        let key = self.known(plan, &started.effect)?;
        let forwards = key.undo.is_none();
        match &self.rollback {
            Some(rollback) if rollback.current() != Some(key) => return Err("a rollback has begun, and it is not its turn".to_owned()),
            None if !forwards => return Err("no rollback has begun".to_owned()),
            Some(_) | None => {}
        }
        let class = self.rules(plan, key).class;
        if started.class != class && !self.foreign {
            return Err("its class is not the plan's".to_owned());
        }
        let asked_again = self.is_guard(plan, key);
        let Some(instance) = self.instance_mut(key) else { return Err("it names an effect that is not in the plan".to_owned()) };
        let effect = instance.effect_mut(key).ok_or("it names an effect that is not in the plan")?;
        if effect.attempt().saturating_add(1) != started.effect.attempt {
            return Err(format!("its attempt is not {}", effect.attempt().saturating_add(1)));
        }
        if asked_again {
            effect.ask_again();
        }
        if !effect.start(started, now) {
            return Err(format!("`{}` is {:?}", started.effect, effect.state()));
        }
        instance.tried = seq;
        let first = forwards && started.effect.role == Role::Do && !instance.begun;
        if first {
            instance.begun = true;
            self.flow.begun.push(key);
        }
        if class.changes() {
            self.flow.changed = seq;
        }
        self.moved(plan, key, seq);
        Ok(())
    }

    /// Whether it is a check that has been answered and whose phase is over.
    fn is_guard(&self, plan: &Plan, key: EffectKey) -> bool {
        let check = plan.unit(key.unit).is_some_and(|u| u.phase == Phase::Check);
        check && self.flow.frontier.phase() != Some(Phase::Check) && self.instance(key).is_some_and(|i| i.settled)
    }

    fn ended(&mut self, plan: &Plan, ended: &Ended, seq: u64, now: Moment) -> Taken {
        let key = self.known(plan, &ended.effect)?;
        if self.is_guard(plan, key)
            && let Some(effect) = self.effect_mut(key)
            && effect.state().is_settled()
            && effect.attempt().saturating_add(1) == ended.effect.attempt
            && ended.tries == 0
            && !matches!(ended.outcome, Outcome::Succeeded { .. })
            && !ended.outcome.may_have_changed()
        {
            effect.ask_again();
        }
        if is_monitor(plan, key) {
            return self.change_key(plan, key, seq, |e| e.end_watch(ended, now));
        }
        let rules = self.rules(plan, key);
        let began = self.effect(key).is_some_and(|e| e.state() == EffectState::Running);
        self.change_key(plan, key, seq, |e| e.end(ended, rules, now))?;
        if !began && let Some(instance) = self.instance_mut(key) {
            instance.tried = seq;
        }
        if rules.class.changes() {
            self.flow.changed = seq;
        }
        Ok(())
    }

    fn recovered(&mut self, plan: &Plan, recovered: &Recovered, seq: u64, now: Moment) -> Taken {
        let key = self.known(plan, &recovered.effect)?;
        let rules = self.rules(plan, key);
        self.change(plan, &recovered.effect, Attempt::Last, seq, |e| e.recover(recovered, rules, now))?;
        self.flow.changed = seq;
        Ok(())
    }

    fn session_opened(&mut self, plan: &Plan, opened: &crate::record::SessionOpened, seq: u64) -> Taken {
        if self.opened.is_none() {
            return Err("the run has not been opened".to_owned());
        }
        let before = self.session.as_ref().map_or(0, |s| s.opened.session);
        if before.checked_add(1) != Some(opened.session) {
            return Err(format!("its session is not {}", before.saturating_add(1)));
        }
        match &self.closed {
            Some(closed) if closed.end != crate::record::RunEnd::Done || opened.intent != Intent::RollBack => {
                return Err("the run is closed".to_owned());
            }
            Some(_) | None => self.closed = None,
        }
        self.reopen(plan, opened, seq);
        Ok(())
    }

    /// The key of an effect that there is.
    pub(super) fn known(&self, plan: &Plan, effect: &EffectId) -> Result<EffectKey, Refusal> {
        let key = self.key(plan, effect).filter(|key| self.effect(*key).is_some());
        key.ok_or_else(|| format!("there is no `{effect}`"))
    }

    /// A transition of an effect's state machine, with the attempt checked.
    fn change(&mut self, plan: &Plan, effect: &EffectId, attempt: Attempt, seq: u64, step: impl FnOnce(&mut EffectView) -> bool) -> Taken {
        let key = self.known(plan, effect)?;
        let last = self.effect(key).map_or(0, EffectView::attempt);
        let wanted = match attempt {
            Attempt::Last => last,
            Attempt::Next => last.saturating_add(1),
        };
        if effect.attempt != wanted {
            return Err(format!("its attempt is not {wanted}"));
        }
        self.change_key(plan, key, seq, step)
    }

    /// A transition of an effect's state machine.
    pub(super) fn change_key(&mut self, plan: &Plan, key: EffectKey, seq: u64, step: impl FnOnce(&mut EffectView) -> bool) -> Taken {
        let Some(effect) = self.effect_mut(key) else { return Err("it names an effect that is not in the plan".to_owned()) };
        if !step(effect) {
            let state = effect.state();
            let name = self.name(plan, key, 1).map(|name| name.to_string()).unwrap_or_default();
            return Err(format!("`{name}` is {state:?}"));
        }
        self.moved(plan, key, seq);
        Ok(())
    }

    pub(super) fn instance_mut(&mut self, key: EffectKey) -> Option<&mut Instance> {
        self.units.get_mut(key.unit.get())?.get_mut(key.item)
    }

    pub(super) fn effect_mut(&mut self, key: EffectKey) -> Option<&mut EffectView> {
        self.instance_mut(key)?.effect_mut(key)
    }

    /// The rules of an effect in this session.
    pub(crate) fn rules(&self, plan: &Plan, key: EffectKey) -> Rules {
        let session = self.session.as_deref();
        let undoing = session.is_some_and(|s| s.opened.intent == Intent::RollBack || s.roll_back);
        let cancelled = session.is_some_and(|s| s.stop.is_some());
        let none = Rules { class: Class::ONCE, retry: Retry::NONE, repeat: None, policy: FailurePolicy::Stop, undoing: false, cancelled };
        let Some(unit) = plan.unit(key.unit) else { return none };
        let (class, retry, policy, undoing) = match key.undo.and_then(|action| unit.undo().get(usize::from(action))) {
            Some(action) => (action.class, action.retry, FailurePolicy::Stop, false),
            None => (unit.class, unit.retry, unit.on_failure.wished(session.and_then(|s| s.opened.flags.on_failure)), undoing),
        };
        // A mended runbook may treat it otherwise; what happened before the change happened by the old word.
        let then = self.effect(key).and_then(EffectView::report).and_then(|report| report.class).filter(|_| self.foreign);
        let class = then.unwrap_or(class);
        // What only reads is tried again by the engine, within one effect.
        let retry = if class.changes() { retry } else { Retry::NONE };
        let repeat = unit.repeat.filter(|_| key.undo.is_none());
        Rules { class, retry, repeat, policy, undoing, cancelled }
    }
}

/// Which attempt a record is about.
#[derive(Clone, Copy)]
enum Attempt {
    /// The last one.
    Last,
    /// The one to come.
    Next,
}
