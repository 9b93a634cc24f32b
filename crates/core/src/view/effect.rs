//! One effect's life, over all its attempts: the table of transitions.
//!
//! | from | record | to |
//! |---|---|---|
//! | `Waiting` | (its needs are settled) | `Ready`, or `Admitted` where it has no `when` |
//! | `Ready` | `admitted` | `Admitted` |
//! | `Ready`, `Admitted` | `skipped` | `Skipped` |
//! | `Admitted` | `started` | `Running` |
//! | `Ready`, `Admitted`, `Running` | `ended` | see [`EffectView::end`] |
//! | `RetryDue` | `retry scheduled` | `Pausing` |
//! | `Pausing` | `timer fired` | `Admitted` |
//! | `Doubt` | `recovery started` | `Recovering` |
//! | `Recovering` | `recovered` | see [`EffectView::recover`] |
//! | `Unsure` | `answered` | `Done`, `Admitted` or `Failed` |
//! | `Failed` | `answered` (retry) | `Admitted` |
//! | any but a settled one | `session opened` | see [`EffectView::reopen`] |
//!
//! Everything else is impossible.

mod state;
mod watch;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use state::EffectState;

use super::{EffectReport, Moment, RunTime};
use crate::action::{Class, Effect, Failure, FailureKind, Outcome, Residue, Settled, Verdict};
use crate::plan::FailurePolicy;
use crate::record::{Ended, Recovered, RecoveryCause, SkipReason, Started, judge, repeat_is_over};
use crate::runbook::Retry;

/// What the rules of an effect are; they come from the plan and from the session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// How it may be treated.
    pub(crate) class: Class,
    /// Its budget; one attempt for what the engine polls.
    pub(crate) retry: Retry,
    /// How it is repeated, where it has a `repeat_until`.
    pub(crate) repeat: Option<Retry>,
    /// What becomes of its failure in this session.
    pub(crate) policy: FailurePolicy,
    /// Whether the session was opened to undo everything: what is in doubt and at rest is undone, nobody need be asked.
    pub(crate) undoing: bool,
    /// Whether a stop or a cancellation was asked for.
    pub(crate) cancelled: bool,
}

/// How often an effect was done as a whole: more than once with `repeat_until` only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Times {
    /// In all.
    all: u32,
    /// Those that count against the budget of `repeat`.
    spent: u32,
    /// When the first of these began.
    from: Option<RunTime>,
    /// Whether the last attempt was one, and what comes next, if anything, is another time.
    again: bool,
}

/// One effect, over all its attempts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EffectView {
    state: EffectState,
    attempt: u32,
    admitted: bool,
    /// Attempts that count against the budget.
    spent: u32,
    /// When the first attempt of the budget began.
    budget_from: Option<RunTime>,
    /// How often it was done as a whole.
    #[serde(default)]
    times: Times,
    /// Whether an attempt before the last one changed something, or may have.
    touched: bool,
    /// Whether the last attempt changed something, or may have.
    open: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<Box<EffectReport>>,
}

impl EffectView {
    /// Where it stands.
    pub const fn state(&self) -> EffectState {
        self.state
    }

    /// The last attempt that began, or ended without having begun; 0 where there was none.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether it may have changed something in any of its attempts, as far as is known: not while it is certain that it did not.
    pub const fn may_have_changed(&self) -> bool {
        self.touched || self.open
    }

    /// What is known of its attempts: fields, what was found before, outcome, times; none before the first attempt.
    pub fn report(&self) -> Option<&EffectReport> {
        self.report.as_deref()
    }

    /// How often it was done as a whole so far; more than once with `repeat_until` only.
    pub const fn iterations(&self) -> u32 {
        self.times.all
    }

    /// Its needs are settled.
    pub(crate) fn arrive(&mut self, has_when: bool) {
        self.admitted = !has_when;
        self.state = self.entry();
    }

    const fn entry(&self) -> EffectState {
        if self.admitted { EffectState::Admitted } else { EffectState::Ready }
    }

    pub(crate) fn admit(&mut self) -> bool {
        let fits = self.state == EffectState::Ready;
        if fits {
            self.admitted = true;
            self.state = EffectState::Admitted;
        }
        fits
    }

    pub(crate) fn skip(&mut self, why: SkipReason) -> bool {
        let fits = matches!(self.state, EffectState::Ready | EffectState::Admitted);
        if fits {
            self.report.get_or_insert_default().skipped = Some(why);
            self.state = EffectState::Skipped;
        }
        fits
    }

    pub(crate) fn spread(&mut self) -> bool {
        let fits = self.state == EffectState::Admitted;
        if fits {
            self.state = EffectState::Spread;
        }
        fits
    }

    /// The end of a unit that was laid out into items.
    pub(crate) fn gather(&mut self, failed: bool) {
        self.state = if failed { EffectState::Failed } else { EffectState::Done };
    }

    /// A guard that was answered is asked again.
    pub(crate) fn ask_again(&mut self) {
        if matches!(self.state, EffectState::Done | EffectState::Failed | EffectState::Held | EffectState::Interrupted) {
            self.spent = 0;
            self.state = EffectState::Admitted;
        }
    }

    pub(crate) fn start(&mut self, started: &Started, now: Moment) -> bool {
        let fits = self.state == EffectState::Admitted && started.effect.attempt == self.attempt.saturating_add(1);
        if fits {
            self.attempt = started.effect.attempt;
            self.touched |= self.open;
            self.open = started.class.changes();
            self.times.again = false;
            self.budget_from.get_or_insert(now.run);
            self.times.from.get_or_insert(now.run);
            let touched = self.touched;
            self.report.get_or_insert_default().begin(started, now, touched);
            self.state = EffectState::Running;
        }
        fits
    }

    pub(crate) fn note(&mut self, evidence: &serde_json::Value) -> bool {
        let fits = self.state == EffectState::Running;
        if fits {
            self.report.get_or_insert_default().evidence.push(evidence.clone());
        }
        fits
    }

    /// An end: what it means depends on the outcome.
    ///
    /// | outcome | to |
    /// |---|---|
    /// | succeeded | `Done`; with a `repeat_until` that does not hold yet `RetryDue`, or `Failed` where its budget is spent |
    /// | cancelled by a stop, nothing left behind (or read-only) | `Interrupted` |
    /// | cancelled by a stop, something may be left behind | `Doubt` |
    /// | failed, a person is needed, nothing left behind | `Held` |
    /// | timed out or disconnected, something may be left behind | `Doubt` |
    /// | failed otherwise, retryable, budget left | `RetryDue`; for a Once action that may have left something `Doubt` |
    /// | failed otherwise | `Failed` |
    pub(crate) fn end(&mut self, ended: &Ended, rules: Rules, now: Moment) -> bool {
        let began = self.state == EffectState::Running;
        if !fits_end(self, ended) {
            return false;
        }
        if !began {
            self.attempt = ended.effect.attempt;
            self.touched |= self.open;
            self.open = false;
            self.times.again = false;
            self.budget_from.get_or_insert(now.run);
        }
        self.report.get_or_insert_default().finish(ended, now, began);
        self.open = began && rules.class.changes() && ended.outcome.may_have_changed();
        self.state = match &ended.outcome {
            Outcome::Succeeded { .. } => self.whole(repeat_is_over(&ended.expectations), rules, now.run),
            Outcome::Cancelled { .. } if rules.cancelled && !self.open => EffectState::Interrupted,
            Outcome::Cancelled { .. } if rules.cancelled => EffectState::Doubt { cause: RecoveryCause::Cancelled },
            // Nobody asked for it: a fault of the action, and no reason to try again.
            Outcome::Cancelled { .. } => EffectState::Failed,
            Outcome::Failed { failure, .. } => self.failed(failure, rules, now.run),
        };
        true
    }

    fn failed(&mut self, failure: &Failure, rules: Rules, now: RunTime) -> EffectState {
        match failure.kind {
            FailureKind::NeedsPerson if !self.open => EffectState::Held,
            FailureKind::TimedOut | FailureKind::Disconnected if self.open => {
                self.spent += 1;
                EffectState::Doubt { cause: RecoveryCause::Uncertain }
            }
            FailureKind::NeedsPerson
            | FailureKind::TimedOut
            | FailureKind::Disconnected
            | FailureKind::Invalid
            | FailureKind::Unreachable
            | FailureKind::Denied
            | FailureKind::NotFound
            | FailureKind::Conflict
            | FailureKind::Failed
            | FailureKind::Unexpected
            | FailureKind::Exhausted
            | FailureKind::Refused
            | FailureKind::Internal => {
                self.spent += 1;
                if !failure.retryable || self.pause(rules.retry, now).is_none() {
                    EffectState::Failed
                } else if self.blind(rules.class) {
                    EffectState::Doubt { cause: RecoveryCause::Retry }
                } else {
                    EffectState::RetryDue
                }
            }
        }
    }

    /// It was done as a whole. Where that must be repeated, it is done once more, with a budget of retries of its own; `over` is what `repeat_until` said.
    fn whole(&mut self, over: Option<bool>, rules: Rules, now: RunTime) -> EffectState {
        self.times.all = self.times.all.saturating_add(1);
        let Some(repeat) = rules.repeat.filter(|_| over != Some(true)) else { return EffectState::Done };
        self.times.spent = self.times.spent.saturating_add(1);
        self.times.again = true;
        self.spent = 0;
        self.budget_from = None;
        if self.repeat_pause(repeat, now).is_some() {
            return EffectState::RetryDue;
        }
        let changed = self.may_have_changed();
        let report = self.report.get_or_insert_default();
        if let Some(Outcome::Succeeded { outputs, .. }) = &report.outcome {
            let times = if self.times.all == 1 { "1 time".to_owned() } else { format!("{} times", self.times.all) };
            let failure = Failure::new(FailureKind::Unexpected, format!("its `repeat_until` does not hold after {times}"));
            let residue = if changed { Residue::Partial } else { Residue::None };
            report.outcome = Some(Outcome::Failed { failure: failure.field("repeat_until"), residue, outputs: outputs.clone() });
        }
        EffectState::Failed
    }

    /// The pause before the next time; none where the budget is spent.
    fn repeat_pause(&self, repeat: Retry, now: RunTime) -> Option<Duration> {
        let from = self.times.from.unwrap_or(now);
        let times_left = repeat.attempts.is_none_or(|most| self.times.spent < most);
        let in_time = repeat.within.is_none_or(|within| now.since(from).saturating_add(repeat.pause) < within);
        (times_left && in_time).then_some(repeat.pause)
    }

    /// Whether repeating it would be doing blindly what must not be done twice.
    const fn blind(&self, class: Class) -> bool {
        self.open && !self.times.again && matches!(class.effect, Effect::Once)
    }

    /// The pause before what is due.
    pub(crate) fn pause_due(&self, rules: Rules, now: RunTime) -> Duration {
        match rules.repeat {
            Some(repeat) if self.times.again => repeat.pause,
            Some(_) | None => self.pause(rules.retry, now).unwrap_or_default(),
        }
    }

    /// The pause before the next attempt; none where the budget is spent.
    pub(crate) fn pause(&self, retry: Retry, now: RunTime) -> Option<Duration> {
        let limited = retry.attempts.is_some() || retry.within.is_some();
        let attempts_left = retry.attempts.is_none_or(|most| self.spent < most);
        let pause = retry.pause.saturating_mul(retry.backoff.max(1).saturating_pow(self.spent.saturating_sub(1)));
        let from = self.budget_from.unwrap_or(now);
        let in_time = retry.within.is_none_or(|within| now.since(from).saturating_add(pause) < within);
        (limited && attempts_left && in_time).then_some(pause)
    }

    pub(crate) fn schedule(&mut self, after: Duration, now: RunTime) -> bool {
        let fits = self.state == EffectState::RetryDue;
        if fits {
            self.state = EffectState::Pausing { until: now.plus(after) };
        }
        fits
    }

    pub(crate) fn wake(&mut self) -> bool {
        let fits = matches!(self.state, EffectState::Pausing { .. });
        if fits {
            self.state = self.entry();
        }
        fits
    }

    pub(crate) fn recovery_starts(&mut self) -> bool {
        let EffectState::Doubt { cause } = self.state else { return false };
        self.state = EffectState::Recovering { cause };
        true
    }

    /// What became of an effect whose end was not known.
    ///
    /// | it is | the world says | to |
    /// |---|---|---|
    /// | still moving | | `Unsure` |
    /// | at rest | done | `Done`, or as a failed expectation where one does not hold |
    /// | at rest | not done | the session broke off, or is another: `Admitted`; else `RetryDue` or `Failed` by the budget |
    /// | at rest, may be repeated | partly, or nobody knows | the same, but it counts as a change |
    /// | at rest, Once | partly, or nobody knows | it failed by its own word, or its failure is rolled back or goes on: `Failed`; else `Unsure` |
    pub(crate) fn recover(&mut self, recovered: &Recovered, rules: Rules, now: Moment) -> bool {
        let EffectState::Recovering { cause } = self.state else { return false };
        self.report.get_or_insert_default().recovered(recovered, now);
        self.state = match (&recovered.settled, &recovered.verdict) {
            (Settled::Moving { .. }, _) => EffectState::Unsure { cause, moving: true },
            (Settled::AtRest, Verdict::Done { outputs, changed }) => {
                let changed = *changed && rules.class.changes();
                let outcome = judge(Outcome::Succeeded { outputs: outputs.clone(), changed }, &recovered.expectations);
                self.open = changed;
                self.report.get_or_insert_default().outcome = Some(outcome.clone());
                match &outcome {
                    Outcome::Succeeded { .. } | Outcome::Cancelled { .. } => {
                        self.whole(repeat_is_over(&recovered.expectations), rules, now.run)
                    }
                    Outcome::Failed { .. } if self.blind(rules.class) => EffectState::Failed,
                    Outcome::Failed { .. } => self.again_if_due(RecoveryCause::Retry, rules, now.run),
                }
            }
            (Settled::AtRest, Verdict::NotDone) => {
                self.open = false;
                self.again_if_due(cause, rules, now.run)
            }
            (Settled::AtRest, Verdict::Partial { .. } | Verdict::Unknown { .. }) => {
                self.open = rules.class.changes();
                if self.blind(rules.class) { Self::unknown(cause, rules) } else { self.again_if_due(cause, rules, now.run) }
            }
        };
        true
    }

    /// It may be repeated, if it is time to.
    fn again_if_due(&self, cause: RecoveryCause, rules: Rules, now: RunTime) -> EffectState {
        match cause {
            RecoveryCause::Crash | RecoveryCause::Cancelled | RecoveryCause::Resume => EffectState::Admitted,
            RecoveryCause::Uncertain | RecoveryCause::Retry => {
                if self.pause(rules.retry, now).is_some() {
                    EffectState::RetryDue
                } else {
                    EffectState::Failed
                }
            }
        }
    }

    /// It must not be repeated, and nobody knows whether it was done.
    const fn unknown(cause: RecoveryCause, rules: Rules) -> EffectState {
        match cause {
            RecoveryCause::Retry => EffectState::Failed,
            RecoveryCause::Crash | RecoveryCause::Cancelled | RecoveryCause::Resume if rules.undoing => EffectState::Failed,
            RecoveryCause::Uncertain if rules.undoing || matches!(rules.policy, FailurePolicy::Rollback | FailurePolicy::Continue) => {
                EffectState::Failed
            }
            RecoveryCause::Crash | RecoveryCause::Cancelled | RecoveryCause::Uncertain | RecoveryCause::Resume => {
                EffectState::Unsure { cause, moving: false }
            }
        }
    }

    /// A person says that it was done. Whether it must be repeated nobody said: one time too many finds nothing left to do.
    pub(crate) fn say_done(&mut self, rules: Rules, now: RunTime) -> bool {
        let fits = matches!(self.state, EffectState::Unsure { .. });
        if fits {
            let outputs = crate::action::Outputs::new();
            self.report.get_or_insert_default().outcome = Some(Outcome::changed(outputs));
            self.state = self.whole(None, rules, now);
        }
        fits
    }

    /// A person says that it was not done.
    pub(crate) fn say_not_done(&mut self) -> bool {
        let fits = matches!(self.state, EffectState::Unsure { .. });
        if fits {
            self.open = false;
            self.spent = 0;
            self.budget_from = None;
            self.state = EffectState::Admitted;
        }
        fits
    }

    /// Whether it is done or not, it is given up: a rollback will undo it.
    pub(crate) fn give_up(&mut self) -> bool {
        let fits = matches!(self.state, EffectState::Unsure { moving: false, .. });
        if fits {
            self.state = EffectState::Failed;
        }
        fits
    }

    /// A person says that a failed one is to be tried again.
    pub(crate) fn say_retry(&mut self) -> bool {
        let fits = self.state == EffectState::Failed;
        if fits {
            self.renew();
            self.state = self.entry();
        }
        fits
    }

    /// Budgets begin anew.
    const fn renew(&mut self) {
        self.spent = 0;
        self.budget_from = None;
        self.times.spent = 0;
        self.times.from = None;
    }

    /// A new session: nothing of the old one runs any more, and what it was about to do is done anew.
    ///
    /// | state | to |
    /// |---|---|
    /// | `Running`, `Recovering`, `Unsure`, `Doubt` | `Doubt`; a read-only one is simply done again |
    /// | `RetryDue`, `Pausing`, `Held`, `Interrupted` | as at first |
    /// | `Failed`, not to be gone on without (`again`) | as at first; a Once action that may have left something `Doubt` |
    pub(crate) fn reopen(&mut self, class: Class, again: bool) {
        self.state = match self.state {
            EffectState::Running if class.changes() => EffectState::Doubt { cause: RecoveryCause::Crash },
            EffectState::Recovering { cause } | EffectState::Unsure { cause, .. } | EffectState::Doubt { cause } => {
                let cause = match cause {
                    RecoveryCause::Crash | RecoveryCause::Cancelled => cause,
                    RecoveryCause::Uncertain | RecoveryCause::Retry | RecoveryCause::Resume => RecoveryCause::Resume,
                };
                EffectState::Doubt { cause }
            }
            EffectState::Running
            | EffectState::RetryDue
            | EffectState::Pausing { .. }
            | EffectState::Held
            | EffectState::Interrupted
            | EffectState::Ready
            | EffectState::Admitted => self.entry(),
            EffectState::Failed if again && self.blind(class) => EffectState::Doubt { cause: RecoveryCause::Resume },
            EffectState::Failed if again => self.entry(),
            EffectState::Waiting | EffectState::Spread | EffectState::Done | EffectState::Failed | EffectState::Skipped => return,
        };
        self.renew();
    }
}

/// Whether an end can follow: of the attempt that runs, or of the next one that never began.
fn fits_end(effect: &EffectView, ended: &Ended) -> bool {
    if effect.state == EffectState::Running {
        return ended.effect.attempt == effect.attempt;
    }
    let untouched =
        matches!(&ended.outcome, Outcome::Failed { residue: Residue::None, .. } | Outcome::Cancelled { residue: Residue::None });
    let ready = matches!(effect.state, EffectState::Ready | EffectState::Admitted);
    ready && untouched && ended.effect.attempt == effect.attempt.saturating_add(1)
}
