//! `file.read`.

use std::io::Read as _;

use runbook_core::action::{Action, Before, BoxFuture, Cx, Failure, FailureKind, Outcome, Outputs, Residue};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::disk::{blocking, digest_text, failure};
use super::replace;

/// More is no text for a runbook to work with.
const MOST: u64 = 1024 * 1024;

/// Reads a text file of at most 1 MiB.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    /// The file; a relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    path: String,
    /// How to read it; JSON is also given as `data`.
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// As text.
    #[default]
    Text,
    /// As JSON.
    Json,
}

impl Action for Read {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let path = cx.base_dir().join(&self.path);
            let shown = path.display().to_string();
            let bytes = blocking(cx, "reading", None, move |_| {
                let mut bytes = Vec::new();
                let read = std::fs::File::open(&path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
                read.map_err(|error| failure(&error, "read", &path, "path"))?;
                Ok(bytes)
            });
            match bytes.await {
                Ok(bytes) if bytes.len() as u64 > MOST => {
                    let failure = Failure::new(FailureKind::Invalid, format!("`{shown}` is larger than 1 MiB")).field("path");
                    Outcome::failed(failure, Residue::None)
                }
                Ok(bytes) => match self.outputs(bytes, &shown) {
                    Ok(outputs) => Outcome::unchanged(outputs),
                    Err(failure) => Outcome::failed(failure.field("path"), Residue::None),
                },
                Err(broken) => replace::broken(broken),
            }
        })
    }
}

impl Read {
    fn outputs(&self, bytes: Vec<u8>, shown: &str) -> Result<Outputs, Failure> {
        let Ok(text) = String::from_utf8(bytes) else {
            return Err(Failure::new(FailureKind::Invalid, format!("`{shown}` is not UTF-8 text")));
        };
        let data = match self.format {
            Format::Text => Value::Null,
            Format::Json => serde_json::from_str(&text).map_err(|error| {
                Failure::new(FailureKind::Invalid, format!("`{shown}` is not JSON: line {}, column {}", error.line(), error.column()))
            })?,
        };
        let digested = digest_text(&text);
        Ok(Outputs::from_iter([
            ("text".to_owned(), Value::from(text)),
            ("data".to_owned(), data),
            ("size".to_owned(), Value::from(digested.size)),
            ("sha256".to_owned(), Value::from(digested.sha256)),
        ]))
    }
}
