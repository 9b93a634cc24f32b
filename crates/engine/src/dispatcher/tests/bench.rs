//! From a runbook's text to the end of its run.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use runbook_core::action::{BoxFuture, Registry};
use runbook_core::inputs::{self, Given, GivenValue, Origin};
use runbook_core::plan::PlanOptions;
use runbook_core::record::{Ended, Intent, Record, Reply, RunEnd, SessionFlags, Stamped, Subject};
use runbook_core::source::Source;
use tokio::time::Instant;

use super::deeds::{Try, World};
use crate::EngineError;
use crate::ask::{Asker, Prompt, Told};
use crate::clock::Clock;
use crate::events::{self, Event, EventReceiver};
use crate::host::Host;
use crate::journal;
use crate::locks::{Leasing, LockFolder};
use crate::process::Environment;
use crate::session::{Onward, Session, SessionEnd, execute, go_on};
use crate::signals::{StopSender, Stops};
use crate::state::{RunFolder, StateDir};
use crate::testing::Folder;

/// A clock that goes with the paused time; the wall clock can be set back.
struct TestClock {
    began: Instant,
    back: Arc<AtomicI64>,
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let began: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
        let back = SignedDuration::from_secs(self.back.load(Ordering::Relaxed));
        began + SignedDuration::try_from(self.began.elapsed()).unwrap() - back
    }
    fn up_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap()
    }
}

/// A person with prepared answers, one after the other; then nobody.
#[derive(Default)]
pub(super) struct Person {
    answers: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<String>>,
    /// Takes so long to answer.
    slow: Duration,
}

impl Person {
    pub(super) fn saying(answers: impl IntoIterator<Item = Reply>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() }
    }

    pub(super) fn slowly(self, slow: Duration) -> Self {
        Self { slow, ..self }
    }

    /// What was asked, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Asker for Person {
    fn ask<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Told> {
        let about = match &prompt.subject {
            Subject::Start => "start".to_owned(),
            Subject::Confirm { path } => format!("confirm {}: {}", path[0].step, prompt.text),
            Subject::Step { path } => format!("step {}", path[0].step),
            Subject::InDoubt { effect } => format!("in doubt {effect}"),
            Subject::Failed { effect } => format!("failed {effect}"),
            Subject::Action { effect } => format!("{effect}: {}", prompt.text),
        };
        self.asked.lock().unwrap().push(about);
        Box::pin(async move {
            tokio::time::sleep(self.slow).await;
            let reply = self.answers.lock().unwrap().pop_front();
            reply.map_or_else(Told::nobody, |reply| Told { reply, secret: None, by: "op".to_owned() })
        })
    }
}

/// A run that is to be.
pub(super) struct Bench {
    pub folder: Folder,
    pub flags: SessionFlags,
    pub person: Arc<Person>,
    pub world: Arc<World>,
    pub vars: Vec<(&'static str, &'static str)>,
    pub accept_secrets: BTreeSet<String>,
    pub stop: StopSender,
    /// By so many seconds the wall clock is set back.
    pub back: Arc<AtomicI64>,
    began: Instant,
    stops: Option<Stops>,
}

/// A run that was.
pub(super) struct Ran {
    pub end: RunEnd,
    pub run: RunFolder,
    pub records: Vec<Stamped>,
    /// What was shown.
    pub output: String,
    pub journal: String,
}

impl Bench {
    pub(super) fn new() -> Self {
        let folder = Folder::new();
        let (stop, stops) = Stops::manual();
        Self {
            world: World::of(folder.path()),
            folder,
            flags: SessionFlags::default(),
            person: Arc::default(),
            vars: Vec::new(),
            accept_secrets: BTreeSet::new(),
            stop,
            back: Arc::default(),
            began: Instant::now(),
            stops: Some(stops),
        }
    }

    /// Runs a runbook to its end.
    pub(super) async fn run(&mut self, text: &str) -> Ran {
        self.try_run(text).await.unwrap()
    }

    pub(super) async fn try_run(&mut self, text: &str) -> Result<Ran, EngineError> {
        let (session, watching) = self.session(text);
        Ran::of(execute(session).await?, watching).await
    }

    /// Runs a runbook and is killed: at once after the dispatcher went to wait for the n-th time (from 1), or when it was woken from that. Returns
    /// whether it came so far.
    pub(super) async fn killed(&mut self, text: &str, nth: u32, at_once: bool) -> bool {
        let (session, _watching) = self.session(text);
        let mut run = Box::pin(execute(session));
        let mut waits = 0;
        std::future::poll_fn(|cx| {
            if waits == nth {
                return Poll::Ready(true);
            }
            match run.as_mut().poll(cx) {
                Poll::Ready(ended) => {
                    ended.unwrap();
                    Poll::Ready(false)
                }
                Poll::Pending => {
                    waits += 1;
                    if at_once && waits == nth { Poll::Ready(true) } else { Poll::Pending }
                }
            }
        })
        .await
    }

    /// Goes on with the last run.
    pub(super) async fn go_on(&mut self, text: &str, intent: Intent) -> Ran {
        let run = self.state().last_run().unwrap();
        let (session, watching) = self.session(text);
        Ran::of(go_on(session, run, Onward { intent, amends: None, seen: None }).await.unwrap(), watching).await.unwrap()
    }

    pub(super) fn state(&self) -> StateDir {
        StateDir::at(self.folder.path().join("state"))
    }

    /// A session of the runbook.
    pub(super) fn session(&mut self, text: &str) -> (Session, EventReceiver) {
        let name = self.folder.path().join("test.toml").display().to_string();
        let text = format!("format = 1\nname = \"test\"\n{text}");
        let registry = Registry::new(vec![Box::new(Try)]);
        let (runbook, faults) = runbook_core::load(&Arc::new(Source::new(name, text)), &registry);
        let messages: Vec<_> = faults.iter().map(|fault| format!("{} {:?}", fault.message, fault.help)).collect();
        let Some(runbook) = runbook else { panic!("{messages:#?}") };
        let given = |(name, value): &(&str, &str)| Given {
            name: (*name).to_owned(),
            value: GivenValue::Text((*value).to_owned()),
            origin: Origin::CommandLine,
        };
        let Ok(inputs) = inputs::resolve(&runbook, self.vars.iter().map(given).collect()) else { panic!("variables") };
        let plan = runbook_core::plan::plan(&runbook, &inputs, &PlanOptions { parallel: 4, ..PlanOptions::default() });
        let plan = plan.unwrap_or_else(|faults| panic!("{:?}", faults.iter().map(|fault| &fault.message).collect::<Vec<_>>()));
        let (events, watching) = events::channel();
        let session = Session {
            runbook: Arc::new(runbook),
            plan: Arc::new(plan),
            inputs: Arc::new(inputs),
            state: self.state(),
            locks: LockFolder::at(self.folder.path().join("locks")).unwrap(),
            host: Host {
                name: "db1".into(),
                boot_id: "boot".into(),
                user: "op".into(),
                operator: "op".into(),
                tool: "runbook 0".into(),
                environment: Arc::new(Environment::default()),
                clock: Arc::new(TestClock { began: self.began, back: Arc::clone(&self.back) }),
            },
            flags: self.flags,
            accept_secrets: self.accept_secrets.clone(),
            leasing: Leasing::default(),
            asker: Arc::clone(&self.person) as Arc<dyn Asker>,
            events,
            stops: self.stops.take().unwrap_or_else(|| Stops::manual().1),
        };
        (session, watching)
    }
}

impl Ran {
    async fn of(ended: SessionEnd, mut watching: EventReceiver) -> Result<Self, EngineError> {
        let mut seen = Vec::new();
        let mut output = Vec::new();
        while let Some(event) = watching.recv().await {
            match event {
                Event::Record(record) => seen.push(Stamped::clone(&record)),
                Event::Output { bytes, .. } => output.extend(bytes),
                Event::Progress { .. } | Event::Warning { .. } | Event::Lost { .. } => {}
            }
        }
        let contents = journal::read::<Stamped>(&ended.run.journal())?;
        assert!(contents.records.ends_with(&seen), "what is shown is what is on disk");
        let journal = std::fs::read_to_string(ended.run.journal()).unwrap();
        let output = String::from_utf8_lossy(&output).into_owned();
        Ok(Self { end: ended.end, run: ended.run, records: contents.records, output, journal })
    }

    /// The end of an effect, by its printed name.
    pub(super) fn ended(&self, effect: &str) -> &Ended {
        let found = self.records.iter().rev().find_map(|stamped| match &stamped.record {
            Record::Ended(ended) if ended.effect.to_string() == effect => Some(&**ended),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("`{effect}` has no end in\n{}", self.journal))
    }

    /// What was recorded, by type and effect: `started a`, `ended a.undo0`, …
    pub(super) fn story(&self) -> Vec<String> {
        let tell = |stamped: &Stamped| match &stamped.record {
            Record::Started(started) => Some(format!("started {}", started.effect)),
            Record::Ended(ended) => Some(format!("ended {}", ended.effect)),
            Record::Skipped(skipped) => Some(format!("skipped {}", skipped.path[0].step)),
            Record::Recovered(recovered) => Some(format!("recovered {}", recovered.effect)),
            Record::RollbackBegan(_) => Some("rollback".to_owned()),
            Record::StopRequested(stop) => Some(format!("stop {:?}", stop.kind)),
            _ => None,
        };
        self.records.iter().filter_map(tell).collect()
    }
}
