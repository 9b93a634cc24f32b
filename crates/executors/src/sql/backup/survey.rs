//! Reading what a database holds, for a comparison.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use runbook_core::action::{Cx, Failure, FailureKind};
use runbook_sqltext::Sum;
use sha2::{Digest, Sha256};

use super::MARKER;
use super::checksum::checksum;
use super::column::Column;
use super::contents::{Contents, ObjectEntry, ObjectKind, TableEntry};
use super::ddl::{self, TableDdl};
use super::inventory::{self, Definition, Inventory};
use super::manifest::hex;
use super::row_text::RowText;
use super::snapshot::Snapshot;
use super::summing::{Summing, Sums, Wanted};
use super::workers::side_by_side;
use crate::sql::failure::{Fault, Sql};
use crate::sql::quote::name;
use crate::sql::session::{Dialer, Flavour, Session};
use crate::sql::value::text_at;

/// Reads a whole database over one connection, whose database it is. `without` is left out.
pub(in crate::sql) async fn survey(
    session: &mut Session<'_>,
    database: &str,
    snapshot: &Snapshot,
    without: &[String],
    cx: Cx<'_>,
) -> Sql<Contents> {
    let survey = Survey { cx, database, snapshot, without, expected: None, known: None };
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
    /// Tables that were summed up before, with nothing written since.
    pub(in crate::sql) known: Option<&'s Sums>,
}

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
        let summing = Summing::new(Wanted {
            cx: self.cx,
            database: self.database,
            tables: inventory.tables.iter().collect(),
            expected: self.expected,
            known: self.known,
            row_text: self.row_text(),
            snapshot: Some(self.snapshot),
        });
        let work = sessions.iter_mut().map(|session| -> BoxFuture<'_, Sql<()>> { Box::pin(summing.work(session)) });
        side_by_side(dialer, &summing.queue, work.collect()).await?;
        let entries = inventory.tables.iter().zip(summing.found());
        Ok(entries.map(|((table, columns), (ddl, sum))| table_entry(table, columns, &ddl, sum)).collect())
    }
}

fn no_connection() -> Fault {
    Failure::new(FailureKind::Internal, "a comparison without a connection").into()
}

/// A table's definition in parts.
pub(in crate::sql) async fn table_ddl(session: &mut Session<'_>, database: &str, table: &str) -> Sql<TableDdl> {
    let mut create = inventory::table_definition(session, table).await?;
    if session.flavour == Flavour::MySql {
        create = ddl::collations_alone(&create);
    }
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
