//! A run's records as the few things that people want to be told, in their order.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use runbook_core::action::{CancelKind, Failure, Outcome, Verdict};
use runbook_core::call::is_mark;
use runbook_core::effect::{EffectId, Place, Role};
use runbook_core::plan::{FailurePolicy, Plan, PlanUnit};
use runbook_core::record::{
    self, Answered, Ended, Expectation, Intent, Record, RecoveryCause, RunEnd, SkipReason, Stamped, Tally, Watched,
};

use crate::answers::word;
use crate::text::count;

/// Which part of a run something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Before the first change.
    Checks,
    /// The changes.
    Steps,
    /// Taking them back.
    Rollback,
    /// After the last change.
    Verification,
    /// Beside the changes.
    Monitors,
}

impl Part {
    pub(crate) const fn of(role: Role) -> Self {
        match role {
            Role::Check => Self::Checks,
            Role::Do => Self::Steps,
            Role::Monitor => Self::Monitors,
            Role::Undo(_) => Self::Rollback,
            Role::Verify => Self::Verification,
        }
    }

    /// As a heading.
    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Checks => "Checks",
            Self::Steps => "Steps",
            Self::Rollback => "Rolling back",
            Self::Verification => "Verification",
            Self::Monitors => "Monitors",
        }
    }

    /// As one word before an id.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Checks => "check",
            Self::Steps => "step",
            Self::Rollback => "undo",
            Self::Verification => "verify",
            Self::Monitors => "monitor",
        }
    }
}

/// Which check, step, undo, verify or monitor something is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) part: Part,
    /// `restore`, `copy[a]`.
    pub(crate) id: String,
    /// What a person calls it.
    pub(crate) title: String,
}

/// How something ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// As it should; whether something is different now.
    Done { changed: bool },
    /// It was found done already, after its end had been lost.
    FoundDone,
    /// It failed.
    Failed(Failure),
    /// It was ended because the run was asked to stop.
    Cancelled,
    /// Nobody can say.
    InDoubt { why: String },
    /// It was not done after all.
    NotDone,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Telling {
    /// The run exists.
    Opened { run: String, name: String, title: Option<String> },
    /// Another session of the run begins, forwards or back.
    Session { by: String, host: String, back: bool },
    /// The run goes on with a mended runbook.
    Amended { file: String },
    /// A question was answered.
    Answered { about: String, reply: &'static str, by: String },
    /// Something begins.
    Began(Subject),
    /// Something ended.
    Ended { subject: Subject, ending: Ending, took: Option<Duration>, tries: u32, warnings: Vec<String>, expectations: Vec<Expectation> },
    /// A monitor's verdict became another, or it tripped.
    Watched { subject: Subject, failure: Option<String>, in_a_row: u64, tripped: bool },
    /// A monitor watches no more, and had not tripped for good.
    WatchedOut { subject: Subject, tally: Tally },
    /// Something is not done.
    Skipped { subject: Subject, why: String },
    /// Again, after a pause.
    Again { subject: Subject, attempt: u32, after: Duration },
    /// What an earlier session left is looked at.
    LookingAgain { subject: Subject, why: &'static str },
    /// A signal arrived.
    Stopping { signal: i32, at_once: bool },
    /// A lock is not had any more.
    LostLock { what: String },
    /// From here on everything is undone.
    RollingBack { steps: u32, barrier: Option<String> },
    /// A session ended.
    Over(RunEnd),
}

/// The fold.
pub(crate) struct Story {
    plan: Option<Arc<Plan>>,
    started: BTreeMap<EffectId, u64>,
    /// What monitors found so far.
    watched: BTreeMap<EffectId, Watched>,
}

impl Story {
    /// With a plan, for the titles.
    pub(crate) fn new(plan: Option<Arc<Plan>>) -> Self {
        Self { plan, started: BTreeMap::new(), watched: BTreeMap::new() }
    }

    /// What a record tells; many tell nothing that a person would want to know.
    pub(crate) fn tell(&mut self, stamped: &Stamped) -> Option<Telling> {
        match &stamped.record {
            Record::RunOpened(opened) => Some(Telling::Opened {
                run: opened.run.clone(),
                name: opened.runbook.name.clone(),
                title: self.plan.as_ref().and_then(|plan| plan.parts().title.clone()).or_else(|| opened.runbook.title.clone()),
            }),
            Record::Started(started) => {
                self.started.insert(started.effect.clone(), stamped.up_us);
                Some(Telling::Began(self.subject(&started.effect)))
            }
            Record::Watched(watched) => self.seen(watched),
            Record::Ended(ended) => Some(self.ended(ended, stamped.up_us)),
            Record::Skipped(skipped) => {
                Some(Telling::Skipped { subject: self.subject_at(&skipped.path, skipped.role), why: why_skipped(&skipped.why) })
            }
            Record::RetryScheduled(retry) => {
                Some(Telling::Again { subject: self.subject(&retry.effect), attempt: retry.effect.attempt, after: retry.after })
            }
            Record::RecoveryStarted(recovery) => {
                Some(Telling::LookingAgain { subject: self.subject(&recovery.effect), why: why_again(recovery.cause) })
            }
            Record::Recovered(recovered) => {
                let ending = match &recovered.verdict {
                    Verdict::Done { .. } => Ending::FoundDone,
                    Verdict::NotDone => Ending::NotDone,
                    Verdict::Partial { why } | Verdict::Unknown { why } => Ending::InDoubt { why: why.clone() },
                };
                let subject = self.subject(&recovered.effect);
                Some(Telling::Ended {
                    subject,
                    ending,
                    took: None,
                    tries: 1,
                    warnings: Vec::new(),
                    expectations: recovered.expectations.clone(),
                })
            }
            Record::StopRequested(stop) => Some(match &stop.lost_lock {
                Some(what) => Telling::LostLock { what: what.clone() },
                None => Telling::Stopping { signal: stop.signal, at_once: stop.kind == CancelKind::Kill },
            }),
            Record::RollbackBegan(rollback) => {
                let barrier = rollback.barrier.as_ref().map(|path| id(path));
                Some(Telling::RollingBack { steps: rollback.undo, barrier })
            }
            Record::SessionEnded(session) => Some(Telling::Over(session.end)),
            Record::SessionOpened(session) if session.session > 1 => {
                Some(Telling::Session { by: session.user.clone(), host: session.host.clone(), back: session.intent == Intent::RollBack })
            }
            Record::Amended(amended) => Some(Telling::Amended { file: amended.runbook.path.clone() }),
            Record::Answered(answered) => said(answered),
            Record::SessionOpened(_)
            | Record::Expanded(_)
            | Record::Admitted(_)
            | Record::Asked(_)
            | Record::Evidence(_)
            | Record::TimerFired(_)
            | Record::CancelRequested(_)
            | Record::RunClosed(_) => None,
        }
    }

    /// What a monitor found, where that is something new. That all is well from the start need not be told.
    fn seen(&mut self, watched: &Watched) -> Option<Telling> {
        let before = self.watched.insert(watched.effect.clone(), watched.clone());
        let is_news = before.map_or(!watched.holds, |before| before.holds != watched.holds) || watched.tripped;
        // Where a trip is its end, that tells of it.
        let ends = watched.tripped && self.unit(&watched.effect.path).is_some_and(|unit| unit.on_failure != FailurePolicy::Continue);
        let failure = (!watched.holds).then(|| watched.failure.as_ref().map_or_else(String::new, |failure| failure.message.clone()));
        let (in_a_row, tripped) = (watched.tally.in_a_row, watched.tripped);
        (is_news && !ends).then(|| Telling::Watched { subject: self.subject(&watched.effect), failure, in_a_row, tripped })
    }

    fn ended(&mut self, ended: &Ended, up_us: u64) -> Telling {
        if let (Role::Monitor, Outcome::Succeeded { .. } | Outcome::Cancelled { .. }) = (ended.effect.role, &ended.outcome) {
            let tally = self.watched.get(&ended.effect).map(|watched| watched.tally).unwrap_or_default();
            return Telling::WatchedOut { subject: self.subject(&ended.effect), tally };
        }
        let took = self.started.remove(&ended.effect).map(|since| Duration::from_micros(up_us.saturating_sub(since)));
        // The beginning and the end of a call have nothing to change.
        let is_mark = self.unit(&ended.effect.path).is_some_and(|unit| is_mark(&unit.action));
        let ending = match &ended.outcome {
            Outcome::Succeeded { changed, .. } => Ending::Done { changed: *changed || is_mark },
            Outcome::Failed { failure, .. } => Ending::Failed(failure.clone()),
            Outcome::Cancelled { .. } => Ending::Cancelled,
        };
        Telling::Ended {
            subject: self.subject(&ended.effect),
            ending,
            took,
            tries: ended.tries,
            warnings: ended.warnings.clone(),
            expectations: ended.expectations.clone(),
        }
    }

    /// Since the effect began, by the clock of the last record; for what still runs.
    pub(crate) fn subject(&self, effect: &EffectId) -> Subject {
        self.subject_at(&effect.path, effect.role)
    }

    fn unit(&self, path: &[Place]) -> Option<&PlanUnit> {
        let plan = self.plan.as_ref()?;
        plan.unit(plan.find(&path.last()?.step)?)
    }

    fn subject_at(&self, path: &[Place], role: Role) -> Subject {
        let id = id(path);
        let unit = self.unit(path);
        let own = unit.and_then(|unit| unit.title.clone());
        let title = match role {
            Role::Undo(number) => unit
                .and_then(|unit| unit.undo().get(usize::from(number)))
                .and_then(|undo| undo.title.clone())
                .or_else(|| own.map(|title| format!("Take back: {title}"))),
            Role::Check | Role::Do | Role::Verify | Role::Monitor => own,
        };
        Subject { part: Part::of(role), title: title.unwrap_or_else(|| id.clone()), id }
    }
}

/// `restore`, `copy[a]`.
pub(crate) fn id(path: &[Place]) -> String {
    let mut text = String::new();
    for place in path {
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str(&place.step);
        if let Some(item) = &place.item {
            text.push('[');
            text.push_str(item);
            text.push(']');
        }
    }
    text
}

/// An effect as a question names it: which attempt it is does not matter to whoever answers.
pub(crate) fn named(effect: &EffectId) -> String {
    let id = id(&effect.path);
    match effect.role {
        Role::Undo(_) => format!("the undo of `{id}`"),
        Role::Check | Role::Do | Role::Verify | Role::Monitor => format!("`{id}`"),
    }
}

/// What a person said, where it was a word; what was typed as a text may be long.
fn said(answered: &Answered) -> Option<Telling> {
    let about = match &answered.subject {
        record::Subject::Start => "the start".to_owned(),
        record::Subject::Confirm { path } | record::Subject::Step { path } => format!("`{}`", id(path)),
        record::Subject::InDoubt { effect } | record::Subject::Failed { effect } | record::Subject::Action { effect } => named(effect),
    };
    Some(Telling::Answered { about, reply: word(&answered.reply)?, by: answered.by.clone() })
}

fn why_skipped(why: &SkipReason) -> String {
    match why {
        SkipReason::When { text, .. } => format!("`{text}` does not hold"),
        SkipReason::NotSelected { option } => format!("`{option}` leaves it out"),
        SkipReason::NeedsFailed { needs } => format!("it needs `{needs}`"),
    }
}

const fn why_again(cause: RecoveryCause) -> &'static str {
    match cause {
        RecoveryCause::Crash => "its run broke off",
        RecoveryCause::Cancelled => "it was stopped in the middle",
        RecoveryCause::Uncertain => "its end is not known",
        RecoveryCause::Retry => "it failed and may be repeated only if it was not done",
        RecoveryCause::Resume => "the run goes on here",
    }
}

/// `3 tries`; of a monitor `3 probes`. Nothing where it was one.
pub(super) fn tries(part: Part, tries: u32) -> Option<String> {
    match part {
        Part::Monitors => Some(count(tries as usize, "probe")),
        Part::Checks | Part::Steps | Part::Rollback | Part::Verification => (tries > 1).then(|| format!("{tries} tries")),
    }
}

/// `120 probes, 3 failed, tripped 1 time`.
pub(crate) fn probes(tally: Tally) -> String {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut text = count(number(tally.probes), "probe");
    if tally.failed > 0 {
        let _ = write!(text, ", {} failed", tally.failed);
    }
    if tally.trips > 0 {
        let _ = write!(text, ", tripped {}", count(number(tally.trips), "time"));
    }
    text
}

/// `15:04:05`, UTC.
pub(crate) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}
