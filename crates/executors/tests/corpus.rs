//! The corpus of runbooks: every valid one is taken without a word, every invalid one gives exactly the report beside it.
//!
//! `SNAPSHOTS=overwrite` writes the reports anew.

use std::path::{Path, PathBuf};

use runbook_core::diagnostic::Diagnostics;
use runbook_core::diagnostic::render::{Style, human};
use runbook_core::document;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The TOML files of a folder of the repository, by name.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no files");
    files
}

fn check(path: &Path) -> Diagnostics {
    let name = path.file_name().unwrap().to_str().unwrap();
    match document::read(name, std::fs::read(path).unwrap()) {
        Ok(source) => runbook_core::load(&source, &runbook_executors::registry()).1,
        Err(fault) => {
            let mut faults = Diagnostics::new();
            faults.push(fault);
            faults
        }
    }
}

/// What is said of all runbooks of a folder.
fn reports(folder: &str) -> String {
    files(folder).iter().map(|path| human(&check(path), Style::default())).collect()
}

#[test]
fn valid_runbooks_are_taken_without_a_word() {
    assert_eq!(reports("tests/valid"), "");
    assert_eq!(reports("docs/examples"), "");
}

#[test]
fn shipped_runbooks_are_taken_without_a_word() {
    assert_eq!(reports("runbooks"), "");
}

/// A file's tree as JSON, as an editor's language server sees it.
fn as_json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap();
    json(toml::Value::Table(text.parse().unwrap()))
}

fn json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(value) => value.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => serde_json::Value::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect()),
    }
}

fn schema() -> jsonschema::Validator {
    jsonschema::draft7::new(&runbook_core::schema::runbook_schema(&runbook_executors::registry())).unwrap()
}

#[test]
fn the_schema_takes_valid_runbooks() {
    let schema = schema();
    for folder in ["tests/valid", "docs/examples", "runbooks"] {
        for path in files(folder) {
            let faults: Vec<String> = schema.iter_errors(&as_json(&path)).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert_eq!(faults, Vec::<String>::new(), "{}", path.display());
        }
    }
}
