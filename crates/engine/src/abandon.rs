//! The end of a run on a person's word.

use std::sync::Arc;

use runbook_core::inputs::Inputs;
use runbook_core::record::{Intent, Record, RunClosed, RunEnd, SessionEnded, SessionFlags, Stamped};
use runbook_core::runbook::Runbook;
use runbook_core::scope::Scope;

use crate::EngineError;
use crate::dispatcher::Ledger;
use crate::events::{Event, EventSender};
use crate::host::Host;
use crate::journal::Journal;
use crate::locks::{self, LockFolder, Place};
use crate::recorded::{self, Recorded, fold};
use crate::session::{SessionEnd, holder, session_opened};
use crate::state::{RunFolder, StateDir};
use crate::vault;

/// Where a run is given up, and by whom.
pub struct Abandon<'a> {
    /// Where runs are kept.
    pub state: &'a StateDir,
    /// Where named locks are kept.
    pub locks: &'a LockFolder,
    /// Where this process runs, and by whom.
    pub host: &'a Host,
    /// Who watches.
    pub events: &'a EventSender,
}

/// Gives free what a run that was given up has on all hosts. It needs what the run's own end would have needed: its runbook, and the secrets of the target.
///
/// # Errors
///
/// The place cannot be asked, or another run has one of the locks.
pub async fn give_free(run: &Recorded, about: &Abandon<'_>, runbook: &Runbook, inputs: &Inputs) -> Result<(), EngineError> {
    let scope = |call| inputs.at(call).scope(&Scope::new());
    let Some(place) = Place::of(runbook, inputs, &scope)? else { return Ok(()) };
    let holder = holder(&run.opened.run, &runbook.name, (about.state, about.host));
    Ok(locks::give_free(&place, &run.plan.parts().locks, holder).await?)
}

/// Closes a run with a reason, as it stands: nothing is done, undone or looked for. Its locks are given free.
///
/// # Errors
///
/// A process works on the run, it is closed already, or its folder cannot be read or written.
pub fn abandon(run: RunFolder, about: &Abandon<'_>, reason: &str) -> Result<SessionEnd, EngineError> {
    let Abandon { state, locks, host, events } = about;
    let (journal, contents) = Journal::open::<Stamped>(&run.journal())?;
    let Some((_, _, change)) = recorded::last(&contents.records) else {
        return Err(EngineError::NeverOpened { run: run.id().to_string() });
    };
    let plan = recorded::plan(&run, change)?;
    let view = fold(&plan, &contents.records)?;
    if let Some(closed) = view.closed() {
        return Err(EngineError::Closed { run: run.id().to_string(), end: closed.end });
    }
    let session = view.session().map_or(0, |session| session.opened.session) + 1;
    let names = plan.parts().locks.clone();
    let mut ledger = Ledger::new(journal, Arc::new(plan), view, (Arc::clone(&host.clock), (*events).clone()));
    ledger.write(Record::SessionOpened(Box::new(session_opened(host, session, Intent::GoOn, SessionFlags::default()))))?;
    ledger.write(Record::RunClosed(RunClosed { end: RunEnd::Abandoned, reason: Some(reason.to_owned()) }))?;
    ledger.write(Record::SessionEnded(SessionEnded { end: RunEnd::Abandoned }))?;
    ledger.flush()?;
    let view = ledger.close()?;
    let warn = |text: String| events.send(Event::Warning { text });
    if let Err(error) = vault::forget(state, &run) {
        warn(format!("the secrets that the run kept are not removed: {error}"));
    }
    if let Err(error) = state.note_ended(run.id(), host.clock.now(), RunEnd::Abandoned) {
        warn(format!("the end of the run is not in the index: {error}"));
    }
    if let Err(error) = locks::release(locks, &names, run.id().as_str()) {
        warn(format!("a lock was not given free: {error}"));
    }
    Ok(SessionEnd { run, end: RunEnd::Abandoned, view })
}
