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
