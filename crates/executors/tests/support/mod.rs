//! The least of an engine that an executor's test needs: a context that keeps what it is told, and actions built from JSON as a run builds them.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use runbook_core::action::{
    Action, Answer, Before, BoxFuture, CancelKind, Context, Cx, Exit, Failure, FailureKind, FieldFault, Outcome, Outputs, ProcessSpec,
    Processes, Progress, Question, Stream,
};
use runbook_core::effect::{EffectId, Role};
use serde_json::Value;
use tokio::sync::watch;

/// What the lab's `env.json` says; the tests that need it fail with a clear word where it is not there.
pub(crate) fn lab() -> Value {
    let path = std::env::var_os("RUNBOOK_LAB").expect("this test needs the lab: run `cargo xtask test`");
    let text = std::fs::read_to_string(path).expect("RUNBOOK_LAB names a file that can be read");
    serde_json::from_str(&text).expect("RUNBOOK_LAB names a JSON file")
}

/// An action as a run builds it: `action("sql", "query", json!({…}))`.
pub(crate) fn action(executor: &str, name: &str, fields: Value) -> Box<dyn Action> {
    try_action(executor, name, fields).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The same where the fields have faults.
pub(crate) fn try_action(executor: &str, name: &str, fields: Value) -> Result<Box<dyn Action>, Vec<FieldFault>> {
    let registry = runbook_executors::registry();
    let spec = registry.action(executor, name).unwrap_or_else(|| panic!("no action `{executor}.{name}`"));
    (spec.build)(fields)
}

/// Outcome of an action whose success is certain.
pub(crate) fn succeeded(outcome: Outcome) -> (Outputs, bool) {
    match outcome {
        Outcome::Succeeded { outputs, changed } => (outputs, changed),
        Outcome::Failed { failure, residue, .. } => panic!("failed ({residue:?}): {failure:?}"),
        Outcome::Cancelled { residue } => panic!("cancelled ({residue:?})"),
    }
}

/// The failure of an action that has to fail.
pub(crate) fn failed(outcome: Outcome) -> (Failure, runbook_core::action::Residue) {
    match outcome {
        Outcome::Failed { failure, residue, .. } => (failure, residue),
        Outcome::Succeeded { outputs, .. } => panic!("succeeded: {outputs:?}"),
        Outcome::Cancelled { residue } => panic!("cancelled ({residue:?})"),
    }
}

/// A folder of its own, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes it.
    pub(crate) fn new(name: &str) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = std::env::temp_dir().join(format!("runbook-{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A context that keeps everything.
pub(crate) struct TestContext {
    effect: EffectId,
    run_id: String,
    mark: String,
    folder: Folder,
    cancel: watch::Sender<Option<CancelKind>>,
    /// What was journaled as evidence.
    pub(crate) evidence: Mutex<Vec<Value>>,
    /// What was put out.
    pub(crate) output: Mutex<Vec<u8>>,
    /// How far it came.
    pub(crate) progress: Mutex<Vec<Progress>>,
    /// What a person says, the last first.
    pub(crate) answers: Mutex<Vec<Answer>>,
    /// What a person was asked.
    pub(crate) questions: Mutex<Vec<Question>>,
    /// Whether what runs may be ended early.
    pub(crate) interruptible: bool,
    deadline: Option<Instant>,
}

impl TestContext {
    /// For a step of this name.
    pub(crate) fn new(step: &str) -> Self {
        Self::with_role(step, Role::Do)
    }

    /// For an effect of this kind.
    pub(crate) fn with_role(step: &str, role: Role) -> Self {
        Self::of("20260101-000000-test", EffectId::first(step, role))
    }

    /// For a step of this run.
    pub(crate) fn in_run(run_id: &str, step: &str) -> Self {
        Self::of(run_id, EffectId::first(step, Role::Do))
    }

    /// For the next attempt of the same step.
    pub(crate) fn again(&self) -> Self {
        Self::of(&self.run_id, EffectId { attempt: self.effect.attempt + 1, ..self.effect.clone() })
    }

    fn of(run_id: &str, effect: EffectId) -> Self {
        Self {
            mark: format!("{run_id}/{effect}"),
            run_id: run_id.to_owned(),
            folder: Folder::new(&effect.path[0].step),
            effect,
            cancel: watch::Sender::new(None),
            evidence: Mutex::default(),
            output: Mutex::default(),
            progress: Mutex::default(),
            answers: Mutex::default(),
            questions: Mutex::default(),
            interruptible: true,
            deadline: None,
        }
    }

    /// A folder that lives as long as this context.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks what runs to end.
    pub(crate) fn cancel(&self, kind: CancelKind) {
        self.cancel.send_replace(Some(kind));
    }

    /// Captures and runs.
    pub(crate) async fn run(&self, action: &dyn Action) -> Outcome {
        match action.capture(self).await {
            Ok(before) => action.run(self, &before).await,
            Err(failure) => Outcome::failed(failure, runbook_core::action::Residue::None),
        }
    }

    /// Captures and runs what must succeed: its outputs, and whether it changed anything.
    pub(crate) async fn succeed(&self, action: &dyn Action) -> (Outputs, bool) {
        succeeded(self.run(action).await)
    }

    /// Captures and runs what must fail.
    pub(crate) async fn fail(&self, action: &dyn Action) -> (Failure, runbook_core::action::Residue, Outputs) {
        match self.run(action).await {
            Outcome::Failed { failure, residue, outputs } => (failure, residue, outputs),
            other => panic!("{other:?}"),
        }
    }

    /// What was put out so far, as text.
    pub(crate) fn output_text(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned()
    }

    /// Runs without capturing.
    pub(crate) async fn run_bare(&self, action: &dyn Action) -> Outcome {
        action.run(self, &Before::nothing()).await
    }
}

impl Context for TestContext {
    fn effect(&self) -> &EffectId {
        &self.effect
    }
    fn run_id(&self) -> &str {
        &self.run_id
    }
    fn mark(&self) -> &str {
        &self.mark
    }
    fn run_dir(&self) -> &Path {
        self.folder.path()
    }
    fn base_dir(&self) -> &Path {
        self.folder.path()
    }
    fn now(&self) -> Timestamp {
        Timestamp::now()
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
        let mut seen = self.cancel.subscribe();
        Box::pin(async move {
            if seen.wait_for(|kind| kind.is_some_and(|kind| kind >= at_least)).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
    fn output(&self, _stream: Stream, bytes: &[u8]) {
        self.output.lock().unwrap().extend_from_slice(bytes);
    }
    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }
    fn evidence(&self, evidence: Value) -> BoxFuture<'_, Result<(), Failure>> {
        self.evidence.lock().unwrap().push(evidence);
        Box::pin(async { Ok(()) })
    }
    fn processes(&self) -> &dyn Processes {
        self
    }
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, Failure>> {
        self.questions.lock().unwrap().push(question);
        let answer = self.answers.lock().unwrap().pop().unwrap_or(Answer::Nobody);
        Box::pin(async { Ok(answer) })
    }
}

impl Processes for TestContext {
    fn run<'a>(&'a self, _cx: Cx<'a>, spec: ProcessSpec) -> BoxFuture<'a, Result<Exit, Failure>> {
        Box::pin(async move { Err(Failure::new(FailureKind::Internal, format!("no processes in this test: `{}`", spec.program))) })
    }
    fn settle<'a>(&'a self, _mark: &'a str, _end_it: bool, _wait: Duration) -> BoxFuture<'a, Vec<u32>> {
        Box::pin(async { Vec::new() })
    }
}
