//! `runbook abandon`.

use std::path::Path;

use runbook_engine::events::{self, Event};
use runbook_engine::locks::{LockError, LockFolder};
use runbook_engine::{Abandon, EngineError, Recorded, abandon, give_free, recorded};

use super::again::{load_in_silence, refuse_held};
use super::session::{broken_off, host};
use crate::args::AbandonArgs;
use crate::card;
use crate::exit::Exit;
use crate::runs::{self, standing};
use crate::streams::Streams;
use crate::text::visible;

/// Gives a run up.
pub(crate) fn run(args: &AbandonArgs, state_dir: Option<&Path>, streams: &mut Streams) -> Exit {
    give_up(args, state_dir, streams).unwrap_or_else(|exit| exit)
}

fn give_up(args: &AbandonArgs, state_dir: Option<&Path>, streams: &mut Streams) -> Result<Exit, Exit> {
    let reason = args.reason.trim();
    if reason.is_empty() {
        streams.err.line("error: `--reason` says nothing");
        streams.err.line("help: those who look at the run later want to know why it was given up, and in what state things were left");
        return Err(Exit::Usage);
    }
    let state = runs::state_dir(state_dir, streams)?;
    let folder = runs::find(&state, &args.run, streams)?;
    refuse_held(&folder, &state, streams)?;
    let locks =
        LockFolder::locate(|name| std::env::var_os(name)).map_err(|error| broken_off(&EngineError::Disk(error), &state, streams))?;
    let (events, mut watched) = events::channel();
    let about = Abandon { state: &state, locks: &locks, host: &host(), events: &events };
    let ended = match abandon(folder.clone(), &about, reason) {
        Ok(ended) => ended,
        Err(EngineError::Closed { end, .. }) => {
            streams.err.line(format_args!("run {} is at its end already: {}", folder.id(), standing(Some(end), false)));
            return Ok(Exit::Done);
        }
        Err(error) => return Err(broken_off(&error, &state, streams)),
    };
    while let Some(event) = watched.try_recv() {
        if let Event::Warning { text } = event {
            streams.err.line(format_args!("warning: {}", visible(&text)));
        }
    }
    let Ok(recorded) = recorded(&folder) else { return Ok(Exit::Done) };
    give_free_everywhere(&recorded, &about, streams);
    let about = card::About {
        plan: &recorded.plan,
        view: &ended.view,
        run: folder.id(),
        state: &state,
        end: Some(ended.end),
        running: None,
        again: "",
    };
    card::print(&card::card(&about), &mut streams.err);
    Ok(Exit::Done)
}

/// Gives free what the run has on all hosts, where that can be done without asking anybody: to be given up a run needs neither its runbook nor a secret.
fn give_free_everywhere(run: &Recorded, about: &Abandon<'_>, streams: &mut Streams) {
    if run.plan.parts().lock_store.is_none() {
        return;
    }
    let freed = load_in_silence(run).ok_or_else(|| "a secret of its target cannot be had without asking".to_owned());
    let freed = freed.and_then(|(runbook, inputs)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        match runtime.block_on(give_free(run, about, &runbook, &inputs)) {
            // Somebody else has it: then it is not this run's any more.
            Ok(()) | Err(EngineError::Lock(LockError::Lapsed { .. } | LockError::Leased { .. })) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    });
    if let Err(why) = freed {
        streams.err.line(format_args!("warning: the locks that hold on all hosts stay this run's: {}", visible(&why)));
        streams.err.line(format_args!("help: another run takes them with `--take-over {}`", run.opened.run));
    }
}
