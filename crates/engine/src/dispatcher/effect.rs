//! The task that carries an effect out: capture, run within limits, poll, prove.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use runbook_core::action::{Action, Before, CancelKind, Context, Failure, FailureKind, Outcome, Residue, Stream};
use runbook_core::decide::Limits;
use runbook_core::digest::Digest;
use runbook_core::effect::{EffectId, UnitIx};
use runbook_core::record::{Expectation, OutputFile};
use runbook_core::runbook::{Retry, Runbook, Unit};
use runbook_core::scope::{Scope, Secrecy};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::expect::{self, Asked};
use super::happening::Happening;
use super::prepare::{self, Part};
use crate::context::EffectContext;
use crate::crash;

/// How long an action that timed out may take to end in good order before it is told to end at once.
const GRACE: Duration = Duration::from_secs(30);

/// How often a person is asked again because the proof does not hold. Only an automatic answer gets that far.
const PROOFS: u32 = 50;

/// Asks an effect to end: because the session stops, or because its time is over.
pub(super) struct Canceller {
    asked: watch::Sender<Option<CancelKind>>,
    stop: watch::Sender<Option<CancelKind>>,
}

impl Canceller {
    /// With what the effect's context listens to.
    pub(super) fn new() -> (Arc<Self>, watch::Receiver<Option<CancelKind>>) {
        let (asked, listen) = watch::channel(None);
        (Arc::new(Self { asked, stop: watch::Sender::new(None) }), listen)
    }

    /// The session wants it to end.
    pub(super) fn stop(&self, kind: CancelKind) {
        self.stop.send_modify(|stop| *stop = (*stop).max(Some(kind)));
        self.ask(kind);
    }

    pub(super) fn stopped(&self) -> Option<CancelKind> {
        *self.stop.borrow()
    }

    fn ask(&self, kind: CancelKind) {
        self.asked.send_modify(|asked| *asked = (*asked).max(Some(kind)));
    }

    /// A new try begins: that the last one timed out does not count any more.
    pub(super) fn renew(&self) {
        self.asked.send_replace(self.stopped());
    }

    pub(super) async fn until_stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender is in `self`, so this cannot fail.
        let _ = stop.wait_for(Option::is_some).await;
    }
}

/// Everything that an effect's task needs.
pub(super) struct Work {
    pub effect: EffectId,
    pub runbook: Arc<Runbook>,
    pub unit: UnitIx,
    pub action: Arc<dyn Action>,
    /// Its fields, secrets as references.
    pub fields: serde_json::Value,
    /// Of `fields`.
    pub render: Digest,
    pub cx: Arc<EffectContext>,
    pub canceller: Arc<Canceller>,
    pub limits: Limits,
    pub tell: mpsc::UnboundedSender<Happening>,
    /// The unit's own scope.
    pub scope: Scope,
    /// Of the end of a call: that of the called runbook, from which its results come.
    pub inner: Option<Scope>,
    pub began: Instant,
}

/// How an effect came to its end; the values are real, not public.
pub(crate) struct Finished {
    pub outcome: Outcome,
    /// The names of outputs that are secret.
    pub secret: Vec<String>,
    pub expectations: Vec<Expectation>,
    pub tries: u32,
    pub warnings: Vec<String>,
    pub output: Option<OutputFile>,
    /// Why its words are not shown, where they are not.
    pub withheld: Option<String>,
}

impl Finished {
    fn cancelled() -> Self {
        let outcome = Outcome::Cancelled { residue: Residue::None };
        Self { outcome, secret: Vec::new(), expectations: Vec::new(), tries: 0, warnings: Vec::new(), output: None, withheld: None }
    }
}

/// One try.
pub(super) struct Try {
    pub outcome: Outcome,
    pub secret: Vec<String>,
    pub expectations: Vec<Expectation>,
    overran: Option<Duration>,
}

impl Work {
    /// Whether it is asked to end before it began.
    fn is_stopped(&self) -> bool {
        self.limits.interruptible && self.cx.cancel_requested().is_some()
    }

    fn deadline(&self) -> Option<Instant> {
        self.limits.timeout.map(|timeout| self.began + timeout)
    }

    /// Finds out what is there before. Read-only, so it may be left in the middle.
    pub(super) async fn capture(self: Arc<Self>) -> Result<Before, Failure> {
        let capture = AssertUnwindSafe(self.action.capture(&*self.cx)).catch_unwind();
        tokio::select! {
            biased;
            captured = capture => captured.unwrap_or_else(|_| Err(panicked())),
            () = until(self.deadline()) => Err(timed_out(self.limits.timeout)),
        }
    }

    /// Runs it to its end.
    pub(super) async fn run(self: Arc<Self>, before: Before) -> Finished {
        if self.is_stopped() {
            // Asked to end before it began: nothing was done.
            return Finished::cancelled();
        }
        let part = Part::find(&self.runbook, self.unit, self.effect.role);
        if let Some(probing) = self.limits.probing {
            return Arc::clone(&self).watch(part, probing).await;
        }
        let mut tries = 1;
        let mut deadline = self.deadline();
        let mut pause = self.limits.polling.map_or(Duration::ZERO, |retry| retry.pause);
        let last = loop {
            let attempt = match part {
                Some(part) => self.once(part, &before, deadline).await,
                None => Try::failed(Failure::new(FailureKind::Internal, "the plan is not this runbook's")),
            };
            let Some(retry) = self.limits.polling else { break attempt };
            if !self.again(&attempt.outcome, retry, (tries, pause)) {
                break attempt;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.canceller.until_stopped() => break Try { outcome: Outcome::Cancelled { residue: Residue::None }, ..attempt },
            }
            pause = pause.saturating_mul(retry.backoff.max(1));
            tries += 1;
            self.canceller.renew();
            deadline = self.limits.timeout.map(|timeout| Instant::now() + timeout);
        };
        crash::point("effect.after-run");
        let (output, noted) = self.cx.finish_output();
        let overran = last.overran.map(|time| format!("it took {} s longer than its `timeout`, and was waited for", time.as_secs()));
        let warnings = overran.into_iter().chain(noted).collect();
        let Try { outcome, secret, expectations, .. } = last;
        Finished { outcome, secret, expectations, tries, warnings, output, withheld: self.cx.withheld().map(str::to_owned) }
    }

    /// Whether a read-only action is asked again.
    fn again(&self, outcome: &Outcome, retry: Retry, (tries, pause): (u32, Duration)) -> bool {
        let retryable = match outcome {
            Outcome::Succeeded { .. } | Outcome::Cancelled { .. } => false,
            Outcome::Failed { failure, .. } => failure.retryable,
        };
        let attempts = retry.attempts.is_none_or(|attempts| tries < attempts);
        let time = retry.within.is_none_or(|within| self.began.elapsed() + pause <= within);
        retryable && attempts && time && self.canceller.stopped().is_none()
    }

    pub(super) async fn once(&self, part: Part<'_>, before: &Before, deadline: Option<Instant>) -> Try {
        let proof = match part {
            Part::Unit(unit) => unit.proof.as_ref().map(|_| unit),
            Part::Undo(_) => None,
        };
        let mut asked = 0;
        loop {
            let (outcome, overran) = self.limited(before, deadline).await;
            let mut tried = self.judged(part, outcome);
            tried.overran = overran;
            let Some(unit) = proof else { return tried };
            let Outcome::Succeeded { outputs, .. } = &tried.outcome else {
                // Whoever said yes before may have done some of it.
                return if asked > 0 { tried.uncertain() } else { tried };
            };
            asked += 1;
            match self.prove(unit, outputs, &tried.secret).await {
                Ok(()) => return tried,
                Err(failure) if asked >= PROOFS => return Try { outcome: Outcome::failed(failure, Residue::Unknown), ..tried },
                Err(failure) => {
                    let text = format!("the proof does not hold yet: {failure}\n");
                    self.cx.output(Stream::Stderr, text.as_bytes());
                }
            }
            if self.canceller.stopped().is_some() {
                return Try { outcome: Outcome::Cancelled { residue: Residue::Unknown }, ..tried };
            }
        }
    }

    /// One call of `run`, told to end when its time is over, and awaited whatever happens.
    async fn limited(&self, before: &Before, deadline: Option<Instant>) -> (Outcome, Option<Duration>) {
        let run = AssertUnwindSafe(self.action.run(&*self.cx, before)).catch_unwind();
        tokio::pin!(run);
        let mut told: Option<CancelKind> = None;
        let mut next = deadline;
        let outcome = loop {
            tokio::select! {
                biased;
                ended = &mut run => break ended.unwrap_or_else(|_| Outcome::failed(panicked(), Residue::Unknown)),
                () = until(next), if next.is_some() && self.limits.interruptible => {
                    // A probe has nothing to bring to a good end.
                    let graceful = told.is_none() && self.limits.probing.is_none();
                    let kind = if graceful { CancelKind::Graceful } else { CancelKind::Kill };
                    next = (kind == CancelKind::Graceful).then(|| Instant::now() + GRACE);
                    told = Some(kind);
                    self.canceller.ask(kind);
                }
            }
        };
        let overran = deadline.filter(|_| !self.limits.interruptible).map(|deadline| Instant::now().saturating_duration_since(deadline));
        (self.after_timeout(outcome, told), overran.filter(|time| *time > Duration::ZERO))
    }

    /// An action that was told to end says that it was cancelled, or fails in its own way; either is a time-out unless the session stops as well.
    fn after_timeout(&self, outcome: Outcome, told: Option<CancelKind>) -> Outcome {
        if told.is_none() || self.canceller.stopped().is_some() {
            return outcome;
        }
        match outcome {
            Outcome::Cancelled { residue } => Outcome::failed(timed_out(self.limits.timeout), residue),
            Outcome::Failed { failure, residue, outputs } if failure.kind != FailureKind::TimedOut => {
                let mut timeout = timed_out(self.limits.timeout);
                timeout.detail.push(failure.message);
                timeout.detail.extend(failure.detail);
                Outcome::Failed { failure: timeout, residue, outputs }
            }
            Outcome::Succeeded { .. } | Outcome::Failed { .. } => outcome,
        }
    }

    /// What the author expects of a success.
    fn judged(&self, part: Part<'_>, outcome: Outcome) -> Try {
        match outcome {
            Outcome::Succeeded { outputs, changed } => {
                let Asked { outputs, secret, expectations, fault } = expect::ask(part.call(), part.wanted(), outputs, self.scopes());
                let judged = runbook_core::record::judge(Outcome::Succeeded { outputs, changed }, &expectations);
                let fault = fault.or_else(|| expectations.iter().find_map(unasked));
                let outcome = match (judged, fault) {
                    (Outcome::Succeeded { outputs, changed }, Some(failure)) => {
                        Outcome::Failed { failure, residue: if changed { Residue::Partial } else { Residue::None }, outputs }
                    }
                    (judged, _) => judged,
                };
                Try { outcome, secret, expectations, overran: None }
            }
            other => Try { outcome: other, secret: expect::sensitive(part.call().spec.outputs), expectations: Vec::new(), overran: None },
        }
    }

    /// What its expectations and its results are made of.
    pub(super) fn scopes(&self) -> expect::Scopes<'_> {
        expect::Scopes { own: &self.scope, outputs: self.inner.as_ref().unwrap_or(&self.scope) }
    }

    /// Reads back what a person says to have done.
    async fn prove(&self, unit: &Unit, outputs: &runbook_core::action::Outputs, secret: &[String]) -> Result<(), Failure> {
        let Some(proof) = &unit.proof else { return Ok(()) };
        let scope = self.scope.with_members(outputs, &Secrecy::members(secret.iter().cloned()));
        let ready = prepare::ready(&self.runbook.at(unit.call).targets, &proof.action, &scope, self.cx.secrets())?;
        let outcome = AssertUnwindSafe(ready.action.run(&*self.cx, &Before::nothing())).catch_unwind().await;
        match outcome.unwrap_or_else(|_| Outcome::failed(panicked(), Residue::Unknown)) {
            Outcome::Succeeded { outputs, .. } => {
                let scope = scope.with_members(&outputs, &Secrecy::members(expect::sensitive(proof.action.spec.outputs)));
                let broken: Vec<_> = expect::test(&proof.expect, false, &scope).filter(|expectation| !expectation.holds).collect();
                match broken.first() {
                    None => Ok(()),
                    Some(first) => Err(Failure::new(FailureKind::Unexpected, describe(first)).field("proof")),
                }
            }
            Outcome::Failed { failure, .. } => Err(failure),
            Outcome::Cancelled { .. } => Err(Failure::new(FailureKind::Unexpected, "the proof was cancelled")),
        }
    }
}

impl Try {
    pub(super) fn failed(failure: Failure) -> Self {
        Self { outcome: Outcome::failed(failure, Residue::None), secret: Vec::new(), expectations: Vec::new(), overran: None }
    }
}

impl Try {
    /// The same, where it cannot be said any more that nothing was changed.
    fn uncertain(mut self) -> Self {
        if let Outcome::Failed { residue, .. } | Outcome::Cancelled { residue } = &mut self.outcome
            && *residue == Residue::None
        {
            *residue = Residue::Unknown;
        }
        self
    }
}

/// A `repeat_until` that cannot be evaluated: nobody could say when it is enough.
fn unasked(expectation: &Expectation) -> Option<Failure> {
    let fault = expectation.fault.as_ref().filter(|_| expectation.until)?;
    let mut failure = Failure::new(FailureKind::Unexpected, format!("its `repeat_until` cannot be evaluated: {fault}"));
    failure.retryable = false;
    Some(failure.field("repeat_until"))
}

/// A broken expectation in one line.
fn describe(broken: &Expectation) -> String {
    let actuals: Vec<_> = broken.actuals.iter().map(|(name, value)| format!("`{name}` is {value}")).collect();
    let why = broken.fault.clone().unwrap_or_else(|| actuals.join(", "));
    if why.is_empty() { format!("`{}` does not hold", broken.text) } else { format!("`{}` does not hold: {why}", broken.text) }
}

pub(super) fn timed_out(timeout: Option<Duration>) -> Failure {
    let time = timeout.map(|time| format!(" after {}", human(time))).unwrap_or_default();
    Failure::new(FailureKind::TimedOut, format!("it timed out{time}")).field("timeout")
}

/// A duration as authors write it.
fn human(time: Duration) -> String {
    match (time.as_secs(), time.subsec_millis()) {
        (0, millis) => format!("{millis}ms"),
        (seconds, 0) if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        (seconds, 0) if seconds % 60 == 0 => format!("{}m", seconds / 60),
        (seconds, _) => format!("{seconds}s"),
    }
}

fn panicked() -> Failure {
    Failure::new(FailureKind::Internal, "the action broke off by a fault of this program")
        .help("please report it with the output of this run")
}

pub(super) async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
