//! Cost: what a decision costs does not grow with the plan.
//!
//! Counted, not timed: how often `decide` is called in a whole run, and how many effects it looks at for that. (What a record costs is not counted, but a
//! fold that went through the plan would not end within a test's patience, and a plan that listed all earlier steps would not fit into memory.)

use jiff::Timestamp;
use runbook_core::action::{Before, Class, Outcome, Outputs};
use runbook_core::decide::{Command, decide_and_count};
use runbook_core::digest::Digest;
use runbook_core::plan::{Plan, PlanFate, PlanParts};
use runbook_core::record::{
    Ended, Intent, Record, RunEnd, RunOpened, RunbookIdentity, SessionEnded, SessionFlags, SessionOpened, Stamped, Started,
};
use runbook_core::runbook::{Needs, Phase};
use runbook_core::view::RunView;

use crate::plans;

const STEPS: usize = 100_000;

#[derive(Default)]
struct Counted {
    decisions: usize,
    commands: usize,
    most_at_once: usize,
    looked_at: usize,
    records: usize,
}

fn plan(needs: impl Fn(usize) -> Needs, parallel: u32) -> Plan {
    let mut parts = PlanParts::new("large", parallel);
    for at in 0..STEPS {
        let mut unit = plans::unit(format!("s{at}"), Phase::Step);
        unit.class = Class::IDEMPOTENT;
        unit.fate = PlanFate::Leaves("it".to_owned());
        unit.needs = needs(at);
        parts.units.push(unit);
    }
    Plan::new(parts).unwrap()
}

/// A run in which everything succeeds at once.
fn run(plan: &Plan) -> Counted {
    let mut view = RunView::new(plan);
    let mut counted = Counted::default();
    let digest = Digest::of_bytes("d1", b"");
    let apply = |view: &mut RunView, counted: &mut Counted, record: Record| {
        counted.records += 1;
        let seq = counted.records as u64;
        view.apply(plan, &Stamped { seq, at: Timestamp::UNIX_EPOCH, up_us: seq, record }).unwrap();
    };
    let runbook = RunbookIdentity {
        name: "large".to_owned(),
        title: None,
        path: "/large.toml".to_owned(),
        digest: digest.clone(),
        called: Vec::new(),
    };
    let opened = RunOpened {
        run: "r".to_owned(),
        format: 1,
        runbook,
        plan: plan.digest(),
        variables: Vec::new(),
        values: Vec::new(),
        operator: String::new(),
    };
    apply(&mut view, &mut counted, Record::RunOpened(Box::new(opened)));
    let session = SessionOpened {
        session: 1,
        intent: Intent::GoOn,
        host: String::new(),
        boot_id: String::new(),
        pid: 1,
        user: String::new(),
        tool: String::new(),
        flags: SessionFlags::default(),
        accepted: Vec::new(),
        leases: Vec::new(),
    };
    apply(&mut view, &mut counted, Record::SessionOpened(Box::new(session)));
    loop {
        counted.decisions += 1;
        let (commands, looked_at) = decide_and_count(plan, &view);
        counted.looked_at += looked_at;
        counted.commands += commands.len();
        counted.most_at_once = counted.most_at_once.max(commands.len());
        assert!(!commands.is_empty(), "there is something to do until the end");
        for command in commands {
            view.issue(plan, &command);
            match command {
                Command::Write(records) => records.into_iter().for_each(|record| apply(&mut view, &mut counted, record)),
                Command::Start(start) => {
                    let started = Started {
                        effect: start.effect.clone(),
                        action: String::new(),
                        spec: digest.clone(),
                        render: digest.clone(),
                        class: Class::IDEMPOTENT,
                        fields: serde_json::Value::Null,
                        before: Before::nothing(),
                        undo: Vec::new(),
                        sealed: Vec::new(),
                    };
                    apply(&mut view, &mut counted, Record::Started(Box::new(started)));
                    let outcome = Outcome::changed(Outputs::new());
                    let (expectations, warnings) = (Vec::new(), Vec::new());
                    let ended = Ended { effect: start.effect, outcome, tries: 1, expectations, warnings, output: None, sealed: Vec::new() };
                    apply(&mut view, &mut counted, Record::Ended(Box::new(ended)));
                }
                Command::EndSession(end) => {
                    assert_eq!(end, RunEnd::Done);
                    apply(&mut view, &mut counted, Record::SessionEnded(SessionEnded { end }));
                    return counted;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_run_of_100_000_steps_in_order_takes_a_decision_a_step() {
    let counted = run(&plan(|_| Needs::Earlier, 16));
    assert_eq!(counted.commands, STEPS + 2, "a start for each, the close and the end");
    assert_eq!(counted.decisions, STEPS + 2);
    assert_eq!(counted.looked_at, STEPS, "each step once");
    assert_eq!(counted.most_at_once, 1);
    assert_eq!(counted.records, 2 * STEPS + 4);
}

#[test]
fn a_run_of_100_000_independent_steps_takes_a_decision_for_each_full_hand() {
    let counted = run(&plan(|_| Needs::These(Vec::new()), 16));
    assert_eq!(counted.commands, STEPS + 2);
    assert_eq!(counted.decisions, STEPS / 16 + 2);
    assert_eq!(counted.looked_at, STEPS, "each step once");
    assert_eq!(counted.most_at_once, 16);
}
