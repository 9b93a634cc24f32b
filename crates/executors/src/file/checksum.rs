//! `file.checksum`.

use runbook_core::action::{Action, Before, BoxFuture, Cx, Outcome, Outputs};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::disk::{self, blocking, failure};
use super::replace;

/// Reads a file and gives its SHA-256.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Checksum {
    /// The file; a relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    path: String,
}

impl Action for Checksum {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let path = cx.base_dir().join(&self.path);
            let size = std::fs::metadata(&path).ok().map(|meta| meta.len());
            match blocking(cx, "reading", size, move |watch| {
                disk::digest(&path, watch).map_err(|error| failure(&error, "read", &path, "path"))
            })
            .await
            {
                Ok(digested) => Outcome::unchanged(Outputs::from_iter([
                    ("sha256".to_owned(), Value::from(digested.sha256)),
                    ("size".to_owned(), Value::from(digested.size)),
                ])),
                Err(broken) => replace::broken(broken),
            }
        })
    }
}
