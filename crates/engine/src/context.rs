//! The engine as an action sees it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use runbook_core::action::{Answer, BoxFuture, CancelKind, Context, Failure, FailureKind, Processes, Progress, Question, Stream};
use runbook_core::effect::{EffectId, Role};
use runbook_core::record::OutputFile;
use runbook_core::secret::{Masker, StreamMasker};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::dispatcher::{Happening, Secrets};
use crate::events::{Event, EventSender};
use crate::output::OutputLog;
use crate::process::{Environment, Supervisor, Traces};

/// What all effects of a session share.
pub(crate) struct Surroundings {
    pub run_id: String,
    pub run_dir: PathBuf,
    /// The folder of the outermost runbook's file.
    pub base_dir: PathBuf,
    pub environment: Arc<Environment>,
    pub clock: Arc<dyn Clock>,
    pub events: EventSender,
}

/// One effect's context.
pub(crate) struct EffectContext {
    effect: Arc<EffectId>,
    mark: String,
    surroundings: Arc<Surroundings>,
    base_dir: PathBuf,
    deadline: Option<Instant>,
    interruptible: bool,
    cancel: watch::Receiver<Option<CancelKind>>,
    output: Mutex<Output>,
    tell: mpsc::UnboundedSender<Happening>,
    supervisor: Supervisor,
    warnings: Warnings,
    secrets: Secrets,
    withheld: Option<String>,
}

/// What a person should see beside an effect's end.
type Warnings = Arc<Mutex<Vec<String>>>;

/// An effect's output on its way: masked, kept, shown.
struct Output {
    /// With which both are masked.
    masker: Masker,
    stdout: StreamMasker,
    stderr: StreamMasker,
    log: Option<OutputLog>,
    /// Where the effect has secrets that cannot be masked: what is shown instead of everything else, until that is done.
    withheld: Option<String>,
}

/// What makes an effect's context its own.
pub(crate) struct Parts {
    pub effect: EffectId,
    pub deadline: Option<Instant>,
    pub interruptible: bool,
    pub cancel: watch::Receiver<Option<CancelKind>>,
    pub secrets: Secrets,
    /// Why its output is not shown, where it is not.
    pub withheld: Option<String>,
    /// Where relative paths start.
    pub base_dir: PathBuf,
    pub log: OutputLog,
    pub tell: mpsc::UnboundedSender<Happening>,
}

impl EffectContext {
    pub(crate) fn new(surroundings: &Arc<Surroundings>, parts: Parts) -> Self {
        let warnings = Warnings::default();
        let traces = PidTraces { effect: parts.effect.clone(), tell: parts.tell.clone(), warnings: Arc::clone(&warnings) };
        let masker = parts.secrets.masker();
        let supervisor = Supervisor::new(Arc::clone(&surroundings.environment), parts.base_dir.clone(), Box::new(traces));
        Self {
            mark: format!("{}/{}", surroundings.run_id, parts.effect),
            effect: Arc::new(parts.effect),
            surroundings: Arc::clone(surroundings),
            base_dir: parts.base_dir,
            deadline: parts.deadline,
            interruptible: parts.interruptible,
            cancel: parts.cancel,
            output: Mutex::new(Output {
                stdout: masker.stream(),
                stderr: masker.stream(),
                masker,
                log: Some(parts.log),
                withheld: parts.withheld.clone(),
            }),
            secrets: parts.secrets,
            withheld: parts.withheld,
            tell: parts.tell,
            supervisor,
            warnings,
        }
    }

    /// Lets out what is still held back, and closes the file. Returns what the record says of it, and what a person should see. What is written later is shown, not kept.
    pub(crate) fn finish_output(&self) -> (Option<OutputFile>, Vec<String>) {
        let mut rest = Vec::new();
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.stdout.finish(&mut rest);
        self.pass_on(&mut output, Stream::Stdout, std::mem::take(&mut rest));
        output.stderr.finish(&mut rest);
        self.pass_on(&mut output, Stream::Stderr, rest);
        let (file, fault) = output.log.take().map_or((None, None), OutputLog::finish);
        let mut warnings = std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner));
        warnings.extend(fault);
        let masker = self.secrets.masker();
        for warning in &mut warnings {
            *warning = masker.text(warning);
        }
        (file, warnings)
    }

    /// What the session must not show.
    pub(crate) const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Why the effect's words are not shown, where they are not.
    pub(crate) fn withheld(&self) -> Option<&str> {
        self.withheld.as_deref()
    }

    fn pass_on(&self, output: &mut Output, stream: Stream, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        if let Some(log) = &mut output.log {
            log.write(&bytes);
        }
        // What a probe prints would drown what the steps do; its file has it.
        if self.effect.role != Role::Monitor {
            self.surroundings.events.send(Event::Output { effect: Arc::clone(&self.effect), stream, bytes });
        }
    }
}

impl Context for EffectContext {
    fn effect(&self) -> &EffectId {
        &self.effect
    }

    fn run_id(&self) -> &str {
        &self.surroundings.run_id
    }

    fn mark(&self) -> &str {
        &self.mark
    }

    fn run_dir(&self) -> &Path {
        &self.surroundings.run_dir
    }

    fn base_dir(&self) -> &Path {
        &self.base_dir
    }

    fn now(&self) -> Timestamp {
        self.surroundings.clock.now()
    }

    fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn interruptible(&self) -> bool {
        self.interruptible
    }

    fn cancel_requested(&self) -> Option<CancelKind> {
        *self.cancel.borrow()
    }

    fn cancelled(&self, at_least: CancelKind) -> BoxFuture<'static, ()> {
        let mut cancel = self.cancel.clone();
        Box::pin(async move {
            // Nobody is left who could cancel: then it never happens.
            if cancel.wait_for(|kind| kind.is_some_and(|kind| kind >= at_least)).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    fn output(&self, stream: Stream, bytes: &[u8]) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown = Vec::with_capacity(bytes.len());
        if self.withheld.is_some() {
            if let Some(why) = output.withheld.take() {
                shown.extend_from_slice(format!("‹{why}›\n").as_bytes());
                self.pass_on(&mut output, stream, shown);
            }
            return;
        }
        let masker = self.secrets.masker();
        if !masker.is(&output.masker) {
            let Output { stdout, stderr, .. } = &mut *output;
            let mut late = Vec::new();
            let (ours, theirs, other) = match stream {
                Stream::Stdout => (stdout, stderr, Stream::Stderr),
                Stream::Stderr => (stderr, stdout, Stream::Stdout),
            };
            ours.renew(&masker, &mut shown);
            theirs.renew(&masker, &mut late);
            output.masker = masker;
            self.pass_on(&mut output, other, late);
        }
        match stream {
            Stream::Stdout => output.stdout.push(bytes, &mut shown),
            Stream::Stderr => output.stderr.push(bytes, &mut shown),
        }
        self.pass_on(&mut output, stream, shown);
    }

    fn progress(&self, progress: Progress) {
        let progress = Progress { what: self.secrets.masker().text(&progress.what), ..progress };
        self.surroundings.events.send(Event::Progress { effect: Arc::clone(&self.effect), progress });
    }

    fn evidence(&self, evidence: Value) -> BoxFuture<'_, Result<(), Failure>> {
        if self.effect.role == Role::Monitor {
            // Nobody looks for a probe that broke off.
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(async move {
            let (done, written) = oneshot::channel();
            let request = Happening::Evidence { effect: EffectId::clone(&self.effect), evidence, done: Some(done) };
            let _ = self.tell.send(request);
            written.await.map_err(|_| gone())
        })
    }

    fn processes(&self) -> &dyn Processes {
        &self.supervisor
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, Failure>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let _ = self.tell.send(Happening::Ask { effect: EffectId::clone(&self.effect), question, answer });
            let mut open = OpenQuestion { effect: Some(EffectId::clone(&self.effect)), tell: self.tell.clone() };
            tokio::select! {
                biased;
                answer = answered => {
                    open.effect = None;
                    answer.map_err(|_| gone())
                }
                () = self.cancelled(CancelKind::Graceful) => Ok(Answer::Withdrawn),
            }
        })
    }
}

/// The dispatcher does not write any more: its journal failed.
fn gone() -> Failure {
    Failure::new(FailureKind::Internal, "the journal cannot be written any more")
}

/// A question that waits for its answer; taken back where that is not waited for any more.
struct OpenQuestion {
    /// None when it was answered.
    effect: Option<EffectId>,
    tell: mpsc::UnboundedSender<Happening>,
}

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        if let Some(effect) = self.effect.take() {
            let _ = self.tell.send(Happening::Unask { effect });
        }
    }
}

/// Sends where a child is found, without waiting.
struct PidTraces {
    effect: EffectId,
    tell: mpsc::UnboundedSender<Happening>,
    warnings: Warnings,
}

impl Traces for PidTraces {
    fn note(&self, evidence: Value) {
        if self.effect.role == Role::Monitor {
            return;
        }
        let _ = self.tell.send(Happening::Evidence { effect: self.effect.clone(), evidence, done: None });
    }

    fn warn(&self, text: String) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }
}
