//! `runbook runs prune`.

use std::time::Duration;

use jiff::Timestamp;
use runbook_engine::state::{Finished, RunFolder, StateDir};

use crate::exit::Exit;
use crate::runs;
use crate::streams::Streams;
use crate::text::count;

/// Removes finished runs: all but the latest `keep`, those that are older than `older_than`, or what both say.
pub(crate) fn run(
    state: &StateDir,
    keep: Option<usize>,
    older_than: Option<Duration>,
    dry_run: bool,
    streams: &mut Streams,
) -> Result<(), Exit> {
    let entries = state.runs().map_err(|error| runs::state_fault(&error, streams))?;
    let fault = |error: &dyn std::fmt::Display, streams: &mut Streams| {
        streams.err.line(format_args!("error: {error}"));
        Exit::Unusable
    };
    let now = Timestamp::now();
    let mut removed = 0;
    let mut unfinished = 0;
    let mut kept = 0;
    // The latest first, so that those that are kept are counted first.
    for entry in entries.iter().rev() {
        let folder: RunFolder = state.folder(&entry.run);
        if runs::is_held(&folder) || folder.finished() == Finished::No {
            unfinished += 1;
            continue;
        }
        let age = entry.opened.or_else(|| entry.run.started()).map(|at| now.duration_since(at).unsigned_abs());
        let young = older_than.is_some_and(|limit| age.is_none_or(|age| age < limit));
        if young || keep.is_some_and(|keep| kept < keep) {
            kept += 1;
            continue;
        }
        if dry_run {
            streams.out.line(format_args!("{} would be removed", entry.run));
        } else if state.remove_run(&folder).map_err(|error| fault(&error, streams))? {
            streams.out.line(format_args!("{} removed", entry.run));
        } else {
            // Somebody has just gone on with it.
            unfinished += 1;
            continue;
        }
        removed += 1;
    }
    if !dry_run {
        state.sweep_removed().map_err(|error| fault(&error, streams))?;
    }
    let verb = if dry_run { "would be removed" } else { "removed" };
    let left = if unfinished == 0 { String::new() } else { format!("; {} not finished and not touched", count(unfinished, "run")) };
    streams.err.line(format_args!("{} {verb}, {kept} kept{left}", count(removed, "run")));
    Ok(())
}
