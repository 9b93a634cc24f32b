//! What runs that are not finished name: a backup among it may be what their rollback needs.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use runbook_engine::state::{Finished, RunFolder, RunId, StateDir};
use serde_json::Value;

use crate::card;
use crate::exit::Exit;
use crate::runs;
use crate::streams::Streams;
use crate::text::visible;

/// A text of more bytes is no path.
const LONGEST: usize = 4096;

/// Whose name a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    run: RunId,
    /// Whether everything below it counts: a variable may name the folder that several backups stand in.
    all_below: bool,
}

/// The paths that unfinished runs name.
#[derive(Debug, Default)]
pub(super) struct Needed(BTreeMap<PathBuf, Name>);

impl Needed {
    /// Reads everything that unfinished runs have written down: their variables, plans and records. What cannot be read could name anything.
    pub(super) fn of(state: &StateDir, streams: &mut Streams) -> Result<Self, Exit> {
        let mut needed = Self::default();
        for entry in state.runs().map_err(|error| runs::state_fault(&error, streams))? {
            let folder = state.folder(&entry.run);
            if !runs::is_held(&folder) && folder.finished() != Finished::No {
                continue;
            }
            if let Err(error) = needed.add(&folder) {
                streams.err.line(format_args!("error: run {} is not finished, and what it names cannot be read: {error}", entry.run));
                let look = card::command(&format!("runs show {}", entry.run), state.named());
                streams.err.line(format_args!("help: look at it first: `{look}`; nothing was removed"));
                return Err(Exit::Unusable);
            }
        }
        Ok(needed)
    }

    /// The run that names a folder, something in it, or what it stands in.
    pub(super) fn by(&self, folder: &Path) -> Option<&RunId> {
        let inside = self.0.range(folder.to_owned()..).next().filter(|(path, _)| path.starts_with(folder));
        let around = || folder.ancestors().find_map(|above| self.0.get(above).filter(|name| name.all_below));
        inside.map(|(_, name)| name).or_else(around).map(|name| &name.run)
    }

    fn add(&mut self, run: &RunFolder) -> std::io::Result<()> {
        let journal = read(&run.journal())?;
        let lines: Vec<Value> = journal.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let base = lines.iter().find_map(|line| line.pointer("/records/0/record/runbook/path")?.as_str().map(PathBuf::from));
        let base = base.as_deref().and_then(Path::parent).unwrap_or(Path::new("/")).to_owned();
        let mut found = Found { names: self, run: run.id(), base: &base };
        for line in &lines {
            found.value(line, false);
        }
        for (folder, all_below) in [("sources", false), ("values", true)] {
            let folder = run.path().join(folder);
            if !folder.exists() {
                continue;
            }
            for entry in std::fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "json")
                    && let Ok(value) = serde_json::from_slice(&read(&path)?)
                {
                    found.value(&value, all_below);
                }
            }
        }
        Ok(())
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| std::io::Error::new(error.kind(), format!("`{}`: {error}", visible(&path.to_string_lossy()))))
}

/// Collects the paths of one run.
struct Found<'a> {
    names: &'a mut Needed,
    run: &'a RunId,
    /// What its relative paths start from.
    base: &'a Path,
}

impl Found<'_> {
    fn value(&mut self, value: &Value, all_below: bool) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.text(text, all_below),
            Value::Array(items) => items.iter().for_each(|item| self.value(item, all_below)),
            Value::Object(map) => {
                for (key, value) in map {
                    self.value(value, all_below || key == "variables" || key == "values");
                }
            }
        }
    }

    fn text(&mut self, text: &str, all_below: bool) {
        if text.is_empty() || text.len() > LONGEST || text.contains(['\n', '\0']) {
            return;
        }
        let path = whole(&self.base.join(text));
        // The root, or the runbook's own folder (a text `.`), names nothing in particular.
        let all_below = all_below && path.parent().is_some() && path != self.base;
        let name = self.names.0.entry(path).or_insert_with(|| Name { run: self.run.clone(), all_below });
        name.all_below |= all_below;
    }
}

/// A path as the file system knows it; one that is not there without `.` and `..`.
pub(super) fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => drop(plain.pop()),
                Component::CurDir => {}
                other => plain.push(other),
            }
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use runbook_engine::state::RunId;
    use serde_json::json;

    use super::*;

    fn needed(value: &Value) -> Needed {
        let mut names = Needed::default();
        let run: RunId = "20261121-031500-k3fz".parse().unwrap();
        Found { names: &mut names, run: &run, base: Path::new("/srv/runbooks") }.value(value, false);
        names
    }

    #[test]
    fn a_backup_is_named_by_its_path_or_by_something_in_it() {
        let names = needed(&json!([{ "outputs": { "manifest": "/backup/odc/one/manifest.json" } }, { "to": "two" }]));
        assert!(names.by(Path::new("/backup/odc/one")).is_some());
        assert!(names.by(Path::new("/srv/runbooks/two")).is_some());
        assert!(names.by(Path::new("/backup/odc/on")).is_none(), "the beginning of a name is another name");
        assert!(names.by(Path::new("/backup/odc/one/deep")).is_none());
    }

    #[test]
    fn only_a_variable_names_what_stands_below_it() {
        let record = json!({ "variables": [{ "name": "backup_dir", "value": "/backup/oms" }], "fields": { "path": "/backup" } });
        let names = needed(&record);
        assert!(names.by(Path::new("/backup/oms/rm")).is_some());
        assert!(names.by(Path::new("/backup/odc")).is_none());
    }

    #[test]
    fn the_root_and_the_runbooks_own_folder_name_nothing() {
        let names = needed(&json!({ "variables": ["/", ".", ""] }));
        assert!(names.by(Path::new("/backup/odc")).is_none());
        assert!(names.by(Path::new("/srv/runbooks/backup")).is_none());
    }
}
