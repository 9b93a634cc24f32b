//! `file.put_back`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use runbook_core::action::{Action, Before, BoxFuture, Cx, Failure, Outcome, Outputs};
use schemars::JsonSchema;
use serde::Deserialize;

use super::disk::{self, Watch, blocking, failure};
use super::replace::{self, Wish};

/// Puts back what `file.write` or `file.copy` found before it changed anything: the former content, or no file where there was none. For their undo.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutBack {
    /// The file; a relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    path: String,
    /// Where the former content stands: `{{before.kept}}`. Empty means that there was no file: then it is removed.
    #[schemars(extend("x-text" = "path"))]
    kept: String,
}

impl Action for PutBack {
    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(replace::capture(cx, cx.base_dir().join(&self.path), "path"))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let path = cx.base_dir().join(&self.path);
            let kept = (!self.kept.is_empty()).then(|| cx.base_dir().join(&self.kept));
            let former = replace::former(before).map(str::to_owned);
            match blocking(cx, "putting back", None, move |watch| put_back(&path, kept, former.as_deref(), watch)).await {
                Ok(changed) => Outcome::Succeeded { outputs: Outputs::new(), changed },
                Err(broken) => replace::broken(broken),
            }
        })
    }
}

/// Whether anything had to be changed. `there` is the digest of what is at `path` now.
fn put_back(path: &Path, kept: Option<PathBuf>, there: Option<&str>, watch: &Watch) -> Result<bool, Failure> {
    let Some(kept) = kept else {
        return match std::fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failure(&error, "removed", path, "path")),
        };
    };
    let wanted = disk::digest(&kept, watch).map_err(|error| failure(&error, "read", &kept, "kept"))?;
    if there == Some(wanted.sha256.as_str()) {
        return Ok(false);
    }
    let mut file = File::open(&kept).map_err(|error| failure(&error, "read", &kept, "kept"))?;
    let mode = file.metadata().ok().map(|meta| std::os::unix::fs::MetadataExt::mode(&meta) & 0o777);
    replace::put(path, &mut file, &Wish { mode, overwrite: true, field: "path" }, watch).map(|_| true)
}
