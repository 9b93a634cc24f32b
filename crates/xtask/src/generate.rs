//! Generated files, which are checked in: the schema for editors, the reference, and what the program holds runbooks against, all from the types.

#[cfg(not(feature = "generate"))]
use crate::cargo;
use crate::checkout::Checkout;
use crate::error::TaskError;

/// What to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write what has changed.
    Write,
    /// Fail where something has changed.
    Check,
}

/// Without the feature this program knows no types: it builds itself with it and starts again.
#[cfg(not(feature = "generate"))]
pub(crate) fn run(checkout: &Checkout, mode: Mode) -> Result<(), TaskError> {
    let mut words = vec!["run", "--quiet", "--package", "xtask", "--features", "generate", "--", "generate"];
    if mode == Mode::Check {
        words.push("--check");
    }
    cargo::run(checkout, &words, &[])
}

/// Compares each file with what it should be, and writes or names it.
#[cfg(feature = "generate")]
pub(crate) fn run(checkout: &Checkout, mode: Mode) -> Result<(), TaskError> {
    let registry = runbook_executors::registry();
    let manifest = serde_json::to_string_pretty(&runbook_executors::sql::backup::manifest_schema())
        .map_err(|error| TaskError::failed(format!("the manifest's schema cannot be written: {error}")))?;
    let mut files = vec![
        ("docs/reference.md".to_owned(), runbook_core::schema::reference(&registry)),
        ("schemas/runbook.schema.json".to_owned(), format!("{:#}\n", runbook_core::schema::runbook_schema(&registry))),
        ("schemas/backup-manifest.schema.json".to_owned(), format!("{manifest}\n")),
    ];
    files.extend(runbook_core::schema::types(&registry).into_iter().map(|(name, text)| (format!("schemas/types/{name}.json"), text)));
    let mut stale = Vec::new();
    for (name, text) in files {
        let path = checkout.root.join(&name);
        if std::fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        if mode == Mode::Check {
            stale.push(name);
            continue;
        }
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        written.map_err(|error| TaskError::file("write", &path, error))?;
        crate::say::line(format!("{name} is written"));
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(TaskError::failed(format!("not as the types have it: {}; run `cargo xtask generate` and commit what it writes", stale.join(", "))))
}
