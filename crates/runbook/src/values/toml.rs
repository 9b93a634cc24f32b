//! TOML, as a runbook is read: what a runbook must not have (TOML 1.1, hidden characters) is refused here as well.

use std::sync::Arc;

use runbook_core::diagnostic::Severity;
use runbook_core::document;
use runbook_core::source::Source;
use serde_json::Value;

use super::Wrong;
use crate::vars::json;

pub(super) fn read(name: &str, text: String) -> Result<Value, Wrong> {
    let source = Arc::new(Source::new(name, text));
    let (tree, faults) = document::parse(&source);
    if let Some(fault) = faults.iter().find(|fault| fault.severity == Severity::Error) {
        let at = fault.labels.first().map(|label| source.position(label.span.start)).map(|place| (place.line, place.column));
        // Its message may quote the text, which may be a secret.
        return Err(Wrong { at, what: "it is not TOML".to_owned() });
    }
    match tree {
        Some(node) => Ok(json(node.kind)),
        None => Err(Wrong { at: None, what: "there is nothing in it".to_owned() }),
    }
}
