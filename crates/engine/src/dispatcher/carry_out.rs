//! What each command means.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use runbook_core::action::{Before, CancelKind, Failure, FailureKind, Outcome, Residue, Verdict};
use runbook_core::decide::{Admit, Ask, Command, Expand, Limits, Recover, Start};
use runbook_core::effect::{EffectId, Role, UnitIx};
use runbook_core::record::{
    Admitted, Asked, CancelRequested, Ended, Expanded, Record, RecoveryStarted, RunEnd, SessionEnded, SkipReason, Skipped, Started, Subject,
};
use runbook_core::runbook::{ActionCall, CallIx, Fate, Placed, Runbook};
use runbook_core::scope::{Scope, Secrecy};
use runbook_core::template::{Expr, RenderFault, Tested};
use serde_json::Value;
use tokio::time::Instant;

use super::effect::{Canceller, Work};
use super::happened::hidden;
use super::happening::Happening;
use super::items;
use super::oversize;
use super::prepare::{self, Part};
use super::recover::{self, Looked};
use super::run::{AfterSync, Dispatcher, Flying, Stage, beside};
use crate::EngineError;
use crate::ask::Prompt;
use crate::context::{self, EffectContext};
use crate::output::OutputLog;
use crate::state::RunFolder;
use crate::vault::Kept;

impl Dispatcher {
    /// Carries one command out. Returns the session's end where the command is that.
    pub(super) fn carry_out(&mut self, command: Command) -> Result<Option<RunEnd>, EngineError> {
        match command {
            Command::Write(records) => {
                for record in records {
                    self.ledger.write(record)?;
                }
            }
            Command::Expand(expand) => self.expand(&expand)?,
            Command::Admit(admit) => self.admit(admit)?,
            Command::Start(start) => self.start(start)?,
            Command::Recover(recover) => self.recover(recover)?,
            Command::Cancel { effect, kind } => self.cancel(effect, kind)?,
            Command::Wake { effect, after } => self.wake(effect, after),
            Command::Ask(ask) => self.ask(ask)?,
            Command::Withdraw(subject) => self.withdraw(subject)?,
            Command::EndSession(end) => {
                self.ledger.write(Record::SessionEnded(SessionEnded { end }))?;
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    fn expand(&mut self, expand: &Expand) -> Result<(), EngineError> {
        let runbook = Arc::clone(&self.runbook);
        let path = expand.effect.path.clone();
        let scope = self.results.scope(&path, expand.effect.role);
        let for_each = runbook.units.get(expand.unit.get()).and_then(|unit| unit.for_each.as_ref());
        let part = Part::find(&runbook, expand.unit, expand.effect.role);
        let items = match for_each {
            None => Err(not_ours()),
            // Where its own condition is about the items, that of a call around it would be asked for each of them.
            Some(_) if !self.holds_around(part) => Ok(Vec::new()),
            Some(for_each) => match for_each.items.eval(&scope) {
                Ok(evaluated) if evaluated.secret => Err(Failure::new(FailureKind::Invalid, "a secret cannot name the items of a loop")),
                Ok(evaluated) => items::of(evaluated.value),
                Err(fault) => Err(unrendered(fault)),
            },
        };
        match items {
            Ok(items) => {
                // Their names and values are recorded and shown, wherever they came from: a program may have printed a secret.
                let masker = self.secrets.masker();
                if items.iter().any(|item| masker.finds(&item.key) || masker.finds(&item.value.to_string())) {
                    let failure = Failure::new(FailureKind::Invalid, "a secret cannot name the items of a loop");
                    return self.never_began(expand.effect.clone(), failure.field("for_each"));
                }
                self.results.expanded(&path, &items);
                self.ledger.write(Record::Expanded(Expanded { path, items })).map(drop)
            }
            Err(failure) => self.never_began(expand.effect.clone(), failure.field("for_each")),
        }
    }

    /// Whether the conditions of the calls around a unit hold; one that cannot be asked is left to its admission.
    fn holds_around(&mut self, part: Option<Part<'_>>) -> bool {
        let runbook = Arc::clone(&self.runbook);
        let mut around = part.map(Part::around).unwrap_or_default().iter();
        around.all(|around| {
            let scope = self.results.scope_of(runbook.call(around.call).map_or("", |called| &called.id));
            around.when.test(&scope).map_or(true, |tested| tested.holds)
        })
    }

    fn admit(&mut self, admit: Admit) -> Result<(), EngineError> {
        let runbook = Arc::clone(&self.runbook);
        let part = Part::find(&runbook, admit.unit, admit.effect.role);
        // What a call says holds for everything in it, by the names of where the call stands.
        let around = part.map(Part::around).unwrap_or_default().iter();
        let mut conditions: Vec<(Scope, &Placed<Expr>)> =
            around.map(|around| (self.results.scope_of(runbook.call(around.call).map_or("", |called| &called.id)), &around.when)).collect();
        if let Some(when) = part.and_then(Part::when) {
            conditions.push((self.results.scope(&admit.effect.path, admit.effect.role), when));
        }
        if conditions.is_empty() {
            return self.never_began(admit.effect, not_ours());
        }
        let mut known = Vec::new();
        for (scope, when) in conditions {
            let Tested { holds, mut actuals } = match when.test(&scope) {
                Ok(tested) => tested,
                Err(fault) => return self.never_began(admit.effect, unrendered(fault).field("when")),
            };
            self.secrets.actuals(&mut actuals);
            if !holds {
                let EffectId { path, role, .. } = admit.effect;
                let text = when.source().to_owned();
                let record = Record::Skipped(Skipped { path, role, why: SkipReason::When { text, actuals } });
                return self.ledger.write(record).map(drop);
            }
            known.extend(actuals);
        }
        self.ledger.write(Record::Admitted(Admitted { effect: admit.effect, actuals: known })).map(drop)
    }

    fn start(&mut self, start: Start) -> Result<(), EngineError> {
        // Before anything is written about it: with a full disk the run stops here, with what runs still able to end.
        // What monitors find is written in between, and is not to take the room of the ends.
        let watching = self.flying.values().filter(|flying| flying.work.limits.probing.is_some()).count();
        self.ledger.reserve(self.flying.len() + watching + 2)?;
        let Start { unit, effect, limits } = start;
        let work = match self.work(unit, effect.clone(), limits) {
            Ok(work) => work,
            Err(failure) => return self.never_began(effect, failure),
        };
        if limits.probing.is_some() {
            // What is there before matters to an undo and a recovery only.
            self.flying.insert(effect.clone(), Flying { work, stage: Stage::Starting });
            return self.captured(&effect, Ok(Before::nothing()));
        }
        // Most actions have nothing to ask, or know it at once: then the start shares a batch with what came before.
        let mut capture = Box::pin(Arc::clone(&work).capture());
        if let Some(result) = capture.as_mut().now_or_never() {
            self.flying.insert(effect.clone(), Flying { work, stage: Stage::Starting });
            return self.captured(&effect, result);
        }
        let tell = self.tell.clone();
        let task = self.tasks.spawn({
            let effect = effect.clone();
            async move {
                let result = capture.await;
                let _ = tell.send(Happening::Captured { effect, result });
            }
        });
        self.flying.insert(effect, Flying { work, stage: Stage::Capturing(task) });
        Ok(())
    }

    /// Prepares an effect: its action with its values, and the context that it will see.
    fn work(&mut self, unit: UnitIx, effect: EffectId, limits: Limits) -> Result<Arc<Work>, Failure> {
        let runbook = Arc::clone(&self.runbook);
        let part = Part::find(&runbook, unit, effect.role).ok_or_else(not_ours)?;
        let scope = self.results.scope(&effect.path, effect.role);
        let written = runbook.units.get(unit.get()).ok_or_else(not_ours)?;
        let ready = prepare::ready(&runbook.at(written.call).targets, part.call(), &scope, &self.secrets)?;
        // The results of a call are made of what the called runbook has found out.
        let inner = match part {
            Part::Unit(unit) => runbook.call(unit.ends).map(|called| self.results.scope_of(&called.id)),
            Part::Undo(_) => None,
        };
        // A scope that is looked at while results are added to it costs a copy of all their names.
        let scope = if part.looks_later() { scope } else { Scope::new() };
        let withheld = match ready.unmaskable.as_slice() {
            [] => None,
            [one] => Some(format!("what it prints is withheld: {one} cannot be masked")),
            several => Some(format!("what it prints is withheld: {} cannot be masked", several.join(", "))),
        };
        let (canceller, cancel) = Canceller::new();
        let began = Instant::now();
        let name = RunFolder::output_name(&effect);
        let parts = context::Parts {
            effect: effect.clone(),
            // A monitor's time is that of each of its probes.
            deadline: limits.timeout.filter(|_| limits.probing.is_none()).map(|timeout| began + timeout),
            interruptible: limits.interruptible,
            cancel,
            secrets: self.secrets.clone(),
            withheld,
            base_dir: base_dir(&self.surroundings.base_dir, &runbook, written.call),
            log: OutputLog::new(beside(&self.surroundings, &name), name),
            tell: self.tell.clone(),
        };
        let cx = Arc::new(EffectContext::new(&self.surroundings, parts));
        Ok(Arc::new(Work {
            effect,
            runbook,
            unit,
            action: ready.action,
            fields: ready.fields,
            render: ready.render,
            cx,
            canceller,
            limits,
            tell: self.tell.clone(),
            scope,
            inner,
            began,
        }))
    }

    /// What is there before an effect is known: its start can be recorded.
    pub(super) fn captured(&mut self, effect: &EffectId, result: Result<Before, Failure>) -> Result<(), EngineError> {
        let Some(flying) = self.flying.get(effect) else { return Ok(()) };
        let work = Arc::clone(&flying.work);
        let before = match result {
            Ok(before) => before,
            Err(failure) => {
                self.flying.remove(effect);
                return self.never_began(effect.clone(), failure);
            }
        };
        let runbook = Arc::clone(&self.runbook);
        let Some(part) = Part::find(&runbook, work.unit, effect.role) else {
            self.flying.remove(effect);
            return self.never_began(effect.clone(), not_ours());
        };
        let record = self.started(&work, part, &before)?;
        let at = self.ledger.write(Record::Started(Box::new(record)))?;
        let secrecy = Secrecy::members(super::expect::sensitive(part.call().spec.before));
        self.results.started(effect, before.clone(), secrecy, at);
        if let Some(flying) = self.flying.get_mut(effect) {
            flying.stage = Stage::Starting;
        }
        self.after_sync.push(AfterSync::Launch { effect: effect.clone(), before });
        Ok(())
    }

    fn started(&mut self, work: &Work, part: Part<'_>, before: &Before) -> Result<Started, EngineError> {
        let effect = work.effect.clone();
        let undo = match part {
            Part::Unit(unit) => {
                if matches!(unit.fate, Fate::Undo(_)) {
                    let secrecy = super::expect::secrecy(unit.action.spec.before);
                    let scope = self.results.scope(&effect.path, effect.role);
                    let scope = scope.with_secret("before", Value::Object(before.0.clone()), secrecy);
                    prepare::resolve_undo(&self.runbook, unit, &scope, &self.secrets.masker())
                } else {
                    Vec::new()
                }
            }
            Part::Undo(_) => Vec::new(),
        };
        let plan = self.ledger.plan();
        let planned = plan.unit(work.unit).ok_or_else(|| EngineError::internal("the plan has no such unit"))?;
        let (spec, class) = match effect.role {
            Role::Undo(at) => {
                let undo = planned.undo().get(usize::from(at)).ok_or_else(|| EngineError::internal("the plan has no such undo"))?;
                (undo.spec.clone(), undo.class)
            }
            Role::Check | Role::Do | Role::Verify | Role::Monitor => (planned.spec.clone(), planned.class),
        };
        let call: &ActionCall = part.call();
        let mut undo = undo;
        for action in &mut undo {
            action.fields = action.fields.take().map(oversize::cut);
        }
        let secrecy = super::expect::secrecy(call.spec.before);
        let mut public = self.secrets.public("before", &before.0, &secrecy);
        let hidden = hidden(&before.0, &public);
        let name = RunFolder::value_name(&effect).replace(".json", ".before.json");
        oversize::fit(&mut public, &self.surroundings.run_dir, &name)?;
        let sealed = self.seal(Kept::Before, &effect, &public, hidden);
        Ok(Started {
            action: prepare::name(call),
            spec,
            render: work.render.clone(),
            class,
            fields: oversize::cut(work.fields.clone()),
            before: Before(public),
            undo,
            sealed,
            effect,
        })
    }

    /// An effect ends before it began.
    pub(super) fn never_began(&mut self, effect: EffectId, failure: Failure) -> Result<(), EngineError> {
        let failure = self.secrets.failure(failure, None);
        self.end(effect, Outcome::failed(failure, Residue::None))
    }

    fn end(&mut self, effect: EffectId, outcome: Outcome) -> Result<(), EngineError> {
        let ended = Ended { effect, outcome, tries: 0, expectations: Vec::new(), warnings: Vec::new(), output: None, sealed: Vec::new() };
        self.ledger.write(Record::Ended(Box::new(ended))).map(drop)
    }

    fn recover(&mut self, recover: Recover) -> Result<(), EngineError> {
        let Recover { unit, effect, cause, interruptible } = recover;
        self.ledger.note(Record::RecoveryStarted(RecoveryStarted { effect: effect.clone(), cause }))?;
        let limits = Limits { interruptible, ..Limits::default() };
        let work = match self.work(unit, effect.clone(), limits) {
            Ok(work) => work,
            Err(failure) => return self.looked(&effect, Looked::unknown(format!("it cannot be prepared any more: {failure}"))),
        };
        let (before, evidence) = self
            .results
            .attempt(&effect.path, effect.role)
            .map_or_else(Default::default, |attempt| (attempt.before.clone(), attempt.evidence.clone()));
        let tell = self.tell.clone();
        let task = self.tasks.spawn({
            let (effect, work) = (effect.clone(), Arc::clone(&work));
            async move {
                let looked = Box::new(recover::look(work, before, evidence).await);
                let _ = tell.send(Happening::Looked { effect, looked });
            }
        });
        self.flying.insert(effect, Flying { work, stage: Stage::Looking(task) });
        Ok(())
    }

    fn cancel(&mut self, effect: EffectId, kind: CancelKind) -> Result<(), EngineError> {
        self.ledger.note(Record::CancelRequested(CancelRequested { effect: effect.clone(), kind }))?;
        let Some(flying) = self.flying.get(&effect) else { return Ok(()) };
        match &flying.stage {
            Stage::Starting | Stage::Running => {
                flying.canceller().stop(kind);
                Ok(())
            }
            Stage::Capturing(task) => {
                task.abort();
                self.flying.remove(&effect);
                self.end(effect, Outcome::Cancelled { residue: Residue::None })
            }
            Stage::Looking(task) => {
                task.abort();
                self.flying.remove(&effect);
                self.looked(&effect, Looked::unknown("the session was stopped while it was looked at"))
            }
        }
    }

    fn wake(&mut self, effect: EffectId, after: Duration) {
        let tell = self.tell.clone();
        self.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            let _ = tell.send(Happening::Fired { effect });
        });
    }

    fn ask(&mut self, ask: Ask) -> Result<(), EngineError> {
        let text = match &ask.subject {
            Subject::Confirm { path } => self.confirm_text(ask.unit, path),
            Subject::Start | Subject::Step { .. } | Subject::InDoubt { .. } | Subject::Failed { .. } | Subject::Action { .. } => {
                String::new()
            }
        };
        let prompt = Prompt {
            subject: ask.subject.clone(),
            unit: ask.unit,
            text: text.clone(),
            kind: None,
            known: self.known(&ask.subject),
            log: self.log(&ask.subject),
            replies: self.ledger.view().replies(self.ledger.plan(), &ask.subject),
        };
        self.ledger.write(Record::Asked(Asked { subject: ask.subject, text, kind: None }))?;
        self.after_sync.push(AfterSync::Show { prompt, answer: None });
        Ok(())
    }

    /// What is known of an effect that a person is asked about: when it began, what it was to do, what the world says, how it failed.
    fn known(&self, subject: &Subject) -> Vec<String> {
        let (Subject::InDoubt { effect } | Subject::Failed { effect }) = subject else { return Vec::new() };
        let (plan, view) = (self.ledger.plan(), self.ledger.view());
        let report = view.key(plan, effect).and_then(|key| view.effect(key)).and_then(|effect| effect.report());
        let Some(report) = report else { return Vec::new() };
        let mut known = Vec::new();
        if let Some(started) = report.started {
            known.push(format!("attempt {} began at {}", effect.attempt, started.at.strftime("%Y-%m-%d %H:%M:%S UTC")));
        }
        if let Some(Outcome::Failed { failure, .. }) = &report.outcome {
            known.push(format!("it ended with: {}", failure.message));
        }
        if let Some(Verdict::Partial { why } | Verdict::Unknown { why }) = &report.verdict {
            known.push(format!("looking at it says: {why}"));
        }
        known
    }

    /// Where what an effect wrote is kept.
    fn log(&self, subject: &Subject) -> Option<PathBuf> {
        let (Subject::InDoubt { effect } | Subject::Failed { effect }) = subject else { return None };
        Some(beside(&self.surroundings, &RunFolder::output_name(effect))).filter(|path| path.exists())
    }

    /// A step's own question. One that cannot be rendered is shown as it was written: better asked badly than not at all.
    fn confirm_text(&mut self, unit: Option<UnitIx>, path: &[runbook_core::effect::Place]) -> String {
        let runbook = Arc::clone(&self.runbook);
        let Some(template) = unit.and_then(|unit| runbook.units.get(unit.get())?.confirm.as_ref()) else { return String::new() };
        let scope = self.results.scope(path, Role::Do);
        let public = template.render(&scope).map_or_else(|_| template.source().to_owned(), |rendered| rendered.public_text());
        oversize::clip(self.secrets.masker().text(&public), TEXT)
    }
}

/// Where relative paths in a called runbook start: the folder of its file.
fn base_dir(outermost: &Path, runbook: &Runbook, call: Option<CallIx>) -> PathBuf {
    let folder = runbook.call(call).and_then(|called| Path::new(&called.file).parent());
    folder.map_or_else(|| outermost.to_owned(), |folder| outermost.join(folder))
}

/// The longest question, in bytes.
pub(super) const TEXT: usize = 16 * 1024;

fn unrendered(fault: RenderFault) -> Failure {
    let failure = Failure::new(FailureKind::Invalid, fault.message);
    Failure { help: fault.help, ..failure }
}

fn not_ours() -> Failure {
    Failure::new(FailureKind::Internal, "the plan is not this runbook's")
}
