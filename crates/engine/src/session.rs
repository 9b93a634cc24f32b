//! One session: a new run, or another session of one that was begun.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use runbook_core::action::{Holder, Leaving};
use runbook_core::digest::Digest;
use runbook_core::inputs::Inputs;
use runbook_core::plan::Plan;
use runbook_core::record::{
    AcceptedSecret, Amended, CalledFile, Intent, LeaseTaken, Record, RunEnd, RunOpened, RunbookIdentity, SessionFlags, SessionOpened,
    Stamped, ValueRecord, VariableSource, VariableValue,
};
use runbook_core::runbook::{CallIx, Runbook};
use runbook_core::scope::{Scope, Secrecy};
use runbook_core::secret::{DigestKey, Masker};
use runbook_core::source::Source;
use runbook_core::view::RunView;
use serde_json::{Map, Value, json};

use crate::ask::Asker;
use crate::context::Surroundings;
use crate::dispatcher::{self, Dispatcher, Known, Ledger, Parts, Replayed, Results, Secrets, oversize};
use crate::events::{Event, EventSender};
use crate::host::Host;
use crate::journal::{self, Journal, JournalError, Tail};
use crate::locks::{self, Had, Keeper, Leasing, LockFolder, NamedLocks, Owner, Place, Wanted};
use crate::recorded::{self, PLAN_COPY, RUNBOOK_COPY, Seen, called_copy, copy_name};
use crate::signals::Stops;
use crate::state::{RunFolder, StateDir};
use crate::vault::{self, Vault};
use crate::{EngineError, rotation, unfinished};

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
    /// What the operator says about locks that hold on all hosts.
    pub leasing: Leasing,
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
    secrets: Secrets,
    vault: Vault,
    /// The runbook's file, made absolute.
    path: PathBuf,
    /// Secrets that changed, and may.
    accepted: Vec<AcceptedSecret>,
    /// A mended runbook takes over.
    amended: Option<Amended>,
}

/// The locks of a session: on this host, and on all.
struct Held {
    here: NamedLocks,
    everywhere: Option<(Place, Had)>,
}

/// What another session of a run is for.
#[derive(Debug)]
pub struct Onward {
    /// Going on, or undoing.
    pub intent: Intent,
    /// The session's runbook is a mended one, which was held against the run when the run had so many records; none where it is the run's own.
    pub amends: Option<u64>,
    /// What the run was when it was looked at; it is read again where that is not so any more.
    pub seen: Option<Seen>,
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
    let opened = session.host.clock.now();
    let run = session.state.create_run(opened).map_err(|error| EngineError::from(error).before_the_first_record())?;
    let held = match session.take_locks(&run, opened).await {
        Ok(held) => held,
        Err(error) => {
            // Nothing was done in it, and nobody knows of it.
            run.remove()?;
            return Err(error);
        }
    };
    let ended = match session.open(run.clone(), opened, create) {
        Ok(work) => session.run(work, held, (1, Intent::GoOn)).await,
        Err(error) => {
            session.give_back(held).await;
            Err(error.before_the_first_record())
        }
    };
    if let Err(EngineError::NotBegun { .. }) = &ended {
        // As far as that is possible: a folder that stays shows as a run that never began.
        let _ = run.remove();
    }
    ended
}

/// Opens another session of a run: goes on with it, or undoes it. The session's runbook, plan and inputs are those of the run: its copy of the runbook, and
/// the recorded variables with the secrets fetched again; or, where [`Onward::amends`] says so, those of a mended runbook.
pub async fn go_on(session: Session, run: RunFolder, onward: Onward) -> Result<SessionEnd, EngineError> {
    let Session { runbook, plan, inputs, host, events, .. } = &session;
    let Onward { intent, amends, seen } = onward;
    let (seen, view) = seen.map(|Seen { journal, view }| (journal, view)).unzip();
    let mark = seen.as_ref().map(|seen| seen.mark);
    let journal = Journal::open_seen::<Stamped>(&run.journal(), seen);
    let (journal, contents) = journal.map_err(|error| EngineError::from(error).before_the_first_record())?;
    let view = view.filter(|_| mark == Some(contents.mark) && amends.is_none());
    if let Tail::InDoubt { line, .. } = contents.tail {
        return Err(EngineError::LostRecords { path: run.journal(), line });
    }
    let records = contents.records;
    let Some((opened, since, change)) = recorded::last(&records) else {
        return Err(EngineError::NeverOpened { run: run.id().to_string() });
    };
    let looked_at = records.last().map(|stamped| stamped.seq);
    if amends.map_or(opened.plan != plan.digest(), |seen| Some(seen) != looked_at) {
        return Err(EngineError::AnotherPlan { run: run.id().to_string() });
    }
    let accepted = rotation::accepted(&records, &session.inputs, &session.accept_secrets, &session.state.digest_key()?)?;
    let held = session.take_locks(&run, since).await?;
    let scopes = session.scopes(&run, since);
    let secrets = Secrets::new(inputs, session.state.digest_key()?);
    let mut vault = Vault::of(&session.state, &run);
    let mut known = Known { runbook, plan, folder: run.path(), vault: &mut vault, secrets: &secrets };
    let Replayed { view, results, session: last } = dispatcher::replay(&mut known, records, view, scopes)?;
    let amended = if amends.is_some() {
        let change = keep_copies(&run, runbook, plan, change).map_err(EngineError::before_the_first_record)?;
        let (variables, values) = recorded_inputs(inputs, &run, (change, &session.state.digest_key()?), &secrets.masker())?;
        Some(Amended { change, runbook: identity(runbook), plan: plan.digest(), variables, values })
    } else {
        None
    };
    let path = PathBuf::from(&amended.as_ref().map_or(&opened.runbook, |amended| &amended.runbook).path);
    let ledger = Ledger::new(journal, Arc::clone(plan), view, (Arc::clone(&host.clock), events.clone()));
    session.run(Work { run, ledger, results, secrets, vault, path, accepted, amended }, held, (last + 1, intent)).await
}

/// Keeps copies of a mended runbook and its plan; returns their number, the first after `change` that no session that broke off has used.
fn keep_copies(run: &RunFolder, runbook: &Runbook, plan: &Plan, change: u32) -> Result<u32, EngineError> {
    let name = |name: &str, change| run.source(&copy_name(name, change));
    let free = |change: &u32| !name(RUNBOOK_COPY, *change).exists() && !name(PLAN_COPY, *change).exists();
    let change = (change + 1..=u32::MAX).find(free).unwrap_or(u32::MAX);
    keep_runbook(run, runbook, change)?;
    run.keep_source(&copy_name(PLAN_COPY, change), &plan_copy(plan)?)?;
    Ok(change)
}

/// Keeps copies of a runbook's file and of all that it calls.
fn keep_runbook(run: &RunFolder, runbook: &Runbook, change: u32) -> Result<(), EngineError> {
    run.keep_source(&copy_name(RUNBOOK_COPY, change), runbook.source.text().as_bytes())?;
    for (at, (_, source)) in runbook.called_files().iter().enumerate() {
        run.keep_source(&copy_name(&called_copy(at), change), source.text().as_bytes())?;
    }
    Ok(())
}

/// What the runbook's file is, as the run records it.
fn identity(runbook: &Runbook) -> RunbookIdentity {
    RunbookIdentity {
        name: runbook.name.clone(),
        title: runbook.title.as_ref().map(|title| title.source().to_owned()),
        path: absolute(runbook.source.name()).display().to_string(),
        digest: digest(&runbook.source),
        called: runbook
            .called_files()
            .into_iter()
            .map(|(file, source)| CalledFile { file: file.to_owned(), digest: digest(source) })
            .collect(),
    }
}

/// The digest of a file's text.
fn digest(source: &Source) -> Digest {
    Digest::of_bytes("sha256", source.text().as_bytes())
}

impl Session {
    /// Writes down what a new run is. Its first record is not on disk yet.
    fn open(
        &self,
        run: RunFolder,
        opened: Timestamp,
        create: impl FnOnce(&Path) -> Result<Journal, JournalError>,
    ) -> Result<Work, EngineError> {
        let Self { runbook, plan, inputs, state, host, events, .. } = self;
        keep_runbook(&run, runbook, 0)?;
        run.keep_source(PLAN_COPY, &plan_copy(plan)?)?;
        let key = state.digest_key()?;
        let secrets = Secrets::new(inputs, key.clone());
        let (variables, values) = recorded_inputs(inputs, &run, (0, &key), &secrets.masker())?;
        let journal = create(&run.journal())?;
        let mut ledger = Ledger::new(journal, Arc::clone(plan), RunView::new(plan), (Arc::clone(&host.clock), events.clone()));
        let path = absolute(runbook.source.name());
        ledger.write(Record::RunOpened(Box::new(RunOpened {
            run: run.id().to_string(),
            format: journal::FORMAT,
            runbook: identity(runbook),
            plan: plan.digest(),
            variables,
            values,
            operator: host.operator.clone(),
        })))?;
        state.note_opened(run.id(), opened, &runbook.name, &plan.parts().locks)?;
        let results = Results::new(self.scopes(&run, opened));
        let vault = Vault::of(state, &run);
        Ok(Work { run, ledger, results, secrets, vault, path, accepted: Vec::new(), amended: None })
    }

    /// Carries the session out: its number in the run, and what it is for.
    async fn run(self, work: Work, held: Held, (number, intent): (u32, Intent)) -> Result<SessionEnd, EngineError> {
        let Work { run, mut ledger, results, secrets, vault, path, accepted, amended } = work;
        if let Err(error) = vault::sweep(&self.state) {
            self.events.send(Event::Warning { text: format!("the secrets that a closed run kept are not removed: {error}") });
        }
        let Held { here, everywhere } = held;
        let leases = everywhere.as_ref().map(|(_, had)| had.taken.clone()).unwrap_or_default();
        self.tell_take_overs(&leases);
        let keeper = everywhere.map(|(place, had)| Keeper::start(place, had, self.stops.sender(), self.events.clone()));
        let first = self.opened(number, intent, (accepted, leases));
        if let Err(error) = begin_session(&run, &mut ledger, first, amended) {
            if let Some(keeper) = keeper {
                // A new run is forgotten, one that was begun is still to be finished.
                leave(keeper, if number == 1 { Leaving::Free } else { Leaving::Unfinished }, &self.events).await;
            }
            return Err(error.before_the_first_record());
        }
        let Self { runbook, state, host, asker, events, stops, .. } = self;
        let dispatcher = Dispatcher::new(Parts {
            runbook,
            ledger,
            results,
            secrets,
            vault,
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
        if view.closed().is_some()
            && let Err(error) = vault::forget(&state, &run)
        {
            // The next session of any run tries again.
            events.send(Event::Warning { text: format!("the secrets that the run kept are not removed: {error}") });
        }
        // What was lost is somebody else's, or its server is gone.
        if let Some(keeper) = keeper.filter(|_| end != RunEnd::LockLost) {
            leave(keeper, if unfinished::keeps_locks(end) { Leaving::Unfinished } else { Leaving::Free }, &events).await;
        }
        finish(&state, &run, end, here, (&host, &events));
        Ok(SessionEnd { run, end, view })
    }

    /// What the session says of itself.
    fn opened(&self, session: u32, intent: Intent, (accepted, leases): (Vec<AcceptedSecret>, Vec<LeaseTaken>)) -> SessionOpened {
        SessionOpened { accepted, leases, ..session_opened(&self.host, session, intent, self.flags) }
    }

    /// What templates can name before anything has happened, in the runbook itself or in one that it calls.
    fn scope(&self, call: Option<CallIx>, run: &RunFolder, opened: Timestamp) -> Scope {
        let mut scope = self.inputs.at(call).scope(&Scope::new());
        let about = json!({ "id": run.id().as_str(), "started_at": opened.to_string(), "dir": run.path().display().to_string() });
        scope.set("run", about, Secrecy::none());
        scope
    }

    /// Gives free what a run that never began had taken.
    async fn give_back(&self, held: Held) {
        let Held { here, everywhere } = held;
        if let Some((place, had)) = everywhere {
            leave(Keeper::start(place, had, self.stops.sender(), self.events.clone()), Leaving::Free, &self.events).await;
        }
        if let Err(error) = here.finish() {
            self.events.send(Event::Warning { text: format!("a lock was not given free: {error}") });
        }
    }

    /// All of them, by the ids of the called ones.
    fn scopes(&self, run: &RunFolder, opened: Timestamp) -> BTreeMap<String, Scope> {
        let id = |call| self.runbook.call(call).map_or_else(String::new, |called| called.id.clone());
        self.runbook.frames().map(|(call, _)| (id(call), self.scope(call, run, opened))).collect()
    }

    async fn take_locks(&self, run: &RunFolder, since: Timestamp) -> Result<Held, EngineError> {
        let here = self.take_here(run, since)?;
        let names = &self.plan.parts().locks;
        if self.leasing.without || names.is_empty() {
            return Ok(Held { here, everywhere: None });
        }
        let scope = |call| self.scope(call, run, since);
        let Some(place) = Place::of(&self.runbook, &self.inputs, &scope)? else { return Ok(Held { here, everywhere: None }) };
        let holder = holder(run.id().as_str(), &self.plan.parts().name, (&self.state, &self.host));
        let had = locks::take(&place, Wanted { names, holder, take_over: &self.leasing.take_over }).await?;
        Ok(Held { here, everywhere: Some((place, had)) })
    }

    /// What a run has from another one is told at once, and stands in the journal.
    fn tell_take_overs(&self, leases: &[LeaseTaken]) {
        for LeaseTaken { lease, from, .. } in leases {
            if let Some(Holder { run, runbook, host, .. }) = from {
                let text = format!("the lock `{}` is taken over from run `{run}` of `{runbook}` on host `{host}`", lease.name);
                self.events.send(Event::Warning { text });
            }
        }
    }

    fn take_here(&self, run: &RunFolder, since: Timestamp) -> Result<NamedLocks, EngineError> {
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

/// A run as other hosts see it.
pub(crate) fn holder(run: &str, runbook: &str, (state, host): (&StateDir, &Host)) -> Holder {
    Holder {
        run: run.to_owned(),
        runbook: runbook.to_owned(),
        host: host.name.clone(),
        boot_id: host.boot_id.clone(),
        pid: std::process::id(),
        user: host.user.clone(),
        state_dir: absolute(&state.root().to_string_lossy()).display().to_string(),
    }
}

/// Gives free what holds on all hosts, or leaves it to the run. None of it can undo what the run has done, so a fault is a warning.
async fn leave(keeper: Keeper, how: Leaving, events: &EventSender) {
    if let Err(error) = keeper.leave(how).await {
        let text = match how {
            Leaving::Free => format!("{error}; they stay this run's, and another one takes them with `--take-over`"),
            Leaving::Unfinished => format!("{error}; their lease ends by itself"),
        };
        events.send(Event::Warning { text });
    }
}

/// Puts a session's first records on disk.
fn begin_session(run: &RunFolder, ledger: &mut Ledger, opened: SessionOpened, amended: Option<Amended>) -> Result<(), EngineError> {
    // What an earlier session that was killed left there.
    run.sweep()?;
    ledger.write(Record::SessionOpened(Box::new(opened)))?;
    if let Some(amended) = amended {
        ledger.write(Record::Amended(Box::new(amended)))?;
    }
    ledger.flush()
}

/// What a session says of itself.
pub(crate) fn session_opened(host: &Host, session: u32, intent: Intent, flags: SessionFlags) -> SessionOpened {
    SessionOpened {
        session,
        intent,
        host: host.name.clone(),
        boot_id: host.boot_id.clone(),
        pid: std::process::id(),
        user: host.user.clone(),
        tool: host.tool.clone(),
        flags,
        accepted: Vec::new(),
        leases: Vec::new(),
    }
}

/// The variables and `[values]` as they are recorded after so many changes of the runbook; what is too large for the record stands beside it.
fn recorded_inputs(
    inputs: &Inputs,
    run: &RunFolder,
    (change, key): (u32, &DigestKey),
    masker: &Masker,
) -> Result<(Vec<VariableValue>, Vec<ValueRecord>), EngineError> {
    let (mut variables, mut values) = (inputs.records(), inputs.value_records());
    let mut map: Map<String, Value> =
        variables.iter_mut().filter_map(|variable| Some((variable.name.clone(), variable.value.take()?))).collect();
    for (record, (_, read)) in values.iter_mut().zip(inputs.all_values()) {
        record.digest = read.fingerprint().map(|secrets| key.digest(&secrets));
        map.insert(dispatcher::value_key(&record.name), record.value.take());
    }
    oversize::fit(&mut map, run.path(), &copy_name("values/inputs.json", change))?;
    for variable in &mut variables {
        variable.value = map.remove(&variable.name);
        variable.source = variable.source.take().map(found_from_anywhere);
        variable.digest = inputs.digest(&variable.name, key);
        // An operator may have written a secret into the command that prints one.
        variable.origin = masker.text(&variable.origin);
    }
    for record in &mut values {
        record.value = map.remove(&dispatcher::value_key(&record.name)).unwrap_or_default();
    }
    Ok((variables, values))
}

/// A later session may start in another folder.
fn found_from_anywhere(source: VariableSource) -> VariableSource {
    let path = |path: String| absolute(&path).display().to_string();
    match source {
        VariableSource::VarFile { path: file } => VariableSource::VarFile { path: path(file) },
        VariableSource::File { path: file } => VariableSource::File { path: path(file) },
        VariableSource::Command { argv, dir } => {
            VariableSource::Command { argv, dir: path(if dir.is_empty() { ".".to_owned() } else { dir }) }
        }
    }
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
