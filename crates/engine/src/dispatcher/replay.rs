//! From a journal back to where its run stands.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use runbook_core::action::{Before, Outcome, Outputs, Verdict};
use runbook_core::effect::{EffectId, Role};
use runbook_core::plan::Plan;
use runbook_core::record::{Record, Stamped, repeat_is_over};
use runbook_core::runbook::{Runbook, Unit};
use runbook_core::scope::Scope;
use runbook_core::secret::{REFERENCE, reference};
use runbook_core::view::RunView;
use serde_json::Value;

use super::happened::origin;
use super::results::Names;
use super::{Results, Secrets, expect, oversize};
use crate::EngineError;
use crate::vault::{Kept, Vault};

/// A run as its records tell it.
pub(crate) struct Replayed {
    pub view: RunView,
    pub results: Results,
    /// The number of the last session.
    pub session: u32,
}

/// What a fold of records needs beside them.
pub(crate) struct Known<'a> {
    pub runbook: &'a Runbook,
    pub plan: &'a Plan,
    /// The run's folder.
    pub folder: &'a Path,
    /// The real values of secret results, where they are still kept.
    pub vault: &'a mut Vault,
    /// Learns them.
    pub secrets: &'a Secrets,
}

/// Folds records; their `view` is not made again where somebody has it. Secret results that were not kept are known by their names only, and cannot be used any
/// more.
pub(crate) fn replay(
    known: &mut Known<'_>,
    records: Vec<Stamped>,
    view: Option<RunView>,
    scopes: BTreeMap<String, Scope>,
) -> Result<Replayed, EngineError> {
    let (runbook, plan) = (known.runbook, known.plan);
    let folded = view.is_some();
    let view = view.unwrap_or_else(|| RunView::new(plan));
    let mut replayed = Replayed { view, results: Results::new(scopes), session: 0 };
    for stamped in records {
        if !folded {
            replayed.view.apply(plan, &stamped)?;
        }
        let results = &mut replayed.results;
        match stamped.record {
            Record::SessionOpened(opened) => replayed.session = opened.session,
            Record::Expanded(expanded) => results.expanded(&expanded.path, &expanded.items),
            Record::Started(started) => {
                let (before, lost) = known.unseal(Kept::Before, &started.effect, started.before.0, &started.sealed)?;
                let spec = unit(runbook, plan, &started.effect).map_or(&[][..], |unit| unit.action.spec.before);
                let secrecy = expect::secrecy(spec).without(lost.into_iter().map(|name| vec![name]).collect());
                results.started(&started.effect, Before(before), secrecy, stamped.at);
            }
            Record::Evidence(evidence) => results.evidence(&evidence.effect, evidence.evidence),
            Record::Ended(ended) => match ended.outcome {
                Outcome::Succeeded { outputs, .. } => {
                    let over = repeat_is_over(&ended.expectations);
                    known.done(results, (&ended.effect, outputs, &ended.sealed), over, stamped.at)?;
                }
                outcome if !outcome.may_have_changed() => results.unchanged(&ended.effect),
                Outcome::Failed { .. } | Outcome::Cancelled { .. } => {}
            },
            Record::Recovered(recovered) => match recovered.verdict {
                Verdict::Done { outputs, .. } if recovered.expectations.iter().all(|e| e.holds || e.warning || e.until) => {
                    let over = repeat_is_over(&recovered.expectations);
                    known.done(results, (&recovered.effect, outputs, &recovered.sealed), over, stamped.at)?;
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
            | Record::Watched(_)
            | Record::CancelRequested(_)
            | Record::StopRequested(_)
            | Record::RollbackBegan(_)
            | Record::SessionEnded(_)
            | Record::RunClosed(_) => {}
        }
    }
    Ok(replayed)
}

impl Known<'_> {
    fn done(
        &mut self,
        results: &mut Results,
        (effect, public, sealed): (&EffectId, Outputs, &[String]),
        over: Option<bool>,
        at: Timestamp,
    ) -> Result<(), EngineError> {
        let hidden = hidden(effect, &public);
        let (outputs, lost) = self.unseal(Kept::Outputs, effect, public, sealed)?;
        let secret = secret_names(self.runbook, self.plan, effect, &outputs, hidden);
        if let Some(unit) = unit(self.runbook, self.plan, effect) {
            self.secrets.learn_results(&origin(effect), &outputs, &secret, &unit.secret_outputs);
        }
        results.done(effect, outputs, Names { secret: &secret, lost: &lost }, over, at);
        Ok(())
    }

    /// Puts real values in the place of what was recorded; gives what cannot be had any more, which is left out.
    fn unseal(&mut self, kept: Kept, effect: &EffectId, public: Outputs, sealed: &[String]) -> Result<(Outputs, Vec<String>), EngineError> {
        let mut real = if sealed.is_empty() { None } else { self.vault.open(kept, effect, &public) };
        let mut members = oversize::restore(public, self.folder)?;
        let mut lost = Vec::new();
        for name in sealed {
            if let Some(value) = real.as_mut().and_then(|real| real.remove(name)) {
                members.insert(name.clone(), value);
            } else {
                members.remove(name);
                lost.push(name.clone());
            }
        }
        // A reference that nothing was kept for: the disk was full, or an older version recorded it.
        let spec = unit(self.runbook, self.plan, effect);
        let secret: Vec<String> = match (kept, spec) {
            (Kept::Outputs, Some(unit)) => {
                expect::sensitive(unit.action.spec.outputs).into_iter().chain(unit.secret_outputs.iter().cloned()).collect()
            }
            (Kept::Before, Some(unit)) => expect::sensitive(unit.action.spec.before),
            (_, None) => Vec::new(),
        };
        for name in secret {
            if !sealed.contains(&name) && members.remove(&name).is_some() {
                lost.push(name);
            }
        }
        Ok((members, lost))
    }
}

fn unit<'a>(runbook: &'a Runbook, plan: &Plan, effect: &EffectId) -> Option<&'a Unit> {
    let place = effect.path.last()?;
    // An undo's results and what it found are its own actions', which nothing refers to.
    let own = matches!(effect.role, Role::Check | Role::Do | Role::Verify | Role::Monitor);
    plan.find(&place.step).filter(|_| own).and_then(|unit| runbook.units.get(unit.get()))
}

/// Outputs that are recorded as nothing but references to themselves, with what stands there.
fn hidden(effect: &EffectId, public: &Outputs) -> Vec<(String, String)> {
    let shown = |(name, value): (&String, &Value)| {
        // Nearly all results are nothing of the kind: the reference is made only for what could be one.
        let text = value.as_str().filter(|text| text.starts_with(REFERENCE))?;
        text.starts_with(&reference(&format!("{}.{name}", origin(effect)))).then(|| (name.clone(), text.to_owned()))
    };
    public.iter().filter_map(shown).collect()
}

/// Which outputs of an effect are secret: by the action's account, by the author's, and because the author made them of such.
fn secret_names(runbook: &Runbook, plan: &Plan, effect: &EffectId, outputs: &Outputs, hidden: Vec<(String, String)>) -> Vec<String> {
    let Some(unit) = unit(runbook, plan, effect) else { return Vec::new() };
    let mut names: Vec<String> =
        expect::sensitive(unit.action.spec.outputs).into_iter().chain(unit.secret_outputs.iter().cloned()).collect();
    for (name, shown) in hidden {
        if outputs.get(&name).and_then(Value::as_str) != Some(&shown) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The name under which a value stands among the inputs: no variable can have it.
pub(crate) fn value_key(name: &str) -> String {
    format!("values.{name}")
}
