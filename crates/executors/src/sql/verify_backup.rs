//! `sql.verify_backup`: whether a backup is what its manifest says.

use std::path::PathBuf;

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Progress, Residue, Unit};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::backup::{Report, SnapshotInfo, blocking, verify};
use super::failure::Sql;

/// Reads a backup back: the manifest, and of every file the presence, the size, the SHA-256 and the end. Asks no server and changes nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyBackup {
    /// The manifest, or the backup's folder. A relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    manifest: PathBuf,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("facts", OutputKind::Map, "The answers to the questions that the dump asked, by name; each a list."),
        OutputSpec::new("database", OutputKind::String, "The name of the database that was dumped."),
        OutputSpec::new("tables", OutputKind::Int, "How many tables it had."),
        OutputSpec::new("rows", OutputKind::Int, "How many rows it had."),
        OutputSpec::new("bytes", OutputKind::Int, "The size of all files."),
        OutputSpec::new("taken_at", OutputKind::String, "When the snapshot was taken, UTC."),
        OutputSpec::new("age", OutputKind::Int, "How long ago that was, in seconds."),
        OutputSpec::new("server", OutputKind::String, "The kind of server: `oceanbase`, `mariadb` or `mysql`."),
        OutputSpec::new("server_version", OutputKind::String, "What the server said of its version."),
        OutputSpec::new("charset", OutputKind::String, "The database's character set."),
        OutputSpec::new("collation", OutputKind::String, "The database's collation."),
        OutputSpec::new("snapshot", OutputKind::String, "What made it consistent: `as_of` or `transaction`."),
        OutputSpec::new("manifest", OutputKind::String, "The path of the manifest."),
    ],
    example: r#"sql.verify_backup = { manifest = "/backup/odc/manifest.json" }"#,
    ..ActionSpec::of::<VerifyBackup>("verify_backup", Class::READ_ONLY, "Reads a backup back and compares it with its manifest.")
};

/// Verifies on a thread of its own, with progress.
pub(super) async fn verified(cx: Cx<'_>, path: PathBuf) -> Sql<Report> {
    let (told, mut news) = mpsc::unbounded_channel::<u64>();
    let reading = blocking(cx, move |stop| {
        let report = verify(&path, &|bytes| {
            // Nobody has to listen.
            let _ = told.send(bytes);
            stop()
        })?;
        report.into_good()
    });
    let telling = async {
        while let Some(done) = news.recv().await {
            cx.progress(Progress { what: "reading the backup".to_owned(), done, total: None, unit: Unit::Bytes });
        }
    };
    let (report, ()) = tokio::join!(reading, telling);
    report.map_err(|fault| fault.field("manifest"))
}

fn outputs(report: &Report, cx: Cx<'_>) -> Outputs {
    let manifest = &report.manifest;
    let snapshot = match manifest.snapshot {
        SnapshotInfo::AsOf { .. } => "as_of",
        SnapshotInfo::Transaction { .. } => "transaction",
    };
    let outputs = json!({
        "facts": manifest.facts,
        "database": manifest.database,
        "tables": manifest.contents.tables.len(),
        "rows": manifest.contents.rows(),
        "bytes": manifest.bytes(),
        "taken_at": manifest.taken_at.to_string(),
        "age": (cx.now().as_second() - manifest.taken_at.as_second()).max(0),
        "server": manifest.server.flavour.as_str(),
        "server_version": manifest.server.version,
        "charset": manifest.contents.charset,
        "collation": manifest.contents.collation,
        "snapshot": snapshot,
        "manifest": report.path,
    });
    if let Value::Object(outputs) = outputs { outputs } else { Outputs::new() }
}

impl Action for VerifyBackup {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match verified(cx, cx.base_dir().join(&self.manifest)).await {
                Ok(report) => Outcome::unchanged(outputs(&report, cx)),
                Err(fault) => fault.outcome(Residue::None),
            }
        })
    }
}
