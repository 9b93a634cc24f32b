//! For programs: one JSON document.

use serde_json::{Value, json};

use super::super::{Diagnostics, Label, Severity};
use super::severity_name;

/// `{"format_version":"1","valid":…,"error_count":…,"warning_count":…,"diagnostics":[…]}`, indented; lines and columns count from 1, columns in
/// characters, offsets in bytes of the file with LF line ends.
pub fn json(diagnostics: &Diagnostics) -> String {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let listed: Vec<Value> = diagnostics
        .iter()
        .map(|d| {
            json!({
                "code": d.code.as_str(),
                "severity": severity_name(d.severity),
                "message": d.message,
                "labels": d.labels.iter().map(label).collect::<Vec<_>>(),
                "help": d.help,
            })
        })
        .collect();
    let document = json!({
        "format_version": "1",
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": diagnostics.len() - errors,
        "diagnostics": listed,
    });
    // `{:#}` indents.
    format!("{document:#}\n")
}

fn label(label: &Label) -> Value {
    let place = |offset: usize| {
        let position = label.source.position(offset);
        json!({ "line": position.line, "column": position.column, "offset": offset })
    };
    json!({ "file": label.source.name(), "start": place(label.span.start), "end": place(label.span.end), "text": label.text })
}
