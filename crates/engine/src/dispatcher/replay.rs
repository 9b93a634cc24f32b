//! From a journal back to where its run stands.

use std::path::Path;

use runbook_core::action::{ActionSpec, Before, Outcome, Outputs, Verdict};
use runbook_core::effect::{EffectId, Role};
use runbook_core::plan::Plan;
use runbook_core::record::{Record, Stamped, repeat_is_over};
use runbook_core::runbook::Runbook;
use runbook_core::scope::Scope;
use runbook_core::view::RunView;

use super::Results;
use super::{expect, oversize};
use crate::EngineError;

/// A run as its records tell it.
pub(crate) struct Replayed {
    pub view: RunView,
    pub results: Results,
    /// The number of the last session.
    pub session: u32,
}

/// Folds records. Secret results are known by their names only, and cannot be used any more.
pub(crate) fn replay(runbook: &Runbook, plan: &Plan, records: &[Stamped], scope: Scope, folder: &Path) -> Result<Replayed, EngineError> {
    let mut replayed = Replayed { view: RunView::new(plan), results: Results::new(scope), session: 0 };
    for stamped in records {
        replayed.view.apply(plan, stamped)?;
        let results = &mut replayed.results;
        match &stamped.record {
            Record::SessionOpened(opened) => replayed.session = opened.session,
            Record::Expanded(expanded) => results.expanded(&expanded.path, &expanded.items),
            Record::Started(started) => {
                let before = Before(oversize::restore(started.before.0.clone(), folder)?);
                results.started(&started.effect, before, stamped.at);
            }
            Record::Evidence(evidence) => results.evidence(&evidence.effect, evidence.evidence.clone()),
            Record::Ended(ended) => match &ended.outcome {
                Outcome::Succeeded { outputs, .. } => {
                    done(results, runbook, plan, (&ended.effect, outputs, repeat_is_over(&ended.expectations)), stamped, folder)?;
                }
                outcome if !outcome.may_have_changed() => results.unchanged(&ended.effect),
                Outcome::Failed { .. } | Outcome::Cancelled { .. } => {}
            },
            Record::Recovered(recovered) => match &recovered.verdict {
                Verdict::Done { outputs, .. } if recovered.expectations.iter().all(|e| e.holds || e.warning || e.until) => {
                    let over = repeat_is_over(&recovered.expectations);
                    done(results, runbook, plan, (&recovered.effect, outputs, over), stamped, folder)?;
                }
                Verdict::NotDone => results.unchanged(&recovered.effect),
                Verdict::Done { .. } | Verdict::Partial { .. } | Verdict::Unknown { .. } => {}
            },
            Record::RunOpened(_)
            | Record::Amended(_)
            | Record::Admitted(_)
            | Record::Skipped(_)
            | Record::Asked(_)
            | Record::Answered(_)
            | Record::RecoveryStarted(_)
            | Record::RetryScheduled(_)
            | Record::TimerFired(_)
            | Record::CancelRequested(_)
            | Record::StopRequested(_)
            | Record::RollbackBegan(_)
            | Record::SessionEnded(_)
            | Record::RunClosed(_) => {}
        }
    }
    Ok(replayed)
}

fn done(
    results: &mut Results,
    runbook: &Runbook,
    plan: &Plan,
    (effect, outputs, over): (&EffectId, &Outputs, Option<bool>),
    stamped: &Stamped,
    folder: &Path,
) -> Result<(), EngineError> {
    let secret = secret_names(runbook, plan, effect);
    let outputs = oversize::restore(outputs.clone(), folder)?;
    results.done(effect, outputs, &secret, over, stamped.at);
    Ok(())
}

/// Which outputs of an effect are secret: it must be taken for a secret as long as its name stands for it.
fn secret_names(runbook: &Runbook, plan: &Plan, effect: &EffectId) -> Vec<String> {
    let unit = effect.path.last().and_then(|place| plan.find(&place.step)).and_then(|unit| runbook.units.get(unit.get()));
    let spec = |spec: &ActionSpec| expect::sensitive(spec.outputs);
    match (unit, effect.role) {
        (Some(unit), Role::Check | Role::Do | Role::Verify | Role::Monitor) => {
            spec(unit.action.spec).into_iter().chain(unit.secret_outputs.iter().cloned()).collect()
        }
        (Some(_) | None, _) => Vec::new(),
    }
}

/// The name under which a value stands among the inputs: no variable can have it.
pub(crate) fn value_key(name: &str) -> String {
    format!("values.{name}")
}
