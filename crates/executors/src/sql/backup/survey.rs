//! Reading what a database holds, for a comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use runbook_core::action::{Cx, Failure, FailureKind, Progress, Unit};
use runbook_sqltext::Sum;
use sha2::{Digest, Sha256};

use super::MARKER;
use super::checksum::{checksum, sum};
use super::column::Column;
use super::contents::{Contents, ObjectEntry, ObjectKind, TableEntry};
use super::ddl::{self, TableDdl};
use super::inventory::{self, Definition, Inventory};
use super::key::{Key, Range, cuts};
use super::manifest::hex;
use super::row_text::RowText;
use super::snapshot::Snapshot;
use super::workers::{Queue, side_by_side};
use crate::sql::failure::{Fault, Sql};
use crate::sql::quote::name;
use crate::sql::session::{Dialer, Session};
use crate::sql::value::text_at;

/// Reads a whole database over one connection, whose database it is. `without` is left out.
pub(in crate::sql) async fn survey(
    session: &mut Session<'_>,
    database: &str,
    snapshot: &Snapshot,
    without: &[String],
    cx: Cx<'_>,
) -> Sql<Contents> {
    let survey = Survey { cx, database, snapshot, without, expected: None };
    survey.read(None, std::slice::from_mut(session)).await
}

/// Reading a whole database.
pub(in crate::sql) struct Survey<'s> {
    pub(in crate::sql) cx: Cx<'s>,
    pub(in crate::sql) database: &'s str,
    pub(in crate::sql) snapshot: &'s Snapshot,
    /// Names that are left out.
    pub(in crate::sql) without: &'s [String],
    /// What is probably there: tells which tables are large, and what the checksums are to be of.
    pub(in crate::sql) expected: Option<&'s Contents>,
}

/// A table, or a piece of one, that is to be summed up.
enum Job {
    Table(usize),
    Piece { table: usize, range: Range },
}

/// What is known of tables so far, by their place.
type Found = Mutex<BTreeMap<usize, (TableDdl, Sum)>>;

impl Survey<'_> {
    /// Reads over as many connections as there are; `dialer` is theirs.
    pub(in crate::sql) async fn read(&self, dialer: Option<&Dialer<'_>>, sessions: &mut [Session<'_>]) -> Sql<Contents> {
        let mut inventory = inventory::read_over(dialer, sessions, self.database).await?;
        inventory.leave_out(&[MARKER.to_owned()]);
        inventory.leave_out(self.without);
        inventory.refuse_unknown()?;
        let tables = self.tables(dialer, sessions, &inventory).await?;
        let [session, ..] = sessions else { return Err(no_connection()) };
        let names = inventory.names();
        let mut objects = Vec::new();
        for (kind, name) in &inventory.objects {
            let definition = inventory::definition(session, *kind, name).await?;
            let mut create = stripped(&definition, self.database, &names);
            if *kind == ObjectKind::Sequence {
                create = sequence(session, name, &create).await?;
            }
            objects.push(object_entry(*kind, name, &create));
        }
        let Inventory { charset, collation, .. } = inventory;
        Ok(Contents { charset, collation, row_text: self.row_text(), tables, objects })
    }

    fn row_text(&self) -> RowText {
        self.expected.map_or(RowText::NEWEST, |contents| contents.row_text)
    }

    async fn tables(&self, dialer: Option<&Dialer<'_>>, sessions: &mut [Session<'_>], inventory: &Inventory) -> Sql<Vec<TableEntry>> {
        let queue = Queue::new((0..inventory.tables.len()).map(Job::Table));
        let found = Found::default();
        let tables: Vec<(&String, &Vec<Column>)> = inventory.tables.iter().collect();
        let (queue_ref, found_ref, tables_ref) = (&queue, &found, &tables);
        let work = sessions.iter_mut().map(|session| -> BoxFuture<'_, Sql<()>> {
            Box::pin(async move {
                while let Some(job) = queue_ref.next().await? {
                    let (Job::Table(at) | Job::Piece { table: at, .. }) = &job;
                    let table = tables_ref.get(*at).map_or("", |(table, _)| table.as_str());
                    let done = self.job(session, tables_ref, queue_ref, found_ref, job).await;
                    done.map_err(|fault| self.snapshot.explained(fault, table, self.cx.now()))?;
                    queue_ref.done();
                }
                Ok(())
            })
        });
        side_by_side(dialer, &queue, work.collect()).await?;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let entries = tables.iter().zip(found.values());
        Ok(entries.map(|((table, columns), (ddl, sum))| table_entry(table, columns, ddl, *sum)).collect())
    }

    async fn job(
        &self,
        session: &mut Session<'_>,
        tables: &[(&String, &Vec<Column>)],
        queue: &Queue<Job>,
        found: &Found,
        job: Job,
    ) -> Sql<()> {
        let (Job::Table(at) | Job::Piece { table: at, .. }) = job;
        let Some((table, columns)) = tables.get(at) else { return Ok(()) };
        let range = match job {
            Job::Piece { range, .. } => range,
            Job::Table(_) => {
                let ddl = table_ddl(session, self.database, table).await?;
                let mut pieces = self.pieces(session, table, columns, &ddl).await?;
                let done = {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.insert(at, (ddl, Sum::default()));
                    found.len() as u64
                };
                let what = "comparing tables".to_owned();
                self.cx.progress(Progress { what, done, total: Some(tables.len() as u64), unit: Unit::Items });
                let first = pieces.pop().unwrap_or_default();
                for range in pieces {
                    queue.add(Job::Piece { table: at, range });
                }
                first
            }
        };
        let part = sum(session, table, (columns.as_slice(), self.row_text()), &self.snapshot.as_of(), &range).await?;
        if let Some((_, sum)) = found.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&at) {
            sum.merge(part);
        }
        Ok(())
    }

    /// The pieces of a table that is large, as far as that is known, and has a whole number as its key; else nothing.
    async fn pieces(&self, session: &mut Session<'_>, table: &str, columns: &[Column], ddl: &TableDdl) -> Sql<Vec<Range>> {
        let expected = self.expected.and_then(|contents| contents.tables.iter().find(|entry| entry.name == table));
        let Some(rows) = expected.map(|entry| entry.rows).filter(|rows| *rows > 2 * PIECE_ROWS) else { return Ok(Vec::new()) };
        let Some(key) = Key::of(&ddl.primary, columns).filter(Key::is_whole) else { return Ok(Vec::new()) };
        let (first, as_of) = (key.first(), self.snapshot.as_of());
        let row = session.one(&format!("SELECT MIN({first}), MAX({first}) FROM {}{as_of}", name(table))).await?;
        let bound = |at| row.as_ref().and_then(|row| text_at(row, at)).and_then(|text| text.parse::<i128>().ok());
        let (Some(smallest), Some(greatest)) = (bound(0), bound(1)) else { return Ok(Vec::new()) };
        let cuts = cuts(smallest - 1, greatest, PIECE_ROWS, (rows, greatest - smallest + 1));
        Ok(key.whole_ranges(&cuts))
    }
}

/// About how many rows of a large table are summed up at once.
const PIECE_ROWS: u64 = 100_000;

fn no_connection() -> Fault {
    Failure::new(FailureKind::Internal, "a comparison without a connection").into()
}

/// A table's definition in parts.
pub(in crate::sql) async fn table_ddl(session: &mut Session<'_>, database: &str, table: &str) -> Sql<TableDdl> {
    let create = inventory::table_definition(session, table).await?;
    Ok(ddl::table(&create, database).map_err(|why| {
        let mut failure =
            Failure::new(FailureKind::Failed, format!("the server's own definition of the table `{table}` cannot be used: {why}"))
                .help("list the table under `without` to leave it out of the backup");
        failure.retryable = false;
        failure
    })?)
}

/// A table's entry in a manifest.
pub(in crate::sql) fn table_entry(table: &str, columns: &[Column], ddl: &TableDdl, sum: Sum) -> TableEntry {
    let mut hash = Sha256::new();
    hash.update(&ddl.bare);
    for key in &ddl.foreign_keys {
        hash.update("\n");
        hash.update(key);
    }
    TableEntry {
        name: table.to_owned(),
        rows: sum.rows,
        checksum: checksum(sum),
        columns: columns.iter().filter(|column| !column.generated).map(|column| column.name.clone()).collect(),
        auto_increment: ddl.auto_increment,
        definition: hex(&hash.finalize()),
    }
}

/// A sequence's definition and where it stands, as two statements: both belong to what it is.
pub(in crate::sql) async fn sequence(session: &mut Session<'_>, sequence: &str, create: &str) -> Sql<String> {
    let quoted = name(sequence);
    let row = session.one(&format!("SELECT next_not_cached_value FROM {quoted}")).await?;
    let next = row.and_then(|row| text_at(&row, 0)).unwrap_or_default();
    Ok(format!("{create};\nSELECT SETVAL({quoted}, {next}, 0);\n"))
}

/// A definition without the database's name.
pub(in crate::sql) fn stripped(definition: &Definition, database: &str, names: &BTreeSet<String>) -> String {
    ddl::strip_database(&definition.create, database, names)
}

/// An object with its definition's digest.
pub(in crate::sql) fn object_entry(kind: ObjectKind, name: &str, create: &str) -> ObjectEntry {
    ObjectEntry { kind, name: name.to_owned(), definition: hex(&Sha256::digest(create)) }
}
