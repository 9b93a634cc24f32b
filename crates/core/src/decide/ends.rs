//! How a run or a session ends when nothing is left to be done now.

use super::Command;
use crate::action::{FailureKind, Outcome};
use crate::plan::Plan;
use crate::record::{PersonNeeded, Record, RunClosed, RunEnd};
use crate::view::{EffectKey, RunView};

/// Closes the run; the session's end follows.
pub(super) fn close(end: RunEnd) -> Command {
    Command::Write(vec![Record::RunClosed(RunClosed { end, reason: None })])
}

/// The end of a run in which everything was done, or undone.
pub(super) fn complete(plan: &Plan, view: &RunView) -> Option<Command> {
    match view.rollback() {
        Some(rollback) if rollback.current().is_some() => None,
        Some(rollback) if rollback.extent().barrier.is_some() => {
            Some(Command::EndSession(RunEnd::NeedsPerson { why: PersonNeeded::Barrier }))
        }
        // Nothing had to be taken back: a person said no, and that is all.
        Some(rollback) if rollback.extent().undo.is_empty() && !view.flow().failed.is_empty() && refused(view) => {
            Some(close(RunEnd::Refused))
        }
        Some(_) => Some(close(RunEnd::RolledBack)),
        None if view.is_through(plan) => Some(close(RunEnd::Done)),
        None => None,
    }
}

/// The end of a session that nobody can answer for.
pub(super) fn unanswered(view: &RunView) -> Command {
    let in_doubt = !view.flow().unsure.is_empty();
    Command::EndSession(if in_doubt { RunEnd::NeedsPerson { why: PersonNeeded::InDoubt } } else { RunEnd::WaitingForPerson })
}

/// The end of a run of which a check does not hold.
pub(super) fn checks_failed(view: &RunView) -> Command {
    let refused = !view.flow().failed.is_empty() && view.failed().all(|key| is_refusal(view, key));
    close(if refused { RunEnd::Refused } else { RunEnd::ChecksFailed })
}

/// The end of a session in which a step failed, or a person wanted no more.
pub(super) fn failed(view: &RunView) -> Command {
    if refused(view) { close(RunEnd::Refused) } else { Command::EndSession(RunEnd::Failed) }
}

/// Whether a person said no, and nothing was changed before.
fn refused(view: &RunView) -> bool {
    view.failed().all(|key| is_refusal(view, key)) && !view.has_changes()
}

/// Whether it failed because a person said no.
fn is_refusal(view: &RunView, key: EffectKey) -> bool {
    let outcome = view.effect(key).and_then(|e| e.report()).and_then(|r| r.outcome.as_ref());
    matches!(outcome, Some(Outcome::Failed { failure, .. }) if failure.kind == FailureKind::Refused)
}
