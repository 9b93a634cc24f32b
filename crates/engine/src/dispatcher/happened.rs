//! What each happening means.

use runbook_core::action::{Answer, Outcome, Outputs, Question, Settled, Verdict};
use runbook_core::effect::{EffectId, Place, Role};
use runbook_core::record::{Answered, Asked, Ended, Evidence, Record, Recovered, Reply, Subject, TimerFired, Watched, repeat_is_over};
use runbook_core::scope::Secrecy;
use serde_json::Value;
use tokio::sync::oneshot;

use super::carry_out::TEXT;
use super::effect::Finished;
use super::happening::{Happening, Seen};
use super::oversize;
use super::recover::Looked;
use super::results::Names;
use super::run::{AfterSync, Dispatcher, Stage};
use crate::EngineError;
use crate::ask::{Prompt, Told};
use crate::state::RunFolder;
use crate::vault::Kept;

impl Dispatcher {
    pub(super) fn happened(&mut self, happening: Happening) -> Result<(), EngineError> {
        match happening {
            Happening::Captured { effect, result } => match self.flying.get(&effect).map(|flying| &flying.stage) {
                Some(Stage::Capturing(_)) => self.captured(&effect, result),
                // It was cancelled meanwhile, and its end is recorded.
                Some(Stage::Starting | Stage::Running | Stage::Looking(_)) | None => Ok(()),
            },
            Happening::Watched { effect, seen } => self.watched(effect, *seen),
            Happening::Ran { effect, finished } => {
                // First let go of its scope: what nobody else looks at can be added to without a copy.
                self.flying.remove(&effect);
                self.ran(&effect, *finished)
            }
            Happening::Looked { effect, looked } => match self.flying.remove(&effect) {
                Some(_) => self.looked(&effect, *looked),
                None => Ok(()),
            },
            Happening::Fired { effect } => self.ledger.note(Record::TimerFired(TimerFired { effect })).map(drop),
            Happening::Told { subject, told } => self.told(subject, told),
            Happening::Evidence { effect, evidence, done } => self.evidence(&effect, evidence, done),
            Happening::Ask { effect, question, answer } => self.asked(effect, question, answer),
            Happening::Unask { effect } => self.unasked(effect),
        }
    }

    /// A monitor's probes found something. That it tripped has to last; the rest may be lost.
    fn watched(&mut self, effect: EffectId, seen: Seen) -> Result<(), EngineError> {
        let Some(flying) = self.flying.get(&effect) else { return Ok(()) };
        let withheld = flying.work.cx.withheld().map(str::to_owned);
        let Seen { holds, tripped, tally, failure } = seen;
        let failure = failure.map(|failure| self.secrets.failure(failure, withheld.as_deref()));
        let record = Record::Watched(Box::new(Watched { effect, holds, tripped, tally, failure }));
        if tripped { self.ledger.write(record).map(drop) } else { self.ledger.note(record).map(drop) }
    }

    /// An effect came to its end.
    pub(super) fn ran(&mut self, effect: &EffectId, finished: Finished) -> Result<(), EngineError> {
        let Finished { outcome, mut secret, expectations, tries, mut warnings, output, withheld } = finished;
        let withheld = withheld.as_deref();
        let changed = outcome.may_have_changed();
        let over = repeat_is_over(&expectations);
        let mut sealed = Vec::new();
        let (outcome, outputs) = match outcome {
            Outcome::Succeeded { outputs, changed } => {
                withhold(&outputs, &mut secret, withheld);
                let (public, hidden) = self.public(effect, &outputs, &secret)?;
                let wanted = hidden.len();
                sealed = self.seal(Kept::Outputs, effect, &public, hidden);
                if sealed.len() < wanted {
                    warnings.push("its secret results could not be kept: a later session of this run cannot use them".to_owned());
                }
                (Outcome::Succeeded { outputs: public, changed }, Some(outputs))
            }
            Outcome::Failed { failure, residue, outputs } => {
                withhold(&outputs, &mut secret, withheld);
                let (public, _) = self.public(effect, &outputs, &secret)?;
                (Outcome::Failed { failure: self.secrets.failure(failure, withheld), residue, outputs: public }, None)
            }
            Outcome::Cancelled { residue } => (Outcome::Cancelled { residue }, None),
        };
        let expectations = self.secrets.expectations(expectations, withheld);
        let ended = Ended { effect: effect.clone(), outcome, tries, expectations, warnings, output, sealed };
        let at = self.ledger.write(Record::Ended(Box::new(ended)))?;
        match outputs {
            Some(outputs) => self.results.done(effect, outputs, Names { secret: &secret, lost: &[] }, over, at),
            None if !changed => self.results.unchanged(effect),
            None => {}
        }
        Ok(())
    }

    /// Results as they are recorded, and the members whose real values those do not show.
    fn public(&mut self, effect: &EffectId, outputs: &Outputs, secret: &[String]) -> Result<(Outputs, Outputs), EngineError> {
        let origin = &origin(effect);
        if let Some(unit) = effect.path.last().and_then(|place| self.ledger.plan().find(&place.step))
            && let Some(unit) = self.runbook.units.get(unit.get())
        {
            self.secrets.learn_results(origin, outputs, secret, &unit.secret_outputs);
        }
        let mut public = self.secrets.public(origin, outputs, &Secrecy::members(secret.iter().cloned()));
        let hidden = hidden(outputs, &public);
        oversize::fit(&mut public, &self.surroundings.run_dir, &RunFolder::value_name(effect))?;
        Ok((public, hidden))
    }

    /// Keeps real values for later sessions, before the record that tells of them is written; gives the names of what is kept. A disk that does not take them
    /// is no reason to lose the record of what was done.
    pub(super) fn seal(&mut self, kept: Kept, effect: &EffectId, public: &Outputs, hidden: Outputs) -> Vec<String> {
        // Nothing refers to the results of an undo.
        if hidden.is_empty() || (kept == Kept::Outputs && matches!(effect.role, Role::Undo(_) | Role::Monitor)) {
            return Vec::new();
        }
        let names = hidden.keys().cloned().collect();
        match self.vault.seal(kept, effect, public, hidden) {
            Ok(()) => names,
            Err(error) => {
                tracing::warn!(%error, %effect, "secret results could not be kept");
                Vec::new()
            }
        }
    }

    /// An interrupted effect was looked at.
    pub(super) fn looked(&mut self, effect: &EffectId, looked: Looked) -> Result<(), EngineError> {
        let Looked { settled, verdict, secret, expectations } = looked;
        let mut sealed = Vec::new();
        let (verdict, outputs) = match verdict {
            Verdict::Done { outputs, changed } => {
                let (public, hidden) = self.public(effect, &outputs, &secret)?;
                sealed = self.seal(Kept::Outputs, effect, &public, hidden);
                (Verdict::Done { outputs: public, changed }, Some(outputs))
            }
            Verdict::Partial { why } => (Verdict::Partial { why: oversize::clip(self.secrets.masker().text(&why), TEXT) }, None),
            Verdict::Unknown { why } => (Verdict::Unknown { why: oversize::clip(self.secrets.masker().text(&why), TEXT) }, None),
            Verdict::NotDone => (Verdict::NotDone, None),
        };
        let held = expectations.iter().all(|expectation| expectation.holds || expectation.warning || expectation.until);
        let over = repeat_is_over(&expectations);
        let not_done = verdict == Verdict::NotDone;
        let expectations = self.secrets.expectations(expectations, None);
        let settled = match settled {
            Settled::Moving { why } => Settled::Moving { why: oversize::clip(self.secrets.masker().text(&why), TEXT) },
            Settled::AtRest => Settled::AtRest,
        };
        let recovered = Recovered { effect: effect.clone(), settled, verdict, expectations, sealed };
        let at = self.ledger.write(Record::Recovered(Box::new(recovered)))?;
        match outputs {
            Some(outputs) if held => self.results.done(effect, outputs, Names { secret: &secret, lost: &[] }, over, at),
            None if not_done => self.results.unchanged(effect),
            Some(_) | None => {}
        }
        Ok(())
    }

    /// A trace of an effect. What is found before its start or while it is looked at again is only read: the view has no place for a trace of that, nothing
    /// needs to be settled, and it is left out of the journal.
    fn evidence(&mut self, effect: &EffectId, evidence: Value, done: Option<oneshot::Sender<()>>) -> Result<(), EngineError> {
        let mut public = evidence.clone();
        self.secrets.masker().json(&mut public);
        let record = Record::Evidence(Evidence { effect: effect.clone(), evidence: oversize::cut(public) });
        let written = if done.is_some() { self.ledger.write(record) } else { self.ledger.note(record) };
        match written {
            Ok(_) => self.results.evidence(effect, evidence),
            Err(EngineError::Impossible(error)) => tracing::debug!(%error, %effect, "a trace without a running effect"),
            Err(error) => return Err(error),
        }
        self.after_sync.extend(done.map(AfterSync::Traced));
        Ok(())
    }

    /// A running action asks a person.
    fn asked(&mut self, effect: EffectId, question: Question, answer: oneshot::Sender<Answer>) -> Result<(), EngineError> {
        let unit = effect.path.last().and_then(|place| self.ledger.plan().find(&place.step));
        let subject = Subject::Action { effect };
        let text = oversize::clip(self.secrets.masker().text(&question.text), TEXT);
        let asked = Asked { subject: subject.clone(), text: text.clone(), kind: Some(question.kind.clone()) };
        self.ledger.write(Record::Asked(asked))?;
        let prompt = Prompt { subject, unit, text, kind: Some(question.kind), known: Vec::new(), log: None, replies: Vec::new() };
        self.after_sync.push(AfterSync::Show { prompt, answer: Some(answer) });
        Ok(())
    }

    /// A person, or nobody, answered.
    fn told(&mut self, subject: Subject, told: Told) -> Result<(), EngineError> {
        // Taken back meanwhile: the answer comes too late.
        let Some(question) = self.questions.remove(&subject) else { return Ok(()) };
        let Told { reply, secret, by } = told;
        let answer = match (&reply, secret) {
            (_, Some(secret)) => {
                self.secrets.learn([(name(&subject), secret.clone())]);
                Answer::Text(secret.reveal().to_owned())
            }
            (Reply::Text(Some(text)), None) => Answer::Text(text.clone()),
            (Reply::Yes | Reply::All | Reply::Done, None) => Answer::Yes,
            (Reply::No | Reply::NotDone | Reply::Skip | Reply::Stop | Reply::Retry | Reply::RollBack, None) => Answer::No,
            (Reply::Nobody | Reply::Withdrawn | Reply::Text(None), None) => Answer::Nobody,
        };
        let reply = match reply {
            Reply::Text(Some(text)) => Reply::Text(Some(self.secrets.masker().text(&text))),
            reply => reply,
        };
        self.ledger.write(Record::Answered(Answered { subject, reply, by }))?;
        if let Some(to) = question.answer {
            self.after_sync.push(AfterSync::Answered(to, answer));
        }
        Ok(())
    }

    /// A running action does not wait for an answer any more; it may have been given meanwhile.
    fn unasked(&mut self, effect: EffectId) -> Result<(), EngineError> {
        let subject = Subject::Action { effect };
        let open = self.ledger.view().questions().iter().any(|open| open.subject == subject);
        if open { self.withdraw(subject) } else { Ok(()) }
    }

    /// Takes an open question back.
    pub(super) fn withdraw(&mut self, subject: Subject) -> Result<(), EngineError> {
        let showing = self.questions.remove(&subject);
        // Not shown yet: its place in the batch is all there is of it.
        let mut waiting = None;
        let (taken, kept) = std::mem::take(&mut self.after_sync).into_iter().partition(|after| match after {
            AfterSync::Show { prompt, .. } => prompt.subject == subject,
            AfterSync::Launch { .. } | AfterSync::Traced(_) | AfterSync::Answered(..) => false,
        });
        self.after_sync = kept;
        let taken: Vec<AfterSync> = taken;
        for after in taken {
            if let AfterSync::Show { answer, .. } = after {
                waiting = answer;
            }
        }
        let answer = match showing {
            Some(question) => {
                question.prompt.abort();
                question.answer
            }
            None => waiting,
        };
        self.ledger.write(Record::Answered(Answered { subject, reply: Reply::Withdrawn, by: String::new() }))?;
        if let Some(to) = answer {
            self.after_sync.push(AfterSync::Answered(to, Answer::Nobody));
        }
        Ok(())
    }
}

/// The members of `real` that `public` does not show as they are.
pub(super) fn hidden(real: &Outputs, public: &Outputs) -> Outputs {
    real.iter().filter(|(name, value)| public.get(*name) != Some(value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Takes every text for a secret where what an effect prints is withheld.
fn withhold(outputs: &Outputs, secret: &mut Vec<String>, withheld: Option<&str>) {
    if withheld.is_some() {
        let texts = outputs.iter().filter(|(_, value)| value.is_string() || value.is_array() || value.is_object());
        secret.extend(texts.map(|(name, _)| name.clone()));
    }
}

/// What a result is called in templates: `steps.ID`.
pub(super) fn origin(effect: &EffectId) -> String {
    let group = match effect.role {
        Role::Check => "checks",
        Role::Do => "steps",
        Role::Verify => "verify",
        Role::Undo(_) => "undo",
        Role::Monitor => "monitor",
    };
    match effect.path.last() {
        Some(Place { step, item: None }) => format!("{group}.{step}"),
        Some(Place { step, item: Some(item) }) => format!("{group}.{step}.items.{item}"),
        None => group.to_owned(),
    }
}

/// What a secret answer is called.
fn name(subject: &Subject) -> String {
    match subject {
        Subject::Action { effect } | Subject::InDoubt { effect } | Subject::Failed { effect } => origin(effect),
        Subject::Confirm { path } | Subject::Step { path } => path.last().map_or_else(String::new, |place| format!("steps.{}", place.step)),
        Subject::Start => "answer".to_owned(),
    }
}
