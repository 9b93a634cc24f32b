//! `runbook check`.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics, Severity, render};
use runbook_core::source::Span;

use crate::args::{CheckArgs, CheckFormat};
use crate::exit::Exit;
use crate::loading;
use crate::streams::Streams;
use crate::text::count;

/// Says everything that is wrong with the runbooks; runs nothing.
pub(crate) fn run(args: &CheckArgs, streams: &mut Streams) -> Exit {
    let mut diagnostics = Diagnostics::new();
    // What is wrong with a called runbook that is looked at by itself as well is told once.
    let mut told = HashSet::new();
    let mut checked = 0;
    for path in &args.paths {
        let (checked_before, faults_before) = (checked, diagnostics.iter().len());
        for file in files(path, &mut diagnostics) {
            let source = match loading::read(&file.path) {
                Ok(source) => source,
                Err(faults) => {
                    checked += 1;
                    diagnostics.extend(faults);
                    continue;
                }
            };
            if file.named || looks_like_runbook(source.text()) {
                checked += 1;
                let (runbook, faults) = loading::load(&source, None);
                for fault in &faults {
                    if identity(fault).is_none_or(|identity| told.insert(identity)) {
                        diagnostics.push(fault.clone());
                    }
                }
                // The process ends soon: giving back every node of a large runbook took a tenth of its check.
                std::mem::forget(runbook);
            }
        }
        if (checked, diagnostics.iter().len()) == (checked_before, faults_before) {
            diagnostics.push(nothing_in(path));
        }
    }
    report(args, &diagnostics, checked, streams);
    let faulty = |severity| diagnostics.iter().any(|diagnostic| diagnostic.severity == severity);
    if faulty(Severity::Error) || (args.deny_warnings && faulty(Severity::Warning)) { Exit::Invalid } else { Exit::Done }
}

fn report(args: &CheckArgs, diagnostics: &Diagnostics, checked: usize, streams: &mut Streams) {
    match args.format {
        CheckFormat::Human => {
            let style = render::Style { width: streams.err.width(), color: streams.err.paint().0 };
            streams.err.put(render::human(diagnostics, style));
            let runbooks = count(checked, "runbook");
            let line = match (render::summary(diagnostics), checked) {
                (Some(summary), _) => format!("checked {runbooks}: {summary}"),
                (None, 1) => "checked 1 runbook: it is in order".to_owned(),
                (None, _) => format!("checked {runbooks}: all are in order"),
            };
            streams.out.line(line);
        }
        CheckFormat::Json => streams.out.put(render::json(diagnostics)),
        CheckFormat::Sarif => streams.out.put(render::sarif(diagnostics, env!("CARGO_PKG_VERSION"))),
        CheckFormat::Github => streams.out.put(render::github(diagnostics)),
    }
}

/// A file to look at.
struct Candidate {
    path: PathBuf,
    /// Whether the operator named it; others may turn out to be no runbook at all.
    named: bool,
}

/// What was named, or every TOML file below it where it is a folder, sorted.
fn files(path: &Path, diagnostics: &mut Diagnostics) -> Vec<Candidate> {
    if !path.is_dir() {
        return vec![Candidate { path: path.to_owned(), named: true }];
    }
    let mut below = Vec::new();
    search(path, &mut below, diagnostics);
    below.sort_unstable();
    below.into_iter().map(|path| Candidate { path, named: false }).collect()
}

/// A folder in which nothing was found to check: a path that was moved would look like a success for ever.
fn nothing_in(folder: &Path) -> Diagnostic {
    let message = format!("there is no runbook below `{}`, so nothing was checked", folder.display());
    Diagnostic::error(Code::Empty, message)
        .help("in a folder, every TOML file counts that has a top-level `format` key or a `[[step]]`; hidden folders and links to folders are left out")
}

/// Hidden folders and links to folders are left out.
fn search(folder: &Path, found: &mut Vec<PathBuf>, diagnostics: &mut Diagnostics) {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = match listed {
        Ok(entries) => entries,
        Err(error) => return diagnostics.push(loading::unreadable(folder, &error)),
    };
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !hidden => search(&path, found, diagnostics),
            Ok(kind) if !kind.is_dir() && path.extension().is_some_and(|extension| extension == "toml") => found.push(path),
            Ok(_) | Err(_) => {}
        }
    }
}

/// What makes a fault the same as another: where it is and what it says. One without a place is like no other.
fn identity(fault: &Diagnostic) -> Option<(Code, String, String, Span)> {
    let label = fault.labels.first()?;
    Some((fault.code, fault.message.clone(), label.source.name().to_owned(), label.span))
}

/// Variable files and the configuration of other tools are TOML too.
fn looks_like_runbook(text: &str) -> bool {
    let mut top = true;
    for line in text.lines() {
        let line = line.trim_start();
        if matches!(line.trim_end(), "[[step]]" | "[[check]]" | "[[verify]]") {
            return true;
        }
        top &= !line.starts_with('[');
        if top && line.strip_prefix("format").is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runbooks_are_told_from_other_toml() {
        assert!(looks_like_runbook("# x\nformat = 1\nname = 'a'"));
        assert!(looks_like_runbook("nmae = 'a'\n[[step]]\nid = 'b'"));
        assert!(!looks_like_runbook("image = 'oceanbase/odc:4.2.4'\nformats = 2"));
        assert!(!looks_like_runbook("[package]\nformat = 1"));
    }
}
