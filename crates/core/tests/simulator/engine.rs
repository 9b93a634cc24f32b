//! The engine's loop, with a random world instead of a real one.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use runbook_core::action::{Before, CancelKind, Class, Failure, FailureKind, Outcome, Outputs, Residue, Verdict};
use runbook_core::decide::{Command, Probing, decide};
use runbook_core::digest::Digest;
use runbook_core::effect::EffectId;
use runbook_core::plan::{FailurePolicy, Plan};
use runbook_core::record::{
    Admitted, Answered, Asked, CancelRequested, Ended, Evidence, Expanded, Expectation, Intent, ItemKey, PersonNeeded, Record, Recovered,
    RecoveryStarted, Reply, RunEnd, RunOpened, RunbookIdentity, SessionEnded, SessionFlags, SessionOpened, SkipReason, Skipped, Stamped,
    Started, StopRequested, Subject, Tally, TimerFired, Watched, repeat_is_over,
};
use runbook_core::view::{EffectKey, RunView};

use crate::laws::Laws;
use crate::rng::Rng;
use crate::world::World;

/// Something that is under way in the process.
#[derive(Clone, Debug)]
struct Flight {
    effect: EffectId,
    stage: Stage,
    cancelled: Option<CancelKind>,
    /// Of a monitor: after how many failures in a row it trips, whether it goes on then, and what it saw.
    probing: Option<(Probing, Tally)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Capturing,
    /// `Started` is written, not yet synced.
    Written,
    Running,
    Recovering,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Crashed,
    Ended(RunEnd),
}

/// One run from its first record to its last.
pub(crate) struct History {
    plan: Rc<Plan>,
    digest: Digest,
    rng: Rng,
    world: World,
    view: RunView,
    laws: Laws,
    journal: Vec<Stamped>,
    batch: Vec<Stamped>,
    flights: BTreeMap<EffectKey, Flight>,
    timers: Vec<EffectId>,
    questions: Vec<Subject>,
    seq: u64,
    time_us: u64,
    boot: u32,
    /// Nothing goes wrong any more.
    calm: bool,
    /// Whether a person can be asked in this session.
    person: bool,
    shown: bool,
}

impl History {
    /// Lives a history through, checking the laws; says what happened in it.
    pub(crate) fn live(plan: Rc<Plan>, rng: Rng, shown: bool) -> BTreeSet<String> {
        let view = RunView::new(&plan);
        let laws = Laws::default();
        let mut this = Self {
            digest: plan.digest(),
            plan,
            rng,
            world: World::default(),
            view,
            laws,
            journal: Vec::new(),
            batch: Vec::new(),
            flights: BTreeMap::new(),
            timers: Vec::new(),
            questions: Vec::new(),
            seq: 0,
            time_us: 0,
            boot: 0,
            calm: false,
            person: true,
            shown,
        };
        if shown {
            println!("{}", serde_json::to_string_pretty(this.plan.parts()).unwrap());
        }
        this.open();
        let mut intent = Intent::GoOn;
        for session in 1..=12 {
            this.calm = session > 8;
            let left = this.session(intent);
            this.laws.saw(format!("{left:?}"));
            if let Some(end) = this.is_over(left, intent) {
                this.laws.check_end(&this.plan, &this.view, &this.world, end);
                if end != RunEnd::Done || this.rng.percent(60) {
                    break;
                }
                intent = Intent::RollBack;
            } else if this.calm {
                panic!("calm session {session} ended as {left:?} in {:?}", this.view.mode());
            } else if intent == Intent::GoOn {
                intent = if this.rng.percent(25) { Intent::RollBack } else { Intent::GoOn };
            }
        }
        Laws::check_folds(&this.plan, &this.view, &this.journal, &mut this.rng);
        this.laws.seen
    }

    /// The end after which a person would do nothing more with this run.
    fn is_over(&mut self, left: Left, intent: Intent) -> Option<RunEnd> {
        match left {
            Left::Crashed => None,
            Left::Ended(end) if end.is_final() => Some(end),
            Left::Ended(RunEnd::NeedsPerson { why: PersonNeeded::Barrier }) => Some(RunEnd::NeedsPerson { why: PersonNeeded::Barrier }),
            Left::Ended(end) => (!self.calm && intent == Intent::GoOn && self.rng.percent(20)).then_some(end),
        }
    }

    fn open(&mut self) {
        let digest = self.plan.digest();
        let runbook = RunbookIdentity {
            name: "sim".to_owned(),
            title: None,
            path: "/sim.toml".to_owned(),
            digest: digest.clone(),
            called: Vec::new(),
        };
        let opened = RunOpened {
            run: "r".to_owned(),
            format: 1,
            runbook,
            plan: digest,
            variables: Vec::new(),
            values: Vec::new(),
            operator: "someone".to_owned(),
        };
        self.append(Record::RunOpened(Box::new(opened)));
    }

    fn append(&mut self, record: Record) {
        self.seq += 1;
        self.time_us += self.rng.next() % 1_500_000;
        let at = Timestamp::from_microsecond(1_700_000_000_000_000 + i64::try_from(self.time_us).unwrap()).unwrap();
        let stamped = Stamped { seq: self.seq, at, up_us: self.time_us, record };
        if self.shown {
            println!("{}", serde_json::to_string(&stamped).unwrap());
        }
        self.laws.before(&self.plan, &self.view, &stamped);
        if let Err(impossible) = self.view.apply(&self.plan, &stamped) {
            panic!("{impossible}: {:?}", stamped.record);
        }
        self.batch.push(stamped);
    }

    fn flags(&mut self) -> SessionFlags {
        SessionFlags {
            yes: self.rng.percent(30),
            checks_only: !self.calm && self.rng.percent(3),
            step: !self.calm && self.rng.percent(5),
            on_failure: (!self.calm && self.rng.percent(20))
                .then(|| self.rng.pick(&[FailurePolicy::Stop, FailurePolicy::Rollback, FailurePolicy::Ask])),
        }
    }

    /// A crash at this point? Then what was not synced is lost, in part or whole.
    fn crashes(&mut self) -> bool {
        !self.calm && self.rng.below(120) == 0
    }

    fn crash(&mut self) -> Left {
        let kept = self.rng.below(self.batch.len() + 1);
        let kept: Vec<_> = self.batch.drain(..).take(kept).collect();
        self.journal.extend(kept);
        self.die();
        if self.shown {
            println!("-- crash, {} records are kept", self.journal.len());
        }
        self.seq = self.journal.len() as u64;
        self.view = RunView::new(&self.plan);
        for stamped in &self.journal {
            self.view.apply(&self.plan, stamped).unwrap();
        }
        if self.view.opened().is_none() {
            self.open();
        }
        Left::Crashed
    }

    /// The process is gone; what it ran breaks off.
    fn die(&mut self) {
        let flights = std::mem::take(&mut self.flights);
        for (key, flight) in flights {
            let changes = self.class(key).changes();
            if flight.stage == Stage::Running {
                self.world.break_off(key, changes, &mut self.rng);
            }
        }
        self.timers.clear();
        self.questions.clear();
    }

    fn class(&self, key: EffectKey) -> Class {
        let unit = self.plan.unit(key.unit).unwrap();
        key.undo.map_or(unit.class, |action| unit.undo()[usize::from(action)].class)
    }

    fn session(&mut self, intent: Intent) -> Left {
        self.person = self.calm || self.rng.percent(80);
        let session = self.view.session().map_or(1, |s| s.opened.session + 1);
        self.boot += u32::from(self.rng.percent(10));
        // A closed run takes a rollback only; one that was rolled back meanwhile takes nothing.
        if let Some(closed) = self.view.closed() {
            let end = closed.end;
            if intent != Intent::RollBack || end != RunEnd::Done {
                return Left::Ended(end);
            }
        }
        let flags = self.flags();
        self.append(Record::SessionOpened(Box::new(SessionOpened {
            session,
            intent,
            host: "h".to_owned(),
            boot_id: self.boot.to_string(),
            pid: 1,
            user: "someone".to_owned(),
            tool: "0".to_owned(),
            flags,
            accepted: Vec::new(),
            leases: Vec::new(),
        })));
        let mut stops = 0;
        for turn in 0.. {
            assert!(turn < 5_000, "the session does not end");
            if let Some(end) = self.turn() {
                return end;
            }
            if self.crashes() {
                return self.crash();
            }
            self.sync();
            if self.crashes() {
                return self.crash();
            }
            if !self.calm && stops < 2 && self.rng.below(200) == 0 {
                stops += 1;
                let kind = if stops == 1 { CancelKind::Graceful } else { CancelKind::Kill };
                let lost_lock = (stops == 1 && self.rng.below(2) == 0).then(|| "odc@db".to_owned());
                self.append(Record::StopRequested(StopRequested { signal: if lost_lock.is_some() { 0 } else { 2 }, kind, lost_lock }));
            } else {
                self.happens();
            }
        }
        unreachable!()
    }

    /// Commands, until there are no more.
    fn turn(&mut self) -> Option<Left> {
        for _ in 0..1_000 {
            let commands = decide(&self.plan, &self.view);
            self.laws.commands(&commands);
            if commands.is_empty() {
                return None;
            }
            for command in commands {
                self.laws.issued(&command);
                self.view.issue(&self.plan, &command);
                if self.crashes() {
                    return Some(self.crash());
                }
                if self.shown {
                    println!("   {command:?}");
                }
                if let Some(end) = self.carry_out(command) {
                    return Some(Left::Ended(end));
                }
            }
        }
        panic!("decide does not come to rest");
    }

    fn sync(&mut self) {
        self.journal.append(&mut self.batch);
        let written: Vec<EffectKey> =
            self.flights.iter().filter(|(_, flight)| flight.stage == Stage::Written).map(|(key, _)| *key).collect();
        for key in written {
            let repeats = self.is_repetition(key);
            if let Some(flight) = self.flights.get_mut(&key) {
                flight.stage = Stage::Running;
            }
            let told = |ix| self.flights.get(&EffectKey::unit(ix)).is_some_and(|flight| flight.cancelled.is_none());
            Laws::unwatched(&self.plan, key, &told);
            Laws::runs(&self.plan, key, repeats, &mut self.world, &mut self.rng);
        }
    }

    fn key(&self, effect: &EffectId) -> EffectKey {
        self.view.key(&self.plan, effect).unwrap()
    }

    fn fails(&mut self, percent: usize) -> bool {
        !self.calm && self.rng.percent(percent)
    }

    fn carry_out(&mut self, command: Command) -> Option<RunEnd> {
        match command {
            Command::Write(records) => records.into_iter().for_each(|record| self.append(record)),
            Command::Admit(admit) => {
                let EffectId { path, role, .. } = admit.effect.clone();
                if self.fails(4) {
                    self.never_began(admit.effect, FailureKind::Invalid);
                } else if self.rng.percent(70) {
                    self.append(Record::Admitted(Admitted { effect: admit.effect, actuals: Vec::new() }));
                } else {
                    let why = SkipReason::When { text: "false".to_owned(), actuals: Vec::new() };
                    self.append(Record::Skipped(Skipped { path, role, why }));
                }
            }
            Command::Expand(expand) => {
                if self.fails(5) {
                    self.never_began(expand.effect, FailureKind::Invalid);
                } else {
                    let count = self.rng.below(4);
                    let items = (0..count).map(|at| ItemKey { key: format!("i{at}"), value: at.into() }).collect();
                    self.append(Record::Expanded(Expanded { path: expand.effect.path, items }));
                }
            }
            Command::Start(start) => {
                if self.fails(5) {
                    let kind = self.rng.pick(&[FailureKind::Invalid, FailureKind::Unreachable, FailureKind::NotFound]);
                    self.never_began(start.effect, kind);
                } else {
                    let key = self.key(&start.effect);
                    assert!(!self.flights.contains_key(&key), "{} flies twice", start.effect);
                    let probing = start.limits.probing.map(|probing| (probing, Tally::default()));
                    let flight = Flight { effect: start.effect, stage: Stage::Capturing, cancelled: None, probing };
                    self.flights.insert(key, flight);
                    // A monitor is not captured.
                    if probing.is_some() || self.rng.percent(70) {
                        self.begin(key);
                    }
                }
            }
            Command::Recover(recover) => {
                let key = self.key(&recover.effect);
                self.append(Record::RecoveryStarted(RecoveryStarted { effect: recover.effect.clone(), cause: recover.cause }));
                self.flights.insert(key, Flight { effect: recover.effect, stage: Stage::Recovering, cancelled: None, probing: None });
            }
            Command::Cancel { effect, kind } => {
                let key = self.key(&effect);
                self.append(Record::CancelRequested(CancelRequested { effect, kind }));
                self.flights.get_mut(&key).unwrap().cancelled = Some(kind);
            }
            Command::Wake { effect, .. } => self.timers.push(effect),
            Command::Ask(ask) => {
                self.append(Record::Asked(Asked { subject: ask.subject.clone(), text: String::new(), kind: None }));
                self.questions.push(ask.subject);
            }
            Command::Withdraw(subject) => {
                self.questions.retain(|open| *open != subject);
                self.append(Record::Answered(Answered { subject, reply: Reply::Withdrawn, by: String::new() }));
            }
            Command::EndSession(end) => {
                assert!(self.flights.is_empty(), "the session ends while something runs");
                self.append(Record::SessionEnded(SessionEnded { end }));
                self.sync();
                self.die();
                return Some(end);
            }
        }
        None
    }

    fn ended(&mut self, effect: EffectId, outcome: Outcome, tries: u32) {
        let done = matches!(outcome, Outcome::Succeeded { .. });
        let expectations = if done { self.until(&effect) } else { Vec::new() };
        let ended = Ended { effect, outcome, tries, expectations, warnings: Vec::new(), output: None, sealed: Vec::new() };
        self.append(Record::Ended(Box::new(ended)));
    }

    /// Whether the journal says that the last attempt was done as a whole and is to be repeated.
    fn is_repetition(&self, key: EffectKey) -> bool {
        let about = |effect: &EffectId| self.view.key(&self.plan, effect) == Some(key);
        let last = self.journal.iter().rev().find_map(|stamped| match &stamped.record {
            // What never began says nothing about the last one that did.
            Record::Ended(r) if r.tries > 0 && about(&r.effect) => Some(repeat_is_over(&r.expectations)),
            Record::Recovered(r) if about(&r.effect) => Some(repeat_is_over(&r.expectations)),
            _ => None,
        });
        last.flatten() == Some(false)
    }

    /// What `repeat_until` says of an attempt that was done as a whole.
    fn until(&mut self, effect: &EffectId) -> Vec<Expectation> {
        let key = self.key(effect);
        let repeats = key.undo.is_none() && self.plan.unit(key.unit).is_some_and(|unit| unit.repeat.is_some());
        let holds = repeats && (self.calm || self.rng.percent(60));
        let until =
            || Expectation { index: 0, text: "over".to_owned(), holds, warning: false, until: true, actuals: Vec::new(), fault: None };
        repeats.then(until).into_iter().collect()
    }

    fn never_began(&mut self, effect: EffectId, kind: FailureKind) {
        let failure = Failure::new(kind, "it cannot begin");
        self.ended(effect, Outcome::Failed { failure, residue: Residue::None, outputs: Outputs::new() }, 0);
    }

    fn begin(&mut self, key: EffectKey) {
        let class = self.class(key);
        let flight = self.flights.get_mut(&key).unwrap();
        flight.stage = Stage::Written;
        let effect = flight.effect.clone();
        self.append(Record::Started(Box::new(Started {
            effect,
            action: "sim.act".to_owned(),
            spec: self.digest.clone(),
            render: self.digest.clone(),
            class,
            fields: serde_json::Value::Null,
            before: Before::nothing(),
            undo: Vec::new(),
            sealed: Vec::new(),
        })));
    }

    /// Something happens: an effect ends, a pause is over, an answer comes.
    fn happens(&mut self) {
        let (flights, timers, questions) = (self.flights.len(), self.timers.len(), self.questions.len());
        let all = flights + timers + questions;
        assert!(all > 0, "nothing is under way, and nothing is decided: {:?}", self.view.mode());
        let lonely = all == flights && self.flights.values().all(|flight| flight.probing.is_some() && flight.cancelled.is_none());
        assert!(!lonely, "monitors keep the run alive: {:?}", self.view.mode());
        let at = self.rng.below(all);
        if at < flights {
            let key = *self.flights.keys().nth(at).unwrap();
            self.flies_on(key);
        } else if at < flights + timers {
            let effect = self.timers.swap_remove(at - flights);
            self.append(Record::TimerFired(TimerFired { effect }));
        } else {
            let subject = self.questions.swap_remove(at - flights - timers);
            self.answer(subject);
        }
    }

    fn flies_on(&mut self, key: EffectKey) {
        let flight = self.flights[&key].clone();
        if flight.probing.is_some() {
            return self.probes(key, flight);
        }
        match flight.stage {
            Stage::Capturing if flight.cancelled.is_some() => {
                self.flights.remove(&key);
                self.ended(flight.effect, Outcome::Cancelled { residue: Residue::None }, 0);
            }
            Stage::Capturing => self.begin(key),
            Stage::Written => unreachable!("it was synced"),
            Stage::Running if self.rng.percent(20) => {
                let evidence = serde_json::Value::from(1);
                self.append(Record::Evidence(Evidence { effect: flight.effect, evidence }));
            }
            Stage::Running => {
                self.flights.remove(&key);
                let changes = self.class(key).changes();
                let outcome = if self.calm {
                    self.world.succeed(key, changes, &mut self.rng)
                } else {
                    self.world.act(key, changes, flight.cancelled, &mut self.rng)
                };
                self.ended(flight.effect, outcome, 1);
            }
            Stage::Recovering => {
                self.flights.remove(&key);
                let (settled, verdict) = match flight.cancelled {
                    Some(_) => World::unseen("the session was stopped"),
                    None => self.world.look(key, self.calm, &mut self.rng),
                };
                let done = matches!(verdict, Verdict::Done { .. });
                let expectations = if done { self.until(&flight.effect) } else { Vec::new() };
                self.append(Record::Recovered(Box::new(Recovered {
                    effect: flight.effect,
                    settled,
                    verdict,
                    expectations,
                    sealed: Vec::new(),
                })));
            }
        }
    }

    /// A monitor's next probe, or its end.
    fn probes(&mut self, key: EffectKey, flight: Flight) {
        let Flight { effect, cancelled, probing, .. } = flight;
        let (probing, mut tally) = probing.unwrap();
        if cancelled.is_some() && (self.calm || self.rng.percent(70)) {
            self.flights.remove(&key);
            let outcome = match self.rng.below(4) {
                0 => Outcome::Cancelled { residue: Residue::None },
                _ => Outcome::Succeeded { outputs: Outputs::new(), changed: false },
            };
            return self.ended(effect, outcome, 1);
        }
        let holds = !self.fails(25);
        tally.probes += 1;
        tally.failed += u64::from(!holds);
        tally.in_a_row = if holds { 0 } else { tally.in_a_row + 1 };
        let tripped = !holds && tally.in_a_row == u64::from(probing.failures);
        tally.trips += u64::from(tripped);
        let failure = (!holds).then(|| Failure::new(FailureKind::Unexpected, "it is down"));
        self.append(Record::Watched(Box::new(Watched { effect: effect.clone(), holds, tripped, tally, failure: failure.clone() })));
        match failure {
            Some(failure) if tripped && !probing.goes_on => {
                self.flights.remove(&key);
                self.ended(effect, Outcome::Failed { failure, residue: Residue::None, outputs: Outputs::new() }, 1);
            }
            Some(_) | None => self.flights.get_mut(&key).unwrap().probing = Some((probing, tally)),
        }
    }

    fn answer(&mut self, subject: Subject) {
        let reply = if self.person { self.reply(&subject) } else { Reply::Nobody };
        if let (Subject::InDoubt { effect }, Reply::Done | Reply::NotDone) = (&subject, &reply) {
            let key = self.key(effect);
            self.world.person_says(key, reply == Reply::Done, &mut self.rng);
        }
        if let (Subject::Failed { effect }, Reply::Retry) = (&subject, &reply) {
            let key = self.key(effect);
            self.world.thing(key, &mut self.rng).allowed = true;
        }
        self.append(Record::Answered(Answered { subject, reply, by: "someone".to_owned() }));
    }

    fn reply(&mut self, subject: &Subject) -> Reply {
        if self.calm {
            return match subject {
                Subject::Start | Subject::Confirm { .. } | Subject::Step { .. } | Subject::Action { .. } => Reply::Yes,
                Subject::InDoubt { .. } => self.rng.pick_ref(&[Reply::Done, Reply::NotDone]),
                Subject::Failed { .. } => Reply::Retry,
            };
        }
        if self.rng.percent(8) {
            return Reply::Nobody;
        }
        match subject {
            Subject::Start | Subject::Confirm { .. } | Subject::Action { .. } => {
                self.rng.pick_ref(&[Reply::Yes, Reply::Yes, Reply::Yes, Reply::No])
            }
            Subject::Step { .. } => self.rng.pick_ref(&[Reply::Yes, Reply::Yes, Reply::All, Reply::No]),
            Subject::InDoubt { effect } => {
                let key = self.key(effect);
                let moving = self.world.thing(key, &mut self.rng).moving;
                let may_roll_back = key.undo.is_none() && !moving;
                let replies = [Reply::Done, Reply::NotDone, Reply::Stop, Reply::RollBack];
                self.rng.pick_ref(if may_roll_back { &replies } else { &replies[..3] })
            }
            Subject::Failed { .. } => self.rng.pick_ref(&[Reply::Retry, Reply::Skip, Reply::RollBack, Reply::Stop]),
        }
    }
}
