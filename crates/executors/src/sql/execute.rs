//! `sql.execute`: statements that change rows, in one transaction.

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Failure, FailureKind, Residue, Settled, SqlText, Target};
use runbook_sqltext::{Statement, head, split};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::{Fault, Sql};
use super::quote;
use super::session::{Dialer, Done, Session};
use super::settle::settle;
use super::target::Mysql;

/// Changes rows in one transaction: all statements, or nothing.
///
/// Statements that commit by themselves (`create`, `alter`, `drop`, …) cannot be taken back; one of them may stand alone, without `rows`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Execute {
    /// The server.
    #[schemars(extend("x-target" = "mysql"))]
    target: Target<Mysql>,
    /// The database to work in, instead of the target's own.
    #[serde(default)]
    #[schemars(extend("x-text" = "name"))]
    database: Option<String>,
    /// One or several statements, separated by `;`.
    #[schemars(extend("x-secret" = "accept", "x-text" = "sql"))]
    sql: SqlText,
    /// How many rows all statements together must match, whether or not their values were different before. Outside these bounds the transaction is
    /// rolled back and the step fails.
    #[serde(default)]
    rows: Option<Rows>,
}

/// Bounds, inclusive.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rows {
    /// At least so many.
    #[serde(default)]
    min: u64,
    /// At most so many.
    #[serde(default)]
    max: Option<u64>,
}

impl Rows {
    fn hold(self, rows: u64) -> bool {
        rows >= self.min && self.max.is_none_or(|max| rows <= max)
    }

    fn wanted(self) -> String {
        match self.max {
            Some(max) if max == self.min => format!("exactly {max}"),
            Some(max) => format!("{} to {max}", self.min),
            None => format!("at least {}", self.min),
        }
    }
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("rows", OutputKind::Int, "How many rows were matched by all statements together."),
        OutputSpec::new("statements", OutputKind::List, "The rows matched by each statement, in their order."),
        OutputSpec::new("insert_id", OutputKind::Any, "The last key that the server gave by itself, or null."),
    ],
    example: r#"sql.execute = { target = "rm", sql = "update oms_normal_config set cfg_value = json_set(cfg_value, '$.enable', false) where cfg_name = 'ha.config'", rows = { min = 1, max = 1 } }"#,
    schema: runbook_core::described!(Execute, "sql.execute"),
    ..ActionSpec::of::<Execute>("execute", Class::ONCE, "Changes rows in one transaction, within bounds.")
};

/// What a statement does to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// Takes part in it.
    Part,
    /// Commits it implicitly.
    Commits,
    /// Would control it.
    Controls,
}

#[expect(clippy::unnested_or_patterns, reason = "one line for each kind of statement")]
fn nature(sql: &str) -> Nature {
    let words = head(sql, 3);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["create" | "drop", "temporary", ..] => Nature::Part,
        ["start", "transaction", ..]
        | ["begin" | "commit" | "rollback" | "savepoint" | "release" | "xa" | "use", ..]
        | ["set", "autocommit" | "transaction" | "@@autocommit" | "@@session.autocommit", ..]
        | ["set", "session" | "global" | "local", "autocommit" | "transaction", ..]
        | ["set", "sql_mode" | "@@sql_mode" | "names" | "character", ..] => Nature::Controls,
        ["set", "password" | "default" | "role", ..]
        | [
            "create" | "alter" | "drop" | "truncate" | "rename" | "grant" | "revoke" | "lock" | "unlock" | "analyze" | "optimize"
            | "repair" | "flush" | "load" | "install" | "uninstall" | "reset" | "flashback" | "purge" | "cache" | "stop" | "change"
            | "import" | "start",
            ..,
        ] => Nature::Commits,
        _ => Nature::Part,
    }
}

impl Execute {
    fn statements(&self, session: &Session<'_>) -> Result<(Vec<Statement>, bool), Failure> {
        let text = quote::render(&self.sql, session.mode).map_err(|failure| failure.field("sql"))?;
        let wrong = |message: String| Failure::new(FailureKind::Invalid, message).field("sql");
        let statements = split(&text, session.mode).map_err(|fault| wrong(format!("line {}: {}", fault.line, fault.what)))?;
        if statements.is_empty() {
            return Err(wrong("there is no statement".to_owned()));
        }
        let mut commits = false;
        for statement in &statements {
            let text = statement.text();
            let first = head(&text, 2).join(" ");
            match nature(&text) {
                Nature::Part => {}
                Nature::Controls => {
                    return Err(wrong(format!("statement {} (`{first}`) would end or change the transaction", statement.number))
                        .help("leave it out: `sql.execute` begins and commits by itself"));
                }
                Nature::Commits if self.rows.is_some() => {
                    return Err(wrong(format!(
                        "statement {} (`{first}`) commits by itself, so `rows` could not take it back",
                        statement.number
                    ))
                    .help("leave `rows` out, or use `sql.script`"));
                }
                Nature::Commits if statements.len() > 1 => {
                    return Err(wrong(format!(
                        "statement {} (`{first}`) commits by itself, so the {} statements are no transaction",
                        statement.number,
                        statements.len()
                    ))
                    .help("put it in a step of its own, or use `sql.script`"));
                }
                Nature::Commits => commits = true,
            }
        }
        Ok((statements, commits))
    }

    async fn work(&self, dialer: &Dialer<'_>, stage: &mut Stage) -> Sql<(Outputs, bool)> {
        let mut session = dialer.connect(self.database.as_deref()).await?;
        let (statements, commits) = self.statements(&session)?;
        if commits {
            *stage = Stage::Committing;
        } else {
            session.run("START TRANSACTION").await?;
            *stage = Stage::Open;
        }
        let result = self.all(&mut session, &statements).await;
        let done = match result {
            Ok(done) => done,
            Err(fault) => {
                if commits && fault.code.is_some() {
                    *stage = Stage::RolledBack;
                } else if !commits && !fault.is_loss() {
                    roll_back(&mut session, stage).await;
                }
                return Err(fault);
            }
        };
        if !commits {
            // Some servers end what is killed without an error. Nothing lasts then: the connection goes, and the server rolls back.
            if dialer.cx().cancel_requested().is_some() {
                return Err(Fault::cancelled());
            }
            *stage = Stage::Committing;
            session.run("COMMIT").await.inspect_err(|fault| {
                if fault.code.is_some() && !fault.is_loss() {
                    *stage = Stage::RolledBack;
                }
            })?;
        }
        *stage = Stage::Committed;
        session.close().await;
        Ok(outputs(&done, commits))
    }

    async fn all(&self, session: &mut Session<'_>, statements: &[Statement]) -> Sql<Vec<Done>> {
        let mut done = Vec::new();
        for statement in statements {
            let place = format!("statement {} (line {})", statement.number, statement.line);
            let result = session.run_bytes(&statement.sql).await;
            done.push(result.map_err(|fault| if statements.len() > 1 { fault.at(&place) } else { fault }.field("sql"))?);
        }
        let rows = done.iter().map(|done| done.matched).sum();
        match self.rows {
            Some(bounds) if !bounds.hold(rows) => {
                let noun = if rows == 1 { "row was" } else { "rows were" };
                Err(Failure::new(
                    FailureKind::Unexpected,
                    format!("{rows} {noun} matched, and {} were wanted; nothing was changed", bounds.wanted()),
                )
                .field("rows")
                .into())
            }
            _ => Ok(done),
        }
    }
}

/// How far the transaction came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was sent.
    Before,
    /// It is open; a server that loses the connection rolls it back.
    Open,
    /// A statement that makes it last is under way.
    Committing,
    /// It lasts.
    Committed,
    /// It is certain that nothing of it lasts.
    RolledBack,
    /// It was rolled back, but a table without transactions kept its rows.
    HalfRolledBack,
}

impl Stage {
    const fn residue(self) -> Residue {
        match self {
            Self::Before | Self::Open | Self::RolledBack => Residue::None,
            Self::Committing => Residue::Unknown,
            Self::Committed | Self::HalfRolledBack => Residue::Partial,
        }
    }
}

/// Rolls back. A warning tells of tables that cannot (MyISAM, Aria): 1196.
async fn roll_back(session: &mut Session<'_>, stage: &mut Stage) {
    match session.run("ROLLBACK").await {
        Ok(done) if done.warnings > 0 => *stage = Stage::HalfRolledBack,
        Ok(_) => *stage = Stage::RolledBack,
        // The connection is discarded, and the server rolls back.
        Err(_) => {}
    }
}

fn outputs(done: &[Done], commits: bool) -> (Outputs, bool) {
    let rows: u64 = done.iter().map(|done| done.matched).sum();
    let changed = commits || done.iter().any(|done| done.changed.unwrap_or(done.matched) > 0);
    let insert_id = done.iter().rev().find_map(|done| done.insert_id);
    let mut outputs = Outputs::new();
    outputs.insert("rows".to_owned(), rows.into());
    outputs.insert("statements".to_owned(), json!(done.iter().map(|done| done.matched).collect::<Vec<_>>()));
    outputs.insert("insert_id".to_owned(), json!(insert_id));
    (outputs, changed)
}

impl Action for Execute {
    fn validate(&self) -> Vec<FieldFault> {
        match self.rows {
            Some(Rows { min, max: Some(max) }) if min > max => {
                vec![FieldFault::new("rows", format!("`min` ({min}) is larger than `max` ({max})"))]
            }
            _ => Vec::new(),
        }
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            let mut stage = Stage::Before;
            let result: Result<_, Fault> = dialer.guarded(self.work(&dialer, &mut stage)).await;
            match result {
                Ok((outputs, changed)) => Outcome::Succeeded { outputs, changed },
                Err(fault) => fault.outcome(stage.residue()),
            }
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(settle(cx, &self.target, evidence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_transaction_is_known() {
        for sql in ["/* a */ CREATE TABLE x (a int)", "truncate x", "set password = 'a'", "lock tables x write", "flashback table x"] {
            assert_eq!(nature(sql), Nature::Commits, "{sql}");
        }
        for sql in ["begin", "COMMIT", "set autocommit = 0", "start transaction", "use x", "set session transaction read only"] {
            assert_eq!(nature(sql), Nature::Controls, "{sql}");
        }
        for sql in ["update x set a = 1", "create temporary table x (a int)", "set @a = 1", "replace into x values (1)", "call p()"] {
            assert_eq!(nature(sql), Nature::Part, "{sql}");
        }
    }

    #[test]
    fn bounds_are_told_as_a_person_would() {
        assert_eq!(Rows { min: 1, max: Some(1) }.wanted(), "exactly 1");
        assert_eq!(Rows { min: 1, max: Some(9) }.wanted(), "1 to 9");
        assert_eq!(Rows { min: 1, max: None }.wanted(), "at least 1");
        assert!(Rows { min: 0, max: Some(0) }.hold(0));
    }
}
