//! `sql.dump`: a backup of one database, with its proof.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Failure, Residue, Settled, SqlText, Target, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::backup::connections::Connections;
use super::backup::dump::{Request, dump};
use super::backup::folder::{remove_partial, same_effect};
use super::backup::{Manifest, verify};
use super::query::no_question;
use super::quote::bad_identifier;
use super::session::Dialer;
use super::settle::settle;
use super::target::Mysql;

/// Writes a backup of a database into a new folder: plain SQL that the `mysql` client can load, and `manifest.json` with the proof.
///
/// All rows are of one moment. Nothing is ever written into a folder that is there already; a dump that fails leaves no folder.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Dump {
    /// The server.
    #[schemars(extend("x-target" = "mysql"))]
    target: Target<Mysql>,
    /// The database to dump.
    #[schemars(extend("x-text" = "name"))]
    database: String,
    /// The folder to be, which must not exist. A relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    to: PathBuf,
    /// Questions whose answers go into the manifest, by name: each one statement that reads. An answer is the list of the rows' values; rows of
    /// several columns are lists themselves.
    #[serde(default)]
    facts: BTreeMap<String, SqlText>,
    /// Names of tables and other objects that are left out. What cannot be dumped fails the step unless it is listed here.
    #[serde(default)]
    without: Vec<String>,
    /// Whether the files are packed.
    #[serde(default)]
    compress: Compress,
    /// How many connections read side by side at most, from 1 to 32. They see one moment: on OceanBase by its number; on MySQL and MariaDB the
    /// commits or the tables are locked for the instant in which they begin, and where the user may not do that, one connection reads.
    #[serde(default)]
    connections: Connections,
}

/// How files are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Compress {
    /// Not at all.
    #[default]
    None,
    /// With gzip.
    Gzip,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("manifest", OutputKind::String, "The path of the manifest."),
        OutputSpec::new("dir", OutputKind::String, "The path of the backup's folder."),
        OutputSpec::new("database", OutputKind::String, "The database's name."),
        OutputSpec::new("tables", OutputKind::Int, "How many tables were dumped."),
        OutputSpec::new("rows", OutputKind::Int, "How many rows were dumped."),
        OutputSpec::new("bytes", OutputKind::Int, "The size of all files."),
        OutputSpec::new("taken_at", OutputKind::String, "When the snapshot was taken, UTC."),
        OutputSpec::new("facts", OutputKind::Map, "The answers to the questions of `facts`, each a list."),
    ],
    before: &[OutputSpec::new("existed", OutputKind::Bool, "Whether the folder was there already.")],
    sql_begins: Some(no_question),
    example: r#"sql.dump = { target = "metadb", database = "odc_metadb", to = "/backup/odc", facts = { migrations = "select version from migrate_schema_history where success = 1" } }"#,
    schema: runbook_core::described!(Dump, "sql.dump"),
    ..ActionSpec::of::<Dump>("dump", Class::IDEMPOTENT, "Writes a backup of a database, with a manifest that proves it.")
};

impl Dump {
    fn outputs(&self, to: &Path, manifest: &Manifest) -> Outputs {
        let outputs = json!({
            "manifest": to.join("manifest.json"),
            "dir": to,
            "database": self.database,
            "tables": manifest.contents.tables.len(),
            "rows": manifest.contents.rows(),
            "bytes": manifest.bytes(),
            "taken_at": manifest.taken_at.to_string(),
            "facts": manifest.facts,
        });
        if let Value::Object(outputs) = outputs { outputs } else { Outputs::new() }
    }
}

impl Action for Dump {
    fn validate(&self) -> Vec<FieldFault> {
        bad_identifier(&self.database)
            .map(|why| FieldFault::new("database", format!("the name `{}` {why}", self.database)))
            .into_iter()
            .collect()
    }

    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async move {
            let existed = cx.base_dir().join(&self.to).symlink_metadata().is_ok();
            Ok(Before([("existed".to_owned(), existed.into())].into_iter().collect()))
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            let to = cx.base_dir().join(&self.to);
            let request = Request {
                database: &self.database,
                to: to.clone(),
                facts: &self.facts,
                without: &self.without,
                gzip: self.compress == Compress::Gzip,
                address: self.target.settings.address(),
                connections: self.connections.get(),
                unfinished: false,
            };
            match dialer.guarded(dump(&dialer, &request)).await {
                Ok(manifest) => Outcome::changed(self.outputs(&to, &manifest)),
                Err(mut fault) => {
                    // The folder, or the disk below it.
                    let of_folder = fault.code.is_none() && fault.failure.message.contains(&*to.parent().unwrap_or(&to).to_string_lossy());
                    if of_folder {
                        fault = fault.field("to");
                    }
                    fault.outcome(Residue::None)
                }
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
            let to = cx.base_dir().join(&self.to);
            if to.symlink_metadata().is_err() || before.0.get("existed") == Some(&Value::Bool(true)) {
                // The folder gets its name last; one that was there before is not touched.
                return Verdict::NotDone;
            }
            match verify(&to, &|_| false).and_then(super::backup::Report::into_good) {
                Ok(report) if same_effect(&report.manifest.made_by, cx.mark()) => {
                    Verdict::Done { outputs: self.outputs(&to, &report.manifest), changed: true }
                }
                Ok(report) => Verdict::Unknown { why: format!("`{}` was written by `{}`", to.display(), report.manifest.made_by) },
                Err(failure) => Verdict::Unknown { why: failure.message },
            }
        })
    }
}
