//! Variable files: TOML, `NAME = VALUE`, or `NAME.file` and `NAME.command` for where the value is.

use std::path::Path;
use std::sync::Arc;

use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics};
use runbook_core::document::{self, Entry, Node, NodeKind};
use runbook_core::inputs::{Given, GivenValue, Origin};
use runbook_core::source::Source;
use serde_json::Value;

use super::Found;
use super::indirect::{Indirect, Way};
use crate::loading;

/// Adds what a file says.
pub(super) fn read(path: &Path, found: &mut Found, faults: &mut Diagnostics) {
    let source = match loading::read(path) {
        Ok(source) => source,
        Err(unreadable) => return faults.extend(unreadable),
    };
    let (tree, broken) = document::parse(&source);
    faults.extend(broken);
    let Some(Node { kind: NodeKind::Table(table), .. }) = tree else { return };
    for entry in table.entries {
        if let Some(way) = indirect(&source, &entry, faults) {
            found.indirect.push(Indirect { name: entry.key, way });
            continue;
        }
        let origin = Origin::VarFile { path: source.name().to_owned(), line: source.position(entry.key_span.start).line };
        found.direct.push(Given { name: entry.key, value: GivenValue::Json(json(entry.value.kind)), origin });
    }
}

/// A table with nothing but `file` or `command` in it says where the value is.
fn indirect(source: &Arc<Source>, entry: &Entry, faults: &mut Diagnostics) -> Option<Way> {
    let NodeKind::Table(table) = &entry.value.kind else { return None };
    let [only] = table.entries.as_slice() else { return None };
    match (only.key.as_str(), &only.value.kind) {
        ("file", NodeKind::Str(path)) => {
            // Relative to the variable file, as its author sees it.
            let base = Path::new(source.name()).parent().unwrap_or(Path::new(""));
            Some(Way::File(base.join(path).to_string_lossy().into_owned()))
        }
        ("command", NodeKind::Str(text)) => {
            Some(Way::Command { argv: vec!["sh".to_owned(), "-c".to_owned(), text.clone()], shown: text.clone(), dir: None })
        }
        ("command", NodeKind::List(words)) => {
            let argv: Option<Vec<String>> = words
                .iter()
                .map(|word| match &word.kind {
                    NodeKind::Str(text) => Some(text.clone()),
                    _ => None,
                })
                .collect();
            let argv = argv.filter(|argv| !argv.is_empty());
            if argv.is_none() {
                faults.push(
                    Diagnostic::error(Code::ValueUnreadable, format!("the command for `{}` is not a list of texts", entry.key))
                        .at(source, only.value.span, "")
                        .help(format!("write the program and its arguments: `{}.command = [\"pass\", \"show\", \"odc\"]`", entry.key)),
                );
            }
            argv.map(|argv| Way::Command { shown: argv.join(" "), argv, dir: None })
        }
        _ => None,
    }
}

/// A value as JSON; times are texts.
pub(crate) fn json(kind: NodeKind) -> Value {
    match kind {
        NodeKind::Str(text) | NodeKind::Datetime(text) => Value::from(text),
        NodeKind::Int(number) => Value::from(number),
        NodeKind::Float(number) => Value::from(number),
        NodeKind::Bool(truth) => Value::from(truth),
        NodeKind::List(items) => Value::Array(items.into_iter().map(|node| json(node.kind)).collect()),
        NodeKind::Table(table) => Value::Object(table.entries.into_iter().map(|entry| (entry.key, json(entry.value.kind))).collect()),
    }
}
