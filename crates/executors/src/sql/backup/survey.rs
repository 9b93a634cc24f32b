//! Reading what a database holds, for a comparison.

use std::collections::BTreeSet;

use runbook_core::action::{Cx, Failure, FailureKind, Progress, Unit};
use sha2::{Digest, Sha256};

use super::MARKER;
use super::checksum::checksum;
use super::column::Column;
use super::contents::{Contents, ObjectEntry, ObjectKind, TableEntry};
use super::ddl::{self, TableDdl};
use super::inventory::{self, Definition, Inventory};
use super::manifest::hex;
use super::snapshot::Snapshot;
use crate::sql::failure::Sql;
use crate::sql::quote::name;
use crate::sql::session::Session;
use crate::sql::value::text_at;

/// Reads a whole database, whose name is the session's. `without` is left out.
pub(in crate::sql) async fn survey(
    session: &mut Session<'_>,
    database: &str,
    snapshot: &Snapshot,
    without: &[String],
    cx: Cx<'_>,
) -> Sql<Contents> {
    let mut inventory = inventory::read(session, database).await?;
    inventory.leave_out(&[MARKER.to_owned()]);
    inventory.leave_out(without);
    inventory.refuse_unknown()?;
    let as_of = snapshot.as_of();
    let names = inventory.names();
    let total = inventory.tables.len() as u64;
    let mut tables = Vec::new();
    for (table, columns) in &inventory.tables {
        cx.progress(Progress { what: "comparing tables".to_owned(), done: tables.len() as u64, total: Some(total), unit: Unit::Items });
        let ddl = table_ddl(session, database, table).await?;
        tables.push(table_entry(session, table, columns, &ddl, &as_of).await?);
    }
    let mut objects = Vec::new();
    for (kind, name) in &inventory.objects {
        let definition = inventory::definition(session, *kind, name).await?;
        let mut create = stripped(&definition, database, &names);
        if *kind == ObjectKind::Sequence {
            create = sequence(session, name, &create).await?;
        }
        objects.push(object_entry(*kind, name, &create));
    }
    let Inventory { charset, collation, .. } = inventory;
    Ok(Contents { charset, collation, tables, objects })
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

/// Counts and checks a table.
pub(in crate::sql) async fn table_entry(
    session: &mut Session<'_>,
    table: &str,
    columns: &[Column],
    ddl: &TableDdl,
    as_of: &str,
) -> Sql<TableEntry> {
    let (rows, checksum) = checksum(session, table, columns, as_of).await?;
    let mut hash = Sha256::new();
    hash.update(&ddl.bare);
    for key in &ddl.foreign_keys {
        hash.update("\n");
        hash.update(key);
    }
    Ok(TableEntry {
        name: table.to_owned(),
        rows,
        checksum,
        columns: columns.iter().filter(|column| !column.generated).map(|column| column.name.clone()).collect(),
        auto_increment: ddl.auto_increment,
        definition: hex(&hash.finalize()),
    })
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
