//! `sql.query`: one statement that only reads.

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Failure, FailureKind, Residue, Settled, SqlText, Target};
use runbook_sqltext::{head, split};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::failure::Sql;
use super::outfile::writes_file;
use super::session::{Dialer, Session};
use super::settle::settle;
use super::target::Mysql;
use super::{quote, value};

/// How many rows are kept unless the author says otherwise.
const MAX_ROWS: u64 = 1_000;
/// How many bytes of values are kept at most: outputs live in the journal and in memory.
const MAX_BYTES: usize = 4 << 20;

/// Asks the database one question.
///
/// The session is read-only: a statement that would change something is refused by the server, and one with `into outfile` or `into dumpfile` before it is sent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// The server.
    #[schemars(extend("x-target" = "mysql"))]
    target: Target<Mysql>,
    /// The database to ask, instead of the target's own.
    #[serde(default)]
    #[schemars(extend("x-text" = "name"))]
    database: Option<String>,
    /// One statement: `select`, `show`, `with`, `table`, `values`, `explain` or `describe`.
    #[schemars(extend("x-secret" = "accept", "x-text" = "sql"))]
    sql: SqlText,
    /// How many rows are kept; more are counted only, and `truncated` is true.
    #[serde(default = "max_rows")]
    #[schemars(range(min = 1, max = 100_000))]
    max_rows: u64,
}

const fn max_rows() -> u64 {
    MAX_ROWS
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("value", OutputKind::Any, "The first column of the first row; null where there is no row."),
        OutputSpec::new("row", OutputKind::Map, "The first row, by column name; empty where there is no row."),
        OutputSpec::new("rows", OutputKind::List, "The rows, each a list of values in the order of `columns`."),
        OutputSpec::new("columns", OutputKind::List, "The names of the columns; a name may occur twice."),
        OutputSpec::new("row_count", OutputKind::Int, "How many rows the statement gave."),
        OutputSpec::new("truncated", OutputKind::Bool, "Whether `rows` holds fewer than `row_count`."),
    ],
    sql_begins: Some(no_question),
    example: r#"sql.query = { target = "metadb", sql = "select max(id) from connect_connection" }"#,
    schema: runbook_core::described!(Query, "sql.query"),
    ..ActionSpec::of::<Query>("query", Class::READ_ONLY, "Asks the database one question; changes nothing.")
};

const READS: &[&str] = &["select", "show", "with", "table", "values", "explain", "describe", "desc"];
const WRITES: &str = "use `sql.execute` to change rows, `sql.script` for anything else";

/// The first word of a statement where that is none with which one reads.
fn changing_word(statement: &str) -> Option<String> {
    let first = head(statement, 1).pop().unwrap_or_default();
    (!READS.contains(&first.as_str())).then_some(first)
}

/// Says of a text, of which only the beginning may be known, that it is no question.
pub(super) fn no_question(text: &str) -> Option<FieldFault> {
    let first = changing_word(text).filter(|first| !first.is_empty())?;
    Some(FieldFault::new("", does_not_read(&first)).help(WRITES))
}

fn does_not_read(first: &str) -> String {
    format!("a statement that reads is wanted, and `{first}` does not")
}

/// The one statement of a text that only reads. `field` is where it stands in the action.
pub(super) fn question(text: &SqlText, session: &Session<'_>, field: &str) -> Result<String, Failure> {
    let text = quote::render(text, session.mode).map_err(|failure| failure.field(field))?;
    let wrong = |message: String| Failure::new(FailureKind::Invalid, message).field(field);
    let statements = split(&text, session.mode).map_err(|fault| wrong(format!("line {}: {}", fault.line, fault.what)))?;
    let [statement] = statements.as_slice() else {
        let (verb, noun) = if statements.len() == 1 { ("is", "statement") } else { ("are", "statements") };
        return Err(wrong(format!("1 statement that reads is wanted, and here {verb} {} {noun}", statements.len()))
            .help("ask one question a step, or use `sql.script`"));
    };
    let statement = statement.text().into_owned();
    if let Some(first) = changing_word(&statement) {
        return Err(wrong(does_not_read(&first)).help(WRITES));
    }
    if writes_file(&statement, session.mode) {
        return Err(wrong(
            "`into outfile` and `into dumpfile` write a file on the server, and a statement that only reads is wanted".to_owned(),
        )
        .help("leave that part out: the answer is in the outputs; or write the file with `sql.script`"));
    }
    Ok(statement)
}

impl Query {
    async fn ask(&self, dialer: &Dialer<'_>) -> Sql<Outputs> {
        let mut session = dialer.connect(self.database.as_deref()).await?;
        let statement = question(&self.sql, &session, "sql")?;
        session.run("SET SESSION TRANSACTION READ ONLY").await?;
        let outputs = read(&mut session, &statement, self.max_rows).await.map_err(|fault| fault.field("sql"))?;
        session.close().await;
        Ok(outputs)
    }
}

/// Sends a statement and keeps what fits.
pub(super) async fn read(session: &mut Session<'_>, statement: &str, max_rows: u64) -> Sql<Outputs> {
    let mut result = session.query(statement).await?;
    let columns: Vec<String> = result.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    let readings: Vec<value::Reading> = result.columns_ref().iter().map(value::reading).collect();
    let mut rows: Vec<Value> = Vec::new();
    let mut first = Map::new();
    let (mut count, mut bytes) = (0_u64, 0_usize);
    let mut truncated = false;
    while let Some(row) = result.next().await? {
        count += 1;
        if count > max_rows || bytes > MAX_BYTES {
            truncated = true;
            continue;
        }
        let values = row.unwrap_raw();
        let values: Vec<Value> = values
            .iter()
            .zip(&readings)
            .map(|(raw, reading)| raw.as_ref().map_or(Value::Null, |raw| value::to_json(raw, *reading)))
            .collect();
        bytes += values.iter().map(|value| value.as_str().map_or(8, str::len)).sum::<usize>();
        if count == 1 {
            // Of two columns with one name the first counts.
            for (name, value) in columns.iter().zip(&values) {
                first.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        rows.push(Value::Array(values));
    }
    result.drop_result().await?;
    let value = rows.first().and_then(|row| row.get(0)).cloned().unwrap_or(Value::Null);
    let outputs = json!({
        "value": value, "row": first, "rows": rows, "columns": columns, "row_count": count, "truncated": truncated,
    });
    match outputs {
        Value::Object(outputs) => Ok(outputs),
        _ => Ok(Outputs::new()),
    }
}

impl Action for Query {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            match dialer.guarded(self.ask(&dialer)).await {
                Ok(outputs) => Outcome::unchanged(outputs),
                Err(fault) => fault.outcome(Residue::None),
            }
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(settle(cx, &self.target, evidence))
    }
}
