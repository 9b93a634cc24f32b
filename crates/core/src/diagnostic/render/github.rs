//! For GitHub: workflow commands, which become annotations in a pull request.

use std::fmt::Write as _;

use super::super::{Diagnostics, Severity};
use super::visible;

/// One `::error …::` or `::warning …::` line each.
/// <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>
pub fn github(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let command = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = diagnostic.labels.first().map_or(String::new(), |label| {
            let (start, end) = (label.source.position(label.span.start), label.source.position(label.span.end));
            let columns = if start.line == end.line { format!(",col={},endColumn={}", start.column, end.column) } else { String::new() };
            format!("file={},line={},endLine={}{columns},", property(label.source.name()), start.line, end.line)
        });
        let mut message = diagnostic.message.clone();
        for label in diagnostic.labels.iter().filter(|l| !l.text.is_empty()).take(1) {
            message = format!("{message}: {}", label.text);
        }
        for help in &diagnostic.help {
            message = format!("{message}\nhelp: {help}");
        }
        // Writing to a string does not fail.
        let _ = writeln!(text, "::{command} {place}title={}::{}", diagnostic.code, data(&message));
    }
    text
}

/// As the runner decodes it.
fn data(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
