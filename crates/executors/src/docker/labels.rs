//! The marks on what an action creates: how a later look at the engine tells our own from another's.

use std::collections::HashMap;

use runbook_core::action::Cx;
use runbook_core::effect::EffectId;

/// The run's id.
pub(crate) const RUN: &str = "runbook.run";
/// The step (and item, and role) without the attempt: what a retry finds again.
pub(crate) const STEP: &str = "runbook.step";
/// The effect with its attempt: for people who look.
pub(crate) const EFFECT: &str = "runbook.effect";

/// On a container that replaces another one: that one's id.
pub(crate) const REPLACES: &str = "runbook.replaces";
/// On the same: whether that one ran before it was replaced.
pub(crate) const REPLACES_RUNNING: &str = "runbook.replaces.running";

/// The labels of something that this effect creates.
pub(crate) fn of(cx: Cx<'_>) -> [(String, String); 3] {
    [(RUN.to_owned(), cx.run_id().to_owned()), (STEP.to_owned(), step(cx.effect())), (EFFECT.to_owned(), cx.effect().to_string())]
}

/// Whether this very step of this run created it, in this or an earlier attempt.
pub(crate) fn by_this_step(cx: Cx<'_>, labels: Option<&HashMap<String, String>>) -> bool {
    by_this_run(cx, labels) && labels.and_then(|l| l.get(STEP)) == Some(&step(cx.effect()))
}

/// Whether any step of this run created it.
pub(crate) fn by_this_run(cx: Cx<'_>, labels: Option<&HashMap<String, String>>) -> bool {
    labels.and_then(|l| l.get(RUN)).is_some_and(|run| run == cx.run_id())
}

/// Whether a label is one of ours, which no copy of a container's settings takes along.
pub(crate) fn is_ours(name: &str) -> bool {
    [RUN, STEP, EFFECT, REPLACES, REPLACES_RUNNING].contains(&name)
}

fn step(effect: &EffectId) -> String {
    EffectId { attempt: 1, ..effect.clone() }.to_string()
}
