//! What became of checks, steps and verifies, and the backups among them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Backup, millis};
use crate::action::{Failure, Outcome, Outputs};
use crate::effect::Place;
use crate::plan::{Plan, PlanUnit};
use crate::prepare;
use crate::record::{Expectation, SkipReason, Tally};
use crate::runbook::{ActionCall, Fate, Phase, Runbook};
use crate::source::Span;
use crate::view::{EffectKey, EffectState, EffectView, Instance, RunView, WatchChange};

/// A check, a step, an item of a step, a verify, or a monitor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitReport {
    /// Its id; `copy[a]` for an item.
    pub id: String,
    /// Which part it belongs to.
    pub phase: Phase,
    /// What it does, in a few words.
    pub title: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub deed: Deed,
    /// Its undo, action by action, as far as a rollback came to it.
    pub undo: Vec<Deed>,
    /// Of a monitor: what its probes found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watched>,
}

/// What a monitor's probes found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watched {
    /// All of them.
    #[serde(flatten)]
    pub tally: Tally,
    /// Whether the last one found what is expected.
    pub holds: Option<bool>,
    /// When the verdict became another, or it tripped.
    pub history: Vec<WatchChange>,
}

/// What became of one action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deed {
    /// `EXECUTOR.ACTION`.
    pub action: String,
    /// `done`, `failed`, `skipped`, `running`, `in doubt`, `not begun`, …
    pub state: &'static str,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// From the first beginning to the end, in milliseconds.
    pub lasted_ms: Option<u64>,
    /// How often it was begun.
    pub attempts: u32,
    /// How often it was done as a whole; more than once with `repeat_until`.
    pub iterations: u32,
    /// Whether it changed something, or may have.
    pub changed: bool,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The line of the runbook that is responsible for the failure.
    pub line: Option<usize>,
    /// The called file in which that line stands; none where it is the runbook's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why it was skipped.
    pub skipped: Option<SkipReason>,
    /// What did not hold of `expect` and `warn`.
    pub broken: Vec<Expectation>,
    /// What else a person should see.
    pub warnings: Vec<String>,
}

pub(super) fn units(plan: &Plan, runbook: Option<&Runbook>, view: &RunView) -> Vec<UnitReport> {
    let mut all = Vec::new();
    for unit in plan.units() {
        let Some(state) = plan.find(&unit.id).and_then(|ix| view.unit(ix)) else { continue };
        for instance in state.instances() {
            all.push(unit_report(unit, runbook, instance));
        }
    }
    all
}

fn unit_report(unit: &PlanUnit, runbook: Option<&Runbook>, instance: &Instance) -> UnitReport {
    let written = runbook.and_then(|runbook| Some((runbook, runbook.units.iter().find(|written| written.id == unit.id)?)));
    let file = written.and_then(|(runbook, unit)| runbook.call(unit.call)).map(|called| called.file.as_str());
    let own = |failure: &Failure| written.map(|(runbook, unit)| line(runbook.at(unit.call), failure, &unit.action, unit.id_span));
    let undo = instance.undo().iter().zip(unit.undo()).enumerate().map(|(at, (effect, planned))| {
        let step = written.and_then(|(runbook, unit)| match &unit.fate {
            Fate::Undo(steps) => Some((runbook.at(unit.call), steps.get(at)?)),
            Fate::Nothing | Fate::Irreversible(_) | Fate::Leaves(_) | Fate::CoveredBy(_) => None,
        });
        deed(&planned.action, effect, file, &|failure| {
            step.map(|(runbook, step)| line(runbook, failure, &step.action, step.action.key_span))
        })
    });
    UnitReport {
        id: super::id(&[Place { step: unit.id.clone(), item: instance.item().map(|item| item.key.clone()) }]),
        phase: unit.phase,
        title: unit.title.clone(),
        deed: deed(&unit.action, instance.effect(), file, &own),
        undo: undo.collect(),
        watch: instance.effect().report().and_then(|report| report.watch.as_deref()).map(|watch| Watched {
            tally: watch.tally(),
            holds: watch.holds,
            history: watch.changes.clone(),
        }),
    }
}

/// The line of the field that a failure names, else of what it belongs to.
fn line(runbook: &Runbook, failure: &Failure, call: &ActionCall, otherwise: Span) -> usize {
    let span = failure.field.as_deref().map_or(otherwise, |path| prepare::locate(&call.fields, path));
    runbook.source.position(span.start).line
}

fn deed(action: &str, effect: &EffectView, file: Option<&str>, line: &dyn Fn(&Failure) -> Option<usize>) -> Deed {
    let report = effect.report();
    let failure = match report.and_then(|report| report.outcome.as_ref()) {
        Some(Outcome::Failed { failure, .. }) if effect.state() != EffectState::Done => Some(failure.clone()),
        _ => None,
    };
    let broken = |e: &&Expectation| !e.holds && !e.until;
    let (started, finished) = (report.and_then(|r| r.first_started), report.and_then(|r| r.finished));
    Deed {
        action: action.to_owned(),
        state: state(effect.state()),
        started_at: started.map(|moment| moment.at),
        finished_at: finished.map(|moment| moment.at),
        lasted_ms: started.zip(finished).map(|(from, to)| millis(to.run.since(from.run))),
        attempts: effect.attempt(),
        iterations: effect.iterations(),
        changed: effect.may_have_changed(),
        line: failure.as_ref().and_then(line),
        file: file.filter(|_| failure.is_some()).map(str::to_owned),
        failure,
        skipped: report.and_then(|report| report.skipped.clone()),
        broken: report.map(|report| report.expectations.iter().filter(broken).cloned().collect()).unwrap_or_default(),
        warnings: report.map(|report| report.warnings.clone()).unwrap_or_default(),
    }
}

const fn state(state: EffectState) -> &'static str {
    match state {
        EffectState::Waiting | EffectState::Ready | EffectState::Admitted => "not begun",
        EffectState::Running => "running",
        EffectState::RetryDue | EffectState::Pausing { .. } => "to be tried again",
        EffectState::Doubt { .. } | EffectState::Recovering { .. } | EffectState::Unsure { .. } => "in doubt",
        EffectState::Held => "waits for a person",
        EffectState::Interrupted => "interrupted",
        EffectState::Spread | EffectState::Done => "done",
        EffectState::Failed => "failed",
        EffectState::Skipped => "skipped",
    }
}

/// The backups that the run made or looked at, in the order of the runbook.
pub(super) fn backups(plan: &Plan, view: &RunView) -> Vec<Backup> {
    let mut found = Vec::new();
    for unit in plan.units() {
        if !matches!(unit.action.as_str(), "sql.dump" | "sql.manifest" | "sql.verify_backup" | "sql.restore") {
            continue;
        }
        let Some((ix, state)) = plan.find(&unit.id).and_then(|ix| Some((ix, view.unit(ix)?))) else { continue };
        let items: Vec<Option<u32>> =
            if state.items().is_empty() { vec![None] } else { (0..state.items().len()).map(|item| u32::try_from(item).ok()).collect() };
        for key in items.into_iter().map(|item| EffectKey { item, ..EffectKey::unit(ix) }) {
            let Some(report) = view.effect(key).and_then(EffectView::report) else { continue };
            let (outputs, proved) = match &report.outcome {
                Some(Outcome::Succeeded { outputs, .. }) => (outputs.clone(), true),
                Some(Outcome::Failed { outputs, .. }) => (outputs.clone(), false),
                Some(Outcome::Cancelled { .. }) | None => (Outputs::new(), false),
            };
            let field = |name: &str| report.fields.get(name);
            let path = outputs.get("manifest").or_else(|| field("manifest")).or_else(|| field("to")).and_then(Value::as_str);
            if let (Some(manifest), Some(path)) = (path, view.path(plan, key)) {
                let (manifest, unit) = (manifest.to_owned(), (super::id(&path), unit.action.clone()));
                found.push(Backup { unit: unit.0, action: unit.1, manifest, proved, facts: facts(&outputs) });
            }
        }
    }
    found
}

/// Plain outputs as they are, of lists and maps their number.
fn facts(outputs: &Outputs) -> Map<String, Value> {
    let fact = |value: &Value| match value {
        Value::Array(list) => Value::from(list.len()),
        Value::Object(map) => Value::from(map.len()),
        plain => plain.clone(),
    };
    outputs
        .iter()
        .filter(|(name, value)| *name != "manifest" && !value.is_null())
        .map(|(name, value)| (name.clone(), fact(value)))
        .collect()
}
