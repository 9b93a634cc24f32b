//! Runbooks from files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics};
use runbook_core::document;
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
