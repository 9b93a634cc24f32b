//! A run as its folder tells it: what a later session goes on with, whoever starts it and wherever the author's file is by then.

use std::sync::Arc;
use std::thread;

use jiff::Timestamp;
use runbook_core::plan::Plan;
use runbook_core::record::{CalledFile, Record, RunOpened, RunbookIdentity, Stamped};
use runbook_core::view::RunView;
use serde_json::Map;

use crate::EngineError;
use crate::disk::{self, OnPath};
use crate::dispatcher::{oversize, value_key};
use crate::journal::{self, Contents, JournalError, Tail};
use crate::state::RunFolder;

/// The name of the runbook's copy among a run's sources.
pub const RUNBOOK_COPY: &str = "runbook.toml";

/// The name of the plan's copy among a run's sources: what looking back at a run tells with the titles and fates of its steps.
pub const PLAN_COPY: &str = "plan.json";

/// The name of the copy of a called runbook's file, by its place in the list of such files.
pub fn called_copy(at: usize) -> String {
    format!("called-{}.toml", at + 1)
}

/// The copies of the files that a run's runbook calls, by their paths from its own folder on; those that cannot be read are left out.
pub fn called_copies(run: &RunFolder, runbook: &RunbookIdentity, change: u32) -> Vec<(String, Vec<u8>)> {
    let read = |(at, called): (usize, &CalledFile)| {
        let bytes = disk::read(&run.source(&copy_name(&called_copy(at), change))).ok()?;
        Some((called.file.clone(), bytes))
    };
    runbook.called.iter().enumerate().filter_map(read).collect()
}

/// The name of a copy after so many changes of the runbook: `runbook.toml`, `runbook.1.toml`, …
pub fn copy_name(name: &str, change: u32) -> String {
    match (change, name.rsplit_once('.')) {
        (0, _) | (_, None) => name.to_owned(),
        (_, Some((stem, suffix))) => format!("{stem}.{change}.{suffix}"),
    }
}

/// What a run began with, or goes on with since its runbook was last changed.
#[derive(Debug)]
pub struct Recorded {
    /// The first record, with the runbook, the plan and the variables of the last change; the values of large variables are in it.
    pub opened: RunOpened,
    /// When the run was opened.
    pub since: Timestamp,
    /// How often the runbook was changed.
    pub change: u32,
    /// The bytes of the runbook's copy.
    pub runbook: Vec<u8>,
    /// Those of the copies of the files that it calls, by their paths from its own folder on.
    pub called: Vec<(String, Vec<u8>)>,
    /// The plan's copy.
    pub plan: Arc<Plan>,
    /// All that happened.
    pub seen: Seen,
}

/// A run's journal as it was read, and what it means: what a session that goes on takes over where nothing was added since.
#[derive(Debug)]
pub struct Seen {
    /// The records.
    pub journal: Contents<Stamped>,
    /// The fold of them over the run's own plan.
    pub view: RunView,
}

/// Reads a run without taking its lock: what is seen may be older than what is there.
///
/// # Errors
///
/// The journal or a copy cannot be read or was tampered with, or the run broke off before its first record.
pub fn recorded(run: &RunFolder) -> Result<Recorded, EngineError> {
    let (contents, first_plan) = read_both(run)?;
    if let Tail::InDoubt { line, .. } = contents.tail {
        return Err(EngineError::LostRecords { path: run.journal(), line });
    }
    let (opened, since, change) = last(&contents.records).ok_or_else(|| EngineError::NeverOpened { run: run.id().to_string() })?;
    let mut opened = opened;
    restore(&mut opened, run)?;
    let runbook = disk::read(&run.source(&copy_name(RUNBOOK_COPY, change)))?;
    let called = called_copies(run, &opened.runbook, change);
    let plan = match first_plan.filter(|_| change == 0) {
        Some(plan) => plan,
        None => plan(run, change)?,
    };
    if plan.digest() != opened.plan {
        return Err(EngineError::AnotherPlan { run: run.id().to_string() });
    }
    let view = fold(&plan, &contents.records)?;
    Ok(Recorded { opened, since, change, runbook, called, plan: Arc::new(plan), seen: Seen { journal: contents, view } })
}

/// The journal, and beside it the plan that the run began with: of a long run both are large. The plan is none where it cannot be had, or no thread for it.
fn read_both(run: &RunFolder) -> Result<(Contents<Stamped>, Option<Plan>), JournalError> {
    thread::scope(|scope| {
        let reading = thread::Builder::new().spawn_scoped(scope, || plan(run, 0).ok());
        let contents = journal::read(&run.journal())?;
        Ok((contents, reading.ok().and_then(|reading| reading.join().ok()).flatten()))
    })
}

/// The plan's copy after so many changes.
pub(crate) fn plan(run: &RunFolder, change: u32) -> Result<Plan, EngineError> {
    let path = run.source(&copy_name(PLAN_COPY, change));
    let bytes = disk::read(&path)?;
    Ok(serde_json::from_slice(&bytes).map_err(std::io::Error::from).on("use", &path)?)
}

/// The plan that a run's records are read by; none where its copy is gone.
pub fn last_plan(run: &RunFolder, records: &[Stamped]) -> Option<Plan> {
    let (_, _, change) = last(records)?;
    plan(run, change).ok()
}

/// The first record with what the last change put in its place, when it was written, and the number of changes.
pub(crate) fn last(records: &[Stamped]) -> Option<(RunOpened, Timestamp, u32)> {
    let mut found: Option<(RunOpened, Timestamp, u32)> = None;
    for stamped in records {
        match (&stamped.record, &mut found) {
            (Record::RunOpened(opened), None) => found = Some((opened.as_ref().clone(), stamped.at, 0)),
            (Record::Amended(amended), Some((opened, _, change))) => {
                opened.runbook = amended.runbook.clone();
                opened.plan = amended.plan.clone();
                opened.variables.clone_from(&amended.variables);
                opened.values.clone_from(&amended.values);
                *change = amended.change;
            }
            _ => {}
        }
    }
    found
}

/// All records in one view.
pub(crate) fn fold(plan: &Plan, records: &[Stamped]) -> Result<RunView, EngineError> {
    let mut view = RunView::new(plan);
    for stamped in records {
        view.apply(plan, stamped)?;
    }
    Ok(view)
}

/// Fetches the values that stand beside the journal.
fn restore(opened: &mut RunOpened, run: &RunFolder) -> Result<(), EngineError> {
    let mut map = Map::new();
    for variable in &mut opened.variables {
        map.extend(variable.value.take().map(|value| (variable.name.clone(), value)));
    }
    for value in &mut opened.values {
        map.insert(value_key(&value.name), value.value.take());
    }
    let mut map = oversize::restore(map, run.path())?;
    for variable in &mut opened.variables {
        variable.value = map.remove(&variable.name);
    }
    for value in &mut opened.values {
        value.value = map.remove(&value_key(&value.name)).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_numbered() {
        assert_eq!(copy_name(RUNBOOK_COPY, 0), "runbook.toml");
        assert_eq!(copy_name(RUNBOOK_COPY, 2), "runbook.2.toml");
        assert_eq!(copy_name(PLAN_COPY, 1), "plan.1.json");
    }
}
