//! The digest of a unit's configuration: canonical, without defaults, places and prose.
//!
//! What counts is what would be done differently: the action with its public fields, conditions, budgets, class, what becomes of the change. Titles,
//! descriptions, comments, the order of keys and defaults that are written out do not count. Secrets do not either: they stand as references.

use serde_json::{Map, Value, json};

use super::{PlanFate, PlanUnit};
use crate::digest::Digest;
use crate::plan::FailurePolicy;
use crate::runbook::{Fate, ForEach, Needs, Placed, Proof, Retry, Runbook, UndoStep, Unit};
use crate::template::Expr;

/// The recipe, with its version: change it with every change of what stands below.
const RECIPE: &str = "spec1";

/// A map that leaves out what says nothing.
#[derive(Default)]
struct Canonical(Map<String, Value>);

impl Canonical {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        let empty = match &value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        if !empty {
            self.0.insert(key.to_owned(), value);
        }
    }

    fn exprs(&mut self, key: &str, exprs: &[Placed<Expr>]) {
        self.put(key, exprs.iter().map(|expr| expr.source()).collect::<Vec<_>>());
    }

    fn budget(&mut self, retry: Retry) {
        if retry != Retry::NONE {
            self.put("retry", serde_json::to_value(retry).unwrap_or_default());
        }
    }
}

/// The digests of a unit's calls.
pub(super) struct Digests {
    /// Its own action.
    pub(super) action: Digest,
    /// Its `probe`.
    pub(super) probe: Option<Digest>,
    /// Its `proof`.
    pub(super) proof: Option<Digest>,
}

/// The digest of a unit; the digests of its undo actions stand in `planned`.
pub(super) fn unit(runbook: &Runbook, unit: &Unit, planned: &PlanUnit, digests: &Digests) -> Digest {
    let name = |ix: &crate::effect::UnitIx| runbook.units.get(ix.get()).map(|u| u.id.clone()).unwrap_or_default();
    let mut it = Canonical::default();
    it.put("phase", serde_json::to_value(unit.phase).unwrap_or_default());
    it.put("action", digests.action.as_str());
    it.put("class", serde_json::to_value(unit.class).unwrap_or_default());
    if let Needs::These(needs) = &unit.needs {
        let mut needs: Vec<_> = needs.iter().map(name).collect();
        needs.sort_unstable();
        // Said and empty is not the same as not said.
        it.0.insert("needs".to_owned(), needs.into());
    }
    it.put("when", unit.when.as_ref().map(|expr| expr.source().to_owned()));
    it.put("around", unit.around.iter().map(|around| around.when.source()).collect::<Vec<_>>());
    it.put("for_each", unit.for_each.as_ref().map(loops).unwrap_or_default());
    it.put("timeout_ms", unit.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
    it.budget(unit.retry);
    if let Some(repeat) = &unit.repeat {
        it.put("repeat_until", repeat.until.source());
        it.put("repeat", serde_json::to_value(repeat.bounds).unwrap_or_default());
    }
    it.exprs("expect", &unit.expect);
    it.exprs("warn", &unit.warn);
    it.put("outputs", unit.outputs.iter().map(|(name, expr)| (name.clone(), expr.source().into())).collect::<Map<_, _>>());
    it.put("secret_outputs", unit.secret_outputs.clone());
    it.put("confirm", unit.confirm.as_ref().map(|text| text.source().to_owned()));
    it.put("probe", proof(unit.probe.as_ref(), digests.probe.as_ref()));
    it.put("proof", proof(unit.proof.as_ref(), digests.proof.as_ref()));
    it.put("guarded_by", planned.guarded_by.iter().map(name).collect::<Vec<_>>());
    if let Some(watch) = unit.watch {
        let step = |ix: Option<crate::effect::UnitIx>| ix.as_ref().map(name);
        it.put("from", step(watch.from));
        it.put("until", step(watch.until));
        it.put("every_ms", u64::try_from(watch.every.as_millis()).unwrap_or(u64::MAX));
        it.put("failures", watch.failures);
    }
    if planned.on_failure != FailurePolicy::Stop {
        it.put("on_failure", serde_json::to_value(planned.on_failure).unwrap_or_default());
    }
    it.put(
        "fate",
        match &planned.fate {
            PlanFate::Nothing => Value::Null,
            PlanFate::Undo(actions) => json!({ "undo": actions.iter().map(|undo| undo.spec.as_str()).collect::<Vec<_>>() }),
            PlanFate::Irreversible(_) => "irreversible".into(),
            PlanFate::Leaves(_) => "leaves".into(),
            PlanFate::CoveredBy(cover) => json!({ "covered_by": name(cover) }),
        },
    );
    Digest::of_json(RECIPE, &Value::Object(it.0))
}

/// The digest of what a unit does: what must not have changed where it is done already. How often it would be tried, what would become of its failure and how it
/// would be undone are no part of it, so that those can be mended under way.
pub(super) fn deed(unit: &Unit, digests: &Digests) -> Digest {
    let mut it = Canonical::default();
    it.put("phase", serde_json::to_value(unit.phase).unwrap_or_default());
    it.put("action", digests.action.as_str());
    it.put("when", unit.when.as_ref().map(|expr| expr.source().to_owned()));
    it.put("around", unit.around.iter().map(|around| around.when.source()).collect::<Vec<_>>());
    it.put("for_each", unit.for_each.as_ref().map(|for_each| for_each.items.source().to_owned()));
    it.put("repeat_until", unit.repeat.as_ref().map(|repeat| repeat.until.source().to_owned()));
    it.exprs("expect", &unit.expect);
    it.put("outputs", unit.outputs.iter().map(|(name, expr)| (name.clone(), expr.source().into())).collect::<Map<_, _>>());
    it.put("secret_outputs", unit.secret_outputs.clone());
    it.put("probe", proof(unit.probe.as_ref(), digests.probe.as_ref()));
    it.put("proof", proof(unit.proof.as_ref(), digests.proof.as_ref()));
    Digest::of_json("deed1", &Value::Object(it.0))
}

/// The digest of an undo action, whose call has the digest `action`.
pub(super) fn undo(undo: &UndoStep, action: &Digest) -> Digest {
    let mut it = Canonical::default();
    it.put("action", action.as_str());
    it.put("class", serde_json::to_value(undo.class).unwrap_or_default());
    it.put("when", undo.when.as_ref().map(|expr| expr.source().to_owned()));
    it.put("timeout_ms", undo.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
    it.budget(undo.retry);
    it.exprs("expect", &undo.expect);
    Digest::of_json(RECIPE, &Value::Object(it.0))
}

fn loops(for_each: &ForEach) -> Value {
    let mut it = Canonical::default();
    it.put("items", for_each.items.source());
    if for_each.parallel > 1 {
        it.put("parallel", for_each.parallel);
    }
    Value::Object(it.0)
}

fn proof(proof: Option<&Proof>, action: Option<&Digest>) -> Value {
    let mut it = Canonical::default();
    if let (Some(proof), Some(action)) = (proof, action) {
        it.put("action", action.as_str());
        it.exprs("expect", &proof.expect);
    }
    Value::Object(it.0)
}

/// What becomes of a change, with its undo as planned.
pub(super) fn fate(fate: &Fate, undo: Vec<super::PlanUndo>) -> PlanFate {
    match fate {
        Fate::Nothing => PlanFate::Nothing,
        Fate::Undo(_) => PlanFate::Undo(undo),
        Fate::Irreversible(why) => PlanFate::Irreversible(why.clone()),
        Fate::Leaves(what) => PlanFate::Leaves(what.clone()),
        Fate::CoveredBy(cover) => PlanFate::CoveredBy(*cover),
    }
}
