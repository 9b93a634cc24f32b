//! `runbook backup list`: backups below folders, or those that runs made or looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use runbook_core::action::{Outcome, Outputs, Verdict};
use runbook_core::effect::EffectId;
use runbook_core::record::{Record, Stamped};
use runbook_engine::journal::Reader;
use runbook_engine::state::StateDir;
use runbook_executors::sql::backup::{self, Manifest};
use serde_json::{Value, json};

use super::remove;
use crate::exit::Exit;
use crate::runs;
use crate::streams::Streams;
use crate::text::{Style, bytes, visible, width};

/// How deep below a given folder a backup is looked for.
const DEEP: usize = 4;

/// Lists, the latest first.
pub(super) fn list(paths: &[PathBuf], as_json: bool, state_dir: Option<&Path>, streams: &mut Streams) -> Exit {
    let found = if paths.is_empty() {
        match runs::state_dir(state_dir, streams).and_then(|state| of_runs(&state, streams)) {
            Ok(found) => found,
            Err(exit) => return exit,
        }
    } else {
        match below(paths, streams) {
            Ok(found) => found.manifests,
            Err(exit) => return exit,
        }
    };
    let mut rows: Vec<Row> = found.into_iter().map(Row::new).collect();
    rows.sort_unstable_by(|a, b| (b.taken(), &a.path).cmp(&(a.taken(), &b.path)));
    if as_json {
        for row in &rows {
            streams.out.line(row.json());
        }
    } else if rows.is_empty() {
        let place = if paths.is_empty() { "no run made a backup or looked at one" } else { "there are no backups there" };
        streams.err.line(place);
    } else {
        print(&rows, streams);
    }
    Exit::Done
}

/// A backup, or what stands where one should be.
struct Row {
    path: PathBuf,
    manifest: Result<Manifest, &'static str>,
}

impl Row {
    fn new(path: PathBuf) -> Self {
        let manifest = match backup::look_at(&path) {
            Ok(report) if report.problems.is_empty() => Ok(report.manifest),
            Ok(_) => Err("damaged"),
            Err(_) if path.symlink_metadata().is_err() => Err("gone"),
            Err(_) => Err("cannot be read"),
        };
        Self { path, manifest }
    }

    fn taken(&self) -> Option<jiff::Timestamp> {
        self.manifest.as_ref().ok().map(|manifest| manifest.taken_at)
    }

    fn json(&self) -> Value {
        match &self.manifest {
            Ok(manifest) => json!({
                "manifest": self.path, "state": "readable", "database": manifest.database, "address": manifest.server.address,
                "server": manifest.server.flavour.as_str(), "taken_at": manifest.taken_at.to_string(), "tool": manifest.tool.name,
                "tables": manifest.contents.tables.len(), "rows": manifest.contents.rows(), "bytes": manifest.bytes(),
            }),
            Err(state) => json!({ "manifest": self.path, "state": state }),
        }
    }
}

fn print(rows: &[Row], streams: &mut Streams) {
    let cells: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            let path = row.path.to_string_lossy().into_owned();
            let [taken, database, rows, size] = match &row.manifest {
                Ok(manifest) => [
                    manifest.taken_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                    manifest.database.clone(),
                    manifest.contents.rows().to_string(),
                    bytes(manifest.bytes()),
                ],
                Err(state) => [(*state).to_owned(), String::new(), String::new(), String::new()],
            };
            [taken, database, rows, size, path].map(|cell| visible(&cell).into_owned())
        })
        .collect();
    let heads = ["TAKEN (UTC)", "DATABASE", "ROWS", "SIZE", "MANIFEST"];
    let wide = |at: usize| cells.iter().map(|line| width(&line[at])).max().unwrap_or(0).max(width(heads[at]));
    let widths = [0, 1, 2, 3].map(wide);
    let line = |cells: [&str; 5]| {
        let [taken, database, rows, size, path] = cells;
        let gap = |at: usize, cell: &str| " ".repeat(widths[at].saturating_sub(width(cell)));
        format!("{taken}{}  {database}{}  {}{rows}  {}{size}  {path}", gap(0, taken), gap(1, database), gap(2, rows), gap(3, size))
    };
    let paint = streams.out.paint();
    streams.out.line(paint.apply(Style::Bold, &line(heads)));
    for cells in &cells {
        streams.out.line(line(cells.each_ref().map(String::as_str)));
    }
}

/// What stands below folders.
#[derive(Default)]
pub(super) struct Found {
    /// Manifests of backups.
    pub(super) manifests: Vec<PathBuf>,
    /// Folders of dumps that are not finished, and perhaps never will be.
    pub(super) partial: Vec<PathBuf>,
    /// What a removal that broke off has left.
    pub(super) remains: Vec<PathBuf>,
}

/// What stands below these folders. A link is not followed, and a backup is not looked into.
pub(super) fn below(paths: &[PathBuf], streams: &mut Streams) -> Result<Found, Exit> {
    let mut found = Found::default();
    for path in paths {
        if path.is_file() {
            found.manifests.push(path.clone());
            continue;
        }
        let mut open = vec![(path.clone(), 0)];
        while let Some((folder, depth)) = open.pop() {
            let manifest = folder.join("manifest.json");
            let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if remove::is_remains(&folder) {
                found.remains.push(folder);
                continue;
            }
            if name.starts_with('.') && name.ends_with(".partial") {
                found.partial.push(folder);
                continue;
            }
            if manifest.is_file() {
                found.manifests.push(manifest);
                continue;
            }
            match std::fs::read_dir(&folder) {
                Ok(entries) if depth < DEEP => {
                    let folders = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
                    open.extend(folders.map(|entry| (entry.path(), depth + 1)));
                }
                Ok(_) => {}
                Err(error) if depth == 0 => {
                    streams.err.line(format_args!("error: cannot read `{}`: {error}", visible(&folder.to_string_lossy())));
                    return Err(Exit::ChecksFailed);
                }
                Err(error) => streams.err.line(format_args!("warning: cannot read `{}`: {error}", visible(&folder.to_string_lossy()))),
            }
        }
    }
    for list in [&mut found.manifests, &mut found.partial, &mut found.remains] {
        list.sort_unstable();
        list.dedup();
    }
    Ok(found)
}

/// The manifests that stand in the outputs of runs' steps.
fn of_runs(state: &StateDir, streams: &mut Streams) -> Result<Vec<PathBuf>, Exit> {
    let entries = state.runs().map_err(|error| runs::state_fault(&error, streams))?;
    let mut found = Vec::new();
    for entry in entries {
        let folder = state.folder(&entry.run);
        let Ok(mut reader) = Reader::<Stamped>::open(&folder.journal()) else {
            streams.err.line(format_args!("warning: the journal of run {} cannot be read", entry.run));
            continue;
        };
        let mut actions: BTreeMap<EffectId, String> = BTreeMap::new();
        // A journal whose end is bad has told of its backups before that.
        while let Ok(Some(batch)) = reader.next_batch() {
            for stamped in batch.records {
                match stamped.record {
                    Record::Started(started) => drop(actions.insert(started.effect, started.action)),
                    Record::Ended(ended) => match &ended.outcome {
                        Outcome::Succeeded { outputs, .. } | Outcome::Failed { outputs, .. } => {
                            found.extend(manifests(actions.get(&ended.effect), outputs));
                        }
                        Outcome::Cancelled { .. } => {}
                    },
                    Record::Recovered(recovered) => {
                        if let Verdict::Done { outputs, .. } = &recovered.verdict {
                            found.extend(manifests(actions.get(&recovered.effect), outputs));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The manifests that an action's outputs name.
fn manifests(action: Option<&String>, outputs: &Outputs) -> Vec<PathBuf> {
    let of = |name: &str| outputs.get(name).and_then(Value::as_str).map(PathBuf::from);
    match action.map(String::as_str) {
        Some("sql.dump" | "sql.manifest" | "sql.verify_backup") => of("manifest").into_iter().collect(),
        Some("sql.restore" | "sql.recreate") => of("aside").into_iter().collect(),
        Some(_) | None => Vec::new(),
    }
}
