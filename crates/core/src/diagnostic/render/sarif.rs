//! For code scanning: SARIF 2.1.0, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{Code, Diagnostics, Label, Severity};

/// One run with the rules that were broken. `version` is the program's.
pub fn sarif(diagnostics: &Diagnostics, version: &str) -> String {
    let codes: BTreeSet<Code> = diagnostics.iter().map(|d| d.code).collect();
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| {
            json!({
                "id": code.as_str(),
                "shortDescription": { "text": code.title() },
                "help": { "text": format!("runbook explain {code}"), "markdown": code.page() },
            })
        })
        .collect();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|d| {
            let mut text = d.message.clone();
            for help in &d.help {
                text = format!("{text}\nhelp: {help}");
            }
            let level = match d.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            json!({
                "ruleId": d.code.as_str(),
                "level": level,
                "message": { "text": text },
                "locations": d.labels.iter().take(1).map(location).collect::<Vec<_>>(),
                "relatedLocations": d.labels.iter().skip(1).map(location).collect::<Vec<_>>(),
            })
        })
        .collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "runbook", "version": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn location(label: &Label) -> Value {
    let (start, end) = (label.source.position(label.span.start), label.source.position(label.span.end));
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(label.source.name()) },
            "region": { "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column },
        },
        "message": { "text": label.text },
    })
}

/// A path as a URI reference: what is neither unreserved nor `/` is percent-encoded.
fn uri(path: &str) -> String {
    path.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}
