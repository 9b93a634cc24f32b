//! `file.disk_free`.

use std::path::Path;

use runbook_core::action::{Action, Before, BoxFuture, Cx, Failure, FailureKind, Outcome, Outputs, Residue};
use runbook_core::value::ByteSize;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::disk::{blocking, failure, human};
use super::replace;

/// Checks the free space of the file system on which a path lies.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DiskFree {
    /// A folder or file; where it is not there yet, the nearest folder above it counts.
    #[schemars(extend("x-text" = "path"))]
    path: String,
    /// Less is a failure, such as `20GiB`.
    at_least: Option<ByteSize>,
}

impl Action for DiskFree {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let path = cx.base_dir().join(&self.path);
            let shown = path.display().to_string();
            let asked = blocking(cx, "asking the file system", None, move |_| {
                let there = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
                rustix::fs::statvfs(there).map_err(|error| failure(&error.into(), "looked at", &path, "path"))
            });
            let stat = match asked.await {
                Ok(stat) => stat,
                Err(broken) => return replace::broken(broken),
            };
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let outputs = Outputs::from_iter([
                ("free_bytes".to_owned(), Value::from(free)),
                ("total_bytes".to_owned(), Value::from(stat.f_blocks.saturating_mul(stat.f_frsize))),
            ]);
            match &self.at_least {
                Some(wanted) if free < wanted.get() => {
                    let message = format!("{} are free at `{shown}`, at least {} are needed", human(free), human(wanted.get()));
                    let mut failure = Failure::new(FailureKind::Exhausted, message).field("at_least");
                    failure.retryable = true;
                    Outcome::Failed { failure, residue: Residue::None, outputs }
                }
                Some(_) | None => Outcome::unchanged(outputs),
            }
        })
    }
}
