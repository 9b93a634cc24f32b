//! The way in: from a file's text to a checked runbook.

use std::sync::Arc;

use crate::action::Registry;
use crate::check::check;
use crate::decode::decode;
use crate::diagnostic::Diagnostics;
use crate::document;
use crate::runbook::Runbook;
use crate::source::{Source, Span};

/// Reads and checks a runbook. All faults of the file are returned at once, in the order of the file; the runbook only where none is an error.
pub fn load(source: &Arc<Source>, registry: &Registry) -> (Option<Runbook>, Diagnostics) {
    let (root, mut faults) = document::parse(source);
    let broken_lines: Vec<usize> =
        faults.iter().filter_map(|fault| fault.labels.first()).map(|label| source.position(label.span.start).line).collect();
    let Some(root) = root else { return (None, faults) };

    let (draft, found) = decode(source, root, registry);
    let mut later = found;
    let runbook = draft.map(|draft| {
        let (runbook, found) = check(draft);
        later.extend(found);
        runbook
    });
    if broken_lines.is_empty() {
        faults.extend(later);
    } else {
        // The parser's guess at a faulty value is not held against the author a second time.
        faults.extend_where(later, |span: Span| {
            let (first, last) = (source.position(span.start).line, source.position(span.end).line);
            !broken_lines.iter().any(|line| (first..=last).contains(line))
        });
    }
    faults.sort();
    let runbook = runbook.filter(|_| !faults.has_errors());
    (runbook, faults)
}
