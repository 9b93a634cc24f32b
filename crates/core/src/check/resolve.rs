//! Ids are unique; names of other units become their numbers.

use std::collections::HashMap;
use std::sync::Arc;

use crate::decode::{Draft, NameRef};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::effect::UnitIx;
use crate::runbook::{Fate, Needs, Phase};
use crate::source::Source;
use crate::suggest::nearest;

/// Resolves `needs`, `guards`, `covered_by`, and `from` and `until` of monitors.
pub(super) fn resolve(mut draft: Draft, faults: &mut Diagnostics) -> Draft {
    let source = Arc::clone(&draft.runbook.source);
    let mut ids: HashMap<String, UnitIx> = HashMap::with_capacity(draft.runbook.units.len());
    for unit in &draft.runbook.units {
        if let Some(first) = ids.get(&unit.id).and_then(|ix| draft.runbook.units.get(ix.get())) {
            faults.push(
                Diagnostic::error(Code::DuplicateId, format!("the id `{}` is there twice", unit.id))
                    .at(&source, unit.id_span, "the second time")
                    .at(&source, first.id_span, "the first time")
                    .help("give each check, step and verify an id of its own"),
            );
        } else {
            ids.insert(unit.id.clone(), unit.ix);
        }
    }
    let names = Names { source: &source, ids: &ids, phases: draft.runbook.units.iter().map(|u| u.phase).collect(), draft: &draft };

    let mut resolved = Vec::with_capacity(draft.units.len());
    for (unit, beside) in draft.runbook.units.iter().zip(&draft.units) {
        let needs = match &beside.needs {
            // Checks, verifies and monitors stand side by side; steps stand in order.
            None if unit.phase == Phase::Step => Needs::Earlier,
            None => Needs::These(Vec::new()),
            Some(written) => {
                let mut needs: Vec<UnitIx> = written.iter().filter_map(|name| names.find(name, unit.phase, "needs", faults)).collect();
                needs.sort_unstable();
                needs.dedup();
                Needs::These(needs)
            }
        };
        let guards: Vec<UnitIx> = beside.guards.iter().filter_map(|name| names.find(name, Phase::Step, "guards", faults)).collect();
        let cover = beside.covered_by.as_ref().and_then(|name| names.find(name, Phase::Step, "covered_by", faults));
        let window = [(&beside.from, "from"), (&beside.until, "until")]
            .map(|(name, key)| name.as_ref().and_then(|name| names.find(name, Phase::Step, key, faults)));
        resolved.push((needs, guards, cover, window));
    }
    for (unit, (needs, guards, cover, window)) in draft.runbook.units.iter_mut().zip(resolved) {
        unit.needs = needs;
        unit.guards = guards;
        if let Some(watch) = &mut unit.watch {
            [watch.from, watch.until] = window;
        }
        if let (Some(cover), Fate::Nothing) = (cover, &unit.fate) {
            unit.fate = Fate::CoveredBy(cover);
        }
    }
    draft
}

struct Names<'a> {
    source: &'a Arc<Source>,
    ids: &'a HashMap<String, UnitIx>,
    phases: Vec<Phase>,
    draft: &'a Draft,
}

impl Names<'_> {
    /// The unit of that name in that phase. One that has a fault of its own is passed over in silence.
    fn find(&self, wanted: &NameRef, phase: Phase, key: &str, faults: &mut Diagnostics) -> Option<UnitIx> {
        let found = self.ids.get(&wanted.name).copied();
        if let Some(ix) = found.filter(|ix| self.phases.get(ix.get()) == Some(&phase)) {
            return Some(ix);
        }
        if self.draft.broken.contains_key(&wanted.name) {
            return None;
        }
        let what = phase.name();
        let mut fault = Diagnostic::error(Code::UnknownUnit, format!("there is no {what} `{}`", wanted.name)).at(
            self.source,
            wanted.span,
            format!("`{key}` names a {what}"),
        );
        let units = &self.draft.runbook.units;
        let candidates = units.iter().filter(|unit| unit.phase == phase).map(|unit| unit.id.as_str());
        if let Some(near) = nearest(&wanted.name, candidates) {
            fault = fault.help(format!("did you mean `{near}`?"));
        } else if let Some(other) = found.and_then(|ix| units.get(ix.get())) {
            fault = fault.at(self.source, other.id_span, format!("this is a {}", other.phase.name()));
        }
        faults.push(fault);
        None
    }
}
