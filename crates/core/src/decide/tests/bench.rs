//! A bench on which stories are played: a plan, a view, and short names for what happens.

use std::time::Duration;

use jiff::Timestamp;

use crate::action::{Before, CancelKind, Class, Failure, FailureKind, Outcome, Outputs, Residue, Settled, Verdict};
use crate::decide::{Command, decide};
use crate::digest::Digest;
use crate::effect::{EffectId, Role, UnitIx};
use crate::plan::{FailurePolicy, Fields, Plan, PlanFate, PlanParts, PlanUndo, PlanUnit};
use crate::record::{
    Admitted, Answered, Asked, Ended, Expanded, Expectation, Intent, ItemKey, Record, Recovered, RecoveryStarted, Reply, RunOpened,
    RunbookIdentity, SessionEnded, SessionFlags, SessionOpened, SkipReason, Skipped, Stamped, Started, StopRequested, Subject, Tally,
    TimerFired, Watched,
};
use crate::runbook::{Needs, Phase, Retry, Watch};
use crate::view::RunView;

pub(super) fn digest() -> Digest {
    Digest::of_bytes("d1", b"")
}

pub(super) fn unit(phase: Phase, id: &str) -> PlanUnit {
    PlanUnit {
        id: id.to_owned(),
        phase,
        title: None,
        action: "a.b".to_owned(),
        needs: if phase == Phase::Step { Needs::Earlier } else { Needs::These(Vec::new()) },
        uses: Vec::new(),
        when: None,
        for_each: None,
        timeout: None,
        retry: Retry::NONE,
        repeat: None,
        class: if phase == Phase::Step { Class::ONCE } else { Class::READ_ONLY },
        fate: if phase == Phase::Step { PlanFate::Undo(vec![undo()]) } else { PlanFate::Nothing },
        on_failure: FailurePolicy::Stop,
        guarded_by: Vec::new(),
        watch: None,
        confirm: false,
        left_out: None,
        idle: false,
        spec: digest(),
        fields: Fields::Ready(serde_json::Value::Null),
    }
}

pub(super) fn check(id: &str) -> PlanUnit {
    unit(Phase::Check, id)
}

pub(super) fn step(id: &str) -> PlanUnit {
    unit(Phase::Step, id)
}

pub(super) fn verify(id: &str) -> PlanUnit {
    unit(Phase::Verify, id)
}

pub(super) fn monitor(id: &str, from: Option<UnitIx>, until: Option<UnitIx>) -> PlanUnit {
    let watch = Watch { from, until, every: Duration::from_secs(5), failures: 3 };
    PlanUnit { watch: Some(watch), ..unit(Phase::Monitor, id) }
}

pub(super) fn undo() -> PlanUndo {
    PlanUndo {
        title: None,
        action: "a.c".to_owned(),
        when: false,
        timeout: None,
        retry: Retry::NONE,
        class: Class::IDEMPOTENT,
        spec: digest(),
        fields: Fields::Ready(serde_json::Value::Null),
    }
}

pub(super) fn retry(attempts: u32, pause_s: u64) -> Retry {
    Retry { attempts: Some(attempts), pause: Duration::from_secs(pause_s), within: None, backoff: 1 }
}

fn until(over: bool) -> Expectation {
    Expectation { index: 0, text: "over".to_owned(), holds: over, warning: false, until: true, actuals: Vec::new(), fault: None }
}

pub(super) struct Bench {
    plan: Plan,
    pub(super) view: RunView,
    seq: u64,
    now: Duration,
}

impl Bench {
    /// A run with a first session.
    pub(super) fn new(units: Vec<PlanUnit>) -> Self {
        Self::with(PlanParts { units, ..PlanParts::new("story", 4) }, SessionFlags::default())
    }

    pub(super) fn with(parts: PlanParts, flags: SessionFlags) -> Self {
        let plan = Plan::new(parts).unwrap();
        let view = RunView::new(&plan);
        let mut this = Self { plan, view, seq: 0, now: Duration::ZERO };
        let runbook =
            RunbookIdentity { name: "story".to_owned(), title: None, path: "/story.toml".to_owned(), digest: digest(), called: Vec::new() };
        let plan = this.plan.digest();
        let opened =
            RunOpened { run: "r".to_owned(), format: 1, runbook, plan, variables: Vec::new(), values: Vec::new(), operator: String::new() };
        this.record(Record::RunOpened(Box::new(opened)));
        this.session(Intent::GoOn, flags);
        this
    }

    /// A new session; the one before may have broken off.
    pub(super) fn session(&mut self, intent: Intent, flags: SessionFlags) {
        let session = self.view.session().map_or(1, |s| s.opened.session + 1);
        let text = String::new;
        let (host, boot_id, user, tool) = (text(), text(), text(), text());
        let (accepted, leases) = (Vec::new(), Vec::new());
        let opened = SessionOpened { session, intent, host, boot_id, pid: 1, user, tool, flags, accepted, leases };
        self.record(Record::SessionOpened(Box::new(opened)));
    }

    pub(super) fn resume(&mut self) {
        self.session(Intent::GoOn, SessionFlags::default());
    }

    pub(super) fn resume_if_possible(&mut self) {
        let session = self.view.session().map_or(1, |s| s.opened.session + 1);
        let mut opened = self.view.session().unwrap().opened.clone();
        opened.session = session;
        let _ = self.try_record(Record::SessionOpened(Box::new(opened)));
    }

    /// How many commands would be given now.
    pub(super) fn looked(&self) -> usize {
        decide(&self.plan, &self.view).len()
    }

    pub(super) fn try_record(&mut self, record: Record) -> Result<(), String> {
        let at = Timestamp::UNIX_EPOCH;
        let up_us = u64::try_from(self.now.as_micros()).unwrap();
        let stamped = Stamped { seq: self.seq + 1, at, up_us, record };
        self.view.apply(&self.plan, &stamped).map_err(|impossible| impossible.why)?;
        self.seq += 1;
        Ok(())
    }

    pub(super) fn record(&mut self, record: Record) {
        self.try_record(record).unwrap();
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// What is decided now, in words; written records are applied, a start is recorded as begun, a recovery as started, a question as asked, until nothing
    /// more is decided. `when` is left to the story.
    pub(super) fn decided(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            let commands = decide(&self.plan, &self.view);
            if commands.is_empty() {
                return said;
            }
            for command in commands {
                self.view.issue(&self.plan, &command);
                said.push(self.carry_out(command));
            }
        }
    }

    fn carry_out(&mut self, command: Command) -> String {
        match command {
            Command::Write(records) => {
                let names: Vec<_> = records.iter().map(name).collect();
                for record in records {
                    self.record(record);
                }
                format!("write {}", names.join(", "))
            }
            Command::Expand(expand) => format!("expand {}", expand.effect),
            Command::Admit(admit) => format!("admit {}", admit.effect),
            Command::Start(start) => {
                let mut said = format!("start {}", start.effect);
                if let Some(polling) = start.limits.polling {
                    said = format!("{said} polling {:?}", polling.attempts);
                }
                if let Some(timeout) = start.limits.timeout {
                    said = format!("{said} within {timeout:?}");
                }
                self.started(start.effect);
                said
            }
            Command::Recover(recover) => {
                self.record(Record::RecoveryStarted(RecoveryStarted { effect: recover.effect.clone(), cause: recover.cause }));
                format!("recover {} ({:?})", recover.effect, recover.cause)
            }
            Command::Cancel { effect, kind } => format!("cancel {effect} {kind:?}"),
            Command::Wake { effect, after } => format!("wake {effect} after {after:?}"),
            Command::Ask(ask) => {
                let said = format!("ask {}", subject(&ask.subject));
                self.record(Record::Asked(Asked { subject: ask.subject, text: String::new(), kind: None }));
                said
            }
            Command::Withdraw(about) => {
                let said = format!("withdraw {}", subject(&about));
                self.record(Record::Answered(Answered { subject: about, reply: Reply::Withdrawn, by: String::new() }));
                said
            }
            Command::EndSession(end) => {
                self.record(Record::SessionEnded(SessionEnded { end }));
                format!("end {end:?}")
            }
        }
    }

    fn started(&mut self, effect: EffectId) {
        let key = self.view.key(&self.plan, &effect).unwrap();
        let unit = self.plan.unit(key.unit).unwrap();
        let class = key.undo.map_or(unit.class, |action| unit.undo()[usize::from(action)].class);
        let (action, spec, render) = ("a.b".to_owned(), digest(), digest());
        let (fields, before, undo) = (serde_json::Value::Null, Before::nothing(), Vec::new());
        self.record(Record::Started(Box::new(Started { effect, action, spec, render, class, fields, before, undo, sealed: Vec::new() })));
    }

    /// The last attempt of an effect called `id`, `id[item]`, `id.undo0`, `id.check`, `id.verify` or `id.monitor`.
    pub(super) fn effect(&self, called: &str) -> EffectId {
        let (place, role) = match called.split_once('.') {
            Some((place, role)) => (place, Some(role)),
            None => (called, None),
        };
        let (step, item) = match place.split_once('[') {
            Some((step, item)) => (step, Some(item.trim_end_matches(']').to_owned())),
            None => (place, None),
        };
        let role = match role {
            None => Role::Do,
            Some("check") => Role::Check,
            Some("verify") => Role::Verify,
            Some("monitor") => Role::Monitor,
            Some(undo) => Role::Undo(undo.trim_start_matches("undo").parse().unwrap()),
        };
        let mut effect = EffectId::first(step, role);
        effect.path[0].item = item;
        let key = self.view.key(&self.plan, &effect).unwrap();
        effect.attempt = self.view.effect(key).unwrap().attempt();
        effect
    }

    pub(super) fn ends(&mut self, called: &str, outcome: Outcome) {
        let effect = self.effect(called);
        let (expectations, warnings) = (Vec::new(), Vec::new());
        self.record(Record::Ended(Box::new(Ended { effect, outcome, tries: 1, expectations, warnings, output: None, sealed: Vec::new() })));
    }

    /// What a monitor's probes found so far.
    pub(super) fn watches(&mut self, called: &str, holds: bool, tally: Tally) {
        let effect = self.effect(called);
        self.record(Record::Watched(Box::new(Watched { effect, holds, tripped: false, tally, failure: None })));
    }

    /// What ran when the session before broke off was not done, and is done now.
    pub(super) fn recovers_after_crash(&mut self, called: &str) {
        self.decided();
        self.recovers(called, Verdict::NotDone);
        self.decided();
    }

    /// An attempt is done as a whole, and its `repeat_until` holds or not.
    pub(super) fn repeats(&mut self, called: &str, over: bool) {
        let effect = self.effect(called);
        let expectations = vec![until(over)];
        let outcome = Outcome::changed(Outputs::new());
        let (warnings, sealed) = (Vec::new(), Vec::new());
        self.record(Record::Ended(Box::new(Ended { effect, outcome, tries: 1, expectations, warnings, output: None, sealed })));
    }

    /// The same as the world says it of an attempt that broke off.
    pub(super) fn recovers_whole(&mut self, called: &str, over: bool) {
        let effect = self.effect(called);
        let verdict = Verdict::Done { outputs: Outputs::new(), changed: true };
        let expectations = vec![until(over)];
        self.record(Record::Recovered(Box::new(Recovered { effect, settled: Settled::AtRest, verdict, expectations, sealed: Vec::new() })));
    }

    pub(super) fn changes(&mut self, called: &str) {
        self.ends(called, Outcome::changed(Outputs::new()));
    }

    pub(super) fn finds(&mut self, called: &str) {
        self.ends(called, Outcome::unchanged(Outputs::new()));
    }

    pub(super) fn fails(&mut self, called: &str, kind: FailureKind, residue: Residue) {
        self.ends(called, failed(kind, residue));
    }

    pub(super) fn recovers(&mut self, called: &str, verdict: Verdict) {
        let effect = self.effect(called);
        self.record(Record::Recovered(Box::new(Recovered {
            effect,
            settled: Settled::AtRest,
            verdict,
            expectations: Vec::new(),
            sealed: Vec::new(),
        })));
    }

    pub(super) fn still_moves(&mut self, called: &str) {
        let effect = self.effect(called);
        let settled = Settled::Moving { why: "it moves".to_owned() };
        self.record(Record::Recovered(Box::new(Recovered {
            effect,
            settled,
            verdict: unknown(),
            expectations: Vec::new(),
            sealed: Vec::new(),
        })));
    }

    pub(super) fn holds(&mut self, called: &str) {
        let mut effect = self.effect(called);
        effect.attempt += 1;
        self.record(Record::Admitted(Admitted { effect, actuals: Vec::new() }));
    }

    pub(super) fn does_not_hold(&mut self, called: &str) {
        let EffectId { path, role, .. } = self.effect(called);
        let why = SkipReason::When { text: "false".to_owned(), actuals: Vec::new() };
        self.record(Record::Skipped(Skipped { path, role, why }));
    }

    pub(super) fn expands(&mut self, called: &str, keys: &[&str]) {
        let path = self.effect(called).path;
        let items = keys.iter().map(|key| ItemKey { key: (*key).to_owned(), value: (*key).into() }).collect();
        self.record(Record::Expanded(Expanded { path, items }));
    }

    pub(super) fn fires(&mut self, called: &str) {
        let mut effect = self.effect(called);
        effect.attempt += 1;
        self.record(Record::TimerFired(TimerFired { effect }));
    }

    pub(super) fn signal(&mut self, kind: CancelKind) {
        self.record(Record::StopRequested(StopRequested { signal: 2, kind, lost_lock: None }));
    }

    /// Answers the only open question.
    pub(super) fn says(&mut self, reply: Reply) {
        let [open] = self.view.questions() else { panic!("{:?}", self.view.questions()) };
        let subject = open.subject.clone();
        self.record(Record::Answered(Answered { subject, reply, by: "someone".to_owned() }));
    }
}

pub(super) fn failed(kind: FailureKind, residue: Residue) -> Outcome {
    Outcome::failed(Failure::new(kind, "it failed"), residue)
}

pub(super) fn unknown() -> Verdict {
    Verdict::Unknown { why: "nobody saw it".to_owned() }
}

pub(super) fn done() -> Verdict {
    Verdict::Done { outputs: Outputs::new(), changed: true }
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Start => "start".to_owned(),
        Subject::Confirm { path } => format!("confirm {}", path[0].step),
        Subject::Step { path } => format!("step {}", path[0].step),
        Subject::InDoubt { effect } => format!("in doubt {effect}"),
        Subject::Failed { effect } => format!("failed {effect}"),
        Subject::Action { effect } => format!("action {effect}"),
    }
}

fn name(record: &Record) -> String {
    match record {
        Record::Skipped(skipped) => format!("skipped {} {:?}", skipped.path[0].step, skipped.why),
        Record::Ended(ended) => match &ended.outcome {
            Outcome::Failed { failure, .. } => format!("ended {}: {}", ended.effect, failure.message),
            other => format!("ended {}: {other:?}", ended.effect),
        },
        Record::Asked(asked) => format!("asked {}", subject(&asked.subject)),
        Record::Answered(answered) => format!("answered {} {:?} by {}", subject(&answered.subject), answered.reply, answered.by),
        Record::RetryScheduled(scheduled) => format!("retry {} after {:?}", scheduled.effect, scheduled.after),
        Record::RollbackBegan(began) => match &began.barrier {
            Some(path) => format!("rollback of {} to {}", began.undo, path[0].step),
            None => format!("rollback of {}", began.undo),
        },
        Record::RunClosed(closed) => format!("closed {:?}", closed.end),
        other => format!("{other:?}"),
    }
}
