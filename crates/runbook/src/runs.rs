//! Runs that are kept: found by what an operator types, read back, and what is to be said of them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use runbook_core::record::{PersonNeeded, RunEnd, Stamped};
use runbook_engine::journal::{self, Contents, JournalError};
use runbook_engine::state::{RunFolder, StateDir, StateError};
use runbook_engine::{RUNBOOK_COPY, copy_name};

use crate::args::RunRef;
use crate::card;
use crate::exit::Exit;
use crate::streams::Streams;
use crate::text::visible;

/// The state directory of this call.
pub(crate) fn state_dir(flag: Option<&Path>, streams: &mut Streams) -> Result<StateDir, Exit> {
    StateDir::locate(flag, |name| std::env::var_os(name)).map_err(|error| state_fault(&error, streams))
}

/// The run that is meant.
pub(crate) fn find(state: &StateDir, run: &RunRef, streams: &mut Streams) -> Result<RunFolder, Exit> {
    let found = match &run.run {
        Some(wanted) => state.open_run(wanted),
        None => state.last_run(),
    };
    found.map_err(|error| {
        let exit = state_fault(&error, streams);
        if matches!(error, StateError::NotFound { .. } | StateError::Ambiguous { .. }) {
            let list = card::command("runs list", state.named());
            streams.err.line(format_args!("help: `{}` lists the latest runs", visible(&list)));
        }
        exit
    })
}

/// The copy of its runbook that a run goes on with, after so many changes of it.
pub(crate) fn runbook_copy(folder: &RunFolder, change: u32) -> PathBuf {
    folder.source(&copy_name(RUNBOOK_COPY, change))
}

/// All records of a run.
pub(crate) fn records(folder: &RunFolder, streams: &mut Streams) -> Result<Contents<Stamped>, Exit> {
    journal::read(&folder.journal()).map_err(|error| journal_fault(&error, streams))
}

/// Says why a run cannot be found or made.
pub(crate) fn state_fault(error: &StateError, streams: &mut Streams) -> Exit {
    streams.err.line(format_args!("error: {}", visible(&error.to_string())));
    match error {
        StateError::NotFound { .. } | StateError::Ambiguous { .. } => Exit::Usage,
        StateError::NoRuns { .. } => {
            streams.err.line("help: name another folder with `--state-dir` where runs are kept elsewhere");
            Exit::Usage
        }
        StateError::NoPlace => {
            streams.err.line("help: name a folder with `--state-dir`");
            Exit::Unusable
        }
        StateError::Disk(_) => {
            streams.err.line("help: name another folder with `--state-dir`");
            Exit::Unusable
        }
    }
}

/// Says why a journal cannot be used.
pub(crate) fn journal_fault(error: &JournalError, streams: &mut Streams) -> Exit {
    streams.err.line(format_args!("error: {}", visible(&error.to_string())));
    Exit::Unusable
}

/// How a run stands, in a few words.
pub(crate) fn standing(end: Option<RunEnd>, held: bool) -> String {
    match end {
        None if held => "running".to_owned(),
        None => "interrupted".to_owned(),
        Some(RunEnd::Done) => "done".to_owned(),
        Some(RunEnd::ChecksPassed) => "checks passed".to_owned(),
        Some(RunEnd::Failed) => "failed".to_owned(),
        Some(RunEnd::RolledBack) => "rolled back".to_owned(),
        Some(RunEnd::NeedsPerson { why: PersonNeeded::Barrier }) => "a person is needed: met a change that cannot be undone".to_owned(),
        Some(RunEnd::NeedsPerson { why: PersonNeeded::Stuck }) => "a person is needed: an undo failed".to_owned(),
        Some(RunEnd::NeedsPerson { why: PersonNeeded::InDoubt }) => "a person is needed: a step is in doubt".to_owned(),
        Some(RunEnd::WaitingForPerson) => "waiting for a person".to_owned(),
        Some(RunEnd::ChecksFailed) => "checks failed".to_owned(),
        Some(RunEnd::Refused) => "refused".to_owned(),
        Some(RunEnd::Stopped { signal }) => format!("stopped by signal {signal}"),
        Some(RunEnd::LockLost) => "stopped: it lost a lock".to_owned(),
        Some(RunEnd::Abandoned) => "given up".to_owned(),
    }
}

/// Whether a process works on the run: whether its journal is locked. Asked of the kernel's list, so that looking never gets in a run's way.
pub(crate) fn is_held(folder: &RunFolder) -> bool {
    let Ok(inode) = std::fs::metadata(folder.journal()).map(|meta| meta.ino()) else { return false };
    let Ok(locks) = std::fs::read_to_string("/proc/locks") else { return false };
    // 1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF
    locks.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.contains(&"WRITE")
            && fields.iter().any(|field| field.rsplit_once(':').is_some_and(|(_, number)| number.parse() == Ok(inode)))
    })
}
