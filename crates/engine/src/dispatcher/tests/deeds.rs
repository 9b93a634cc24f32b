//! An executor whose actions do what their fields say, and remember that they did.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runbook_core::action::{
    Action, ActionSpec, Answer, Before, BoxFuture, CancelKind, Class, Cx, Executor, Failure, FailureKind, Outcome, OutputKind, OutputSpec,
    Outputs, Question, QuestionKind, Residue, Settled, Stream, Verdict,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

/// What has been done, by the folder of the test.
static WORLDS: Mutex<BTreeMap<PathBuf, Arc<World>>> = Mutex::new(BTreeMap::new());

/// One test's world.
pub(super) struct World {
    began: Instant,
    log: Mutex<Vec<(Duration, String)>>,
    runs: Mutex<BTreeMap<String, u32>>,
    /// How far each deed is, for honest probes.
    states: Mutex<BTreeMap<String, State>>,
}

/// How far a deed is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begun,
    Done,
}

impl World {
    /// The world of a folder; made where it is not there yet.
    pub(super) fn of(folder: &Path) -> Arc<Self> {
        let mut worlds = WORLDS.lock().unwrap();
        let world = || Arc::new(Self { began: Instant::now(), log: Mutex::default(), runs: Mutex::default(), states: Mutex::default() });
        Arc::clone(worlds.entry(folder.to_owned()).or_insert_with(world))
    }

    fn note(&self, text: String) {
        self.log.lock().unwrap().push((self.began.elapsed(), text));
    }

    /// What happened, in order.
    pub(super) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }

    /// The same with the seconds since the beginning.
    pub(super) fn timed(&self) -> Vec<(u64, String)> {
        self.log.lock().unwrap().iter().map(|(at, text)| (at.as_secs(), text.clone())).collect()
    }

    fn set(&self, name: &str, state: State) {
        self.states.lock().unwrap().insert(name.to_owned(), state);
    }

    fn state(&self, name: &str) -> Option<State> {
        self.states.lock().unwrap().get(name).copied()
    }

    /// How often `name` was run, this time included.
    fn count(&self, name: &str) -> u32 {
        let mut runs = self.runs.lock().unwrap();
        let count = runs.entry(name.to_owned()).or_default();
        *count += 1;
        *count
    }
}

/// `try.*`.
pub(super) struct Try;

const OUTPUTS: &[OutputSpec] = &[
    OutputSpec::new("value", OutputKind::Any, "what it was told to give"),
    OutputSpec::new("count", OutputKind::Int, "how often it was run"),
    OutputSpec::sensitive("hidden", OutputKind::Any, "what must not be shown"),
];

const BEFORE: &[OutputSpec] = &[
    OutputSpec::new("found", OutputKind::Any, "what it was told to find"),
    OutputSpec::sensitive("hidden", OutputKind::Any, "what it found and must not be shown"),
];

static ACTIONS: &[ActionSpec] = &[
    ActionSpec { outputs: OUTPUTS, before: BEFORE, ..ActionSpec::of::<Deed>("once", Class::ONCE, "does something") },
    ActionSpec {
        outputs: OUTPUTS,
        before: BEFORE,
        ..ActionSpec::of::<Deed>("again", Class::IDEMPOTENT, "does something, any number of times")
    },
    ActionSpec { outputs: OUTPUTS, ..ActionSpec::of::<Deed>("look", Class::READ_ONLY, "looks") },
];

impl Executor for Try {
    fn name(&self) -> &'static str {
        "try"
    }
    fn about(&self) -> &'static str {
        "does what it is told"
    }
    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }
}

/// What to do.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Deed {
    /// What is noted.
    name: String,
    /// So many seconds.
    #[serde(default)]
    takes: u64,
    /// Fails so often.
    #[serde(default)]
    fails: u32,
    /// What a failure leaves behind.
    #[serde(default)]
    residue: Left,
    /// A failure that no repetition mends.
    #[serde(default)]
    hopeless: bool,
    /// Ends only when it is forced to.
    #[serde(default)]
    stubborn: bool,
    /// So many seconds to find out what is there.
    #[serde(default)]
    capturing: u64,
    /// `before.found`.
    found: Option<String>,
    /// `before.hidden`, backwards.
    found_hidden: Option<String>,
    /// The output `value`.
    #[schemars(extend("x-secret" = "accept"))]
    value: Option<String>,
    /// The output `value`, backwards: as a program gives it that nobody told to.
    eulav: Option<String>,
    /// The output `hidden`, backwards: it is not to stand in the runbook.
    #[schemars(extend("x-secret" = "accept"))]
    hidden: Option<String>,
    /// Written to its output.
    #[schemars(extend("x-secret" = "accept"))]
    prints: Option<String>,
    /// Written to its output at its end.
    prints_late: Option<String>,
    /// Asks this before.
    asks: Option<String>,
    /// What a probe finds.
    #[serde(default)]
    truth: Truth,
    /// Read back after it.
    #[serde(default, rename = "proof")]
    #[schemars(extend("x-proof" = true))]
    _proof: Option<Value>,
    /// Panics.
    #[serde(default)]
    panics: bool,
}

/// What a failure leaves.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Left {
    None,
    Partial,
    #[default]
    Unknown,
}

/// What a probe finds.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Truth {
    Done,
    NotDone,
    /// What is so.
    Honest,
    #[default]
    Unknown,
}

impl Deed {
    fn outputs(&self, count: u32) -> Outputs {
        let mut outputs = Map::new();
        outputs.insert("count".into(), Value::from(count));
        if let Some(value) = &self.value {
            outputs.insert("value".into(), Value::from(value.as_str()));
        }
        if let Some(value) = &self.eulav {
            outputs.insert("value".into(), Value::from(value.chars().rev().collect::<String>()));
        }
        if let Some(hidden) = &self.hidden {
            outputs.insert("hidden".into(), Value::from(hidden.chars().rev().collect::<String>()));
        }
        outputs
    }

    fn residue(&self) -> Residue {
        match self.residue {
            Left::None => Residue::None,
            Left::Partial => Residue::Partial,
            Left::Unknown => Residue::Unknown,
        }
    }

    async fn act(&self, cx: Cx<'_>) -> Outcome {
        let world = World::of(cx.base_dir());
        let count = world.count(&self.name);
        assert!(!self.panics, "told to");
        if let Some(text) = &self.asks {
            let question = Question { text: text.clone(), kind: QuestionKind::Confirm };
            match cx.ask(question).await {
                Ok(Answer::Yes) => {}
                Ok(Answer::No) => return Outcome::failed(Failure::new(FailureKind::Refused, "a person said no"), Residue::None),
                Ok(Answer::Text(text)) => world.note(format!("{} heard {text}", self.name)),
                Ok(Answer::Withdrawn) => {
                    world.note(format!("{} not answered", self.name));
                    return Outcome::Cancelled { residue: Residue::None };
                }
                Ok(Answer::Nobody) => return Outcome::failed(Failure::new(FailureKind::NeedsPerson, "nobody is there"), Residue::None),
                Err(failure) => return Outcome::failed(failure, Residue::None),
            }
        }
        world.note(self.name.clone());
        world.set(&self.name, State::Begun);
        if let Some(text) = &self.prints {
            cx.output(Stream::Stdout, text.as_bytes());
        }
        let wanted = if self.stubborn { CancelKind::Kill } else { CancelKind::Graceful };
        if self.takes > 0 {
            if !passes(cx, Duration::from_secs(self.takes), wanted).await {
                world.note(format!("{} cancelled", self.name));
                return Outcome::Cancelled { residue: self.residue() };
            }
            world.note(format!("{} ended", self.name));
        }
        if let Some(text) = &self.prints_late {
            cx.output(Stream::Stdout, text.as_bytes());
        }
        if count <= self.fails {
            let mut failure = Failure::new(FailureKind::Failed, format!("`{}` failed", self.name)).field("name");
            failure.retryable = !self.hopeless;
            return Outcome::Failed { failure, residue: self.residue(), outputs: self.outputs(count) };
        }
        world.set(&self.name, State::Done);
        Outcome::changed(self.outputs(count))
    }
}

/// Whether so much time passes before a request to end comes.
async fn passes(cx: Cx<'_>, time: Duration, wanted: CancelKind) -> bool {
    tokio::select! {
        biased;
        () = cx.sleep(time) => true,
        () = cx.cancelled(wanted) => false,
    }
}

impl Action for Deed {
    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async move {
            if self.capturing > 0 {
                // As one that opens a connection to look around.
                cx.evidence(Value::from("capture")).await?;
                cx.sleep(Duration::from_secs(self.capturing)).await;
            }
            let mut before = Before::nothing();
            if let Some(found) = &self.found {
                before.0.insert("found".into(), Value::from(found.as_str()));
            }
            if let Some(hidden) = &self.found_hidden {
                before.0.insert("hidden".into(), Value::from(hidden.chars().rev().collect::<String>()));
            }
            Ok(before)
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(self.act(cx))
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        World::of(cx.base_dir()).note(format!("{} settled", self.name));
        Box::pin(async { Settled::AtRest })
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Verdict> {
        World::of(cx.base_dir()).note(format!("{} probed", self.name));
        Box::pin(async move {
            let _ = cx.evidence(Value::from("probe")).await;
            match self.truth {
                Truth::Done => Verdict::Done { outputs: self.outputs(1), changed: true },
                Truth::NotDone => Verdict::NotDone,
                Truth::Honest => match World::of(cx.base_dir()).state(&self.name) {
                    Some(State::Done) => Verdict::Done { outputs: self.outputs(1), changed: true },
                    Some(State::Begun) => Verdict::Partial { why: "some of it".to_owned() },
                    None => Verdict::NotDone,
                },
                Truth::Unknown => Verdict::Unknown { why: "nobody can say".to_owned() },
            }
        })
    }
}
