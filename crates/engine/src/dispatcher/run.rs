//! The loop.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use runbook_core::action::{Answer, Before, CancelKind};
use runbook_core::decide::decide;
use runbook_core::effect::EffectId;
use runbook_core::record::{Record, RunEnd, StopRequested, Subject};
use runbook_core::runbook::Runbook;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use super::effect::{Canceller, Work};
use super::{Happening, Ledger, Results, Secrets};
use crate::EngineError;
use crate::ask::{Asker, Prompt};
use crate::context::Surroundings;
use crate::crash;
use crate::events::{Event, EventSender};
use crate::signals::{self, Stop, Stops};
use crate::vault::Vault;

/// What a dispatcher is made of.
pub(crate) struct Parts {
    pub runbook: Arc<Runbook>,
    pub ledger: Ledger,
    pub results: Results,
    pub secrets: Secrets,
    pub vault: Vault,
    pub surroundings: Arc<Surroundings>,
    pub asker: Arc<dyn Asker>,
    pub events: EventSender,
    pub stops: Stops,
}

/// Carries a session out.
pub(crate) struct Dispatcher {
    pub(super) runbook: Arc<Runbook>,
    pub(super) ledger: Ledger,
    pub(super) results: Results,
    pub(super) secrets: Secrets,
    pub(super) vault: Vault,
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) events: EventSender,
    asker: Arc<Mutex<Arc<dyn Asker>>>,
    stops: Stops,
    stop: Option<CancelKind>,
    pub(super) tell: mpsc::UnboundedSender<Happening>,
    happenings: mpsc::UnboundedReceiver<Happening>,
    /// Every effect that was commanded and has no end yet.
    pub(super) flying: BTreeMap<EffectId, Flying>,
    /// What has to wait until the open batch is on disk.
    pub(super) after_sync: Vec<AfterSync>,
    /// Open questions.
    pub(super) questions: BTreeMap<Subject, Question>,
    /// All tasks; timers and prompts among them are ended with the session.
    pub(super) tasks: JoinSet<()>,
}

/// An effect under way.
pub(super) struct Flying {
    pub work: Arc<Work>,
    pub stage: Stage,
}

/// How far an effect is.
pub(super) enum Stage {
    /// It is found out what is there before.
    Capturing(AbortHandle),
    /// Its start is in the open batch.
    Starting,
    /// It runs.
    Running,
    /// What an earlier session or attempt left is looked at.
    Looking(AbortHandle),
}

/// A question that is open.
pub(super) struct Question {
    pub prompt: AbortHandle,
    /// The action that waits for the answer, where one does.
    pub answer: Option<oneshot::Sender<Answer>>,
}

/// What has to wait until the open batch is on disk.
pub(super) enum AfterSync {
    /// Run an effect.
    Launch { effect: EffectId, before: Before },
    /// Show a question; for an action's own one with where its answer goes.
    Show { prompt: Prompt, answer: Option<oneshot::Sender<Answer>> },
    /// Tell an action that its trace is on disk.
    Traced(oneshot::Sender<()>),
    /// Tell an action what a person said.
    Answered(oneshot::Sender<Answer>, Answer),
}

impl Dispatcher {
    pub(crate) fn new(parts: Parts) -> Self {
        let (tell, happenings) = mpsc::unbounded_channel();
        Self {
            runbook: parts.runbook,
            ledger: parts.ledger,
            results: parts.results,
            secrets: parts.secrets,
            vault: parts.vault,
            surroundings: parts.surroundings,
            events: parts.events,
            asker: Arc::new(Mutex::new(parts.asker)),
            stops: parts.stops,
            stop: None,
            tell,
            happenings,
            flying: BTreeMap::new(),
            after_sync: Vec::new(),
            questions: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Works until the core ends the session. On an error what runs is waited for, so that nothing works on behind the back of whoever reads it.
    pub(crate) async fn run(mut self) -> Result<(RunEnd, Ledger), EngineError> {
        let ended = self.turn().await;
        if ended.is_err() {
            self.wind_down().await;
        }
        self.tasks.abort_all();
        Ok((ended?, self.ledger))
    }

    async fn turn(&mut self) -> Result<RunEnd, EngineError> {
        loop {
            if let Some(end) = self.decide_all()? {
                self.flush()?;
                return Ok(end);
            }
            self.flush()?;
            tokio::select! {
                biased;
                stop = self.stops.next() => self.stop(stop)?,
                Some(happening) = self.happenings.recv() => self.happened(happening)?,
            }
            // What else happened meanwhile goes into the same batch.
            while let Ok(happening) = self.happenings.try_recv() {
                self.happened(happening)?;
            }
            while self.tasks.try_join_next().is_some() {}
        }
    }

    /// Carries out commands until there are none; the session's end, where one of them is that.
    fn decide_all(&mut self) -> Result<Option<RunEnd>, EngineError> {
        loop {
            let plan = Arc::clone(self.ledger.plan());
            let commands = decide(&plan, self.ledger.view());
            if commands.is_empty() {
                return Ok(None);
            }
            for command in commands {
                self.ledger.view_mut().issue(&plan, &command);
                if let Some(end) = self.carry_out(command)? {
                    return Ok(Some(end));
                }
            }
        }
    }

    /// Makes the open batch last, then lets go on what waited for that.
    fn flush(&mut self) -> Result<(), EngineError> {
        self.ledger.flush()?;
        for waiting in std::mem::take(&mut self.after_sync) {
            match waiting {
                AfterSync::Launch { effect, before } => self.launch(effect, before),
                AfterSync::Show { prompt, answer } => self.show(prompt, answer),
                // Where the effect is gone meanwhile, nobody wants to know.
                AfterSync::Traced(done) => drop(done.send(())),
                AfterSync::Answered(to, answer) => drop(to.send(answer)),
            }
        }
        Ok(())
    }

    fn launch(&mut self, effect: EffectId, before: Before) {
        let Some(flying) = self.flying.get_mut(&effect) else { return };
        flying.stage = Stage::Running;
        let work = Arc::clone(&flying.work);
        let tell = self.tell.clone();
        crash::point("effect.before-run");
        self.tasks.spawn(async move {
            let finished = Box::new(work.run(before).await);
            let _ = tell.send(Happening::Ran { effect, finished });
        });
    }

    fn show(&mut self, prompt: Prompt, answer: Option<oneshot::Sender<Answer>>) {
        let subject = prompt.subject.clone();
        let (asker, tell) = (Arc::clone(&self.asker), self.tell.clone());
        let task = self.tasks.spawn({
            let subject = subject.clone();
            async move {
                // One question at a time.
                let asker = asker.lock().await;
                let told = asker.ask(&prompt).await;
                let _ = tell.send(Happening::Told { subject, told });
            }
        });
        self.questions.insert(subject, Question { prompt: task, answer });
    }

    fn stop(&mut self, stop: Stop) -> Result<(), EngineError> {
        let Some(kind) = signals::urgency(&stop, self.stop) else { return Ok(()) };
        self.stop = Some(kind);
        let (signal, lost_lock) = match stop {
            Stop::Signal(signal) => (signal, None),
            Stop::LostLock(what) => (0, Some(what)),
        };
        self.ledger.write(Record::StopRequested(StopRequested { signal, kind, lost_lock })).map(drop)
    }

    /// The journal cannot go on: nothing new is begun, and what runs is waited for. Its ends are written where that is still possible.
    async fn wind_down(&mut self) {
        self.after_sync.clear();
        self.flying.retain(|_, flying| match &flying.stage {
            Stage::Capturing(task) | Stage::Looking(task) => {
                task.abort();
                false
            }
            Stage::Starting => false,
            Stage::Running => true,
        });
        for flying in self.flying.values().filter(|flying| flying.work.limits.probing.is_some()) {
            flying.work.canceller.stop(CancelKind::Kill);
        }
        if !self.flying.is_empty() {
            let text = format!("waiting for what still runs: {}", names(self.flying.keys()));
            self.events.send(Event::Warning { text });
        }
        while !self.flying.is_empty() {
            tokio::select! {
                stop = self.stops.next() => {
                    if let Some(kind) = signals::urgency(&stop, self.stop) {
                        self.stop = Some(kind);
                        self.flying.values().filter(|flying| flying.work.limits.interruptible).for_each(|flying| flying.work.canceller.stop(kind));
                    }
                }
                Some(happening) = self.happenings.recv() => match happening {
                    Happening::Ran { effect, finished } => {
                        self.flying.remove(&effect);
                        let written = self.ran(&effect, *finished).and_then(|()| self.ledger.flush());
                        if let Err(error) = written {
                            tracing::debug!(%error, %effect, "an end could not be recorded");
                        }
                    }
                    // Dropping a question or a trace tells its action that nobody listens any more.
                    Happening::Captured { .. } | Happening::Looked { .. } | Happening::Fired { .. } | Happening::Told { .. }
                    | Happening::Evidence { .. } | Happening::Ask { .. } | Happening::Unask { .. } | Happening::Watched { .. } => {}
                },
            }
        }
    }
}

/// The session's canceller of an effect that is to be asked to end.
impl Flying {
    pub(super) fn canceller(&self) -> &Canceller {
        &self.work.canceller
    }
}

fn names<'a>(effects: impl Iterator<Item = &'a EffectId>) -> String {
    effects.map(|effect| format!("`{effect}`")).collect::<Vec<_>>().join(", ")
}

/// Where the files of a session are.
pub(super) fn beside(surroundings: &Surroundings, name: &str) -> PathBuf {
    surroundings.run_dir.join(name)
}
