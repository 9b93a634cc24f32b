//! `runbook rollback`.

use std::path::Path;

use jiff::Timestamp;
use runbook_core::record::{Intent, RunEnd, SessionFlags};
use runbook_core::view::{EffectKey, Extent};
use runbook_engine::{Onward, recorded};

use super::again::{Again, Taken};
use super::session::{Manner, broken_off, carry_out};
use crate::args::RollbackArgs;
use crate::card;
use crate::exit::Exit;
use crate::panics::Folder;
use crate::reporters::unit_id;
use crate::runs::{self, standing};
use crate::streams::Streams;
use crate::text::{count, duration, visible};

/// Undoes a run.
pub(crate) fn run(args: &RollbackArgs, state_dir: Option<&Path>, streams: &mut Streams, folder: &Folder) -> Exit {
    let done = if args.dry_run { dry_run(args, state_dir, streams) } else { roll_back(args, state_dir, streams, folder) };
    done.unwrap_or_else(|exit| exit)
}

fn roll_back(args: &RollbackArgs, state_dir: Option<&Path>, streams: &mut Streams, folder: &Folder) -> Result<Exit, Exit> {
    let state = runs::state_dir(state_dir, streams)?;
    let _ = folder.set(state.root().to_owned());
    let again = Again::find(&args.again, &state, streams)?;
    if let Some(closed) = again.recorded.seen.view.closed().filter(|closed| closed.end != RunEnd::Done) {
        let stands = standing(Some(closed.end), false);
        let run = again.folder.id();
        if !Extent::of(&again.recorded.plan, &again.recorded.seen.view).undo.is_empty() && closed.end == RunEnd::Abandoned {
            streams.err.line(format_args!("error: run {run} is at its end: {stands}; what it changed is undone by hand"));
            let show = card::command(&format!("runs show {run}"), state.named());
            streams.err.line(format_args!("help: what that is, and why it was given up: `{}`", visible(&show)));
            return Ok(Exit::PersonNeeded);
        }
        streams.err.line(format_args!("run {run} is at its end: {stands}; there is nothing to undo"));
        return Ok(Exit::Done);
    }
    let Taken { procedure, amends } = again.take(&args.again, false, &state, streams)?;
    again.hold_answers(&args.again, &procedure.plan, streams)?;
    let manner = Manner {
        flags: SessionFlags { yes: args.again.yes, ..SessionFlags::default() },
        output: args.again.output,
        no_input: args.again.no_input,
        again: card::quoted(&again.file().to_string_lossy()),
        answers: &args.again.answers,
        accept_secrets: args.again.accept_secrets.iter().cloned().collect(),
        leasing: args.again.leasing(),
        on: Some((again.folder, Onward { intent: Intent::RollBack, amends, seen: Some(again.recorded.seen) })),
        reports: &args.again.report,
    };
    carry_out(manner, &procedure, &state, streams)
}

/// What a rollback would undo, from the records alone; a run that is under way may be looked at as well.
fn dry_run(args: &RollbackArgs, state_dir: Option<&Path>, streams: &mut Streams) -> Result<Exit, Exit> {
    let state = runs::state_dir(state_dir, streams)?;
    let folder = runs::find(&state, &args.again.run, streams)?;
    let recorded = recorded(&folder).map_err(|error| broken_off(&error, &state, streams))?;
    let (plan, view) = (&*recorded.plan, &recorded.seen.view);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let doubtful: Vec<EffectKey> = view.in_doubt().chain(view.running()).map(EffectKey::forward).collect();
    // What is in doubt may have changed something; whether it did is asked of the world when the rollback begins.
    let extent = Extent::of(plan, view);
    let begun = view.begun();
    let after = extent.barrier.and_then(|barrier| begun.iter().position(|key| *key == barrier)).map_or(0, |at| at + 1);
    let keys: Vec<EffectKey> = begun
        .get(after..)
        .unwrap_or_default()
        .iter()
        .rev()
        .filter(|key| extent.undo.contains(key) || doubtful.contains(key))
        .filter(|key| plan.unit(key.unit).is_some_and(|unit| !unit.undo().is_empty()))
        .filter(|key| view.instance(**key).is_none_or(|instance| !instance.is_undone()))
        .copied()
        .collect();
    for key in &keys {
        let (Some(unit), Some(path)) = (plan.unit(key.unit), view.path(plan, *key)) else { continue };
        let report = view.effect(*key).and_then(|effect| effect.report());
        let took = report
            .and_then(|report| report.started.zip(report.finished))
            .map(|(from, to)| format!("took {}", duration(to.run.since(from.run))))
            .unwrap_or_default();
        let doubt = if doubtful.contains(key) { "in doubt: asked of the world first" } else { "" };
        let notes: Vec<&str> = [took.as_str(), doubt].into_iter().filter(|note| !note.is_empty()).collect();
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
        let title = unit.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
        rows.push(
            std::iter::once(format!("{}{title}{notes}", unit_id(&path)))
                .chain(unit.undo().iter().map(|undo| {
                    let when = if undo.when { ", where its condition holds" } else { "" };
                    let title = undo.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
                    format!("    {}{title}{when}", undo.action)
                }))
                .collect(),
        );
    }
    let out = &mut streams.out;
    if rows.is_empty() {
        out.line("nothing that was begun is to be undone");
    } else {
        out.line(format_args!("{} would be undone, in this order:", count(rows.len(), "step")));
        for (number, row) in rows.iter().enumerate() {
            for (at, line) in row.iter().enumerate() {
                let lead = if at == 0 { format!("{:>3}. ", number + 1) } else { "     ".to_owned() };
                out.line(format_args!("{lead}{}", visible(line)));
            }
        }
    }
    if let Some(barrier) = extent.barrier.and_then(|key| view.path(plan, key)) {
        out.line(format_args!("`{}` cannot be undone, nor what came before it", visible(&unit_id(&barrier))));
    }
    let staying = card::stays(plan, view);
    for line in staying.iter().chain(&card::backup_rows(plan, view, Timestamp::now())) {
        out.line(visible(line));
    }
    if !rows.is_empty() {
        let go = card::command(&format!("rollback {}", folder.id()), state.named());
        streams.err.line(format_args!("nothing was changed; to undo it: `{go}`"));
    }
    Ok(Exit::Done)
}
