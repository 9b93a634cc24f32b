//! `runbook resume`.

use std::path::Path;

use runbook_core::record::{Intent, RunEnd, SessionFlags};
use runbook_engine::Onward;

use super::again::{Again, Taken};
use super::exec::policy;
use super::session::{Manner, carry_out, exit};
use crate::args::ResumeArgs;
use crate::card;
use crate::exit::Exit;
use crate::panics::Folder;
use crate::runs::{self, standing};
use crate::streams::Streams;

/// Goes on with a run.
pub(crate) fn run(args: &ResumeArgs, state_dir: Option<&Path>, streams: &mut Streams, folder: &Folder) -> Exit {
    resume(args, state_dir, streams, folder).unwrap_or_else(|exit| exit)
}

fn resume(args: &ResumeArgs, state_dir: Option<&Path>, streams: &mut Streams, folder: &Folder) -> Result<Exit, Exit> {
    let state = runs::state_dir(state_dir, streams)?;
    let _ = folder.set(state.root().to_owned());
    let again = Again::find(&args.again, &state, streams)?;
    let view = &again.recorded.seen.view;
    if let Some(closed) = view.closed() {
        let stands = standing(Some(closed.end), false);
        streams.err.line(format_args!("run {} is at its end: {stands}; there is nothing to go on with", again.folder.id()));
        if closed.end == RunEnd::Done && view.has_changes() {
            let undo = card::command(&format!("rollback {}", again.folder.id()), state.named());
            streams.err.line(format_args!("help: what it has done can be undone: `{undo}`"));
        }
        return Ok(exit(closed.end, view, Intent::GoOn));
    }
    // What goes backwards undoes what was done by the run's own copy: a changed file is no reason to wait.
    let insist = view.rollback().is_none();
    let Taken { procedure, amends } = again.take(&args.again, insist, &state, streams)?;
    again.hold_answers(&args.again, &procedure.plan, streams)?;
    let manner = Manner {
        flags: SessionFlags { yes: args.again.yes, step: args.step, on_failure: args.on_failure.map(policy), ..SessionFlags::default() },
        output: args.again.output,
        no_input: args.again.no_input,
        again: card::quoted(&again.file().to_string_lossy()),
        answers: &args.again.answers,
        accept_secrets: args.again.accept_secrets.iter().cloned().collect(),
        leasing: args.again.leasing(),
        on: Some((again.folder, Onward { intent: Intent::GoOn, amends, seen: Some(again.recorded.seen) })),
        reports: &args.again.report,
    };
    carry_out(manner, &procedure, &state, streams)
}
