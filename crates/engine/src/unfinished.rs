//! Whether a run that no process works on still keeps others away from what it locks.

use std::path::Path;

use runbook_core::record::{Record, RunEnd, Stamped};

use crate::EngineError;
use crate::journal::{JournalError, Reader, Tail};
use crate::locks::{LockError, Owner};
use crate::state::{RunFolder, RunId, StateDir};

/// Whether a run that ended so keeps its locks until somebody finishes it.
///
/// A run that stopped at a failed step gives them free: every step's end is known, nothing is under way, and the next thing to run is often another runbook on
/// the same system, the one that rolls back. What was interrupted, is in doubt or waits for an answer keeps them.
pub(crate) const fn keeps_locks(end: RunEnd) -> bool {
    match end {
        RunEnd::Done
        | RunEnd::ChecksPassed
        | RunEnd::Failed
        | RunEnd::RolledBack
        | RunEnd::ChecksFailed
        | RunEnd::Refused
        | RunEnd::Abandoned => false,
        RunEnd::NeedsPerson { .. } | RunEnd::WaitingForPerson | RunEnd::Stopped { .. } | RunEnd::LockLost => true,
    }
}

/// Whether the run of an earlier owner, whose process is gone, is still to be finished.
pub(crate) fn is_open(owner: &Owner) -> bool {
    let Ok(run) = owner.run.parse::<RunId>() else { return false };
    last_end(&StateDir::at(owner.state_dir.clone()).folder(&run)).is_none_or(keeps_locks)
}

/// Whether nothing keeps others away from what a run kept there locks; none where there is no trace of it.
pub(crate) fn is_over(state_dir: &Path, run: &str) -> Option<bool> {
    // What is no run's id was written by something else.
    let Ok(run) = run.parse::<RunId>() else { return Some(false) };
    let folder = StateDir::at(state_dir).folder(&run);
    match folder.journal().symlink_metadata() {
        Ok(_) => Some(last_end(&folder).is_some_and(|end| !keeps_locks(end))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        // Another user's folder.
        Err(_) => Some(false),
    }
}

/// Refuses where another run of this state directory locks one of `names` and is not finished.
pub(crate) fn refuse(state: &StateDir, names: &[String], own: &RunId) -> Result<(), EngineError> {
    if names.is_empty() {
        return Ok(());
    }
    for entry in state.runs()? {
        let ended = entry.last.as_ref().is_some_and(|last| !keeps_locks(last.end));
        let Some(name) = entry.locks.iter().find(|lock| names.contains(lock)) else { continue };
        let folder = state.folder(&entry.run);
        if ended || entry.run == *own || last_end(&folder).is_some_and(|end| !keeps_locks(end)) {
            continue;
        }
        let owner = Box::new(Owner {
            run: entry.run.to_string(),
            runbook: entry.runbook.unwrap_or_default(),
            state_dir: state.root().to_owned(),
            pid: 0,
            user: String::new(),
            since: entry.opened.unwrap_or_default(),
        });
        return Err(LockError::Unfinished { name: name.clone(), owner }.into());
    }
    Ok(())
}

/// Whether nothing is left to do in a run, by its journal; so it is where the run was removed by a person.
pub(crate) fn is_closed(folder: &RunFolder) -> bool {
    let mut closed = false;
    let mut reader = match Reader::<Stamped>::open(&folder.journal()) {
        Ok(reader) => reader,
        Err(JournalError::Disk(error)) => return error.source.kind() == std::io::ErrorKind::NotFound,
        Err(_) => return false,
    };
    while let Ok(Some(batch)) = reader.next_batch() {
        for stamped in batch.records {
            // A run that is done is open again while it is rolled back.
            closed = matches!(stamped.record, Record::RunClosed(_)) || (closed && !matches!(stamped.record, Record::SessionOpened(_)));
        }
    }
    closed
}

/// How the last session of a run ended, by its journal; none where it broke off or cannot be read. A run whose journal is gone was removed by a person, and
/// one without a first record never began: both are an end.
pub(crate) fn last_end(folder: &RunFolder) -> Option<RunEnd> {
    let mut reader = match Reader::<Stamped>::open(&folder.journal()) {
        Ok(reader) => reader,
        Err(JournalError::Disk(error)) if error.source.kind() == std::io::ErrorKind::NotFound => return Some(RunEnd::Abandoned),
        Err(_) => return None,
    };
    let mut end = None;
    let mut began = false;
    while let Some(batch) = reader.next_batch().ok()? {
        began = true;
        for stamped in batch.records {
            match stamped.record {
                Record::SessionOpened(_) => end = None,
                Record::SessionEnded(ended) => end = Some(ended.end),
                Record::RunClosed(closed) => end = Some(closed.end),
                Record::RunOpened(_)
                | Record::Amended(_)
                | Record::Expanded(_)
                | Record::Admitted(_)
                | Record::Skipped(_)
                | Record::Asked(_)
                | Record::Answered(_)
                | Record::Started(_)
                | Record::Evidence(_)
                | Record::Watched(_)
                | Record::Ended(_)
                | Record::RecoveryStarted(_)
                | Record::Recovered(_)
                | Record::RetryScheduled(_)
                | Record::TimerFired(_)
                | Record::CancelRequested(_)
                | Record::StopRequested(_)
                | Record::RollbackBegan(_) => {}
            }
        }
    }
    match (began, reader.tail()) {
        (false, Tail::Clean | Tail::Torn { .. }) => Some(RunEnd::Abandoned),
        (true, _) | (false, Tail::Unfinished | Tail::InDoubt { .. }) => end,
    }
}
