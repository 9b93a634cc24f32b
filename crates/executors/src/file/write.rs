//! `file.write`.

use runbook_core::action::{Action, Before, BoxFuture, Cx, Failure, Outcome, Verdict};
use runbook_core::value::OctalMode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::disk::{blocking, digest_text};
use super::replace::{self, Wish};

/// Writes a text file. Nothing happens where the same content is there already.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Write {
    /// The file; a relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    path: String,
    /// The whole content.
    #[schemars(extend("x-secret" = "accept"))]
    text: String,
    /// Its mode, such as `0640`; that of the file that is there, else `0644`.
    mode: Option<OctalMode>,
    /// Whether a file that is there may be replaced; its content is kept in the run's folder.
    #[serde(default)]
    overwrite: bool,
}

impl Action for Write {
    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(replace::capture(cx, cx.base_dir().join(&self.path), "path"))
    }

    fn run<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let path = cx.base_dir().join(&self.path);
            let wanted = digest_text(&self.text);
            if replace::former(before) == Some(wanted.sha256.as_str()) {
                return Outcome::unchanged(replace::outputs(&path, &wanted));
            }
            let wish = Wish { mode: self.mode.map(OctalMode::get), overwrite: self.overwrite, field: "path" };
            let (target, content) = (path.clone(), self.text.clone());
            match blocking(cx, "writing", None, move |watch| replace::put(&target, &mut content.as_bytes(), &wish, watch)).await {
                Ok(written) => Outcome::changed(replace::outputs(&path, &written)),
                Err(broken) => replace::broken(broken),
            }
        })
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(replace::probe(cx, cx.base_dir().join(&self.path), digest_text(&self.text), before))
    }
}
