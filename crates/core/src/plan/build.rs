//! From a runbook and its variables to a plan.

use std::collections::BTreeMap;

use super::options::LeftOut;
use super::spec::{self, Digests};
use super::{Fields, Loop, Plan, PlanFault, PlanOptions, PlanParts, PlanUndo, PlanUnit, PlannedStore, WhenAt, select};
use crate::action::FieldFault;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::digest::Digest;
use crate::effect::UnitIx;
use crate::inputs::Inputs;
use crate::prepare::{self, Preview};
use crate::runbook::{ActionCall, Fate, Phase, Placed, Runbook, UndoStep, Unit};
use crate::scope::Scope;
use crate::template::{Expr, RenderFaultKind, Template};

/// Plans a runbook with its variables.
///
/// Everything that can be known before the run is: fields are rendered where they need only variables, and their values are validated; what needs more
/// is deferred.
///
/// # Errors
///
/// All faults: values that do not fit a field, selections that cannot be.
pub fn plan(runbook: &Runbook, inputs: &Inputs, options: &PlanOptions) -> Result<Plan, Diagnostics> {
    let mut builder = Builder { runbook, scope: inputs.scope(&Scope::new()), faults: Diagnostics::new() };
    let left_out = select::left_out(runbook, options, &mut builder.faults);
    let mut parts = PlanParts::new(runbook.name.clone(), options.parallel);
    parts.title = runbook.title.as_ref().map(|title| builder.text(title));
    parts.risk = runbook.risk;
    parts.on_failure = runbook.on_failure.into();
    parts.locks = runbook.locks.iter().filter_map(|lock| builder.lock(lock)).collect();
    parts.lock_store = runbook.lock_store.as_ref().and_then(|store| {
        let target = runbook.targets.get(store.target)?.name.clone();
        Some(PlannedStore { target, database: store.database.clone(), lease: store.lease })
    });
    parts.units = runbook.units.iter().map(|unit| builder.unit(unit, &left_out)).collect();
    for unit in runbook.units.iter().filter(|unit| unit.phase == Phase::Check) {
        for guarded in &unit.guards {
            if let Some(planned) = parts.units.get_mut(guarded.get()) {
                planned.guarded_by.push(unit.ix);
            }
        }
    }
    for unit in &runbook.units {
        builder.digest(unit, &mut parts);
    }
    if builder.faults.has_errors() {
        builder.faults.sort();
        return Err(builder.faults);
    }
    Plan::new(parts).map_err(|fault| not_a_plan(&fault))
}

/// The digest of what each unit does, by its id: whether a mended runbook does the same as the one that a run began with.
pub fn deeds(runbook: &Runbook, inputs: &Inputs) -> BTreeMap<String, Digest> {
    let mut builder = Builder { runbook, scope: inputs.scope(&Scope::new()), faults: Diagnostics::new() };
    let deed = |unit: &Unit| {
        let idle = builder.is_false(unit.when.as_ref());
        let action = builder.call(&unit.action, idle).1;
        (unit.id.clone(), spec::deed(unit, &builder.digests(unit, action)))
    };
    runbook.units.iter().map(deed).collect()
}

/// The check of a runbook finds everything that could lead here.
fn not_a_plan(fault: &PlanFault) -> Diagnostics {
    let mut faults = Diagnostics::new();
    faults.push(Diagnostic::error(Code::ProgramFault, format!("the runbook cannot be planned: {fault}")));
    faults
}

struct Builder<'a> {
    runbook: &'a Runbook,
    scope: Scope,
    faults: Diagnostics,
}

impl Builder<'_> {
    fn unit(&mut self, unit: &Unit, left_out: &LeftOut) -> PlanUnit {
        let idle = self.is_false(unit.when.as_ref());
        let (fields, spec) = self.call(&unit.action, idle);
        let undo = match &unit.fate {
            Fate::Undo(actions) => actions.iter().map(|undo| self.undo(undo, idle)).collect(),
            Fate::Nothing | Fate::Irreversible(_) | Fate::Leaves(_) | Fate::CoveredBy(_) => Vec::new(),
        };
        let speaks_of_item = |expr: &Placed<Expr>| expr.refs().iter().any(|name| name.path.first().is_some_and(|n| n == "item"));
        PlanUnit {
            id: unit.id.clone(),
            phase: unit.phase,
            title: unit.title.as_ref().map(|title| self.text(title)),
            action: name(&unit.action),
            needs: unit.needs.clone(),
            uses: self.uses(unit),
            when: unit.when.as_ref().map(|expr| if speaks_of_item(expr) { WhenAt::Item } else { WhenAt::Unit }),
            for_each: unit.for_each.as_ref().map(|for_each| Loop { parallel: for_each.parallel }),
            timeout: unit.timeout,
            retry: unit.retry,
            repeat: unit.repeat.as_ref().map(|repeat| repeat.bounds),
            class: unit.class,
            fate: spec::fate(&unit.fate, undo),
            on_failure: unit.on_failure.into(),
            guarded_by: Vec::new(),
            watch: unit.watch,
            confirm: unit.confirm.is_some(),
            idle,
            left_out: left_out.get(unit.ix.get()).cloned().flatten(),
            spec,
            fields,
        }
    }

    fn undo(&mut self, undo: &UndoStep, idle: bool) -> PlanUndo {
        let idle = idle || self.is_false(undo.when.as_ref());
        let (fields, action) = self.call(&undo.action, idle);
        PlanUndo {
            title: undo.title.as_ref().map(|title| self.text(title)),
            action: name(&undo.action),
            when: undo.when.is_some(),
            timeout: undo.timeout,
            retry: undo.retry,
            class: undo.class,
            spec: spec::undo(undo, &action),
            fields,
        }
    }

    /// The unit's own digest in place of its action's.
    fn digest(&mut self, unit: &Unit, parts: &mut PlanParts) {
        let Some(action) = parts.units.get(unit.ix.get()).map(|planned| planned.spec.clone()) else { return };
        let digests = self.digests(unit, action);
        if let Some(planned) = parts.units.get_mut(unit.ix.get()) {
            planned.spec = spec::unit(self.runbook, unit, planned, &digests);
        }
    }

    /// The digests of its calls; `action` is that of its own one.
    fn digests(&mut self, unit: &Unit, action: Digest) -> Digests {
        let idle = self.is_false(unit.when.as_ref());
        let mut digest = |call: &ActionCall| self.call(call, idle).1;
        Digests {
            action,
            probe: unit.probe.as_ref().map(|probe| digest(&probe.action)),
            proof: unit.proof.as_ref().map(|proof| digest(&proof.action)),
        }
    }

    /// Whether a `when` is known to be false before the run. One that cannot be evaluated yet, or at all, is asked in the run.
    fn is_false(&self, when: Option<&Placed<Expr>>) -> bool {
        when.is_some_and(|expr| expr.test(&self.scope).is_ok_and(|tested| !tested.holds))
    }

    /// The fields of a call as far as they are known, and the digest of it. What will not run (`idle`) may have values that would not do.
    fn call(&mut self, call: &ActionCall, idle: bool) -> (Fields, Digest) {
        match prepare::preview(call, &self.runbook.targets, &self.scope) {
            Ok(Preview { public, needs, spec }) => {
                let fields = if needs.is_empty() { Fields::Ready(public) } else { Fields::Deferred { needs } };
                (fields, spec)
            }
            Err(faults) => {
                for fault in faults.into_iter().filter(|_| !idle) {
                    self.faults.push(self.field_fault(call, &fault));
                }
                (Fields::Deferred { needs: Vec::new() }, Digest::of_bytes("spec1", b""))
            }
        }
    }

    /// A fault of a field, with its place in the runbook.
    fn field_fault(&self, call: &ActionCall, fault: &FieldFault) -> Diagnostic {
        let span = if fault.path.is_empty() { call.key_span } else { prepare::locate(&call.fields, &fault.path) };
        let diagnostic = Diagnostic::error(Code::ActionInvalid, fault.message.clone()).at(&self.runbook.source, span, "");
        match &fault.help {
            Some(help) => diagnostic.help(help.clone()),
            None => diagnostic,
        }
    }

    /// The checks whose results a check uses; no other phase may refer to its own.
    fn uses(&self, unit: &Unit) -> Vec<UnitIx> {
        if unit.phase != Phase::Check {
            return Vec::new();
        }
        let mut used = Vec::new();
        for name in select::references(self.runbook, unit) {
            let [group, id, ..] = name.path.as_slice() else { continue };
            if group != "checks" || name.guarded {
                continue;
            }
            let checks = self.runbook.units.iter().filter(|other| other.phase == Phase::Check && other.ix != unit.ix);
            used.extend(checks.filter(|other| other.id == *id && !used.contains(&other.ix)).map(|other| other.ix).collect::<Vec<_>>());
        }
        used
    }

    /// A title as far as it is known: rendered, or its own text.
    fn text(&self, text: &Template) -> String {
        text.render(&self.scope).map_or_else(|_| text.source().to_owned(), |rendered| rendered.public_text())
    }

    fn lock(&mut self, lock: &Placed<Template>) -> Option<String> {
        match lock.render(&self.scope) {
            Ok(rendered) => Some(rendered.public_text()),
            Err(fault) => {
                let help = match fault.kind {
                    RenderFaultKind::Missing => Some("locks are taken before anything runs: only variables are known then".to_owned()),
                    RenderFaultKind::Unfit => fault.help,
                };
                let mut diagnostic = Diagnostic::error(Code::ActionInvalid, fault.message).at(&self.runbook.source, lock.span, "");
                diagnostic.help.extend(help);
                self.faults.push(diagnostic);
                None
            }
        }
    }
}

/// `EXECUTOR.ACTION`.
fn name(call: &ActionCall) -> String {
    format!("{}.{}", call.executor, call.spec.name)
}
