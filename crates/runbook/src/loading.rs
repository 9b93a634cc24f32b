//! Runbooks from files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics};
use runbook_core::document;
use runbook_core::runbook::Runbook;
use runbook_core::source::Source;

/// Reads a file's text; refuses what is no file, too large, or not UTF-8.
pub(crate) fn read(path: &Path) -> Result<Arc<Source>, Diagnostics> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| {
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        file.take(document::MAX_BYTES + 1).read_to_end(&mut bytes)
    });
    let fault = match read {
        Ok(_) => match document::read(&path.to_string_lossy(), bytes) {
            Ok(source) => return Ok(source),
            Err(fault) => fault,
        },
        Err(error) => unreadable(path, &error),
    };
    let mut faults = Diagnostics::new();
    faults.push(fault);
    Err(faults)
}

/// The files that a runbook calls, as they were kept: by their paths from its folder on, with the names that diagnostics give them.
pub(crate) struct Kept {
    pub(crate) files: Vec<(String, Arc<Source>)>,
}

impl Kept {
    /// Those whose bytes are text; `name` says what a file is called.
    pub(crate) fn of(files: Vec<(String, Vec<u8>)>, name: impl Fn(&str) -> String) -> Self {
        let read = |(file, bytes): (String, Vec<u8>)| {
            let source = document::read(&name(&file), bytes).ok()?;
            Some((file, source))
        };
        Self { files: files.into_iter().filter_map(read).collect() }
    }
}

/// Reads and checks a runbook with all that it calls; these are read from where they are now, or as they were kept.
pub(crate) fn load(source: &Arc<Source>, kept: Option<&Kept>) -> (Option<Runbook>, Diagnostics) {
    let folder = Path::new(source.name()).parent().unwrap_or(Path::new("")).to_owned();
    let mut called = |file: &str| match kept {
        Some(kept) => kept
            .files
            .iter()
            .find(|(kept, _)| kept == file)
            .map(|(_, source)| Arc::clone(source))
            .ok_or_else(|| Diagnostic::error(Code::CallFile, format!("the run kept no copy of `{file}`"))),
        None => read(&folder.join(file)).map_err(|faults| {
            let first = faults.iter().next().cloned();
            first.unwrap_or_else(|| Diagnostic::error(Code::CallFile, format!("`{file}` cannot be read")))
        }),
    };
    runbook_core::load_with(source, &runbook_executors::registry(), &mut called)
}

/// Why a file cannot be read, as a diagnostic without a place.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let shown = path.display();
    let (why, help) = match error.kind() {
        io::ErrorKind::NotFound => ("there is no such file".to_owned(), None),
        io::ErrorKind::PermissionDenied => ("permission denied".to_owned(), Some("who may read it: `ls -l`".to_owned())),
        io::ErrorKind::IsADirectory => {
            ("it is a folder".to_owned(), Some(format!("name a file, or look at all of them: `runbook check {shown}`")))
        }
        _ => (error.to_string(), None),
    };
    let diagnostic = Diagnostic::error(Code::Unreadable, format!("`{shown}` cannot be read: {why}"));
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
