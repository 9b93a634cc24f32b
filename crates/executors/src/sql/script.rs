//! `sql.script`: many statements, from a text or a file, one after the other.

use std::path::{Path, PathBuf};

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Failure, FailureKind, Progress, Residue, Settled, SqlText, Target, Unit};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncReadExt;

use super::failure::{Fault, Sql};
use super::quote;
use super::session::{Dialer, Session};
use super::settle::settle;
use super::split::{SplitFault, Splitter, Statement, head};
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
    #[schemars(extend("x-text" = "sql"))]
    sql: Option<SqlText>,
    /// A file with the statements, in UTF-8; or else `sql`. A relative path starts from the runbook's folder.
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
    ..ActionSpec::of::<Script>("script", Class::ONCE, "Carries out the statements of a text or a file, and stops at the first error.")
};

/// What was done so far.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    statements: u64,
    rows: u64,
    warnings: u64,
    /// Whether the last statement's end is not known.
    in_doubt: bool,
}

impl Tally {
    const fn residue(self) -> Residue {
        if self.in_doubt {
            Residue::Unknown
        } else if self.statements > 0 {
            Residue::Partial
        } else {
            Residue::None
        }
    }

    fn outputs(self) -> Outputs {
        let mut outputs = Outputs::new();
        outputs.insert("statements".to_owned(), self.statements.into());
        outputs.insert("rows".to_owned(), self.rows.into());
        outputs.insert("warnings".to_owned(), self.warnings.into());
        outputs
    }
}

impl Script {
    async fn work(&self, dialer: &Dialer<'_>, tally: &mut Tally) -> Sql<()> {
        let mut session = dialer.connect(self.database.as_deref()).await?;
        let mut splitter = Splitter::new(session.mode);
        if let Some(text) = &self.sql {
            let text = quote::render(text, session.mode).map_err(|failure| failure.field("sql"))?;
            let mut run = Run { name: "`sql`".to_owned(), field: "sql", session: &mut session, cx: dialer.cx(), tally };
            splitter.push(text.as_bytes());
            splitter.end();
            run.drain(&mut splitter).await?;
        }
        if let Some(file) = &self.file {
            let path = dialer.cx().base_dir().join(file);
            let mut run = Run { name: format!("`{}`", file.display()), field: "file", session: &mut session, cx: dialer.cx(), tally };
            run.file(&path, &mut splitter).await?;
        }
        session.close().await;
        Ok(())
    }
}

struct Run<'r, 'a> {
    name: String,
    field: &'static str,
    session: &'r mut Session<'a>,
    cx: Cx<'a>,
    tally: &'r mut Tally,
}

impl Run<'_, '_> {
    async fn file(&mut self, path: &Path, splitter: &mut Splitter) -> Sql<()> {
        let unreadable = |error: std::io::Error| {
            let kind = if error.kind() == std::io::ErrorKind::NotFound { FailureKind::NotFound } else { FailureKind::Denied };
            Failure::new(kind, format!("cannot read `{}`: {error}", path.display())).field("file")
        };
        let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
        let mut piece = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut piece).await.map_err(unreadable)?;
            splitter.push(piece.get(..read).unwrap_or_default());
            if read == 0 {
                splitter.end();
            }
            self.drain(splitter).await?;
            if read == 0 {
                return Ok(());
            }
        }
    }

    async fn drain(&mut self, splitter: &mut Splitter) -> Sql<()> {
        while let Some(statement) = splitter.next().map_err(|fault| self.cannot_split(fault))? {
            self.send(&statement).await?;
            if head(&statement.text(), 1) == ["set"] && statement.text().to_ascii_lowercase().contains("sql_mode") {
                splitter.set_mode(self.session.refresh_mode().await?);
            }
        }
        Ok(())
    }

    async fn send(&mut self, statement: &Statement) -> Sql<()> {
        let Statement { number, line, .. } = statement;
        let done = self.session.run_bytes(&statement.sql).await.map_err(|fault| {
            // The server refused it, and a single statement that is refused does nothing.
            self.tally.in_doubt = fault.code.is_none() && !(fault.cancelled && fault.code.is_none() && !fault.is_loss());
            fault.at(&format!("{}, line {line}, statement {number}", self.name)).field(self.field)
        })?;
        self.tally.statements += 1;
        self.tally.rows += done.matched;
        self.tally.warnings += u64::from(done.warnings);
        self.cx.progress(Progress { what: "statements".to_owned(), done: self.tally.statements, total: None, unit: Unit::Items });
        Ok(())
    }

    fn cannot_split(&self, fault: SplitFault) -> Fault {
        Failure::new(FailureKind::Invalid, format!("{}, line {}: {}", self.name, fault.line, fault.what)).field(self.field).into()
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
                Ok(()) => Outcome::Succeeded { changed: tally.statements > 0, outputs: tally.outputs() },
                Err(fault) if fault.cancelled => Outcome::Cancelled { residue: tally.residue() },
                Err(fault) => Outcome::Failed { failure: *fault.failure, residue: tally.residue(), outputs: tally.outputs() },
            }
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(settle(cx, &self.target, evidence))
    }
}
