//! `sql.manifest`: the proof for a dump that another tool wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Failure, Residue, Settled, SqlText, Target, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::backup::folder::{remove_partial, same_effect};
use super::backup::foreign::{Request, prove};
use super::backup::{Manifest, Report, ToolInfo, verify};
use super::quote::bad_identifier;
use super::session::Dialer;
use super::settle::settle;
use super::target::Mysql;

/// Writes `manifest.json` for a dump that another tool wrote: what the server says of the database (tables, rows, checksums, definitions), and the
/// size and SHA-256 of every file in the folder.
///
/// The tool's files and the manifest are of one state only when nothing was written in between: stop what writes, dump, and let this follow at once.
/// That the files hold what the manifest says is proved by loading them and by `sql.compare`. Nothing in the folder is changed, and a manifest is
/// never written over.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteManifest {
    /// The server.
    #[schemars(extend("x-target" = "mysql"))]
    target: Target<Mysql>,
    /// The database that was dumped.
    #[schemars(extend("x-text" = "name"))]
    database: String,
    /// The folder with the other tool's files, in which the manifest will stand. A relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    dir: PathBuf,
    /// Which program wrote the files, for the manifest. Of `obdumper` it is known that every table with rows has a file of its own: one without is
    /// refused.
    #[schemars(extend("x-text" = "name"))]
    tool: String,
    /// That program's version, where it is known.
    #[serde(default)]
    tool_version: String,
    /// Questions whose answers go into the manifest, as for `sql.dump`.
    #[serde(default)]
    facts: BTreeMap<String, SqlText>,
    /// Names of tables and other objects that the tool left out.
    #[serde(default)]
    without: Vec<String>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("manifest", OutputKind::String, "The path of the manifest."),
        OutputSpec::new("dir", OutputKind::String, "The path of the backup's folder."),
        OutputSpec::new("database", OutputKind::String, "The database's name."),
        OutputSpec::new("tables", OutputKind::Int, "How many tables it has."),
        OutputSpec::new("rows", OutputKind::Int, "How many rows it has."),
        OutputSpec::new("files", OutputKind::Int, "How many files the other tool wrote."),
        OutputSpec::new("bytes", OutputKind::Int, "The size of all files."),
        OutputSpec::new("taken_at", OutputKind::String, "When the server was asked, UTC."),
        OutputSpec::new("facts", OutputKind::Map, "The answers to the questions of `facts`, each a list."),
    ],
    before: &[OutputSpec::new("existed", OutputKind::Bool, "Whether there was a manifest already.")],
    example: r#"sql.manifest = { target = "metadb", database = "odc_metadb", dir = "/backup/odc", tool = "obdumper" }"#,
    schema: runbook_core::described!(WriteManifest, "sql.manifest"),
    ..ActionSpec::of::<WriteManifest>("manifest", Class::IDEMPOTENT, "Writes the manifest for a dump that another tool wrote.")
};

impl WriteManifest {
    fn path(&self, cx: Cx<'_>) -> PathBuf {
        cx.base_dir().join(&self.dir).join("manifest.json")
    }

    fn outputs(&self, dir: &Path, manifest: &Manifest) -> Outputs {
        let outputs = json!({
            "manifest": dir.join("manifest.json"),
            "dir": dir,
            "database": self.database,
            "tables": manifest.contents.tables.len(),
            "rows": manifest.contents.rows(),
            "files": manifest.files.len(),
            "bytes": manifest.bytes(),
            "taken_at": manifest.taken_at.to_string(),
            "facts": manifest.facts,
        });
        if let Value::Object(outputs) = outputs { outputs } else { Outputs::new() }
    }
}

impl Action for WriteManifest {
    fn validate(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if let Some(why) = bad_identifier(&self.database) {
            faults.push(FieldFault::new("database", format!("the name `{}` {why}", self.database)));
        }
        if self.tool.trim().is_empty() || self.tool.chars().any(char::is_control) {
            faults.push(FieldFault::new("tool", "the name of the tool is empty or not printable").help("write `tool = \"obdumper\"`"));
        }
        if self.tool == "runbook" {
            faults.push(FieldFault::new("tool", "a dump of this program has its manifest already").help("use `sql.dump` alone"));
        }
        faults
    }

    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async move {
            let existed = self.path(cx).symlink_metadata().is_ok();
            Ok(Before([("existed".to_owned(), existed.into())].into_iter().collect()))
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            let dir = cx.base_dir().join(&self.dir);
            let request = Request {
                database: &self.database,
                dir: dir.clone(),
                tool: ToolInfo { name: self.tool.clone(), version: self.tool_version.clone() },
                facts: &self.facts,
                without: &self.without,
                address: self.target.settings.address(),
            };
            match dialer.guarded(prove(&dialer, &request)).await {
                Ok(manifest) => Outcome::changed(self.outputs(&dir, &manifest)),
                Err(fault) => fault.outcome(Residue::None),
            }
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            for partial in evidence.iter().filter_map(|e| e.get("partial")?.as_str()) {
                remove_partial(Path::new(partial));
            }
            settle(cx, &self.target, evidence).await
        })
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let path = self.path(cx);
            if path.symlink_metadata().is_err() || before.0.get("existed") == Some(&Value::Bool(true)) {
                // The manifest gets its name last; one that was there before is not touched.
                return Verdict::NotDone;
            }
            match verify(&path, &|_| false).and_then(Report::into_good) {
                Ok(report) if same_effect(&report.manifest.made_by, cx.mark()) => {
                    Verdict::Done { outputs: self.outputs(report.folder(), &report.manifest), changed: true }
                }
                Ok(report) => Verdict::Unknown { why: format!("`{}` was written by `{}`", path.display(), report.manifest.made_by) },
                Err(failure) => Verdict::Unknown { why: failure.message },
            }
        })
    }
}
