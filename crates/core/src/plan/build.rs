//! From a runbook and its variables to a plan.

use std::collections::BTreeMap;

use super::options::LeftOut;
use super::spec::{self, Digests};
use super::{Fields, Loop, Plan, PlanFault, PlanOptions, PlanParts, PlanUndo, PlanUnit, WhenAt, select};
use crate::action::FieldFault;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::digest::Digest;
use crate::effect::UnitIx;
use crate::inputs::Inputs;
use crate::prepare::{self, Preview};
use crate::runbook::{ActionCall, CallIx, Fate, Phase, Placed, Runbook, UndoStep, Unit};
use crate::scope::Scope;
use crate::template::{Expr, Template};

/// Plans a runbook with its variables.
///
/// Everything that can be known before the run is: fields are rendered where they need only variables, and their values are validated; what needs more
/// is deferred.
///
/// # Errors
///
/// All faults: values that do not fit a field, selections that cannot be.
pub fn plan(runbook: &Runbook, inputs: &Inputs, options: &PlanOptions) -> Result<Plan, Diagnostics> {
    let mut builder = Builder::new(runbook, inputs);
    let left_out = select::left_out(runbook, options, &mut builder.faults);
    let mut parts = PlanParts::new(runbook.name.clone(), options.parallel);
    parts.title = runbook.title.as_ref().map(|title| builder.title(title, None));
    parts.risk = runbook.risk;
    parts.on_failure = runbook.on_failure.into();
    parts.locks = builder.locks(inputs);
    parts.lock_store = builder.lock_store(inputs);
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
    let mut builder = Builder::new(runbook, inputs);
    let deed = |unit: &Unit| {
        let idle = builder.is_idle(unit);
        let action = builder.call(&unit.action, unit.call, idle).1;
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

pub(super) struct Builder<'a> {
    pub(super) runbook: &'a Runbook,
    /// Of the runbook itself, and of each that it calls.
    scopes: Vec<Scope>,
    pub(super) faults: Diagnostics,
}

impl<'a> Builder<'a> {
    fn new(runbook: &'a Runbook, inputs: &Inputs) -> Self {
        let scopes = runbook.frames().map(|(call, _)| inputs.at(call).scope(&Scope::new())).collect();
        Self { runbook, scopes, faults: Diagnostics::new() }
    }

    /// What is known where names of the runbook itself, or of one that it calls, are used.
    pub(super) fn scope(&self, call: Option<CallIx>) -> &Scope {
        &self.scopes[call.map_or(0, |CallIx(at)| at + 1)]
    }

    fn unit(&mut self, unit: &Unit, left_out: &LeftOut) -> PlanUnit {
        let idle = self.is_idle(unit);
        let (fields, spec) = self.call(&unit.action, unit.call, idle);
        let undo = match &unit.fate {
            Fate::Undo(actions) => actions.iter().map(|undo| self.undo(undo, unit.call, idle)).collect(),
            Fate::Nothing | Fate::Irreversible(_) | Fate::Leaves(_) | Fate::CoveredBy(_) => Vec::new(),
        };
        let speaks_of_item = |expr: &Placed<Expr>| expr.refs().iter().any(|name| name.path.first().is_some_and(|n| n == "item"));
        PlanUnit {
            id: unit.id.clone(),
            phase: unit.phase,
            title: unit.title.as_ref().map(|title| self.title(title, unit.call)),
            action: name(&unit.action),
            needs: unit.needs.clone(),
            uses: self.uses(unit),
            when: match &unit.when {
                Some(expr) if speaks_of_item(expr) => Some(WhenAt::Item),
                when => (when.is_some() || !unit.around.is_empty()).then_some(WhenAt::Unit),
            },
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

    fn undo(&mut self, undo: &UndoStep, call: Option<CallIx>, idle: bool) -> PlanUndo {
        let idle = idle || undo.when.as_ref().is_some_and(|when| self.is_false(call, when));
        let (fields, action) = self.call(&undo.action, call, idle);
        PlanUndo {
            title: undo.title.as_ref().map(|title| self.title(title, call)),
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
        let idle = self.is_idle(unit);
        let mut digest = |call: &ActionCall| self.call(call, unit.call, idle).1;
        Digests {
            action,
            probe: unit.probe.as_ref().map(|probe| digest(&probe.action)),
            proof: unit.proof.as_ref().map(|proof| digest(&proof.action)),
        }
    }

    /// Whether a unit is known not to run: one of its conditions is false.
    fn is_idle(&self, unit: &Unit) -> bool {
        unit.conditions().any(|(call, when)| self.is_false(call, when))
    }

    /// Whether a `when` is known to be false before the run. One that cannot be evaluated yet, or at all, is asked in the run.
    fn is_false(&self, call: Option<CallIx>, when: &Placed<Expr>) -> bool {
        when.test(self.scope(call)).is_ok_and(|tested| !tested.holds)
    }

    /// The fields of a call as far as they are known, and the digest of it. What will not run (`idle`) may have values that would not do.
    fn call(&mut self, call: &ActionCall, at: Option<CallIx>, idle: bool) -> (Fields, Digest) {
        match prepare::preview(call, &self.runbook.at(at).targets, self.scope(at)) {
            Ok(Preview { public, needs, spec }) => {
                let needs: Vec<String> = needs.into_iter().map(|name| self.full_name(at, name)).collect();
                let fields = if needs.is_empty() { Fields::Ready(public) } else { Fields::Deferred { needs } };
                (fields, spec)
            }
            Err(faults) => {
                for fault in faults.into_iter().filter(|_| !idle) {
                    self.faults.push(self.field_fault(call, at, &fault));
                }
                (Fields::Deferred { needs: Vec::new() }, Digest::of_bytes("spec1", b""))
            }
        }
    }

    /// A fault of a field, with its place in the runbook.
    fn field_fault(&self, call: &ActionCall, at: Option<CallIx>, fault: &FieldFault) -> Diagnostic {
        let span = if fault.path.is_empty() { call.key_span } else { prepare::locate(&call.fields, &fault.path) };
        let diagnostic = Diagnostic::error(Code::ActionInvalid, fault.told(&name(call))).at(&self.runbook.at(at).source, span, "");
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
        for (call, name) in select::references(self.runbook, unit) {
            let [group, id, ..] = name.path.as_slice() else { continue };
            if group != "checks" || name.guarded {
                continue;
            }
            let id = self.runbook.full_id(call, id);
            let checks = self.runbook.units.iter().filter(|other| other.phase == Phase::Check && other.ix != unit.ix);
            used.extend(checks.filter(|other| other.id == id && !used.contains(&other.ix)).map(|other| other.ix).collect::<Vec<_>>());
        }
        used
    }

    /// A title as far as it is known: rendered, or its own text. It is one line: what it is shown in has a line for each thing.
    fn title(&self, title: &Template, call: Option<CallIx>) -> String {
        let text = title.render(self.scope(call)).map_or_else(|_| title.source().to_owned(), |rendered| rendered.public_text());
        if text.contains(['\n', '\r']) {
            text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
        } else {
            text
        }
    }

    /// `steps.dump` of a called runbook as it is called in the plan: `steps.backup/dump`.
    fn full_name(&self, call: Option<CallIx>, name: String) -> String {
        match name.split_once('.') {
            Some((group, id)) => format!("{group}.{}", self.runbook.full_id(call, id)),
            None => name,
        }
    }
}

/// `EXECUTOR.ACTION`.
fn name(call: &ActionCall) -> String {
    format!("{}.{}", call.executor, call.spec.name)
}
