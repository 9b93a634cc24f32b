//! What a database holds: names and columns first, definitions on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use mysql_async::Row;
use runbook_core::action::{Failure, FailureKind};
use runbook_sqltext::Kind;

use super::column::Column;
use super::contents::ObjectKind;
use super::workers::{Queue, side_by_side};
use crate::sql::failure::{Sql, code};
use crate::sql::quote::{literal, name};
use crate::sql::session::{Dialer, Flavour, Session};
use crate::sql::value::text_at;

/// A database's objects by name. Two inventories are equal when nothing was added, dropped or altered in between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sql) struct Inventory {
    /// The default character set.
    pub(in crate::sql) charset: String,
    /// The default collation.
    pub(in crate::sql) collation: String,
    /// The tables with their columns.
    pub(in crate::sql) tables: BTreeMap<String, Vec<Column>>,
    /// Everything else.
    pub(in crate::sql) objects: BTreeSet<(ObjectKind, String)>,
    /// Tables of engines without transactions.
    pub(in crate::sql) loose: Vec<String>,
    /// What is there and not understood: kind and name.
    pub(in crate::sql) unknown: Vec<(String, String)>,
}

impl Inventory {
    /// The names of tables, views and routines.
    pub(in crate::sql) fn names(&self) -> BTreeSet<String> {
        self.tables.keys().chain(self.objects.iter().map(|(_, name)| name)).cloned().collect()
    }

    /// Leaves out what the author named; returns what was really there.
    pub(in crate::sql) fn leave_out(&mut self, without: &[String]) -> Vec<String> {
        let mut left_out = Vec::new();
        for name in without {
            let before = (self.tables.len(), self.objects.len(), self.unknown.len());
            self.tables.remove(name);
            self.objects.retain(|(_, other)| other != name);
            self.unknown.retain(|(_, other)| other != name);
            self.loose.retain(|other| other != name);
            if before != (self.tables.len(), self.objects.len(), self.unknown.len()) {
                left_out.push(name.clone());
            }
        }
        left_out
    }

    /// Fails when something is there that cannot be dumped, and names it.
    pub(in crate::sql) fn refuse_unknown(&self) -> Result<(), Failure> {
        let mut named: Vec<String> = self.unknown.iter().map(|(kind, name)| format!("{kind} `{name}`")).collect();
        for (table, columns) in &self.tables {
            for column in columns.iter().filter(|column| column.kind.is_none() && !column.generated) {
                named.push(format!("table `{table}` with the column `{}` of the type `{}`", column.name, column.declared));
            }
        }
        if named.is_empty() {
            return Ok(());
        }
        let mut failure = Failure::new(FailureKind::Failed, format!("the database holds what cannot be dumped: {}", named.join(", ")))
            .help("list their names under `without` to leave them out of the backup");
        failure.retryable = false;
        Err(failure)
    }
}

/// Whether there is such a database. Names are compared exactly: servers may compare them without case.
pub(in crate::sql) async fn exists(session: &mut Session<'_>, database: &str) -> Sql<bool> {
    Ok(schema(session, database).await?.is_some())
}

/// A database's character set and collation; none where it is not there.
pub(in crate::sql) async fn schema(session: &mut Session<'_>, database: &str) -> Sql<Option<(String, String)>> {
    let sql = schema_question(&literal(database, session.mode));
    Ok(schema_answer(&session.rows(&sql).await?, database))
}

fn schema_question(wanted: &str) -> String {
    format!(
        "SELECT schema_name, default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = {wanted}"
    )
}

fn schema_answer(rows: &[Row], database: &str) -> Option<(String, String)> {
    let row = rows.iter().find(|row| text_at(row, 0).as_deref() == Some(database))?;
    Some((text_at(row, 1).unwrap_or_default(), text_at(row, 2).unwrap_or_default()))
}

/// What is asked about a database; the longest answers first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Columns,
    Tables,
    Triggers,
    Routines,
    /// Events, or OceanBase's sequences.
    Others,
    Schema,
}

impl Question {
    const ALL: [Self; 6] = [Self::Columns, Self::Tables, Self::Triggers, Self::Routines, Self::Others, Self::Schema];

    /// The rows that a server gives. The database's name stands first.
    async fn ask(self, session: &mut Session<'_>, database: &str) -> Sql<Vec<Row>> {
        let wanted = literal(database, session.mode);
        let sql = match (self, session.flavour) {
            (Self::Columns, _) => format!(
                "SELECT table_schema, table_name, column_name, data_type, column_type, extra, is_nullable, character_set_name \
                 FROM information_schema.columns WHERE table_schema = {wanted} ORDER BY table_name, ordinal_position"
            ),
            (Self::Tables, _) => {
                format!("SELECT table_schema, table_name, table_type, engine FROM information_schema.tables WHERE table_schema = {wanted}")
            }
            (Self::Triggers, _) => {
                format!("SELECT trigger_schema, trigger_name FROM information_schema.triggers WHERE trigger_schema = {wanted}")
            }
            (Self::Routines, _) => format!(
                "SELECT routine_schema, routine_name, routine_type FROM information_schema.routines WHERE routine_schema = {wanted}"
            ),
            (Self::Others, Flavour::MariaDb | Flavour::MySql) => {
                format!("SELECT event_schema, event_name FROM information_schema.events WHERE event_schema = {wanted}")
            }
            // OceanBase has no events; its sequences are listed in a view that smaller editions do not have.
            (Self::Others, Flavour::OceanBase) => {
                let sql =
                    format!("SELECT sequence_owner, sequence_name FROM oceanbase.DBA_OB_SEQUENCE_OBJECTS WHERE sequence_owner = {wanted}");
                return match session.rows(&sql).await {
                    Err(fault) if matches!(fault.code, Some(code::NO_SUCH_TABLE | code::BAD_DB | 1054)) => Ok(Vec::new()),
                    other => other,
                };
            }
            (Self::Schema, _) => schema_question(&wanted),
        };
        session.rows(&sql).await
    }
}

/// Reads it over one connection. A database that is not there is an error.
pub(in crate::sql) async fn read(session: &mut Session<'_>, database: &str) -> Sql<Inventory> {
    read_over(None, std::slice::from_mut(session), database).await
}

/// Reads it over several connections, of `dialer`, which are asked side by side.
pub(in crate::sql) async fn read_over(dialer: Option<&Dialer<'_>>, sessions: &mut [Session<'_>], database: &str) -> Sql<Inventory> {
    let flavour = sessions.first().map_or(Flavour::MySql, |session| session.flavour);
    let queue = Queue::new(Question::ALL);
    let answers: Mutex<BTreeMap<Question, Vec<Row>>> = Mutex::default();
    let (queue_ref, answers_ref) = (&queue, &answers);
    let work = sessions.iter_mut().map(|session| -> BoxFuture<'_, Sql<()>> {
        Box::pin(async move {
            while let Some(question) = queue_ref.next().await? {
                let rows = question.ask(session, database).await?;
                answers_ref.lock().unwrap_or_else(PoisonError::into_inner).insert(question, rows);
                queue_ref.done();
            }
            Ok(())
        })
    });
    side_by_side(dialer, &queue, work.collect()).await?;
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Some((charset, collation)) = schema_answer(&answers.remove(&Question::Schema).unwrap_or_default(), database) else {
        return Err(Failure::new(FailureKind::NotFound, format!("there is no database `{database}`")).into());
    };
    let mut inventory = Inventory { charset, collation, ..Inventory::default() };
    let mut of = |question| {
        let rows = answers.remove(&question).unwrap_or_default();
        // Servers may compare names without case.
        rows.into_iter().filter(|row| text_at(row, 0).as_deref() == Some(database))
    };
    tables(of(Question::Tables), flavour, &mut inventory);
    columns(of(Question::Columns), &mut inventory);
    for row in of(Question::Routines) {
        let [name, kind] = [1, 2].map(|at| text_at(&row, at).unwrap_or_default());
        match kind.as_str() {
            "PROCEDURE" => drop(inventory.objects.insert((ObjectKind::Procedure, name))),
            "FUNCTION" => drop(inventory.objects.insert((ObjectKind::Function, name))),
            other => inventory.unknown.push((other.to_ascii_lowercase(), name)),
        }
    }
    inventory.objects.extend(of(Question::Triggers).map(|row| (ObjectKind::Trigger, text_at(&row, 1).unwrap_or_default())));
    for row in of(Question::Others) {
        let name = text_at(&row, 1).unwrap_or_default();
        match flavour {
            Flavour::OceanBase => inventory.unknown.push(("sequence".to_owned(), name)),
            Flavour::MariaDb | Flavour::MySql => drop(inventory.objects.insert((ObjectKind::Event, name))),
        }
    }
    Ok(inventory)
}

fn tables(rows: impl Iterator<Item = Row>, flavour: Flavour, inventory: &mut Inventory) {
    for row in rows {
        let [table, kind, engine] = [1, 2, 3].map(|at| text_at(&row, at).unwrap_or_default());
        match kind.to_ascii_uppercase().as_str() {
            "BASE TABLE" => {
                if flavour != Flavour::OceanBase && !engine.eq_ignore_ascii_case("innodb") {
                    inventory.loose.push(table.clone());
                }
                inventory.tables.insert(table, Vec::new());
            }
            "VIEW" => drop(inventory.objects.insert((ObjectKind::View, table))),
            "SEQUENCE" => drop(inventory.objects.insert((ObjectKind::Sequence, table))),
            other => inventory.unknown.push((other.to_ascii_lowercase(), table)),
        }
    }
    inventory.loose.sort_unstable();
}

fn columns(rows: impl Iterator<Item = Row>, inventory: &mut Inventory) {
    for row in rows {
        let [table, name, data_type, column_type, extra, nullable] = [1, 2, 3, 4, 5, 6].map(|at| text_at(&row, at).unwrap_or_default());
        if let Some(columns) = inventory.tables.get_mut(&table) {
            let extra = extra.to_ascii_uppercase();
            // `DEFAULT_GENERATED` is a default that is an expression: such a column holds data.
            let generated = extra.contains("VIRTUAL GENERATED") || extra.contains("STORED GENERATED");
            columns.push(Column {
                name,
                declared: column_type,
                kind: Kind::of(&data_type),
                generated,
                nullable: !nullable.eq_ignore_ascii_case("no"),
                charset: text_at(&row, 7),
            });
        }
    }
}

/// A definition as the server writes it, with what the session must be like when it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) struct Definition {
    /// The statement.
    pub(in crate::sql) create: String,
    /// The mode it was made in, where the server keeps it.
    pub(in crate::sql) sql_mode: Option<String>,
    /// The collation it was made in, where the server keeps it.
    pub(in crate::sql) collation: Option<String>,
    /// The time zone in which an event's times are written.
    pub(in crate::sql) time_zone: Option<String>,
}

/// Asks for a table's definition; the session's database has to be the table's.
pub(in crate::sql) async fn table_definition(session: &mut Session<'_>, table: &str) -> Sql<String> {
    let row = session.one(&format!("SHOW CREATE TABLE {}", name(table))).await?;
    let create = row.and_then(|row| text_at(&row, 1));
    Ok(create.ok_or_else(|| hidden("table", table))?)
}

/// Asks for the definition of anything else.
pub(in crate::sql) async fn definition(session: &mut Session<'_>, kind: ObjectKind, object: &str) -> Sql<Definition> {
    let (what, create_at, mode_at, collation_at) = match kind {
        ObjectKind::View => ("VIEW", 1, None, Some(3)),
        ObjectKind::Procedure => ("PROCEDURE", 2, Some(1), Some(4)),
        ObjectKind::Function => ("FUNCTION", 2, Some(1), Some(4)),
        ObjectKind::Trigger => ("TRIGGER", 2, Some(1), Some(4)),
        ObjectKind::Event => ("EVENT", 3, Some(1), Some(5)),
        ObjectKind::Sequence => ("SEQUENCE", 1, None, None),
    };
    let row = session.one(&format!("SHOW CREATE {what} {}", name(object))).await?;
    let at = |at: Option<usize>| row.as_ref().and_then(|row| text_at(row, at?));
    let create = at(Some(create_at)).ok_or_else(|| hidden(kind.as_str(), object))?;
    let create = if kind == ObjectKind::Trigger { quoted_definer(&create) } else { create };
    // OceanBase tells a character set where the collation of a trigger should stand.
    let collation = at(collation_at).filter(|collation| collation.contains('_') && is_plain(collation));
    let time_zone = at((kind == ObjectKind::Event).then_some(2));
    Ok(Definition {
        create,
        sql_mode: at(mode_at).filter(|mode| is_plain(mode)),
        collation,
        time_zone: time_zone.filter(|zone| is_zone(zone)),
    })
}

/// What can stand in a text without escaping.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b','))
}

fn is_zone(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'+' | b'-' | b':'))
}

fn hidden(kind: &str, object: &str) -> Failure {
    Failure::new(FailureKind::Denied, format!("the server does not show the definition of the {kind} `{object}`"))
        .help("log in with a user who may see it")
}

/// OceanBase writes `CREATE DEFINER = root@% trigger …`, which it does not read itself.
fn quoted_definer(create: &str) -> String {
    let quoted = create.strip_prefix("CREATE DEFINER = ").filter(|rest| !rest.starts_with('`')).and_then(|rest| {
        let (definer, rest) = rest.split_once(" trigger ").or_else(|| rest.split_once(" TRIGGER "))?;
        let (user, host) = definer.rsplit_once('@')?;
        Some(format!("CREATE DEFINER = {}@{} TRIGGER {rest}", name(user), name(host)))
    });
    quoted.unwrap_or_else(|| create.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definer_without_quotes_gets_them() {
        assert_eq!(
            quoted_definer("CREATE DEFINER = root@% trigger tr1 before insert on c for each row set new.a = 1"),
            "CREATE DEFINER = `root`@`%` TRIGGER tr1 before insert on c for each row set new.a = 1"
        );
        let right = "CREATE DEFINER=`root`@`%` TRIGGER tr1 before insert on c for each row set @a = ' trigger '";
        assert_eq!(quoted_definer(right), right);
    }
}
