//! What must be true of every history.

use std::collections::{BTreeMap, BTreeSet};

use runbook_core::action::{CancelKind, Effect, Outcome, Settled, Verdict};
use runbook_core::decide::Command;
use runbook_core::effect::{EffectId, Role, UnitIx};
use runbook_core::plan::{Plan, PlanFate};
use runbook_core::record::{PersonNeeded, Record, Reply, RollbackCause, RunEnd, Stamped, Subject, repeat_is_over};
use runbook_core::runbook::{Needs, Phase};
use runbook_core::view::{EffectKey, EffectState, Mode, RunView};

use crate::rng::Rng;
use crate::world::{Thing, Truth, World};

/// What the laws remember, from records and from what truly ran.
#[derive(Default)]
pub(crate) struct Laws {
    /// Commands for which no record has come.
    open: BTreeSet<Intent>,
    /// Steps and items in the order in which they began, from the records.
    begun: Vec<EffectKey>,
    /// What happened, by its name: that the laws were not kept for want of temptation.
    pub(crate) seen: BTreeSet<String>,
    /// Checks whose last answer before the first step was a failure.
    failed_checks: BTreeSet<EffectKey>,
    /// Undo actions in the order in which they ended well, from the records.
    undone: Vec<EffectKey>,
}

/// What a command wants to bring about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Intent {
    /// `when`, `for_each` or the effect itself.
    Effect(EffectId),
    Recovery(EffectId),
    Cancelling(EffectId, CancelKind),
    Pause(EffectId),
    Question(Subject),
    Withdrawal(Subject),
    End,
}

impl Laws {
    /// No intent is commanded twice: neither within one list nor while its record has not come.
    pub(crate) fn commands(&self, commands: &[Command]) {
        let mut seen = BTreeSet::new();
        for command in commands {
            if let Some(intent) = Self::intent(command) {
                assert!(!self.open.contains(&intent), "commanded again: {command:?}");
                assert!(seen.insert(intent), "commanded twice at once: {command:?}");
            }
        }
    }

    pub(crate) fn saw(&mut self, what: String) {
        self.seen.insert(what);
    }

    pub(crate) fn issued(&mut self, command: &Command) {
        self.open.extend(Self::intent(command));
    }

    fn intent(command: &Command) -> Option<Intent> {
        match command {
            Command::Write(_) => None,
            Command::Expand(expand) => Some(Intent::Effect(expand.effect.clone())),
            Command::Admit(admit) => Some(Intent::Effect(admit.effect.clone())),
            Command::Start(start) => Some(Intent::Effect(start.effect.clone())),
            Command::Recover(recover) => Some(Intent::Recovery(recover.effect.clone())),
            Command::Cancel { effect, kind } => Some(Intent::Cancelling(effect.clone(), *kind)),
            Command::Wake { effect, .. } => Some(Intent::Pause(effect.clone())),
            Command::Ask(ask) => Some(Intent::Question(ask.subject.clone())),
            Command::Withdraw(subject) => Some(Intent::Withdrawal(subject.clone())),
            Command::EndSession(_) => Some(Intent::End),
        }
    }

    /// A record is about to be applied.
    pub(crate) fn before(&mut self, plan: &Plan, view: &RunView, stamped: &Stamped) {
        self.tell(plan, view, &stamped.record);
        match &stamped.record {
            Record::SessionOpened(_) => {
                self.open.clear();
                self.recall(plan, view);
            }
            Record::Admitted(r) => self.came(&Intent::Effect(r.effect.clone())),
            Record::Expanded(r) => {
                self.open.retain(|intent| !matches!(intent, Intent::Effect(effect) if effect.path == r.path));
                self.failed_checks.retain(|key| Some(key.unit) != plan.find(&r.path[0].step));
            }
            Record::Skipped(r) => {
                let id = EffectId { path: r.path.clone(), role: r.role, attempt: 1 };
                self.open.retain(|intent| !matches!(intent, Intent::Effect(effect) if effect.path == r.path && effect.role == r.role));
                self.note_undone(plan, view, &id);
                self.failed_checks.retain(|key| view.key(plan, &id) != Some(*key));
            }
            Record::Started(r) => self.starts(plan, view, &r.effect),
            Record::Ended(r) => {
                if let (Role::Check, Mode::Checking, Some(key)) = (r.effect.role, view.mode(), view.key(plan, &r.effect)) {
                    match r.outcome {
                        Outcome::Succeeded { .. } => self.failed_checks.remove(&key),
                        Outcome::Failed { .. } | Outcome::Cancelled { .. } => self.failed_checks.insert(key),
                    };
                }
                self.came(&Intent::Effect(r.effect.clone()));
                self.ended(&r.effect);
                if matches!(r.outcome, Outcome::Succeeded { .. }) {
                    self.note_undone(plan, view, &r.effect);
                }
            }
            Record::Recovered(r) => {
                self.came(&Intent::Recovery(r.effect.clone()));
                self.ended(&r.effect);
                if matches!(r.verdict, Verdict::Done { .. }) {
                    self.note_undone(plan, view, &r.effect);
                }
            }
            Record::TimerFired(r) => self.came(&Intent::Pause(r.effect.clone())),
            Record::Answered(r) => {
                self.came(&Intent::Question(r.subject.clone()));
                self.came(&Intent::Withdrawal(r.subject.clone()));
                if let (Subject::InDoubt { effect }, Reply::Done) = (&r.subject, &r.reply) {
                    self.note_undone(plan, view, effect);
                }
            }
            Record::RunOpened(_)
            | Record::Asked(_)
            | Record::Evidence(_)
            | Record::Watched(_)
            | Record::RecoveryStarted(_)
            | Record::RetryScheduled(_)
            | Record::CancelRequested(_)
            | Record::StopRequested(_)
            | Record::RollbackBegan(_)
            | Record::SessionEnded(_)
            | Record::RunClosed(_)
            | Record::Amended(_) => {}
        }
    }

    fn tell(&mut self, plan: &Plan, view: &RunView, record: &Record) {
        let what = match record {
            Record::Watched(r) if r.tripped => "a monitor trips",
            Record::Started(r) if r.effect.role == Role::Monitor && r.effect.attempt > 1 => "a monitor begins afresh",
            Record::Ended(r) if r.effect.role == Role::Monitor && matches!(r.outcome, Outcome::Succeeded { .. }) => {
                "a monitor's time is over"
            }
            Record::RollbackBegan(r) if matches!(&r.cause, RollbackCause::Failure { effect } if effect.role == Role::Monitor) => {
                "a monitor rolls the run back"
            }
            Record::SessionEnded(r) if r.end == RunEnd::Failed && view.failed().all(|key| plan.unit(key.unit).unwrap().watch.is_some()) => {
                "a monitor stops the run"
            }
            Record::SessionOpened(_) if view.watching().next().is_some() => "a monitor breaks off",
            Record::Started(r) if matches!(r.effect.role, Role::Undo(_)) && r.effect.attempt > 1 => "an undo is repeated",
            Record::Started(r) if r.effect.attempt > 1 && r.class.effect == Effect::Once => "a Once action is repeated",
            Record::Started(r) if r.effect.role == Role::Check && view.mode() == Mode::Stepping => "a guard is asked",
            Record::Started(r) if view.running().any(|key| view.key(plan, &r.effect) != Some(key)) => "steps run side by side",
            Record::Recovered(r) => match (&r.settled, &r.verdict) {
                (Settled::Moving { .. }, _) => "an effect still moves",
                (_, Verdict::Done { .. }) => "a recovered effect was done",
                (_, Verdict::NotDone) => "a recovered effect was not done",
                (_, Verdict::Partial { .. } | Verdict::Unknown { .. }) => "nobody knows about a recovered effect",
            },
            Record::Ended(r) if repeat_is_over(&r.expectations) == Some(false) => "a step is to be repeated",
            Record::RetryScheduled(_) => "a retry is scheduled",
            Record::CancelRequested(_) => "an effect is cancelled",
            Record::Answered(r) if r.reply == Reply::Withdrawn => "a question is withdrawn",
            Record::Answered(r) => match &r.subject {
                Subject::InDoubt { effect } if matches!(effect.role, Role::Undo(_)) => "a person decides about an undo",
                Subject::InDoubt { .. } => "a person decides about a step",
                Subject::Failed { .. } => "a person decides about a failure",
                Subject::Start | Subject::Confirm { .. } | Subject::Step { .. } | Subject::Action { .. } => return,
            },
            Record::RollbackBegan(r) if r.cause == RollbackCause::Requested => "a rollback is requested",
            Record::RollbackBegan(r) if r.undo > 1 => "several steps are undone",
            Record::SessionOpened(_) if view.closed().is_some() => "a closed run is opened",
            Record::SessionOpened(_) if view.running().any(|key| key.undo.is_some()) => "an undo breaks off",
            Record::SessionOpened(_) if view.running().next().is_some() => "a step breaks off",
            _ => return,
        };
        self.saw(what.to_owned());
    }

    /// The record that an intent was for has come.
    fn came(&mut self, intent: &Intent) {
        self.open.remove(intent);
    }

    /// What was told to end has ended.
    fn ended(&mut self, effect: &EffectId) {
        self.open.retain(|intent| !matches!(intent, Intent::Cancelling(ending, _) if ending == effect));
    }

    /// After a crash, only what was kept in the journal has happened.
    fn recall(&mut self, plan: &Plan, view: &RunView) {
        self.begun = view.begun().to_vec();
        let done: BTreeSet<_> = self
            .begun
            .iter()
            .flat_map(|key| {
                let undo = view.instance(*key).unwrap().undo();
                undo.iter().enumerate().map(|(at, effect)| (key.undo(u16::try_from(at).unwrap()), effect.state()))
            })
            .filter(|(_, state)| matches!(state, EffectState::Done | EffectState::Skipped))
            .map(|(key, _)| key)
            .collect();
        self.undone.retain(|key| done.contains(key));
        assert_eq!(self.undone.len(), done.len(), "what was undone is remembered: {:?}", plan.parts().name);
    }

    fn note_undone(&mut self, plan: &Plan, view: &RunView, effect: &EffectId) {
        if matches!(effect.role, Role::Undo(_)) {
            let key = view.key(plan, effect).unwrap();
            assert!(!self.undone.contains(&key), "{effect} is undone twice");
            self.undone.push(key);
        }
    }

    /// No effect starts before its needs.
    fn starts(&mut self, plan: &Plan, view: &RunView, effect: &EffectId) {
        self.came(&Intent::Effect(effect.clone()));
        let key = view.key(plan, effect).unwrap();
        let unit = plan.unit(key.unit).unwrap();
        if matches!(effect.role, Role::Undo(_)) {
            assert_eq!(view.running().count(), 0, "{effect} undoes while something runs");
            return;
        }
        if effect.role == Role::Monitor {
            Self::watches(plan, view, key);
            return;
        }
        if effect.role == Role::Do && !self.begun.contains(&key) {
            self.begun.push(key);
        }
        if unit.phase != Phase::Step {
            // A guard speaks for itself: what it uses was answered when all checks were.
            for used in unit.uses.iter().filter(|_| view.mode() != Mode::Stepping) {
                let state = view.unit(*used).unwrap().whole().effect().state();
                assert_eq!(state, EffectState::Done, "{effect} starts without what it uses");
            }
            let guards = unit.phase == Phase::Check && view.mode() == Mode::Stepping;
            if guards || view.session().unwrap().opened.session > 1 {
                // What was answered once is asked again on its own.
                return;
            }
        }
        let failed: BTreeSet<_> = view.failed().map(|key| key.unit).collect();
        let settled = |ix: UnitIx| {
            let at_end = view.unit(ix).unwrap().whole().effect().state().is_settled();
            assert!(at_end, "{effect} starts before `{}`", plan.unit(ix).unwrap().id);
            assert!(
                !failed.contains(&ix) || plan.unit(ix).unwrap().phase == unit.phase && unit.phase != Phase::Step,
                "{effect} starts after a failure"
            );
        };
        match &unit.needs {
            Needs::These(needs) => needs.iter().copied().for_each(settled),
            Needs::Earlier => plan.phase(unit.phase).iter().copied().take_while(|ix| *ix < key.unit).for_each(settled),
        }
        for phase in [Phase::Check, Phase::Step, Phase::Verify].into_iter().filter(|phase| *phase < unit.phase) {
            plan.phase(phase).iter().copied().for_each(settled_unless_guard(plan, view, unit.phase, &settled));
        }
        if unit.phase == Phase::Step {
            assert!(self.failed_checks.is_empty(), "{effect} starts after a failed check");
        }
    }

    /// A monitor watches only forwards, from the end of one step to the beginning of another.
    fn watches(plan: &Plan, view: &RunView, key: EffectKey) {
        assert!(matches!(view.mode(), Mode::Stepping | Mode::Verifying), "a monitor watches in {:?}", view.mode());
        let watch = plan.unit(key.unit).unwrap().watch.unwrap();
        let state = |ix: UnitIx| view.unit(ix).unwrap().whole().effect().state();
        assert!(watch.from.is_none_or(|from| state(from).is_settled()), "a monitor watches too early");
        let waits = |state| matches!(state, EffectState::Waiting | EffectState::Ready | EffectState::Admitted);
        assert!(watch.until.is_none_or(|until| waits(state(until))), "a monitor watches too late");
    }

    /// No step truly runs while a monitor that ends before it still watches; `watches` says whether one does and was not told to end.
    pub(crate) fn unwatched(plan: &Plan, key: EffectKey, watches: &dyn Fn(UnitIx) -> bool) {
        let step = key.undo.is_none() && plan.unit(key.unit).unwrap().phase == Phase::Step;
        for monitor in plan.phase(Phase::Monitor).iter().filter(|_| step) {
            let watch = plan.unit(*monitor).unwrap().watch.unwrap();
            assert!(watch.until != Some(key.unit) || !watches(*monitor), "{key:?} begins while it is watched");
        }
        if key.undo.is_some() {
            assert!(!plan.phase(Phase::Monitor).iter().any(|monitor| watches(*monitor)), "{key:?} is undone while something watches");
        }
    }

    /// An effect truly runs; `repeats` says whether the journal has the last attempt as a whole that is to be repeated.
    pub(crate) fn runs(plan: &Plan, key: EffectKey, repeats: bool, world: &mut World, rng: &mut Rng) {
        let unit = plan.unit(key.unit).unwrap();
        let class = key.undo.map_or(unit.class, |action| unit.undo()[usize::from(action)].class);
        let thing = world.thing(key, rng);
        if class.effect == Effect::Once && !thing.allowed && !repeats {
            assert!(thing.truth == Truth::Nothing, "the Once action of `{}` ({key:?}) runs twice, and no person said so", unit.id);
        }
        assert!(!thing.moving || !class.changes(), "`{}` ({key:?}) runs while it still works", unit.id);
        if key.undo.is_some() {
            assert!(!world.things.values().any(|t| t.moving), "`{}` ({key:?}) undoes while something still works", unit.id);
        }
        world.begin(key, rng);
    }

    /// The laws of a run's end.
    pub(crate) fn check_end(&self, plan: &Plan, view: &RunView, world: &World, end: RunEnd) {
        let changed = |key: &EffectKey| world.things.get(key).is_some_and(Thing::changed);
        match end {
            RunEnd::ChecksFailed | RunEnd::ChecksPassed => assert!(self.begun.is_empty(), "steps were begun"),
            RunEnd::Refused => assert!(!self.begun.iter().any(changed), "something was changed"),
            RunEnd::RolledBack | RunEnd::NeedsPerson { why: PersonNeeded::Barrier } => self.check_undone(plan, view, &changed, end),
            RunEnd::Done
            | RunEnd::Failed
            | RunEnd::NeedsPerson { .. }
            | RunEnd::WaitingForPerson
            | RunEnd::Stopped { .. }
            | RunEnd::LockLost
            | RunEnd::Abandoned => {}
        }
    }

    /// Everything that was begun and changed something is undone exactly once and in reverse, or stands behind a barrier.
    fn check_undone(&self, plan: &Plan, view: &RunView, changed: &impl Fn(&EffectKey) -> bool, end: RunEnd) {
        let barrier = view.rollback().unwrap().extent().barrier;
        assert_eq!(barrier.is_some(), end != RunEnd::RolledBack);
        let position: BTreeMap<_, _> = self.begun.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        let first = barrier.map_or(0, |key| position[&key] + 1);
        if barrier.is_none() {
            for key in self.begun.iter().filter(|key| changed(key)) {
                let fate = &plan.unit(key.unit).unwrap().fate;
                assert!(!matches!(fate, PlanFate::Irreversible(_)), "{key:?} cannot be undone");
            }
        }
        for key in self.begun.iter().skip(first).filter(|key| changed(key)) {
            let unit = undone_with(plan, key.unit);
            let actions = u16::try_from(plan.unit(unit).unwrap().undo().len()).unwrap();
            let those = self.begun.iter().skip(first).filter(|other| if unit == key.unit { *other == key } else { other.unit == unit });
            for undo in those.flat_map(|other| (0..actions).map(|action| other.undo(action))) {
                assert!(self.undone.contains(&undo), "{undo:?} was not undone, for {key:?}");
            }
        }
        let order: Vec<_> = self.undone.iter().map(|key| (std::cmp::Reverse(position[&key.forward()]), key.undo)).collect();
        assert!(order.is_sorted(), "undone in another order: {:?}", self.undone);
        assert!(self.undone.iter().all(|key| position[&key.forward()] >= first), "something behind the barrier was undone");
    }

    /// A fold of parts is the fold of the whole, through a snapshot and out of it.
    pub(crate) fn check_folds(plan: &Plan, view: &RunView, journal: &[Stamped], rng: &mut Rng) {
        let cut = rng.below(journal.len() + 1);
        let mut folded = RunView::new(plan);
        for (at, stamped) in journal.iter().enumerate() {
            if at == cut && rng.percent(20) {
                let text = serde_json::to_string(&folded).unwrap();
                folded = serde_json::from_str(&text).unwrap();
            }
            folded.apply(plan, stamped).unwrap();
        }
        assert_eq!(&folded, view, "cut at {cut}");
    }
}

/// The unit with whose undo a unit's change goes away: its own, or that of the step that covers it.
fn undone_with(plan: &Plan, mut unit: UnitIx) -> UnitIx {
    while let PlanFate::CoveredBy(cover) = plan.unit(unit).unwrap().fate {
        unit = cover;
    }
    unit
}

/// Units of earlier phases are settled; a check may be asked again as a guard.
fn settled_unless_guard<'a>(plan: &'a Plan, view: &'a RunView, phase: Phase, settled: &'a impl Fn(UnitIx)) -> impl Fn(UnitIx) + 'a {
    move |ix| {
        let guard = plan.unit(ix).unwrap().phase == Phase::Check && phase == Phase::Step;
        let asked_again = guard && !view.unit(ix).unwrap().whole().effect().state().is_settled();
        if !asked_again {
            settled(ix);
        }
    }
}
