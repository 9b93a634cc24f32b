//! `sql.verify_backup`: whether a backup is what its manifest says.

use std::path::PathBuf;

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Failure, FailureKind, Progress, Residue, Settled, Target, Unit, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::backup::connections::Connections;
use super::backup::folder::{effect_digest, same_effect};
use super::backup::gate::{Present, look, name_faults};
use super::backup::restore::{AsideOnError, Request, Restored, discard, restore};
use super::backup::{Report, blocking, verify};
use super::failure::{Fault, Sql};
use super::session::{Dialer, mark};
use super::settle::settle;
use super::target::Mysql;

/// Reads a backup back: the manifest, and of every file the presence, the size, the SHA-256 and the end. Asks no server and changes nothing.
///
/// With `deep` it is also restored: into a database that does not exist, is compared with the manifest and dropped again. Then it is a step, not a
/// check. Of a dump that another tool wrote the files' ends are not looked at, and it cannot be restored here.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyBackup {
    /// The manifest, or the backup's folder. A relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    manifest: PathBuf,
    /// Whether it is also restored, compared and dropped again. Wants `target`.
    #[serde(default)]
    deep: bool,
    /// The server on which that is done, with `deep`. The server that was dumped proves the most: elsewhere definitions are not compared.
    #[serde(default)]
    #[schemars(extend("x-target" = "mysql"))]
    target: Option<Target<Mysql>>,
    /// The name of the database for it, with `deep`. None of that name may exist. Without a name it is one that begins with `runbook_verify_`.
    #[serde(default)]
    #[schemars(extend("x-text" = "name"))]
    scratch: Option<String>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    changes_with: Some("deep"),
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
        OutputSpec::new(
            "snapshot",
            OutputKind::String,
            "What made it consistent: `as_of`, `transaction`, or `afterwards` where another tool wrote it.",
        ),
        OutputSpec::new("tool", OutputKind::String, "Which program wrote the files: `runbook`, or the one that `sql.manifest` was told."),
        OutputSpec::new("manifest", OutputKind::String, "The path of the manifest."),
        OutputSpec::new("deep", OutputKind::Bool, "Whether it was also restored, and equal to its manifest."),
    ],
    example: r#"sql.verify_backup = { manifest = "/backup/odc/manifest.json" }"#,
    schema: runbook_core::described!(VerifyBackup, "sql.verify_backup"),
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

fn outputs(report: &Report, deep: bool, cx: Cx<'_>) -> Outputs {
    let manifest = &report.manifest;
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
        "snapshot": manifest.snapshot.as_str(),
        "tool": manifest.tool.name,
        "manifest": report.path,
        "deep": deep,
    });
    if let Value::Object(outputs) = outputs { outputs } else { Outputs::new() }
}

impl VerifyBackup {
    /// The name of the scratch database: of every attempt of an effect the same.
    fn scratch(&self, cx: Cx<'_>) -> String {
        self.scratch.clone().unwrap_or_else(|| format!("runbook_verify_{}", effect_digest(cx.mark())))
    }

    /// Whether what stands under the scratch database's name is this effect's own work: by the marker, or an empty database under a name that nobody
    /// chose (the process may have died before the marker was there).
    fn is_own(&self, present: &Present, cx: Cx<'_>) -> bool {
        match present {
            Present::Begun(begun) => same_effect(&begun.mark, &mark(cx.mark())),
            Present::Empty => self.scratch.is_none(),
            Present::Absent | Present::Full(_) => false,
        }
    }

    /// Restores into the scratch database and drops it again. `touched` tells, also after a failure, whether something of it is left.
    async fn rehearse(&self, dialer: &Dialer<'_>, report: &Report, touched: &mut bool) -> Sql<()> {
        let cx = dialer.cx();
        let scratch = self.scratch(cx);
        let mut session = dialer.connect_bare().await?;
        let present = look(&mut session, &scratch).await?;
        if !matches!(present, Present::Absent) && !self.is_own(&present, cx) {
            return Err(Failure::new(FailureKind::Conflict, format!("there is a database `{scratch}` already, and it would be dropped"))
                .field("scratch")
                .help("give a name that no database has")
                .into());
        }
        let request = Request {
            report,
            into: &scratch,
            recreate: false,
            aside: None,
            aside_on_error: AsideOnError::Stop,
            undo: false,
            address: dialer.address(),
            connections: Connections::default().get(),
            rehearsal: true,
        };
        let mut restored = Restored::default();
        let result = restore(dialer, &request, &mut restored).await;
        *touched = restored.touched;
        if restored.touched && !result.as_ref().is_err_and(Fault::is_interruption) {
            // The first fault is the one that counts.
            let dropped =
                discard(dialer, &mut session, &scratch).await.map_err(|fault| fault.at(&format!("the database `{scratch}` is left")));
            *touched = dropped.is_err();
            result.and(dropped)?;
        } else {
            result?;
        }
        session.close().await;
        Ok(())
    }

    async fn work(&self, cx: Cx<'_>, touched: &mut bool) -> Sql<Report> {
        let report = verified(cx, cx.base_dir().join(&self.manifest)).await?;
        if let (true, Some(target)) = (self.deep, &self.target) {
            let dialer = Dialer::new(cx, target);
            dialer.guarded(self.rehearse(&dialer, &report, touched)).await?;
        }
        Ok(report)
    }
}

impl Action for VerifyBackup {
    fn validate(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if self.deep && self.target.is_none() {
            faults.push(FieldFault::new("deep", "`deep` wants a server to restore on").help("write `target = \"NAME\"` beside it"));
        }
        for (field, given) in [("target", self.target.is_some()), ("scratch", self.scratch.is_some())] {
            if given && !self.deep {
                faults.push(
                    FieldFault::new(field, format!("`{field}` has no meaning without `deep = true`"))
                        .help("write `deep = true`, or leave it out"),
                );
            }
        }
        if let Some(scratch) = &self.scratch {
            faults.extend(name_faults("scratch", scratch));
        }
        faults
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mut touched = false;
            match self.work(cx, &mut touched).await {
                // The scratch database is gone again: nothing is different now.
                Ok(report) => Outcome::unchanged(outputs(&report, self.deep, cx)),
                Err(fault) => fault.outcome(if touched { Residue::Partial } else { Residue::None }),
            }
        })
    }

    /// Also drops what is left of the scratch database: its marker says whose it is.
    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            let Some(target) = self.target.as_ref().filter(|_| self.deep) else { return Settled::AtRest };
            let settled = settle(cx, target, evidence).await;
            if settled == Settled::AtRest {
                let dialer = Dialer::new(cx, target);
                let scratch = self.scratch(cx);
                let dropping = async {
                    let mut session = dialer.connect_bare().await?;
                    let present = look(&mut session, &scratch).await?;
                    if self.is_own(&present, cx) {
                        discard(&dialer, &mut session, &scratch).await?;
                    }
                    session.close().await;
                    Ok(())
                };
                // What cannot be dropped is found again by the probe.
                let _: Sql<()> = dialer.guarded(dropping).await;
            }
            settled
        })
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            // Nothing of a verification stays that could be asked: it is made again.
            let Some(target) = self.target.as_ref().filter(|_| self.deep) else { return Verdict::NotDone };
            let dialer = Dialer::new(cx, target);
            let scratch = self.scratch(cx);
            let looking = async {
                let mut session = dialer.connect_bare().await?;
                let present = look(&mut session, &scratch).await?;
                session.close().await;
                Ok(matches!(present, Present::Absent))
            };
            match dialer.guarded(looking).await {
                Ok(true) => Verdict::NotDone,
                Ok(false) => Verdict::Partial { why: format!("the database `{scratch}` is still there") },
                Err(fault) => Verdict::Unknown { why: fault.failure.message },
            }
        })
    }
}
