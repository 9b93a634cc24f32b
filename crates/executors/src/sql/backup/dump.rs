//! Writing a backup: names and definitions, one snapshot, rows, checksums, and the manifest last.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use runbook_core::action::{Cx, Failure, FailureKind, Progress, SqlText, Unit};
use serde_json::{Map, Value, json};

use super::MARKER;
use super::column::Column;
use super::contents::{Contents, ObjectEntry, ObjectKind};
use super::ddl::{TableDdl, delimiter_for, in_order};
use super::folder::Folder;
use super::grants::sees_everything;
use super::inventory::{self, Definition, Inventory};
use super::manifest::{FORMAT, Manifest, Part, ServerInfo, ToolInfo};
use super::rows::RowWriter;
use super::sink::{Batch, Sink};
use super::snapshot::Snapshot;
use super::survey::{object_entry, stripped, table_ddl, table_entry};
use crate::sql::failure::{Fault, Sql, code};
use crate::sql::query::{question, read};
use crate::sql::quote::name;
use crate::sql::session::{Dialer, Session};
use crate::sql::value::int_at;

/// The most rows of an answer that becomes a fact.
const FACT_ROWS: u64 = 100_000;

/// What is to be dumped, and where to.
pub(in crate::sql) struct Request<'r> {
    /// The database.
    pub(in crate::sql) database: &'r str,
    /// The folder to be, absolute. It must not be there.
    pub(in crate::sql) to: PathBuf,
    /// Questions whose answers go into the manifest.
    pub(in crate::sql) facts: &'r BTreeMap<String, SqlText>,
    /// Names that are left out.
    pub(in crate::sql) without: &'r [String],
    /// Whether files are packed.
    pub(in crate::sql) gzip: bool,
    /// Where the server was reached.
    pub(in crate::sql) address: String,
    /// Whether an unfinished restore may be dumped.
    pub(in crate::sql) unfinished: bool,
}

/// Dumps. When this fails, nothing but perhaps a hidden folder `.NAME….partial` beside `to` is left, which the next attempt removes.
pub(in crate::sql) async fn dump(dialer: &Dialer<'_>, request: &Request<'_>) -> Sql<Manifest> {
    let cx = dialer.cx();
    let mut folder = Folder::create(cx, &request.to).await?;
    let result = write(dialer, request, folder.path()).await;
    match result {
        Ok(manifest) => {
            folder.finish(&manifest)?;
            Ok(manifest)
        }
        Err(fault) => {
            folder.discard();
            Err(fault)
        }
    }
}

async fn write(dialer: &Dialer<'_>, request: &Request<'_>, folder: &Path) -> Sql<Manifest> {
    let cx = dialer.cx();
    let mut session = dialer.connect(Some(request.database)).await?;
    sees_everything(&mut session, request.database).await?;
    let mut inventory = take_inventory(&mut session, request).await?;
    let without = inventory.leave_out(request.without);
    inventory.refuse_unknown()?;
    // Names first, the snapshot then: what was created in between is noticed at the end.
    let snapshot = Snapshot::take(&mut session, cx.now()).await?;
    let facts = facts(&mut session, request.facts).await?;
    let sink = Sink::new(folder, request.gzip, Arc::new(AtomicU32::new(0)))?;
    let mut dump = Dump { cx, session: &mut session, database: request.database, inventory: &inventory, as_of: snapshot.as_of(), sink };
    let contents = match dump.everything().await {
        Ok(contents) => contents,
        Err(fault) => {
            // The disk's fault may be the reason.
            let disk = dump.sink.finish().await.err();
            return Err(disk.filter(|_| !fault.cancelled).map_or(fault, Fault::from));
        }
    };
    let mut files = dump.sink.finish().await?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let server = ServerInfo { flavour: session.flavour, version: session.version.clone(), address: request.address.clone() };
    let mut after = take_inventory(&mut session, request).await?;
    after.leave_out(request.without);
    if after != inventory {
        return Err(Failure::new(FailureKind::Conflict, format!("the tables of `{}` were changed while it was dumped", request.database))
            .help("stop what changes them, and dump again")
            .into());
    }
    session.close().await;
    Ok(Manifest {
        backup_format: FORMAT,
        complete: true,
        tool: ToolInfo { name: "runbook".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        made_by: cx.mark().to_owned(),
        server,
        database: request.database.to_owned(),
        taken_at: snapshot.taken_at,
        finished_at: cx.now(),
        snapshot: snapshot.info(inventory.loose.clone()),
        contents,
        without,
        facts,
        files,
        seal: String::new(),
    }
    .sealed())
}

async fn take_inventory(session: &mut Session<'_>, request: &Request<'_>) -> Sql<Inventory> {
    let mut inventory = inventory::read(session, request.database).await?;
    if !inventory.leave_out(&[MARKER.to_owned()]).is_empty() && !request.unfinished {
        return Err(Failure::new(FailureKind::Conflict, format!("a restore into `{}` was begun and not finished", request.database))
            .help("carry the restore out again first: what is there now is a part of a backup")
            .into());
    }
    Ok(inventory)
}

/// The answers to the author's questions.
pub(super) async fn facts(session: &mut Session<'_>, questions: &BTreeMap<String, SqlText>) -> Sql<Map<String, Value>> {
    let mut facts = Map::new();
    for (name, text) in questions {
        let field = format!("facts.{name}");
        let statement = question(text, session, &field)?;
        let outputs = read(session, &statement, FACT_ROWS).await.map_err(|fault| fault.field(&field))?;
        if outputs.get("truncated") == Some(&json!(true)) {
            return Err(Failure::new(FailureKind::Unexpected, format!("the fact `{name}` is too large for a manifest"))
                .field(field)
                .into());
        }
        let one_column = outputs.get("columns").and_then(Value::as_array).is_some_and(|columns| columns.len() == 1);
        let rows = outputs.get("rows").and_then(Value::as_array).cloned().unwrap_or_default();
        let values = rows.into_iter().map(|row| if one_column { row.get(0).cloned().unwrap_or_default() } else { row });
        facts.insert(name.clone(), values.collect());
    }
    Ok(facts)
}

struct Dump<'d, 'a> {
    cx: Cx<'a>,
    session: &'d mut Session<'a>,
    database: &'d str,
    inventory: &'d Inventory,
    as_of: String,
    sink: Sink,
}

impl Dump<'_, '_> {
    /// In the order of loading.
    async fn everything(&mut self) -> Sql<Contents> {
        let inventory = self.inventory;
        let names = inventory.names();
        let mut objects = self.sequences().await?;
        let ddls = self.tables().await?;
        let mut tables = Vec::new();
        let mut rows = 0;
        for ((table, columns), ddl) in inventory.tables.iter().zip(&ddls) {
            rows += self.rows(table, columns, rows).await.map_err(|fault| self.gone(fault, table))?;
            let entry = table_entry(self.session, table, columns, ddl, &self.as_of).await.map_err(|fault| self.gone(fault, table))?;
            tables.push(entry);
        }
        self.foreign_keys(&ddls).await?;
        objects.extend(self.coded(Part::Routines, &[ObjectKind::Procedure, ObjectKind::Function], &names).await?);
        objects.extend(self.views(&names).await?);
        objects.extend(self.coded(Part::Triggers, &[ObjectKind::Trigger], &names).await?);
        objects.extend(self.coded(Part::Events, &[ObjectKind::Event], &names).await?);
        objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(Contents { charset: inventory.charset.clone(), collation: inventory.collation.clone(), tables, objects })
    }

    /// A read of the snapshot that fails because the table or the snapshot itself is gone.
    fn gone(&self, mut fault: Fault, table: &str) -> Fault {
        match fault.code {
            Some(code::TABLE_DEF_CHANGED) => {
                fault.failure.message = format!(
                    "the snapshot of the table `{table}` is gone: the table was changed or emptied, or the dump took longer than the server keeps old rows"
                );
                fault.failure.kind = FailureKind::Conflict;
                fault.failure.help = Some("stop what changes the tables; on OceanBase, raise `undo_retention`".to_owned());
                fault
            }
            Some(code::NO_SUCH_TABLE) => {
                fault.failure.message = format!("the table `{table}` was dropped from `{}` while it was dumped", self.database);
                fault.failure.kind = FailureKind::Conflict;
                fault
            }
            _ => fault.at(&format!("table `{table}`")),
        }
    }

    async fn put(&mut self, part: Part, text: String, statements: u64) -> Sql<()> {
        if statements > 0 {
            self.sink.write(Batch { part, text: text.into_bytes(), statements }).await?;
        }
        Ok(())
    }

    async fn sequences(&mut self) -> Sql<Vec<ObjectEntry>> {
        let mut text = String::new();
        let mut entries = Vec::new();
        for (kind, sequence) in self.inventory.objects.iter().filter(|(kind, _)| *kind == ObjectKind::Sequence) {
            let definition = inventory::definition(self.session, *kind, sequence).await?;
            let create = stripped(&definition, self.database, &BTreeSet::new());
            let whole = super::survey::sequence(self.session, sequence, &create).await?;
            entries.push(object_entry(*kind, sequence, &whole));
            text.push_str(&whole);
        }
        let statements = entries.len() as u64 * 2;
        self.put(Part::Sequences, text, statements).await?;
        Ok(entries)
    }

    async fn tables(&mut self) -> Sql<Vec<TableDdl>> {
        let mut ddls = Vec::new();
        let total = self.inventory.tables.len() as u64;
        for table in self.inventory.tables.keys() {
            let done = ddls.len() as u64;
            self.cx.progress(Progress { what: "reading definitions".to_owned(), done, total: Some(total), unit: Unit::Items });
            let ddl = table_ddl(self.session, self.database, table).await.map_err(|fault| self.gone(fault, table))?;
            self.put(Part::Tables, format!("{};\n", ddl.create), 1).await?;
            ddls.push(ddl);
        }
        Ok(ddls)
    }

    async fn rows(&mut self, table: &str, columns: &[Column], before: u64) -> Sql<u64> {
        const OFTEN: u64 = 1_000;
        let mut writer = RowWriter::new(table, columns);
        let mut result = self.session.query(&writer.select(&self.as_of)).await?;
        let mut rows = 0;
        while let Some(row) = result.next().await? {
            writer.push(&row.unwrap_raw())?;
            rows += 1;
            if let Some((text, statements)) = writer.full() {
                self.sink.write(Batch { part: Part::Data, text, statements }).await?;
            }
            if rows % OFTEN == 0 {
                let what = format!("dumping `{table}`");
                self.cx.progress(Progress { what, done: before + rows, total: None, unit: Unit::Rows });
            }
        }
        result.drop_result().await?;
        if let Some((text, statements)) = writer.finish() {
            self.sink.write(Batch { part: Part::Data, text, statements }).await?;
        }
        Ok(rows)
    }

    /// One `ALTER TABLE` for each table that has some.
    async fn foreign_keys(&mut self, ddls: &[TableDdl]) -> Sql<()> {
        let mut text = String::new();
        let mut statements = 0;
        for (table, ddl) in self.inventory.tables.keys().zip(ddls).filter(|(_, ddl)| !ddl.foreign_keys.is_empty()) {
            text.push_str("ALTER TABLE ");
            text.push_str(&name(table));
            for (at, key) in ddl.foreign_keys.iter().enumerate() {
                text.push_str(if at == 0 { "\n  ADD " } else { ",\n  ADD " });
                text.push_str(key);
            }
            text.push_str(";\n");
            statements += 1;
        }
        self.put(Part::ForeignKeys, text, statements).await
    }

    async fn views(&mut self, names: &BTreeSet<String>) -> Sql<Vec<ObjectEntry>> {
        let mut creates = BTreeMap::new();
        let mut collations = BTreeMap::new();
        let mut entries = Vec::new();
        for (kind, view) in self.inventory.objects.iter().filter(|(kind, _)| *kind == ObjectKind::View) {
            let definition = inventory::definition(self.session, *kind, view).await?;
            // A view whose tables are gone is shown all the same, but it could not be created again.
            self.session.rows(&format!("SELECT 1 FROM {} LIMIT 0", name(view))).await.map_err(|fault| {
                let mut fault = fault.at(&format!("the view `{view}` cannot be read, so it could not be restored"));
                if fault.code.is_some() {
                    fault.failure.help = Some("drop the view, or list it under `without`".to_owned());
                }
                fault
            })?;
            let create = stripped(&definition, self.database, names);
            entries.push(object_entry(*kind, view, &create));
            collations.insert(view.clone(), definition.collation);
            creates.insert(view.clone(), create);
        }
        let mut text = String::new();
        let mut statements = 0;
        for (view, create) in in_order(creates) {
            if let Some(Some(collation)) = collations.get(&view) {
                let _ = writeln!(text, "SET SESSION collation_connection = '{collation}';");
                statements += 1;
            }
            text.push_str(&create);
            text.push_str(";\n");
            statements += 1;
        }
        self.put(Part::Views, text, statements).await?;
        Ok(entries)
    }

    /// What has a body: each behind a delimiter of its own, in the mode in which it was made.
    async fn coded(&mut self, part: Part, kinds: &[ObjectKind], names: &BTreeSet<String>) -> Sql<Vec<ObjectEntry>> {
        let mut text = String::new();
        let mut statements = 0;
        let mut entries = Vec::new();
        let objects = if part == Part::Triggers { self.triggers_in_order().await? } else { self.of_kinds(kinds) };
        for (kind, object) in objects {
            let definition = inventory::definition(self.session, kind, &object).await?;
            let create = stripped(&definition, self.database, names);
            let Definition { sql_mode, collation, time_zone, .. } = definition;
            if let Some(mode) = sql_mode {
                let _ = writeln!(text, "SET SESSION sql_mode = '{mode}';");
                statements += 1;
            }
            if let Some(collation) = collation {
                let _ = writeln!(text, "SET SESSION collation_connection = '{collation}';");
                statements += 1;
            }
            if let Some(zone) = time_zone {
                let _ = writeln!(text, "SET SESSION time_zone = '{zone}';");
                statements += 1;
            }
            let delimiter = delimiter_for(&create);
            let _ = writeln!(text, "DELIMITER {delimiter}\n{create}\n{delimiter}\nDELIMITER ;");
            statements += 1;
            entries.push(object_entry(kind, &object, &create));
        }
        self.put(part, text, statements).await?;
        Ok(entries)
    }

    fn of_kinds(&self, kinds: &[ObjectKind]) -> Vec<(ObjectKind, String)> {
        self.inventory.objects.iter().filter(|(kind, _)| kinds.contains(kind)).cloned().collect()
    }

    /// Triggers of one table and event fire in the order in which they were made.
    async fn triggers_in_order(&mut self) -> Sql<Vec<(ObjectKind, String)>> {
        let mut triggers = self.of_kinds(&[ObjectKind::Trigger]);
        if triggers.len() < 2 {
            return Ok(triggers);
        }
        let database = crate::sql::quote::literal(self.database, self.session.mode);
        let sql = format!("SELECT action_order, trigger_name FROM information_schema.triggers WHERE trigger_schema = {database}");
        let mut order = BTreeMap::new();
        for row in self.session.rows(&sql).await? {
            order.insert(crate::sql::value::text_at(&row, 1).unwrap_or_default(), int_at(&row, 0).unwrap_or(0));
        }
        triggers.sort_by_key(|(_, trigger)| order.get(trigger).copied().unwrap_or(0));
        Ok(triggers)
    }
}
