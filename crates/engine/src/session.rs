//! One session: a new run, or another session of one that was begun.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use runbook_core::digest::Digest;
use runbook_core::inputs::Inputs;
use runbook_core::plan::Plan;
use runbook_core::record::{
    AcceptedSecret, Intent, Record, RunEnd, RunOpened, RunbookIdentity, SessionFlags, SessionOpened, Stamped, ValueRecord, VariableValue,
};
use runbook_core::runbook::Runbook;
use runbook_core::scope::{Scope, Secrecy};
use runbook_core::secret::DigestKey;
use runbook_core::view::RunView;
use serde_json::{Map, Value, json};

use crate::ask::Asker;
use crate::context::Surroundings;
use crate::disk::OnPath;
use crate::dispatcher::{self, Dispatcher, Ledger, Parts, Replayed, Results, Secrets, oversize};
use crate::events::{Event, EventSender};
use crate::host::Host;
use crate::journal::{self, Journal, JournalError, Tail};
use crate::locks::{self, LockFolder, NamedLocks, Owner};
use crate::signals::Stops;
use crate::state::{RunFolder, StateDir};
use crate::{EngineError, rotation, unfinished};

/// The name of the runbook's copy among a run's sources.
pub const RUNBOOK_COPY: &str = "runbook.toml";

/// The name of the plan's copy among a run's sources: what looking back at a run tells with the titles and fates of its steps.
pub const PLAN_COPY: &str = "plan.json";

/// Everything that a session needs.
pub struct Session {
    /// The runbook.
    pub runbook: Arc<Runbook>,
    /// What will be done.
    pub plan: Arc<Plan>,
    /// The variables' values.
    pub inputs: Arc<Inputs>,
    /// Where runs are kept.
    pub state: StateDir,
    /// Where named locks are kept.
    pub locks: LockFolder,
    /// Where it runs, and by whom.
    pub host: Host,
    /// What the operator wishes.
    pub flags: SessionFlags,
    /// Secret variables that may have another value than in the session before; of no meaning for a new run.
    pub accept_secrets: BTreeSet<String>,
    /// Whom to ask.
    pub asker: Arc<dyn Asker>,
    /// Who watches.
    pub events: EventSender,
    /// Requests to stop.
    pub stops: Stops,
}

/// How a session ended.
#[derive(Debug)]
pub struct SessionEnd {
    /// The run's folder.
    pub run: RunFolder,
    /// How.
    pub end: RunEnd,
    /// All that happened.
    pub view: RunView,
}

/// A run that a session works on.
struct Work {
    run: RunFolder,
    ledger: Ledger,
    results: Results,
    /// The runbook's file, made absolute.
    path: PathBuf,
    held: NamedLocks,
    /// Secrets that changed, and may.
    accepted: Vec<AcceptedSecret>,
}

/// Carries out a new run. Its failures are records and end in [`SessionEnd::end`]; an error means that the run could not begin, or broke off.
pub async fn execute(session: Session) -> Result<SessionEnd, EngineError> {
    begin(session, Journal::create).await
}

/// The same over a journal that `create` makes.
pub(crate) async fn begin(
    session: Session,
    create: impl FnOnce(&Path) -> Result<Journal, JournalError>,
) -> Result<SessionEnd, EngineError> {
    let Session { runbook, plan, inputs, state, host, events, .. } = &session;
    let opened = host.clock.now();
    let run = state.create_run(opened)?;
    let held = match session.take_locks(&run, opened) {
        Ok(held) => held,
        Err(error) => {
            // Nothing was done in it, and nobody knows of it.
            std::fs::remove_dir_all(run.path()).on("remove", run.path())?;
            return Err(error);
        }
    };
    run.keep_source(RUNBOOK_COPY, runbook.source.text().as_bytes())?;
    run.keep_source(PLAN_COPY, &plan_copy(plan)?)?;
    let (variables, values) = recorded_inputs(inputs, &run, &state.digest_key()?)?;
    let journal = create(&run.journal())?;
    let mut ledger = Ledger::new(journal, Arc::clone(plan), RunView::new(plan), (Arc::clone(&host.clock), events.clone()));
    let path = absolute(runbook.source.name());
    ledger.write(Record::RunOpened(Box::new(RunOpened {
        run: run.id().to_string(),
        format: journal::FORMAT,
        runbook: RunbookIdentity {
            name: runbook.name.clone(),
            title: runbook.title.as_ref().map(|title| title.source().to_owned()),
            path: path.display().to_string(),
            digest: Digest::of_bytes("sha256", runbook.source.text().as_bytes()),
        },
        plan: plan.digest(),
        variables,
        values,
        operator: host.operator.clone(),
    })))?;
    state.note_opened(run.id(), opened, &runbook.name, &plan.parts().locks)?;
    let results = Results::new(session.scope(&run, opened));
    session.run(Work { run, ledger, results, path, held, accepted: Vec::new() }, 1, Intent::GoOn).await
}

/// Opens another session of a run: goes on with it, or undoes it. The session's runbook, plan and inputs are those of the run: its copy of the runbook, and
/// the recorded variables with the secrets fetched again.
pub async fn go_on(session: Session, run: RunFolder, intent: Intent) -> Result<SessionEnd, EngineError> {
    let Session { runbook, plan, host, events, .. } = &session;
    let (journal, contents) = Journal::open::<Stamped>(&run.journal())?;
    if let Tail::InDoubt { line, .. } = contents.tail {
        return Err(EngineError::LostRecords { path: run.journal(), line });
    }
    let opened = contents.records.iter().find_map(|stamped| match &stamped.record {
        Record::RunOpened(opened) => Some((opened, stamped.at)),
        _ => None,
    });
    let Some((opened, since)) = opened else { return Err(EngineError::NeverOpened { run: run.id().to_string() }) };
    if opened.plan != plan.digest() {
        return Err(EngineError::AnotherPlan { run: run.id().to_string() });
    }
    let accepted = rotation::accepted(&contents.records, &session.inputs, &session.accept_secrets, &session.state.digest_key()?)?;
    let path = PathBuf::from(&opened.runbook.path);
    let held = session.take_locks(&run, since)?;
    let scope = session.scope(&run, since);
    let Replayed { view, results, session: last } = dispatcher::replay(runbook, plan, &contents.records, scope, run.path())?;
    let ledger = Ledger::new(journal, Arc::clone(plan), view, (Arc::clone(&host.clock), events.clone()));
    session.run(Work { run, ledger, results, path, held, accepted }, last + 1, intent).await
}

/// The variables of a run as they were recorded; secrets are not among them.
pub fn recorded_variables(run: &RunFolder) -> Result<Map<String, Value>, EngineError> {
    let contents = journal::read::<Stamped>(&run.journal())?;
    dispatcher::variables(&contents.records, run.path())
}

/// `[values]` of a run as they were recorded: secret parts are replaced by their names, to be read again with `runbook_core::values::reread`.
pub fn recorded_values(run: &RunFolder) -> Result<Vec<ValueRecord>, EngineError> {
    let contents = journal::read::<Stamped>(&run.journal())?;
    dispatcher::values(&contents.records, run.path())
}

impl Session {
    async fn run(self, work: Work, number: u32, intent: Intent) -> Result<SessionEnd, EngineError> {
        let Work { run, mut ledger, results, path, held, accepted } = work;
        // What an earlier session that was killed left there.
        run.sweep()?;
        ledger.write(Record::SessionOpened(Box::new(self.opened(number, intent, accepted))))?;
        ledger.flush()?;
        let Self { runbook, inputs, state, host, asker, events, stops, .. } = self;
        let dispatcher = Dispatcher::new(Parts {
            runbook,
            ledger,
            results,
            secrets: Secrets::new(inputs.secrets(), state.digest_key()?),
            surroundings: Arc::new(Surroundings {
                run_id: run.id().to_string(),
                run_dir: run.path().to_owned(),
                base_dir: path.parent().unwrap_or(Path::new("/")).to_owned(),
                environment: Arc::clone(&host.environment),
                clock: Arc::clone(&host.clock),
                events: events.clone(),
            }),
            asker,
            events: events.clone(),
            stops,
        });
        let broke_off = |source| EngineError::BrokeOff { run: run.id().clone(), source: Box::new(source) };
        let (end, ledger) = dispatcher.run().await.map_err(broke_off)?;
        let view = ledger.close().map_err(broke_off)?;
        if let Err(error) = run.sweep() {
            events.send(Event::Warning { text: error.to_string() });
        }
        finish(&state, &run, end, held, (&host, &events));
        Ok(SessionEnd { run, end, view })
    }

    /// What the session says of itself.
    fn opened(&self, session: u32, intent: Intent, accepted: Vec<AcceptedSecret>) -> SessionOpened {
        SessionOpened {
            session,
            intent,
            host: self.host.name.clone(),
            boot_id: self.host.boot_id.clone(),
            pid: std::process::id(),
            user: self.host.user.clone(),
            tool: self.host.tool.clone(),
            flags: self.flags,
            accepted,
        }
    }

    /// What templates can name before anything has happened.
    fn scope(&self, run: &RunFolder, opened: Timestamp) -> Scope {
        let mut scope = self.inputs.scope(&Scope::new());
        let about = json!({ "id": run.id().as_str(), "started_at": opened.to_string(), "dir": run.path().display().to_string() });
        scope.set("run", about, Secrecy::none());
        scope
    }

    fn take_locks(&self, run: &RunFolder, since: Timestamp) -> Result<NamedLocks, EngineError> {
        let names = &self.plan.parts().locks;
        let owner = Owner {
            run: run.id().to_string(),
            runbook: self.plan.parts().name.clone(),
            state_dir: self.state.root().to_owned(),
            pid: std::process::id(),
            user: self.host.user.clone(),
            since,
        };
        let held = locks::acquire(&self.locks, names, &owner, unfinished::is_open)?;
        // A reboot empties the folder of locks, but finishes no run.
        unfinished::refuse(&self.state, names, run.id())?;
        Ok(held)
    }
}

/// The variables and `[values]` as they are recorded; what is too large for the record stands beside it.
fn recorded_inputs(inputs: &Inputs, run: &RunFolder, key: &DigestKey) -> Result<(Vec<VariableValue>, Vec<ValueRecord>), EngineError> {
    let (mut variables, mut values) = (inputs.records(), inputs.value_records());
    let mut map: Map<String, Value> =
        variables.iter_mut().filter_map(|variable| Some((variable.name.clone(), variable.value.take()?))).collect();
    for (record, read) in values.iter_mut().zip(inputs.values()) {
        record.digest = read.fingerprint().map(|secrets| key.digest(&secrets));
        map.insert(dispatcher::value_key(&record.name), record.value.take());
    }
    oversize::fit(&mut map, run.path(), "values/inputs.json")?;
    for variable in &mut variables {
        variable.value = map.remove(&variable.name);
        variable.digest = inputs.digest(&variable.name, key);
    }
    for record in &mut values {
        record.value = map.remove(&dispatcher::value_key(&record.name)).unwrap_or_default();
    }
    Ok((variables, values))
}

fn plan_copy(plan: &Plan) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(plan.parts()).map_err(|error| EngineError::internal(format!("the plan has no JSON form: {error}")))
}

/// What comes after the last record. None of it can undo what the run has done, so faults are warnings.
fn finish(state: &StateDir, run: &RunFolder, end: RunEnd, held: NamedLocks, (host, events): (&Host, &EventSender)) {
    let warn = |text: String| events.send(Event::Warning { text });
    if let Err(error) = state.note_ended(run.id(), host.clock.now(), end) {
        warn(format!("the end of the run is not in the index: {error}"));
    }
    if !unfinished::keeps_locks(end)
        && let Err(error) = held.finish()
    {
        warn(format!("a lock was not given free: {error}"));
    }
}

/// A path as it was when the run was opened, whatever folder a later session starts in.
fn absolute(name: &str) -> PathBuf {
    std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name))
}
