//! The view of a run: its parts, and what can be asked of it.

use serde::{Deserialize, Serialize};

use super::intents::Intents;
use super::{Clock, EffectKey, EffectView, Flow, Instance, Rollback, UnitView};
use crate::action::CancelKind;
use crate::decide::Command;
use crate::effect::{EffectId, Place, Role, UnitIx};
use crate::plan::Plan;
use crate::record::{Asked, RunClosed, RunEnd, RunOpened, SessionOpened, StopRequested, Subject};
use crate::runbook::Phase;

/// The version of a snapshot's format. Only its own can be read: a view can always be folded anew from the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
struct Version;

impl Version {
    const NUMBER: u32 = 1;
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        Version::NUMBER
    }
}

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if number == Self::NUMBER {
            Ok(Self)
        } else {
            Err(format!("the snapshot has version {number}, this program reads {}", Self::NUMBER))
        }
    }
}

/// A record that cannot follow what has happened; the view is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} cannot follow: {why}")]
pub struct Impossible {
    /// The record's number.
    pub seq: u64,
    /// A fragment in lower case.
    pub why: String,
}

/// A session as it was opened and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// Who, where, what for.
    pub opened: SessionOpened,
    /// The last signal.
    pub stop: Option<StopRequested>,
    /// Whether a question found nobody to answer it.
    pub nobody: bool,
    /// How a person wants it to end.
    pub wish: Option<RunEnd>,
    /// Whether a person wants the rollback.
    pub(crate) roll_back: bool,
    /// Whether a person wants to be asked no more before every step.
    pub(crate) step_all: bool,
    /// How it ended; none while it goes on, and where it broke off.
    pub ended: Option<RunEnd>,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing has happened.
    New,
    /// Checks are asked.
    Checking,
    /// Steps are done.
    Stepping,
    /// Verifies are asked.
    Verifying,
    /// Everything that was begun is undone.
    RollingBack,
}

/// What has happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    version: Version,
    pub(super) seq: u64,
    pub(super) clock: Clock,
    pub(super) opened: Option<Box<RunOpened>>,
    /// Whether the records so far were written by another plan than the one they are read by.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) foreign: bool,
    pub(super) session: Option<Box<SessionView>>,
    pub(super) units: Vec<UnitView>,
    pub(super) flow: Flow,
    pub(super) questions: Vec<Asked>,
    /// What was said to the question before the start.
    pub(super) start: Option<bool>,
    pub(super) rollback: Option<Box<Rollback>>,
    pub(super) closed: Option<RunClosed>,
    #[serde(skip)]
    pub(super) intents: Intents,
}

impl RunView {
    /// Nothing has happened.
    pub fn new(plan: &Plan) -> Self {
        Self {
            version: Version,
            seq: 0,
            clock: Clock::default(),
            opened: None,
            foreign: false,
            session: None,
            units: vec![UnitView::default(); plan.units().len()],
            flow: Flow::default(),
            questions: Vec::new(),
            start: None,
            rollback: None,
            closed: None,
            intents: Intents::default(),
        }
    }

    /// The number of the last record; 0 where there is none.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The time of the last record.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether the run was opened, or last mended, with another plan than the one that its records are read by.
    pub const fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// The run's first record, with the runbook and the plan of the last change.
    pub fn opened(&self) -> Option<&RunOpened> {
        self.opened.as_deref()
    }

    /// The last session, whether it goes on or not.
    pub fn session(&self) -> Option<&SessionView> {
        self.session.as_deref()
    }

    /// How the run was closed; none while something is left that could be done.
    pub const fn closed(&self) -> Option<&RunClosed> {
        self.closed.as_ref()
    }

    /// What the run is doing, or was when its last session ended.
    pub fn mode(&self) -> Mode {
        match (&self.rollback, self.flow.frontier.phase()) {
            (Some(_), _) => Mode::RollingBack,
            (None, None) => Mode::New,
            (None, Some(Phase::Check)) => Mode::Checking,
            (None, Some(Phase::Step)) => Mode::Stepping,
            (None, Some(Phase::Verify | Phase::Monitor)) => Mode::Verifying,
        }
    }

    /// Where a unit stands.
    pub fn unit(&self, unit: UnitIx) -> Option<&UnitView> {
        self.units.get(unit.get())
    }

    /// Where all units stand, in the order of the plan.
    pub fn units(&self) -> &[UnitView] {
        &self.units
    }

    /// A unit or an item.
    pub fn instance(&self, key: EffectKey) -> Option<&Instance> {
        self.units.get(key.unit.get())?.get(key.item)
    }

    /// An effect.
    pub fn effect(&self, key: EffectKey) -> Option<&EffectView> {
        let instance = self.instance(key)?;
        match key.undo {
            None => Some(&instance.effect),
            Some(action) => instance.undo.get(usize::from(action)),
        }
    }

    /// What runs or is being recovered, as recorded; monitors apart.
    pub fn running(&self) -> impl Iterator<Item = EffectKey> + '_ {
        self.flow.running.iter().copied()
    }

    /// The failures that stand in the way, checks and verifies included.
    pub fn failed(&self) -> impl Iterator<Item = EffectKey> + '_ {
        self.flow.failed.iter().copied()
    }

    /// How many failures were let pass (`on_failure = "continue"`, or a person).
    pub const fn passed_failures(&self) -> u32 {
        self.flow.passed
    }

    /// What is in doubt: not yet looked at, or looked at without an answer.
    pub fn in_doubt(&self) -> impl Iterator<Item = EffectKey> + '_ {
        self.flow.doubts.iter().chain(&self.flow.unsure).copied()
    }

    /// Steps and items in the order in which they began.
    pub fn begun(&self) -> &[EffectKey] {
        &self.flow.begun
    }

    /// Whether a step changed something, or may have, and it has not been undone.
    pub fn has_changes(&self) -> bool {
        self.flow.begun.iter().any(|key| self.instance(*key).is_some_and(|i| i.effect.may_have_changed() && !i.is_undone()))
    }

    /// The questions that are open.
    pub fn questions(&self) -> &[Asked] {
        &self.questions
    }

    /// The rollback, once it has begun.
    pub fn rollback(&self) -> Option<&Rollback> {
        self.rollback.as_deref()
    }

    /// The key of an effect by its name; none where the plan or the view has no such effect.
    pub fn key(&self, plan: &Plan, effect: &EffectId) -> Option<EffectKey> {
        self.key_of(plan, &effect.path, effect.role)
    }

    pub(crate) fn key_of(&self, plan: &Plan, path: &[Place], role: Role) -> Option<EffectKey> {
        let [place] = path else { return None };
        let unit = plan.find(&place.step)?;
        let planned = plan.unit(unit)?;
        let item = match &place.item {
            None => None,
            Some(key) => Some(*self.units.get(unit.get())?.keys.get(key)?),
        };
        let undo = match role {
            Role::Undo(action) if usize::from(action) < planned.undo().len() => Some(action),
            role if role == planned.role() => None,
            Role::Check | Role::Do | Role::Undo(_) | Role::Verify | Role::Monitor => return None,
        };
        Some(EffectKey { unit, item, undo })
    }

    /// The path of an effect.
    pub fn path(&self, plan: &Plan, key: EffectKey) -> Option<Vec<Place>> {
        let step = plan.unit(key.unit)?.id.clone();
        let item = self.instance(key)?.item.as_ref().map(|item| item.key.clone());
        Some(vec![Place { step, item }])
    }

    /// The name of an attempt of an effect.
    pub fn name(&self, plan: &Plan, key: EffectKey, attempt: u32) -> Option<EffectId> {
        let role = match key.undo {
            Some(action) => Role::Undo(action),
            None => plan.unit(key.unit)?.role(),
        };
        Some(EffectId { path: self.path(plan, key)?, role, attempt })
    }

    /// Whether the session was told to end.
    pub(crate) const fn is_ending(&self) -> bool {
        self.intents.ending
    }

    /// Whether an effect was commanded something that its state does not show yet.
    pub(crate) fn is_pending(&self, key: EffectKey) -> bool {
        self.intents.pending.contains(&key)
    }

    /// What runs, is being recovered, or was told to, monitors apart: what must end before anything else can be decided about it.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = EffectKey> + '_ {
        let waiting = self.intents.flight.difference(&self.flow.running);
        self.flow.running.iter().chain(waiting).copied()
    }

    /// How urgently an effect was told to end.
    pub(crate) fn cancelled(&self, key: EffectKey) -> Option<CancelKind> {
        self.intents.cancelled.get(&key).copied()
    }

    /// Whether a question was put in this session and not answered.
    pub(crate) fn is_asked(&self, subject: &Subject) -> bool {
        self.intents.asked.contains(subject) || self.questions.iter().any(|open| open.subject == *subject)
    }

    /// Open questions that were not taken back; an action's own are its own.
    pub(crate) fn open_questions(&self) -> impl Iterator<Item = &Subject> {
        let put = self.intents.asked.iter().filter(|s| !self.questions.iter().any(|open| open.subject == **s));
        let open = self.questions.iter().map(|open| &open.subject).chain(put);
        open.filter(|s| !matches!(s, Subject::Action { .. }) && !self.intents.withdrawn.contains(*s))
    }

    pub(crate) const fn flow(&self) -> &Flow {
        &self.flow
    }

    pub(crate) const fn start_answer(&self) -> Option<bool> {
        self.start
    }

    /// Notes that a command is about to be carried out, so that `decide` does not ask for it again.
    pub fn issue(&mut self, plan: &Plan, command: &Command) {
        let intents = &mut self.intents;
        match command {
            Command::Write(_) => {}
            Command::Ask(ask) => {
                intents.asked.insert(ask.subject.clone());
            }
            Command::Withdraw(subject) => {
                intents.withdrawn.insert(subject.clone());
            }
            Command::EndSession(_) => intents.ending = true,
            Command::Expand(expand) => self.intend(plan, &expand.effect, false),
            Command::Admit(admit) => self.intend(plan, &admit.effect, false),
            Command::Wake { effect, .. } => self.intend(plan, effect, false),
            Command::Start(start) if start.effect.role == Role::Monitor => {
                if let Some(key) = self.key(plan, &start.effect) {
                    self.intents.pending.insert(key);
                    self.intents.watching.insert(key);
                }
            }
            Command::Start(start) => self.intend(plan, &start.effect, true),
            Command::Recover(recover) => self.intend(plan, &recover.effect, true),
            Command::Cancel { effect, kind } => {
                if let Some(key) = self.key(plan, effect) {
                    self.intents.cancelled.insert(key, *kind);
                }
            }
        }
    }

    fn intend(&mut self, plan: &Plan, effect: &EffectId, flies: bool) {
        let Some(key) = self.key(plan, effect) else { return };
        self.intents.pending.insert(key);
        if flies {
            self.intents.flight.insert(key);
        }
    }
}
