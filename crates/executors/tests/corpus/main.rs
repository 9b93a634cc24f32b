//! The corpus of runbooks: every valid one is taken without a word, every invalid one gives exactly the report beside it.
//!
//! `SNAPSHOTS=overwrite` writes the reports anew.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod agreement;
mod pages;
mod robust;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use runbook_core::diagnostic::render::{Style, human, summary};
use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics};
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
    let folder = path.parent().unwrap();
    let mut called = |file: &str| match std::fs::read(folder.join(file)) {
        Ok(bytes) => document::read(file, bytes),
        Err(_) => Err(Diagnostic::error(Code::Unreadable, format!("`{file}` cannot be read: there is no such file"))),
    };
    match document::read(name, std::fs::read(path).unwrap()) {
        Ok(source) => runbook_core::load_with(&source, &runbook_executors::registry(), &mut called).1,
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

/// What is wrong with an invalid runbook, and the summary under it.
fn report(faults: &Diagnostics) -> String {
    let summary = summary(faults).unwrap_or_else(|| "nothing".to_owned());
    format!("{}{summary}\n", human(faults, Style { width: 120, color: false }))
}

#[test]
fn invalid_runbooks_give_exactly_the_report_beside_them() {
    for path in files("tests/invalid") {
        let expected = snapbox::Data::read_from(&path.with_extension("stderr"), Some(snapbox::data::DataFormat::Text));
        snapbox::Assert::new().action_env(snapbox::assert::DEFAULT_ACTION_ENV).eq(report(&check(&path)), expected.raw());
    }
}

#[test]
fn every_code_of_a_file_has_a_case() {
    let mut seen: BTreeSet<Code> = BTreeSet::new();
    for path in files("tests/invalid") {
        let faults = check(&path);
        assert!(!faults.is_empty(), "{} is valid", path.display());
        seen.extend(faults.iter().map(|fault| fault.code));
    }
    let elsewhere = |code: &Code| {
        // What is wrong with a file that is not there, or too large; with what is given beside a file; and what happens while a runbook runs.
        let given = ("RB401".."RB410").contains(&code.as_str());
        matches!(code, Code::Unreadable | Code::TooLarge | Code::CallLocks) || given || code.as_str() >= "RB420"
    };
    let missing: Vec<&Code> = Code::ALL.iter().filter(|code| !elsewhere(code) && !seen.contains(code)).collect();
    assert_eq!(missing, Vec::<&Code>::new());
}
