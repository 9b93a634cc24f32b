//! `sql.restore`: a database as it was when a backup was taken.

use std::path::PathBuf;

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Failure, Residue, Settled, Target, Verdict};
use runbook_core::effect::Role;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::backup::compare::is_part_of;
use super::backup::connections::Connections;
use super::backup::folder::remove_partial;
use super::backup::gate::{Present, look, name_faults};
use super::backup::read_manifest;
use super::backup::restore::{AsideOnError, Request, Restored, restore};
use super::compare::database_differences;
use super::failure::{Fault, Sql};
use super::session::Dialer;
use super::settle::settle;
use super::target::Mysql;
use super::verify_backup::verified;

/// Restores a database from a backup of `sql.dump`, and succeeds only when every table and object is what the manifest says.
///
/// Goes into a database that is absent or empty, under any name. With `recreate`, a database that holds something is dumped to `aside` and dropped
/// first; nothing is dropped before the backup was read back whole, and the dump aside too. An attempt that ended in the middle is recognised, and
/// the next one starts over.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restore {
    /// The server.
    #[schemars(extend("x-target" = "mysql"))]
    target: Target<Mysql>,
    /// The manifest, or the backup's folder. A relative path starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    manifest: PathBuf,
    /// The database to restore into; it need not have the name of the one that was dumped.
    #[schemars(extend("x-text" = "name"))]
    into: String,
    /// Whether a database that holds something may be dropped. Wants `aside`, except in an undo: what stands there then is the undone step's work.
    #[serde(default)]
    recreate: bool,
    /// The folder to be for a backup of the present state, made before anything is dropped. An existing one is taken only when it is a good backup
    /// of just what stands there: a second attempt finds the first one's.
    #[serde(default)]
    #[schemars(extend("x-text" = "path"))]
    aside: Option<PathBuf>,
    /// What to do when the present state cannot be dumped, because it is broken: `stop`, or `ask` a person whether to drop it all the same.
    #[serde(default)]
    aside_on_error: AsideOnError,
    /// How many connections work side by side at most, from 1 to 32.
    #[serde(default)]
    connections: Connections,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("tables", OutputKind::Int, "How many tables were restored."),
        OutputSpec::new("rows", OutputKind::Int, "How many rows were restored."),
        OutputSpec::new("aside", OutputKind::Any, "The manifest of what stood there before, or null where nothing had to be kept."),
        OutputSpec::new("seconds", OutputKind::Int, "How long it took, comparison included."),
    ],
    before: &[
        OutputSpec::new("existed", OutputKind::Bool, "Whether the database was there."),
        OutputSpec::new("objects", OutputKind::Int, "How many tables and other objects it held."),
    ],
    example: r#"sql.restore = { target = "metadb", manifest = "/backup/odc/manifest.json", into = "odc_metadb", recreate = true, aside = "/backup/odc-failed" }"#,
    schema: runbook_core::described!(Restore, "sql.restore"),
    ..ActionSpec::of::<Restore>("restore", Class::IDEMPOTENT, "Restores a database from a backup, and compares it with the manifest.")
};

impl Restore {
    async fn before(&self, dialer: &Dialer<'_>) -> Sql<Before> {
        let mut session = dialer.connect_bare().await?;
        let (existed, objects) = match look(&mut session, &self.into).await? {
            Present::Absent => (false, 0),
            Present::Empty | Present::Begun(_) => (true, 0),
            Present::Full(objects) => (true, objects),
        };
        session.close().await;
        Ok(Before([("existed".to_owned(), existed.into()), ("objects".to_owned(), objects.into())].into_iter().collect()))
    }

    async fn work(&self, dialer: &Dialer<'_>, restored: &mut Restored) -> Sql<()> {
        let cx = dialer.cx();
        let report = verified(cx, cx.base_dir().join(&self.manifest)).await?;
        let request = Request {
            report: &report,
            into: &self.into,
            recreate: self.recreate,
            aside: self.aside.as_ref().map(|aside| cx.base_dir().join(aside)),
            aside_on_error: self.aside_on_error,
            undo: matches!(cx.effect().role, Role::Undo(_)),
            connections: self.connections.get(),
            address: self.target.settings.address(),
            rehearsal: false,
        };
        restore(dialer, &request, restored).await
    }

    async fn ask_whether_done(&self, dialer: &Dialer<'_>, before: &Before) -> Sql<Verdict> {
        let cx = dialer.cx();
        let existed = before.0.get("existed") == Some(&Value::Bool(true));
        let mut session = dialer.connect_bare().await?;
        let present = look(&mut session, &self.into).await?;
        session.close().await;
        match present {
            Present::Absent if existed => return Ok(Verdict::Partial { why: format!("`{}` was dropped and is not there", self.into) }),
            Present::Absent => return Ok(Verdict::NotDone),
            Present::Begun(_) => {
                return Ok(Verdict::Partial { why: format!("the restore into `{}` was begun and not finished", self.into) });
            }
            Present::Empty | Present::Full(_) => {}
        }
        let manifest = read_manifest(&cx.base_dir().join(&self.manifest))?;
        let (found, actual) = database_differences(dialer, &self.into, &manifest.server, &manifest.contents, &[]).await?;
        if found.is_empty() {
            let restored = Restored { contents: Some(actual), aside: self.aside_manifest(cx), touched: true };
            return Ok(Verdict::Done { outputs: outputs(&restored, 0), changed: true });
        }
        if !existed {
            return Ok(Verdict::Partial { why: format!("`{}` is there and is not what the manifest says", self.into) });
        }
        // A person may have let it be dropped without a dump aside, and the process died before or in the middle of that.
        let held = before.0.get("objects").and_then(Value::as_u64).unwrap_or(0);
        let holds = (actual.tables.len() + actual.objects.len()) as u64;
        if holds < held {
            return Ok(Verdict::Partial {
                why: format!("`{}` held {held} objects, holds {holds}, and is not what the manifest says", self.into),
            });
        }
        match (&self.aside, self.aside_manifest(cx)) {
            // Nothing is dropped before the dump aside is there.
            (Some(_), None) => Ok(Verdict::NotDone),
            (Some(_), Some(path)) => {
                let aside = read_manifest(&path)?;
                if is_part_of(&aside.contents, &actual) {
                    return Ok(Verdict::NotDone);
                }
                Ok(Verdict::Partial { why: format!("`{}` is neither what it was nor what the manifest says", self.into) })
            }
            (None, _) => {
                Ok(Verdict::Unknown { why: format!("`{}` is not what the manifest says, and what it was is not known", self.into) })
            }
        }
    }

    fn aside_manifest(&self, cx: Cx<'_>) -> Option<PathBuf> {
        self.aside.as_ref().map(|aside| cx.base_dir().join(aside).join("manifest.json")).filter(|path| path.is_file())
    }
}

fn outputs(restored: &Restored, seconds: i64) -> Outputs {
    let contents = restored.contents.as_ref();
    let outputs = json!({
        "tables": contents.map_or(0, |contents| contents.tables.len()),
        "rows": contents.map_or(0, super::backup::Contents::rows),
        "aside": restored.aside,
        "seconds": seconds,
    });
    if let Value::Object(outputs) = outputs { outputs } else { Outputs::new() }
}

impl Action for Restore {
    fn validate(&self) -> Vec<FieldFault> {
        let mut faults = name_faults("into", &self.into);
        if self.aside.is_some() && !self.recreate {
            faults.push(
                FieldFault::new("aside", "`aside` has no meaning without `recreate = true`")
                    .help("write `recreate = true`, or leave it out"),
            );
        }
        faults
    }

    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            dialer.guarded(self.before(&dialer)).await.map_err(|fault| *fault.failure)
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let began = cx.now();
            let dialer = Dialer::new(cx, &self.target);
            let mut restored = Restored::default();
            let result: Result<(), Fault> = dialer.guarded(self.work(&dialer, &mut restored)).await;
            match result {
                Ok(()) => Outcome::changed(outputs(&restored, cx.now().as_second() - began.as_second())),
                Err(fault) if restored.touched => {
                    let mut outcome = fault.outcome(Residue::Partial);
                    if let Outcome::Failed { failure, outputs, .. } = &mut outcome {
                        // Half a database is in nobody's way of trying again.
                        failure.retryable = true;
                        outputs.insert("aside".to_owned(), json!(restored.aside));
                    }
                    outcome
                }
                Err(fault) => fault.outcome(Residue::None),
            }
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move {
            for partial in evidence.iter().filter_map(|e| e.get("partial")?.as_str()) {
                remove_partial(std::path::Path::new(partial));
            }
            settle(cx, &self.target, evidence).await
        })
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            match dialer.guarded(self.ask_whether_done(&dialer, before)).await {
                Ok(verdict) => verdict,
                Err(fault) => Verdict::Unknown { why: fault.failure.message },
            }
        })
    }
}
