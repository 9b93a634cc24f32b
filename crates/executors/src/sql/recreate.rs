//! `sql.recreate`: an empty database where a full one was, behind the manifests of two backups.

use std::path::PathBuf;

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Failure, FailureKind, Residue, Settled, Target, Verdict};
use runbook_core::effect::Role;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::backup::gate::{Present, drop_database, is_kept, look, name_faults, refuse_connected, refuse_references};
use super::backup::inventory::schema;
use super::backup::{Contents, read_manifest};
use super::failure::Sql;
use super::quote::name;
use super::session::Dialer;
use super::settle::settle;
use super::target::Mysql;
use super::verify_backup::verified;

/// Drops a database and creates it empty, with the character set and collation that a backup says: for a loader that does not empty it itself, such
/// as `obloader`.
///
/// Nothing is dropped before the backup to be loaded was read back whole, and the backup of the present state too, and before the latter was found to
/// hold everything that still stands there. A database that is absent is created; an empty one gets the character set and collation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Recreate {
    /// The server.
    #[schemars(extend("x-target" = "mysql"))]
    target: Target<Mysql>,
    /// The database.
    #[schemars(extend("x-text" = "name"))]
    database: String,
    /// The manifest of the backup that will be loaded, or its folder; it must be one of this very database. A relative path starts from the runbook's
    /// folder.
    #[schemars(extend("x-text" = "path"))]
    manifest: PathBuf,
    /// The manifest of a backup of the present state, or its folder, as `sql.dump` makes it. Wanted where the database holds something, except in an
    /// undo: what stands there then is the undone step's work.
    #[serde(default)]
    #[schemars(extend("x-text" = "path"))]
    aside: Option<PathBuf>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("dropped", OutputKind::Int, "How many tables and other objects were dropped."),
        OutputSpec::new("aside", OutputKind::Any, "The manifest of what stood there before, or null where nothing had to be kept."),
        OutputSpec::new("charset", OutputKind::String, "The database's character set now."),
        OutputSpec::new("collation", OutputKind::String, "The database's collation now."),
    ],
    before: &[
        OutputSpec::new("existed", OutputKind::Bool, "Whether the database was there."),
        OutputSpec::new("objects", OutputKind::Int, "How many tables and other objects it held."),
    ],
    example: r#"sql.recreate = { target = "metadb", database = "odc_metadb", manifest = "/backup/odc/manifest.json", aside = "/backup/odc-failed/manifest.json" }"#,
    schema: runbook_core::described!(Recreate, "sql.recreate"),
    ..ActionSpec::of::<Recreate>(
        "recreate",
        Class::IDEMPOTENT,
        "Drops a database and creates it empty, behind the manifests of two backups.",
    )
};

/// How far it came.
#[derive(Default)]
struct Progress {
    touched: bool,
}

impl Recreate {
    async fn before(&self, dialer: &Dialer<'_>) -> Sql<Before> {
        let mut session = dialer.connect_bare().await?;
        let (existed, objects) = match look(&mut session, &self.database).await? {
            Present::Absent => (false, 0),
            Present::Empty => (true, 0),
            // The marker of an unfinished restore is an object as well.
            Present::Begun(_) => (true, 1),
            Present::Full(objects) => (true, objects),
        };
        session.close().await;
        Ok(Before([("existed".to_owned(), existed.into()), ("objects".to_owned(), objects.into())].into_iter().collect()))
    }

    async fn work(&self, dialer: &Dialer<'_>, before: &Before, progress: &mut Progress) -> Sql<Outputs> {
        let cx = dialer.cx();
        let report = verified(cx, cx.base_dir().join(&self.manifest)).await?;
        if report.manifest.database != self.database {
            return Err(Failure::new(
                FailureKind::Conflict,
                format!("the backup is one of `{}`, and `{}` would be dropped for it", report.manifest.database, self.database),
            )
            .field("manifest")
            .help("give the manifest of a backup of this database")
            .into());
        }
        let mut session = dialer.connect_bare().await?;
        let present = look(&mut session, &self.database).await?;
        let undo = matches!(cx.effect().role, Role::Undo(_));
        match &present {
            Present::Absent | Present::Empty => {}
            Present::Begun(_) | Present::Full(_) => {
                refuse_references(&mut session, &self.database).await.map_err(|fault| fault.field("database"))?;
                if !undo {
                    refuse_connected(&mut session, &self.database, cx).await.map_err(|fault| fault.field("database"))?;
                    self.present_is_kept(dialer).await?;
                    refuse_connected(&mut session, &self.database, cx).await.map_err(|fault| fault.field("database"))?;
                }
            }
        }
        let contents = &report.manifest.contents;
        progress.touched = true;
        let into = name(&self.database);
        let verb = if matches!(present, Present::Empty) { "ALTER" } else { "CREATE" };
        if matches!(present, Present::Begun(_) | Present::Full(_)) {
            drop_database(dialer, &mut session, &self.database)
                .await
                .inspect_err(|fault| progress.touched = fault.failure.kind != FailureKind::Denied)?;
        }
        session.run(&format!("{verb} DATABASE {into} CHARACTER SET {} COLLATE {}", contents.charset, contents.collation)).await?;
        let now = schema(&mut session, &self.database).await?;
        session.close().await;
        if now.as_ref() != Some(&(contents.charset.clone(), contents.collation.clone())) {
            let (charset, collation) = now.unwrap_or_default();
            return Err(Failure::new(
                FailureKind::Unexpected,
                format!(
                    "`{}` was created with `{charset}` and `{collation}`, and the backup has `{}` and `{}`",
                    self.database, contents.charset, contents.collation
                ),
            )
            .into());
        }
        Ok(self.outputs(cx, before, contents))
    }

    async fn present_is_kept(&self, dialer: &Dialer<'_>) -> Sql<()> {
        let Some(aside) = &self.aside else {
            return Err(Failure::new(
                FailureKind::Conflict,
                format!("the database `{}` would be dropped, and nothing says where its present state is kept", self.database),
            )
            .field("aside")
            .help("dump it first with `sql.dump`, and give that backup's manifest for `aside`")
            .into());
        };
        let kept = verified(dialer.cx(), dialer.cx().base_dir().join(aside)).await.map_err(|mut fault| {
            fault.failure.field = Some("aside".to_owned());
            fault
        })?;
        is_kept(dialer, &self.database, &kept, "aside").await
    }

    fn outputs(&self, cx: Cx<'_>, before: &Before, contents: &Contents) -> Outputs {
        let held = before.0.get("objects").and_then(Value::as_u64).unwrap_or(0);
        let aside = self.aside.as_ref().filter(|_| held > 0).map(|aside| super::backup::manifest_path(&cx.base_dir().join(aside)));
        let outputs = json!({ "dropped": held, "aside": aside, "charset": contents.charset, "collation": contents.collation });
        if let Value::Object(outputs) = outputs { outputs } else { Outputs::new() }
    }

    async fn ask_whether_done(&self, dialer: &Dialer<'_>, before: &Before) -> Sql<Verdict> {
        let cx = dialer.cx();
        let existed = before.0.get("existed") == Some(&Value::Bool(true));
        let held = before.0.get("objects").and_then(Value::as_u64).unwrap_or(0);
        let mut session = dialer.connect_bare().await?;
        let present = look(&mut session, &self.database).await?;
        let now = schema(&mut session, &self.database).await?;
        session.close().await;
        let verdict = match present {
            Present::Absent if existed => Verdict::Partial { why: format!("`{}` was dropped and not created again", self.database) },
            Present::Absent => Verdict::NotDone,
            Present::Empty => {
                let contents = read_manifest(&cx.base_dir().join(&self.manifest))?.contents;
                if now == Some((contents.charset.clone(), contents.collation.clone())) {
                    Verdict::Done { outputs: self.outputs(cx, before, &contents), changed: true }
                } else if held == 0 && existed {
                    Verdict::NotDone
                } else {
                    Verdict::Partial { why: format!("`{}` is empty and has another character set or collation", self.database) }
                }
            }
            // A `DROP DATABASE` may have been interrupted half-way.
            Present::Begun(_) => Verdict::Partial { why: format!("`{}` holds the beginning of a restore", self.database) },
            Present::Full(objects) if objects as u64 == held => Verdict::NotDone,
            Present::Full(objects) => Verdict::Partial { why: format!("`{}` held {held} objects and holds {objects}", self.database) },
        };
        Ok(verdict)
    }
}

impl Action for Recreate {
    fn validate(&self) -> Vec<FieldFault> {
        name_faults("database", &self.database)
    }

    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            dialer.guarded(self.before(&dialer)).await.map_err(|fault| *fault.failure)
        })
    }

    fn run<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            let mut progress = Progress::default();
            match dialer.guarded(self.work(&dialer, before, &mut progress)).await {
                Ok(outputs) => Outcome::changed(outputs),
                Err(fault) => fault.outcome(if progress.touched { Residue::Partial } else { Residue::None }),
            }
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(settle(cx, &self.target, evidence))
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
