//! `file.copy`.

use std::fs::File;

use runbook_core::action::{Action, Before, BoxFuture, Cx, Failure, Outcome, Verdict};
use runbook_core::value::OctalMode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::disk::{self, Broken, blocking, failure};
use super::replace::{self, Wish};

/// Copies a file. Nothing happens where the same content is there already.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Copy {
    /// The file to copy; a relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    from: String,
    /// Where to; a relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    to: String,
    /// Its mode, such as `0640`; that of the file that is there, else `0644`.
    mode: Option<OctalMode>,
    /// Whether a file that is there may be replaced; its content is kept in the run's folder.
    #[serde(default)]
    overwrite: bool,
}

impl Action for Copy {
    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(replace::capture(cx, cx.base_dir().join(&self.to), "to"))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (from, to) = (cx.base_dir().join(&self.from), cx.base_dir().join(&self.to));
            let wish = Wish { mode: self.mode.map(OctalMode::get), overwrite: self.overwrite, field: "to" };
            let size = std::fs::metadata(&from).ok().map(|meta| meta.len());
            let former = replace::former(before).map(str::to_owned);
            let target = to.clone();
            let done = blocking(cx, "copying", size, move |watch| {
                let there = disk::digest(&from, watch).map_err(|error| failure(&error, "read", &from, "from"))?;
                if former.as_ref() == Some(&there.sha256) {
                    return Ok((there, false));
                }
                let mut file = File::open(&from).map_err(|error| failure(&error, "read", &from, "from"))?;
                replace::put(&target, &mut file, &wish, watch).map(|written| (written, true))
            });
            match done.await {
                Ok((written, changed)) => Outcome::Succeeded { outputs: replace::outputs(&to, &written), changed },
                Err(broken) => replace::broken(broken),
            }
        })
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let from = cx.base_dir().join(&self.from);
            let wanted = blocking(cx, "reading", None, move |watch| {
                disk::digest(&from, watch).map_err(|error| failure(&error, "read", &from, "from"))
            });
            match wanted.await {
                Ok(wanted) => replace::probe(cx, cx.base_dir().join(&self.to), wanted, before).await,
                Err(Broken::Stopped) => Verdict::Unknown { why: "reading the file was stopped".to_owned() },
                Err(Broken::Failed(failure)) => Verdict::Unknown { why: failure.message },
            }
        })
    }
}
