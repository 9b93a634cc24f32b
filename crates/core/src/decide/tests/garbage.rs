//! Records that cannot be: they are refused, and change nothing.

use proptest::prelude::*;

use super::bench::*;
use crate::action::{CancelKind, FailureKind, Outcome, Outputs, Residue, Settled, Verdict};
use crate::effect::{EffectId, Role};
use crate::plan::{Loop, PlanUnit, WhenAt};
use crate::record::*;

fn effects() -> impl Strategy<Value = EffectId> {
    let role = prop_oneof![Just(Role::Check), Just(Role::Do), (0..3_u16).prop_map(Role::Undo), Just(Role::Verify), Just(Role::Monitor)];
    let step = prop_oneof!["[abcmvx]", Just("each".to_owned())];
    let item = prop_oneof![3 => Just(None), 1 => "[ij]".prop_map(Some)];
    (step, item, role, 0..4_u32).prop_map(|(step, item, role, attempt)| {
        let mut effect = EffectId::first(step, role);
        effect.path[0].item = item;
        effect.attempt = attempt;
        effect
    })
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let residue = || prop_oneof![Just(Residue::None), Just(Residue::Partial), Just(Residue::Unknown)];
    let kind =
        prop_oneof![Just(FailureKind::TimedOut), Just(FailureKind::Failed), Just(FailureKind::NeedsPerson), Just(FailureKind::Denied)];
    prop_oneof![
        any::<bool>().prop_map(|changed| Outcome::Succeeded { outputs: Outputs::new(), changed }),
        (kind, residue()).prop_map(|(kind, residue)| failed(kind, residue)),
        residue().prop_map(|residue| Outcome::Cancelled { residue }),
    ]
}

fn replies() -> impl Strategy<Value = Reply> {
    prop::sample::select(vec![
        Reply::Yes,
        Reply::No,
        Reply::All,
        Reply::Done,
        Reply::NotDone,
        Reply::Retry,
        Reply::Skip,
        Reply::RollBack,
        Reply::Stop,
        Reply::Nobody,
        Reply::Withdrawn,
    ])
}

fn subjects() -> impl Strategy<Value = Subject> {
    prop_oneof![
        Just(Subject::Start),
        effects().prop_map(|effect| Subject::Confirm { path: effect.path }),
        effects().prop_map(|effect| Subject::Step { path: effect.path }),
        effects().prop_map(|effect| Subject::InDoubt { effect }),
        effects().prop_map(|effect| Subject::Failed { effect }),
        effects().prop_map(|effect| Subject::Action { effect }),
    ]
}

fn started(effect: EffectId) -> Record {
    let class = match effect.role {
        Role::Do => crate::action::Class::ONCE,
        Role::Undo(_) => crate::action::Class::IDEMPOTENT,
        Role::Check | Role::Verify | Role::Monitor => crate::action::Class::READ_ONLY,
    };
    let (action, spec, render) = (String::new(), digest(), digest());
    let (fields, before, undo) = (serde_json::Value::Null, crate::action::Before::nothing(), Vec::new());
    Record::Started(Box::new(Started { effect, action, spec, render, class, fields, before, undo, sealed: Vec::new() }))
}

fn recovered((effect, rest, verdict): (EffectId, bool, u8)) -> Record {
    let settled = if rest { Settled::AtRest } else { Settled::Moving { why: String::new() } };
    let verdict = match verdict {
        0 => done(),
        1 => Verdict::NotDone,
        2 => Verdict::Partial { why: String::new() },
        _ => unknown(),
    };
    Record::Recovered(Box::new(Recovered { effect, settled, verdict, expectations: Vec::new(), sealed: Vec::new() }))
}

fn records() -> impl Strategy<Value = Record> {
    let item = || "[ij]".prop_map(|key| ItemKey { key, value: serde_json::Value::Null });
    let end = || prop_oneof![Just(RunEnd::Done), Just(RunEnd::Failed), Just(RunEnd::RolledBack)];
    let cause = RecoveryCause::Crash;
    let after = std::time::Duration::ZERO;
    prop_oneof![
        4 => effects().prop_map(started),
        4 => (effects(), outcomes()).prop_map(|(effect, outcome)| {
            let (expectations, warnings) = (Vec::new(), Vec::new());
            Record::Ended(Box::new(Ended { effect, outcome, tries: 1, expectations, warnings, output: None, sealed: Vec::new() }))
        }),
        2 => effects().prop_map(|effect| Record::Admitted(Admitted { effect, actuals: Vec::new() })),
        1 => effects().prop_map(|EffectId { path, role, .. }| {
            Record::Skipped(Skipped { path, role, why: SkipReason::NotSelected { option: String::new() } })
        }),
        1 => (effects(), prop::collection::vec(item(), 0..3)).prop_map(|(effect, items)| Record::Expanded(Expanded { path: effect.path, items })),
        1 => subjects().prop_map(|subject| Record::Asked(Asked { subject, text: String::new(), kind: None })),
        1 => (subjects(), replies()).prop_map(|(subject, reply)| Record::Answered(Answered { subject, reply, by: String::new() })),
        2 => (effects(), any::<bool>(), any::<bool>()).prop_map(|(effect, holds, tripped)| {
            Record::Watched(Box::new(Watched { effect, holds, tripped, tally: Tally::default(), failure: None }))
        }),
        1 => effects().prop_map(|effect| Record::Evidence(Evidence { effect, evidence: serde_json::Value::Null })),
        2 => effects().prop_map(move |effect| Record::RecoveryStarted(RecoveryStarted { effect, cause })),
        2 => (effects(), any::<bool>(), 0..4_u8).prop_map(recovered),
        1 => effects().prop_map(move |effect| Record::RetryScheduled(RetryScheduled { effect, after })),
        1 => effects().prop_map(|effect| Record::TimerFired(TimerFired { effect })),
        1 => effects().prop_map(|effect| Record::CancelRequested(CancelRequested { effect, kind: CancelKind::Kill })),
        1 => Just(Record::StopRequested(StopRequested { signal: 2, kind: CancelKind::Graceful, lost_lock: None })),
        1 => Just(Record::RollbackBegan(RollbackBegan { cause: RollbackCause::Answer, barrier: None, undo: 0 })),
        1 => end().prop_map(|end| Record::RunClosed(RunClosed { end, reason: None })),
        1 => end().prop_map(|end| Record::SessionEnded(SessionEnded { end })),
    ]
}

fn bench() -> Bench {
    let each = PlanUnit { for_each: Some(Loop { parallel: 2 }), when: Some(WhenAt::Item), ..step("each") };
    let free = PlanUnit { needs: crate::runbook::Needs::These(Vec::new()), retry: retry(2, 0), ..step("b") };
    Bench::new(vec![check("c"), step("a"), free, each, verify("v"), monitor("m", None, None)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_records_is_taken_or_refused_without_a_trace(records in prop::collection::vec(records(), 0..120), new in 0..9_usize) {
        let mut run = bench();
        for (at, record) in records.into_iter().enumerate() {
            if at % 10 == new {
                run.resume_if_possible();
            }
            let before = run.view.clone();
            if run.try_record(record).is_err() {
                prop_assert_eq!(&before, &run.view);
            }
            let _ = run.looked();
        }
    }
}

#[test]
fn a_snapshot_of_another_version_is_not_read() {
    let mut run = bench();
    run.decided();
    let mut snapshot = serde_json::to_value(&run.view).unwrap();
    let read: crate::view::RunView = serde_json::from_value(snapshot.clone()).unwrap();
    assert_eq!(read, run.view);
    snapshot["version"] = 2.into();
    let refused = serde_json::from_value::<crate::view::RunView>(snapshot).unwrap_err();
    assert_eq!(refused.to_string(), "the snapshot has version 2, this program reads 1");
}
