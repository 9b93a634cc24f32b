//! `sql.script`: many statements, from a text or a file, one after the other.

use std::path::PathBuf;

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Progress, Settled, SqlText, Target, Unit};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::failure::Sql;
use super::quote;
use super::session::Dialer;
use super::settle::settle;
use super::statements::{Runner, Tally};
use super::target::Mysql;

/// Sends the statements of a text or a file one after the other, each on its own, and stops at the first error.
///
/// `DELIMITER` lines are understood as the `mysql` client does. There is no transaction around them: what was done before an error stays done.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    /// The server.
    #[schemars(extend("x-target" = "mysql"))]
    target: Target<Mysql>,
    /// The database to work in, instead of the target's own.
    #[serde(default)]
    #[schemars(extend("x-text" = "name"))]
    database: Option<String>,
    /// The statements; or else `file`.
    #[serde(default)]
    #[schemars(extend("x-secret" = "accept", "x-text" = "sql"))]
    sql: Option<SqlText>,
    /// A file with the statements, in UTF-8, packed where its name ends in `.gz`; or else `sql`. A relative path starts from the runbook's folder.
    #[serde(default)]
    #[schemars(extend("x-text" = "path"))]
    file: Option<PathBuf>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("statements", OutputKind::Int, "How many statements were carried out."),
        OutputSpec::new("rows", OutputKind::Int, "How many rows they matched."),
        OutputSpec::new("warnings", OutputKind::Int, "How many warnings the server gave."),
    ],
    example: r#"sql.script = { target = "metadb", file = "sql/grants.sql" }"#,
    schema: runbook_core::described!(Script, "sql.script"),
    ..ActionSpec::of::<Script>("script", Class::ONCE, "Carries out the statements of a text or a file, and stops at the first error.")
};

fn outputs(tally: Tally) -> Outputs {
    let mut outputs = Outputs::new();
    outputs.insert("statements".to_owned(), tally.statements.into());
    outputs.insert("rows".to_owned(), tally.rows.into());
    outputs.insert("warnings".to_owned(), tally.warnings.into());
    outputs
}

impl Script {
    async fn work(&self, dialer: &Dialer<'_>, tally: &mut Tally) -> Sql<()> {
        let mut session = dialer.connect(self.database.as_deref()).await?;
        let cx = dialer.cx();
        if let Some(text) = &self.sql {
            let text = quote::render(text, session.mode).map_err(|failure| failure.field("sql"))?;
            Runner { name: "`sql`".to_owned(), field: "sql", session: &mut session, tally }.text(&text).await?;
        }
        if let Some(file) = &self.file {
            let path = cx.base_dir().join(file);
            let mut progress = |tally: &Tally| {
                cx.progress(Progress { what: "statements".to_owned(), done: tally.statements, total: None, unit: Unit::Items });
            };
            let name = format!("`{}`", file.display());
            Runner { name, field: "file", session: &mut session, tally }.file(&path, &mut progress).await?;
        }
        session.close().await;
        Ok(())
    }
}

impl Action for Script {
    fn validate(&self) -> Vec<FieldFault> {
        match (&self.sql, &self.file) {
            (None, None) => vec![FieldFault::new("", "neither `sql` nor `file` is given").help("write one of them")],
            (Some(_), Some(_)) => vec![FieldFault::new("file", "`sql` and `file` exclude each other").help("write one of them")],
            (Some(_), None) | (None, Some(_)) => Vec::new(),
        }
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            let mut tally = Tally::default();
            match dialer.guarded(self.work(&dialer, &mut tally)).await {
                Ok(()) => Outcome::Succeeded { changed: tally.statements > 0, outputs: outputs(tally) },
                Err(fault) if fault.cancelled => Outcome::Cancelled { residue: tally.residue() },
                Err(fault) => Outcome::Failed { failure: *fault.failure, residue: tally.residue(), outputs: outputs(tally) },
            }
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(settle(cx, &self.target, evidence))
    }
}
