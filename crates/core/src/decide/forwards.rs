//! Going forwards: checks, steps, verifies.

use super::guards::{self, Guards};
use super::list::List;
use super::{Command, Expand, ends, next, watch};
use crate::action::{Failure, FailureKind};
use crate::call::is_mark;
use crate::plan::{FailurePolicy, Plan, PlanUnit};
use crate::record::{Answered, Asked, Intent, Record, Reply, RollbackBegan, RollbackCause, RunEnd, SkipReason, Skipped, Subject};
use crate::runbook::{Phase, Risk};
use crate::view::{EffectKey, EffectState, Extent, Mode, RunView, SessionView};

pub(super) fn decide(plan: &Plan, view: &RunView, session: &SessionView, commands: &mut List) {
    next::recoveries(plan, view, commands);
    watch::end_over(plan, view, commands);
    let back = rollback_cause(plan, view, session);
    let answerable = !session.nobody && session.wish.is_none();
    if answerable {
        // What is at rest is undone by a rollback, done or not; only what may still work needs a person first.
        next::ask_unsure(plan, view, back.is_none(), commands);
    }
    if back.is_none() && answerable && !is_halted(plan, view) {
        go_on(plan, view, session, commands);
    }
    if commands.is_empty() && view.in_flight().next().is_none() {
        end(plan, view, session, back, commands);
    }
}

/// Whether nothing new is begun, because something stands in the way that is dealt with when everything is quiet.
fn is_halted(plan: &Plan, view: &RunView) -> bool {
    let flow = view.flow();
    let failed = view.mode() == Mode::Stepping && !flow.failed.is_empty() || watch::has_tripped(plan, view);
    failed || !flow.unsure.is_empty() || !flow.held.is_empty() || view.start_answer() == Some(false)
}

/// Whether other checks or verifies are asked before a failed one counts. A monitor that tripped waits for none.
fn waits_for_peers(plan: &Plan, view: &RunView) -> bool {
    view.mode() != Mode::Stepping && !view.flow().agenda.is_empty() && !watch::has_tripped(plan, view)
}

/// Why the run is to be rolled back, where it is.
fn rollback_cause(plan: &Plan, view: &RunView, session: &SessionView) -> Option<RollbackCause> {
    if session.opened.intent == Intent::RollBack {
        return Some(RollbackCause::Requested);
    }
    if session.roll_back {
        return Some(RollbackCause::Answer);
    }
    if view.mode() == Mode::Checking || waits_for_peers(plan, view) {
        return None;
    }
    let key = view.failed().find(|key| view.rules(plan, *key).policy == FailurePolicy::Rollback)?;
    Some(RollbackCause::Failure { effect: next::last(plan, view, key)? })
}

/// Goes on with whatever may go on.
fn go_on(plan: &Plan, view: &RunView, session: &SessionView, commands: &mut List) {
    if view.mode() == Mode::Stepping && view.begun().is_empty() && !may_start(plan, view, session, commands) {
        return;
    }
    if matches!(view.mode(), Mode::Stepping | Mode::Verifying) {
        watch::begin(plan, view, commands);
    }
    let mut flying = view.in_flight().count();
    for key in &view.flow().agenda {
        if flying >= plan.parallel() {
            break;
        }
        commands.look();
        if view.is_pending(*key) || is_commanded(commands, plan, view, *key) {
            continue;
        }
        let before = commands.starts();
        effect(plan, view, session, *key, commands);
        flying += commands.starts() - before;
    }
}

/// Whether a guard that stands on the agenda itself was commanded for its step already.
fn is_commanded(commands: &List, plan: &Plan, view: &RunView, key: EffectKey) -> bool {
    plan.unit(key.unit).is_some_and(|u| u.phase == Phase::Check) && commands.starts_this(plan, view, key)
}

/// The question before the first step.
fn may_start(plan: &Plan, view: &RunView, session: &SessionView, commands: &mut List) -> bool {
    if plan.parts().risk != Risk::High || view.start_answer() == Some(true) {
        return true;
    }
    if session.opened.flags.yes && !view.is_asked(&Subject::Start) {
        let asked = Asked { subject: Subject::Start, text: String::new(), kind: None };
        let answered = Answered { subject: Subject::Start, reply: Reply::Yes, by: "--yes".to_owned() };
        commands.push(Command::Write(vec![Record::Asked(asked), Record::Answered(answered)]));
    } else {
        next::ask(view, Subject::Start, None, commands);
    }
    false
}

/// The next command for one effect of the agenda.
fn effect(plan: &Plan, view: &RunView, session: &SessionView, key: EffectKey, commands: &mut List) {
    let (Some(unit), Some(effect)) = (plan.unit(key.unit), view.effect(key)) else { return };
    match effect.state() {
        EffectState::Ready | EffectState::Admitted => {
            if is_asked_anew(view, unit) {
                return;
            }
            if let Some(why) = skip(plan, view, unit) {
                if let Some(path) = view.path(plan, key) {
                    commands.push(Command::Write(vec![Record::Skipped(Skipped { path, role: unit.role(), why })]));
                }
            } else if effect.state() == EffectState::Ready {
                commands.extend(next::admit(plan, view, key));
            } else if unit.for_each.is_some() && key.item.is_none() {
                commands.extend(next::next(plan, view, key).map(|effect| Command::Expand(Expand { unit: key.unit, effect })));
            } else {
                begin(plan, view, session, key, commands);
            }
        }
        EffectState::RetryDue | EffectState::Pausing { .. } => commands.extend(next::again(plan, view, key)),
        EffectState::Waiting
        | EffectState::Running
        | EffectState::Doubt { .. }
        | EffectState::Recovering { .. }
        | EffectState::Unsure { .. }
        | EffectState::Held
        | EffectState::Interrupted
        | EffectState::Spread
        | EffectState::Done
        | EffectState::Failed
        | EffectState::Skipped => {}
    }
}

/// Whether something that it uses is just being asked anew (a failed check in a new session).
fn is_asked_anew(view: &RunView, unit: &PlanUnit) -> bool {
    unit.uses.iter().any(|used| view.unit(*used).is_some_and(|u| u.instances().iter().any(|i| !i.effect().state().is_settled())))
}

/// Why a unit is not done, where that is known without asking its `when`.
fn skip(plan: &Plan, view: &RunView, unit: &PlanUnit) -> Option<SkipReason> {
    if let Some(option) = &unit.left_out {
        return Some(SkipReason::NotSelected { option: option.clone() });
    }
    let missing = unit.uses.iter().find(|used| {
        let state = view.unit(**used).map(|u| u.whole().effect().state());
        matches!(state, Some(EffectState::Failed | EffectState::Skipped))
    })?;
    Some(SkipReason::NeedsFailed { needs: plan.unit(*missing)?.id.clone() })
}

/// Begins an effect: `--step`, then `confirm`, then the guards, then the effect itself.
fn begin(plan: &Plan, view: &RunView, session: &SessionView, key: EffectKey, commands: &mut List) {
    let (Some(unit), Some(instance), Some(path)) = (plan.unit(key.unit), view.instance(key), view.path(plan, key)) else { return };
    // The beginning and the end of a called runbook do nothing that a person could hold back.
    let stepwise = session.opened.flags.step && !session.step_all && unit.phase == Phase::Step && !is_mark(&unit.action);
    if stepwise && !instance.stepped() {
        next::ask(view, Subject::Step { path }, Some(key), commands);
        return;
    }
    if unit.confirm {
        match instance.confirmed() {
            Some(true) => {}
            Some(false) => {
                let failure = Failure::new(FailureKind::Refused, "a person said no");
                commands.extend(guards::never_began(plan, view, key, failure).map(Command::from));
                return;
            }
            None => {
                next::ask(view, Subject::Confirm { path }, Some(key), commands);
                return;
            }
        }
    }
    match guards::of(plan, view, key) {
        Guards::Hold => commands.extend(next::start(plan, view, key)),
        Guards::Ask(asks) => {
            for ask in asks {
                commands.push_once(ask);
            }
        }
        Guards::Refuse(ended) => commands.push(Command::from(*ended)),
    }
}

/// Nothing is under way, and nothing can be begun: the rollback, a question, or the end of the session.
fn end(plan: &Plan, view: &RunView, session: &SessionView, back: Option<RollbackCause>, commands: &mut List) {
    if let Some(cause) = back
        && !view.is_moving()
    {
        commands.extend(view.open_questions().cloned().map(Command::Withdraw));
        commands.push(Command::Write(vec![Record::RollbackBegan(rollback(plan, view, cause))]));
        return;
    }
    if view.start_answer() == Some(false) {
        commands.push(ends::close(RunEnd::Refused));
    } else if let Some(end) = session.wish {
        commands.push(if end == RunEnd::Failed { ends::failed(view) } else { Command::EndSession(end) });
    } else if session.nobody || !view.flow().held.is_empty() {
        commands.push(ends::unanswered(view));
    } else if !view.flow().unsure.is_empty() || waits_for_peers(plan, view) {
        // An answer or a pause is waited for.
    } else if view.mode() == Mode::Checking && !view.flow().failed.is_empty() {
        commands.push(ends::checks_failed(view));
    } else if view.failed().next().is_some() {
        let asks = view.failed().find(|key| view.rules(plan, *key).policy == FailurePolicy::Ask);
        match asks.and_then(|key| Some((key, next::last(plan, view, key)?))) {
            Some((key, effect)) => next::ask(view, Subject::Failed { effect }, Some(key), commands),
            None => commands.push(ends::failed(view)),
        }
    } else if view.checks_hold(plan) && session.opened.flags.checks_only {
        commands.push(ends::close(RunEnd::ChecksPassed));
    } else if let Some(command) = ends::complete(plan, view) {
        commands.push(command);
    }
}

/// The record that begins the rollback.
fn rollback(plan: &Plan, view: &RunView, cause: RollbackCause) -> RollbackBegan {
    let extent = Extent::of(plan, view);
    RollbackBegan {
        cause,
        barrier: extent.barrier.and_then(|key| view.path(plan, key)),
        undo: u32::try_from(extent.undo.len()).unwrap_or(u32::MAX),
    }
}
