//! From what stands in the runbook to an action with its values.

use std::sync::Arc;

use runbook_core::action::{Action, Failure, FailureKind, FieldFault};
use runbook_core::digest::Digest;
use runbook_core::effect::{Role, UnitIx};
use runbook_core::prepare::prepare;
use runbook_core::record::UndoResolved;
use runbook_core::runbook::{ActionCall, Around, Fate, Placed, Runbook, TargetDecl, UndoStep, Unit};
use runbook_core::scope::Scope;
use runbook_core::secret::Masker;
use runbook_core::template::Expr;
use serde_json::Value;

use super::Secrets;
use super::expect::Wanted;

/// What an effect's name stands for in the runbook.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// A check, a step or a verify.
    Unit(&'a Unit),
    /// An action of a step's undo.
    Undo(&'a UndoStep),
}

impl<'a> Part<'a> {
    /// Finds it; nothing where the plan is another runbook's.
    pub(super) fn find(runbook: &'a Runbook, unit: UnitIx, role: Role) -> Option<Self> {
        let unit = runbook.units.get(unit.get())?;
        match role {
            Role::Check | Role::Do | Role::Verify | Role::Monitor => Some(Self::Unit(unit)),
            Role::Undo(at) => undo(unit).get(usize::from(at)).map(Self::Undo),
        }
    }

    pub(super) fn call(self) -> &'a ActionCall {
        match self {
            Self::Unit(unit) => &unit.action,
            Self::Undo(step) => &step.action,
        }
    }

    pub(super) fn when(self) -> Option<&'a Placed<Expr>> {
        match self {
            Self::Unit(unit) => unit.when.as_ref(),
            Self::Undo(step) => step.when.as_ref(),
        }
    }

    /// The conditions of the calls around it, from the outside inwards. What has begun is undone whatever they say now.
    pub(super) fn around(self) -> &'a [Around] {
        match self {
            Self::Unit(unit) => &unit.around,
            Self::Undo(_) => &[],
        }
    }

    /// Whether anything is evaluated after its action.
    pub(super) fn looks_later(self) -> bool {
        match self {
            Self::Unit(unit) => {
                !(unit.outputs.is_empty() && unit.expect.is_empty() && unit.warn.is_empty())
                    || unit.repeat.is_some()
                    || unit.proof.is_some()
                    || unit.probe.is_some()
            }
            Self::Undo(step) => !step.expect.is_empty(),
        }
    }

    pub(super) fn wanted(self) -> Wanted<'a> {
        match self {
            Self::Unit(unit) => Wanted {
                outputs: &unit.outputs,
                secret_outputs: &unit.secret_outputs,
                expect: &unit.expect,
                warn: &unit.warn,
                until: unit.repeat.as_ref().map(|repeat| &repeat.until),
            },
            Self::Undo(step) => Wanted { outputs: &[], secret_outputs: &[], expect: &step.expect, warn: &[], until: None },
        }
    }
}

fn undo(unit: &Unit) -> &[UndoStep] {
    match &unit.fate {
        Fate::Undo(steps) => steps,
        Fate::Nothing | Fate::Irreversible(_) | Fate::Leaves(_) | Fate::CoveredBy(_) => &[],
    }
}

/// `EXECUTOR.ACTION`.
pub(super) fn name(call: &ActionCall) -> String {
    format!("{}.{}", call.executor, call.spec.name)
}

/// An action with its values.
pub(super) struct Ready {
    pub action: Arc<dyn Action>,
    /// Its fields, secrets as references.
    pub fields: Value,
    /// Of `fields`.
    pub render: Digest,
    /// Those of its secrets that cannot be masked.
    pub unmaskable: Vec<String>,
}

/// Renders and builds; its secrets are known from here on. A fault names its field.
pub(super) fn ready(targets: &[TargetDecl], call: &ActionCall, scope: &Scope, secrets: &Secrets) -> Result<Ready, Failure> {
    let failed = |faults| failure(&name(call), faults);
    let mut prepared = prepare(call, targets, scope).map_err(failed)?;
    let unmaskable = secrets.unmaskable(&prepared.secrets);
    secrets.learn(std::mem::take(&mut prepared.secrets));
    let render = prepared.masked(&secrets.masker()).map_err(failed)?;
    Ok(Ready { action: Arc::from(prepared.action), fields: prepared.public, render, unmaskable })
}

/// How a step would be undone, as far as it is known before it begins.
pub(super) fn resolve_undo(runbook: &Runbook, unit: &Unit, scope: &Scope, masker: &Masker) -> Vec<UndoResolved> {
    let targets = &runbook.at(unit.call).targets;
    let resolve = |step: &UndoStep| UndoResolved {
        action: name(&step.action),
        fields: prepare(&step.action, targets, scope).ok().map(|mut prepared| {
            masker.json(&mut prepared.public);
            prepared.public
        }),
    };
    undo(unit).iter().map(resolve).collect()
}

fn failure(action: &str, faults: Vec<FieldFault>) -> Failure {
    let mut faults = faults.into_iter();
    let Some(first) = faults.next() else { return Failure::new(FailureKind::Invalid, format!("`{action}` cannot be prepared")) };
    let mut failure = Failure::new(FailureKind::Invalid, first.message);
    failure.field = (!first.path.is_empty()).then_some(first.path);
    failure.help = first.help;
    failure.detail = faults.map(|fault| fault.told(action)).collect();
    failure
}
