//! What a run did, for a ticket or a program: a pure function of its plan and its records, so that it can be told after a crash as well.
//!
//! Nothing in it is secret, because nothing in the records is. Its JSON form has a version; fields are added, never changed.

mod downtime;
mod told;
mod units;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::plan::Plan;
use crate::record::{Record, Reply, RunEnd, RunbookIdentity, SessionOpened, Stamped, Subject, ValueRecord, VariableValue};
use crate::runbook::Runbook;
use crate::view::{Impossible, RunView};

pub use downtime::Downtime;
pub use units::{Deed, UnitReport, Watched};

/// The version of the report's form.
const FORMAT: u32 = 1;

/// What a run did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The version of this form: 1.
    pub format: u32,
    /// The run's id.
    pub run: String,
    /// Which runbook.
    pub runbook: RunbookIdentity,
    /// Who started it.
    pub operator: String,
    /// When it began.
    pub started_at: Timestamp,
    /// The time of its last record.
    pub finished_at: Timestamp,
    /// How long it lasted, in milliseconds; within one boot by the boot clock.
    pub lasted_ms: u64,
    /// How the last session ended; none where it goes on or broke off.
    pub end: Option<RunEnd>,
    /// The processes that worked on it.
    pub sessions: Vec<Session>,
    /// The variables and where they came from; secrets without their values.
    pub variables: Vec<VariableValue>,
    /// What was read from files or worked out (`[values]`); secret parts are replaced by their names.
    pub values: Vec<ValueRecord>,
    /// What was connected to, with the settings of each.
    pub targets: Map<String, Value>,
    /// Checks, steps, verifies and monitors, in the order of the runbook; items singly.
    pub units: Vec<UnitReport>,
    /// When containers that the run stopped were down.
    pub downtime: Vec<Downtime>,
    /// The backups that were made or looked at.
    pub backups: Vec<Backup>,
    /// What people were asked, and what they said.
    pub people: Vec<Answer>,
    /// The rollback, where there was one.
    pub rollback: Option<Rollback>,
}

/// A process that worked on the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Session {
    /// What it said of itself.
    #[serde(flatten)]
    pub opened: SessionOpened,
    /// When.
    pub at: Timestamp,
    /// How it ended; none where it goes on or broke off.
    pub end: Option<RunEnd>,
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Backup {
    /// The step or check that made it or looked at it.
    pub unit: String,
    /// What that did: `sql.dump`, `sql.verify_backup`, …
    pub action: String,
    /// Its manifest, or its folder where nothing says more.
    pub manifest: String,
    /// Whether it was made or verified to its end.
    pub proved: bool,
    /// What is known of it: the plain outputs of that action; of lists and maps their number.
    pub facts: Map<String, Value>,
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// When it was answered.
    pub at: Timestamp,
    /// About what.
    #[serde(flatten)]
    pub subject: Subject,
    /// The question, where an author worded it.
    pub question: String,
    /// What was said.
    pub reply: Reply,
    /// By whom.
    pub by: String,
}

/// A rollback.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rollback {
    /// When it began.
    pub at: Timestamp,
    /// How many steps were to be undone.
    pub steps: u32,
    /// The change that could not be undone, where it met one.
    pub barrier: Option<String>,
}

/// Tells a run; `runbook`, where its copy can be read, gives failures their lines. None where its records do not even say that it was opened.
///
/// # Errors
///
/// Records that contradict each other, or the plan.
pub fn report(plan: &Plan, runbook: Option<&Runbook>, records: &[Stamped]) -> Result<Option<Report>, Impossible> {
    let mut view = RunView::new(plan);
    for stamped in records {
        view.apply(plan, stamped)?;
    }
    let (Some(first), Some(last), Some(opened)) = (records.first(), records.last(), view.opened()) else { return Ok(None) };
    let story = told::told(records);
    let without_digest = |variable: &VariableValue| VariableValue { digest: None, ..variable.clone() };
    Ok(Some(Report {
        format: FORMAT,
        run: opened.run.clone(),
        runbook: opened.runbook.clone(),
        operator: opened.operator.clone(),
        started_at: first.at,
        finished_at: last.at,
        lasted_ms: millis(view.clock().now().since_start()),
        end: view.session().and_then(|session| session.ended),
        sessions: story.sessions,
        variables: opened.variables.iter().map(without_digest).collect(),
        values: opened.values.iter().map(|value| ValueRecord { digest: None, ..value.clone() }).collect(),
        targets: story.targets,
        units: units::units(plan, runbook, &view),
        downtime: downtime::downtime(plan, &view),
        backups: units::backups(plan, &view),
        people: story.people,
        rollback: story.rollback,
    }))
}

/// `copy[a]`.
fn id(path: &[crate::effect::Place]) -> String {
    let name = |place: &crate::effect::Place| match &place.item {
        Some(item) => format!("{}[{item}]", place.step),
        None => place.step.clone(),
    };
    path.iter().map(name).collect::<Vec<_>>().join("/")
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The effects that a record begins: their fields hold the targets.
const fn started(record: &Record) -> Option<&crate::record::Started> {
    match record {
        Record::Started(started) => Some(started),
        _ => None,
    }
}
