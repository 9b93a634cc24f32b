//! `runbook runs`.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use runbook_core::plan::Plan;
use runbook_core::record::{Record, RunEnd, Stamped};
use runbook_core::view::RunView;
use runbook_engine::journal::{Contents, JournalError, Reader};
use runbook_engine::last_plan;
use runbook_engine::state::{RunEntry, RunFolder, StateDir};
use serde_json::json;
use serde_json::value::RawValue;

use super::prune;
use crate::args::{RunRef, RunsArgs, RunsCommand};
use crate::card;
use crate::damage;
use crate::exit::Exit;
use crate::report::{self, Layout};
use crate::reporters::{Retelling, unit_id};
use crate::runs::{self, standing};
use crate::streams::Streams;
use crate::text::{Style, visible};

/// How often a run that is followed is looked at.
const FOLLOW: Duration = Duration::from_millis(300);

/// Looks at runs.
pub(crate) fn run(args: &RunsArgs, state_dir: Option<&Path>, streams: &mut Streams) -> Exit {
    let state = match runs::state_dir(state_dir, streams) {
        Ok(state) => state,
        Err(exit) => return exit,
    };
    let done = match &args.command {
        RunsCommand::List { limit, json } => list(&state, *limit, *json, streams),
        RunsCommand::Show { run, json, follow } => show(&state, run, (*json, *follow), streams),
        RunsCommand::Report { run, format } => told(&state, run, *format, streams),
        RunsCommand::Log { run, step } => log(&state, run, step.as_deref(), streams),
        RunsCommand::Prune { keep, older_than, dry_run } => prune::run(&state, *keep, *older_than, *dry_run, streams),
    };
    done.err().unwrap_or(Exit::Done)
}

fn list(state: &StateDir, limit: usize, as_json: bool, streams: &mut Streams) -> Result<(), Exit> {
    let entries = state.runs().map_err(|error| runs::state_fault(&error, streams))?;
    let rows: Vec<Row> = entries.iter().rev().take(limit).map(|entry| Row::new(state, entry)).collect();
    if as_json {
        for row in &rows {
            let line = json!({ "run": row.run, "runbook": row.runbook, "opened": row.opened, "state": row.standing });
            streams.out.line(line);
        }
        return Ok(());
    }
    if entries.is_empty() {
        streams.err.line(format_args!("there are no runs in `{}`", state.root().display()));
        return Ok(());
    }
    let wide = rows.iter().map(|row| crate::text::width(&row.runbook)).max().unwrap_or(0).max("RUNBOOK".len());
    let paint = streams.out.paint();
    let head = format!("{:<20}  {:<wide$}  {:<20}  STATE", "RUN", "RUNBOOK", "STARTED (UTC)");
    streams.out.line(paint.apply(Style::Bold, &head));
    for row in &rows {
        let Row { run, runbook, opened, standing } = row;
        let gap = " ".repeat(wide - crate::text::width(runbook));
        streams.out.line(format_args!("{run:<20}  {runbook}{gap}  {opened:<20}  {standing}"));
    }
    Ok(())
}

struct Row {
    run: String,
    runbook: String,
    opened: String,
    standing: String,
}

impl Row {
    fn new(state: &StateDir, entry: &RunEntry) -> Self {
        let folder = state.folder(&entry.run);
        // What the index does not know, the journal does.
        let (runbook, opened) = match (&entry.runbook, entry.opened) {
            (Some(runbook), Some(opened)) => (runbook.clone(), Some(opened)),
            _ => first(&folder),
        };
        Self {
            run: entry.run.to_string(),
            runbook: visible(&runbook).into_owned(),
            opened: opened.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default(),
            standing: standing(entry.last.as_ref().map(|last| last.end), runs::is_held(&folder)),
        }
    }
}

fn first(folder: &RunFolder) -> (String, Option<jiff::Timestamp>) {
    let Ok(mut reader) = Reader::<Stamped>::open(&folder.journal()) else { return ("?".to_owned(), None) };
    let batch = reader.next_batch().ok().flatten();
    let opened = batch.and_then(|batch| {
        batch.records.into_iter().find_map(|stamped| match stamped.record {
            Record::RunOpened(opened) => Some((opened.runbook.name, Some(stamped.at))),
            _ => None,
        })
    });
    opened.unwrap_or(("?".to_owned(), None))
}

fn show(state: &StateDir, run: &RunRef, (as_json, follow): (bool, bool), streams: &mut Streams) -> Result<(), Exit> {
    let folder = runs::find(state, run, streams)?;
    if as_json && !follow {
        return pour(&folder, streams);
    }
    let mut contents = runs::records(&folder, streams)?;
    // Records are told as they are where a program reads them; a person is told the titles of the steps too.
    let plan = if as_json { None } else { last_plan(&folder, &contents.records).map(Arc::new) };
    if !as_json {
        head(&folder, &contents.records, plan.as_deref(), streams);
    }
    let mut retelling = Retelling::new(plan.clone());
    let (mut shown, mut line) = (0, Vec::new());
    loop {
        for stamped in contents.records.get(shown..).unwrap_or_default() {
            if as_json { json_line(stamped, &mut line, streams) } else { retelling.tell(stamped, &mut streams.out) }
        }
        shown = contents.records.len();
        streams.out.flush();
        // Asked before the journal is read again: what was written before the end is then seen.
        let goes_on = follow && runs::is_held(&folder);
        if goes_on {
            std::thread::sleep(FOLLOW);
        }
        let size = |folder: &RunFolder| std::fs::metadata(folder.journal()).map(|meta| meta.len()).ok();
        if follow && (!goes_on || size(&folder) != Some(contents.mark.size)) {
            contents = runs::records(&folder, streams)?;
        }
        if !goes_on && shown == contents.records.len() {
            break;
        }
    }
    if let Some(plan) = plan {
        closing(state, &folder, &contents, &plan, streams);
    }
    // The process ends soon: giving back every record of a long journal takes longer than it is worth.
    std::mem::forget(contents);
    Ok(())
}

/// Every record as it stands there, one line of the journal after the other: nothing is held, and nothing is read that is only written again.
fn pour(folder: &RunFolder, streams: &mut Streams) -> Result<(), Exit> {
    let fault = |error: JournalError, streams: &mut Streams| runs::journal_fault(&error, streams);
    let mut reader = Reader::<Box<RawValue>>::open(&folder.journal()).map_err(|error| fault(error, streams))?;
    while let Some(batch) = reader.next_batch().map_err(|error| fault(error, streams))? {
        for record in &batch.records {
            streams.out.line(record.get());
        }
    }
    streams.out.flush();
    Ok(())
}

/// What it did, from its records alone.
fn told(state: &StateDir, run: &RunRef, layout: Layout, streams: &mut Streams) -> Result<(), Exit> {
    let folder = runs::find(state, run, streams)?;
    let contents = runs::records(&folder, streams)?;
    let report = report::of(&folder, &contents.records).map_err(|why| {
        streams.err.line(format_args!("error: the run cannot be told: {}", visible(&why)));
        Exit::Unusable
    })?;
    streams.out.put(layout.text(&report));
    Ok(())
}

/// `line` is room that is used again.
fn json_line(stamped: &Stamped, line: &mut Vec<u8>, streams: &mut Streams) {
    line.clear();
    match serde_json::to_writer(&mut *line, stamped) {
        Ok(()) => streams.out.line(String::from_utf8_lossy(line)),
        Err(error) => tracing::error!(%error, "a record has no JSON form"),
    }
}

/// How the last session ended; none where it goes on or broke off.
fn end(records: &[Stamped]) -> Option<RunEnd> {
    let last = records.iter().rev().find_map(|stamped| match &stamped.record {
        Record::SessionEnded(ended) => Some(Some(ended.end)),
        Record::SessionOpened(_) => Some(None),
        _ => None,
    });
    last.flatten()
}

/// The card, from the records alone.
fn closing(state: &StateDir, folder: &RunFolder, contents: &Contents<Stamped>, plan: &Plan, streams: &mut Streams) {
    let (records, end) = (&contents.records, end(&contents.records));
    let mut view = RunView::new(plan);
    if let Some(error) = records.iter().find_map(|stamped| view.apply(plan, stamped).err()) {
        streams.err.line(format_args!("warning: the records contradict each other: {error}"));
        return;
    }
    let again = view.opened().map(|opened| card::quoted(&opened.runbook.path)).unwrap_or_default();
    let begun = records.first().map(|stamped| Timestamp::now().duration_since(stamped.at).unsigned_abs());
    let running = begun.filter(|_| end.is_none() && runs::is_held(folder));
    let lines = card::card(&card::About { plan, view: &view, run: folder.id(), state, end, running, again: &again });
    card::print(&damage::card(lines, &contents.tail, folder, state), &mut streams.out);
}

/// Who runs what, since when, with which values, and how it stands.
fn head(folder: &RunFolder, records: &[Stamped], plan: Option<&Plan>, streams: &mut Streams) {
    let paint = streams.out.paint();
    let mut row =
        |name: &str, value: &str| streams.out.line(format_args!("{} {}", paint.apply(Style::Dim, &format!("{name:<9}")), visible(value)));
    row("run", folder.id().as_str());
    for stamped in records {
        match &stamped.record {
            Record::RunOpened(opened) => {
                let title = plan.and_then(|plan| plan.parts().title.as_ref()).or(opened.runbook.title.as_ref());
                let title = title.map(|title| format!(": {title}")).unwrap_or_default();
                row("runbook", &format!("{}{title}", opened.runbook.name));
                row("file", &opened.runbook.path);
                row("started", &format!("{} by {}", stamped.at.strftime("%Y-%m-%d %H:%M:%S UTC"), opened.operator));
                for variable in &opened.variables {
                    let value = match &variable.value {
                        Some(serde_json::Value::String(text)) => text.clone(),
                        Some(value) => value.to_string(),
                        None => "‹secret›".to_owned(),
                    };
                    row("variable", &format!("{} = {value} ({})", variable.name, variable.origin));
                }
            }
            Record::SessionOpened(session) if session.session > 1 => {
                row("session", &format!("{} by {} on {}", stamped.at.strftime("%Y-%m-%d %H:%M:%S UTC"), session.user, session.host));
            }
            _ => {}
        }
    }
    row("folder", &folder.path().to_string_lossy());
    row("state", &standing(end(records), runs::is_held(folder)));
    streams.out.line("");
}

fn log(state: &StateDir, run: &RunRef, step: Option<&str>, streams: &mut Streams) -> Result<(), Exit> {
    let folder = runs::find(state, run, streams)?;
    let contents = runs::records(&folder, streams)?;
    let mut known = false;
    for stamped in &contents.records {
        let Record::Started(started) = &stamped.record else { continue };
        if step.is_some_and(|step| started.effect.path.first().is_none_or(|place| place.step != step)) {
            continue;
        }
        known = true;
        let path = folder.path().join(RunFolder::output_name(&started.effect));
        let Ok(mut file) = std::fs::File::open(&path) else { continue };
        let name = started.effect.to_string();
        let paint = streams.out.paint();
        let head = format!("── {name}, {}", stamped.at.strftime("%H:%M:%S UTC"));
        streams.out.line(paint.apply(Style::Dim, &visible(&head)));
        let mut bytes = Vec::new();
        if let Err(error) = file.read_to_end(&mut bytes) {
            streams.err.line(format_args!("warning: `{}` cannot be read to its end: {error}", path.display()));
        }
        for line in String::from_utf8_lossy(&bytes).split_terminator('\n') {
            streams.out.line(visible(line.trim_end_matches('\r')));
        }
    }
    if let (Some(step), false) = (step, known) {
        streams.err.line(format_args!("error: no step `{}` began in run {}", visible(step), folder.id()));
        let began: Vec<String> = contents
            .records
            .iter()
            .filter_map(|stamped| match &stamped.record {
                Record::Started(started) => Some(format!("`{}`", unit_id(&started.effect.path))),
                _ => None,
            })
            .collect();
        if !began.is_empty() {
            streams.err.line(format_args!("help: these began: {}", visible(&began.join(", "))));
        }
        return Err(Exit::Usage);
    }
    Ok(())
}
