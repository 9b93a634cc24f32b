//! The task that looks at what an interrupted effect left: settle, then probe.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use runbook_core::action::{Before, Outcome, Outputs, Settled, Verdict};
use runbook_core::record::Expectation;
use runbook_core::runbook::{Proof, Unit};
use runbook_core::scope::Secrecy;
use serde_json::Value;

use super::effect::Work;
use super::expect;
use super::prepare::{self, Part};

/// What was found; the values are real, not public.
pub(crate) struct Looked {
    pub settled: Settled,
    pub verdict: Verdict,
    /// The names of outputs that are secret.
    pub secret: Vec<String>,
    pub expectations: Vec<Expectation>,
}

impl Looked {
    /// Nothing could be found out; so it may still work as well.
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        let why = why.into();
        let settled = Settled::Moving { why: why.clone() };
        Self { settled, verdict: Verdict::Unknown { why }, secret: Vec::new(), expectations: Vec::new() }
    }
}

/// Settles and probes.
pub(super) async fn look(work: Arc<Work>, before: Before, evidence: Vec<Value>) -> Looked {
    let settled = AssertUnwindSafe(work.action.settle(&*work.cx, &evidence)).catch_unwind().await;
    let settled = settled.unwrap_or_else(|_| Settled::Moving { why: "looking for it broke off by a fault of this program".to_owned() });
    if let Settled::Moving { why } = &settled {
        let verdict = Verdict::Unknown { why: why.clone() };
        return Looked { settled, verdict, secret: Vec::new(), expectations: Vec::new() };
    }
    let Some(part) = Part::find(&work.runbook, work.unit, work.effect.role) else {
        return Looked::unknown("the plan is not this runbook's");
    };
    let own = match part {
        Part::Unit(unit) => unit.probe.as_ref().map(|probe| (unit, probe)),
        Part::Undo(_) => None,
    };
    let verdict = match own {
        Some((unit, probe)) => ask_author(&work, unit, probe).await,
        None => AssertUnwindSafe(work.action.probe(&*work.cx, &before))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Verdict::Unknown { why: "asking broke off by a fault of this program".to_owned() }),
    };
    match verdict {
        Verdict::Done { outputs, changed } => {
            let asked = expect::ask(part.call(), part.wanted(), outputs, work.scopes());
            let verdict = Verdict::Done { outputs: asked.outputs, changed };
            Looked { settled, verdict, secret: asked.secret, expectations: asked.expectations }
        }
        verdict => Looked { settled, verdict, secret: Vec::new(), expectations: Vec::new() },
    }
}

/// The author's own `probe`: an action that asks the world, and what holds where the step was done.
async fn ask_author(work: &Work, unit: &Unit, probe: &Proof) -> Verdict {
    let ready = match prepare::ready(&work.runbook.at(unit.call).targets, &probe.action, &work.scope, work.cx.secrets()) {
        Ok(ready) => ready,
        Err(failure) => return Verdict::Unknown { why: format!("its `probe` cannot be prepared: {failure}") },
    };
    let outcome = AssertUnwindSafe(ready.action.run(&*work.cx, &Before::nothing())).catch_unwind().await;
    match outcome {
        Ok(Outcome::Succeeded { outputs, .. }) => {
            let scope = work.scope.with_members(&outputs, &Secrecy::members(expect::sensitive(probe.action.spec.outputs)));
            let answers: Vec<_> = expect::test(&probe.expect, false, &scope).collect();
            if let Some(fault) = answers.iter().find_map(|answer| answer.fault.clone()) {
                return Verdict::Unknown { why: format!("its `probe` cannot be evaluated: {fault}") };
            }
            if answers.iter().all(|answer| answer.holds) {
                Verdict::Done { outputs: Outputs::new(), changed: unit.class.changes() }
            } else {
                Verdict::NotDone
            }
        }
        Ok(Outcome::Failed { failure, .. }) => Verdict::Unknown { why: format!("its `probe` failed: {failure}") },
        Ok(Outcome::Cancelled { .. }) => Verdict::Unknown { why: "its `probe` was cancelled".to_owned() },
        Err(_) => Verdict::Unknown { why: "its `probe` broke off by a fault of this program".to_owned() },
    }
}
