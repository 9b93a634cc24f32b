//! Writing a backup: names and definitions, one snapshot, rows, checksums, and the manifest last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use runbook_core::action::{Failure, FailureKind, SqlText};
use serde_json::{Map, Value, json};

use super::MARKER;
use super::contents::Contents;
use super::definitions::definitions;
use super::folder::Folder;
use super::grants::sees_everything;
use super::inventory::{self, Inventory};
use super::manifest::{FORMAT, Manifest, ServerInfo, ToolInfo};
use super::objects::Objects;
use super::row_text::RowText;
use super::sink::{Batch, Sink};
use super::snapshot::{Readers, Snapshot, Together};
use super::survey::table_entry;
use super::tables::Tables;
use crate::sql::failure::{Fault, Sql};
use crate::sql::query::{question, read};
use crate::sql::session::{Dialer, Flavour, Session};

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
    /// The most connections that read side by side.
    pub(in crate::sql) connections: u8,
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
    let mut sessions = dialer.connect_all(request.database, usize::from(request.connections)).await?;
    let mut inventory = take_inventory(dialer, &mut sessions, request).await?;
    let Some(session) = sessions.first_mut() else { return Err(no_connection()) };
    sees_everything(session, request.database).await?;
    let without = inventory.leave_out(request.without);
    inventory.refuse_unknown()?;
    super::dependents::refuse(session, request.database, &inventory, &without).await?;
    let names: Vec<String> = inventory.tables.keys().cloned().collect();
    let server = ServerInfo { flavour: session.flavour, version: session.version.clone(), address: request.address.clone() };
    // Names first, the snapshot then: what was created in between is noticed at the end.
    let Readers { mut sessions, snapshot } = Readers::take(dialer, sessions, request.database, Together::Lock(&names)).await?;
    let facts = match sessions.first_mut() {
        Some(session) => facts(session, request.facts).await?,
        None => Map::new(),
    };
    let mut sinks = Vec::new();
    for _ in 0..sessions.len() {
        sinks.push(Sink::new(folder, request.gzip)?);
    }
    let dump = Dump { dialer, request, inventory: &inventory, snapshot: &snapshot };
    let contents = dump.everything(&mut sessions, &mut sinks).await;
    // What is there now is asked while the disk catches up.
    let (finished, after) = tokio::join!(join_all(sinks.into_iter().map(Sink::finish)), async {
        if contents.is_ok() { look_again(dialer, &mut sessions, request).await.map(Some) } else { Ok(None) }
    });
    let mut files = Vec::new();
    let mut disk = None;
    for finished in finished {
        match finished {
            Ok(more) => files.extend(more),
            Err(failure) => disk = disk.or(Some(failure)),
        }
    }
    let contents = match (contents, disk) {
        (Ok(contents), None) => contents,
        // The disk's fault may be the reason of the others.
        (Err(fault), None) => return Err(fault),
        (Err(fault), Some(_)) if fault.cancelled && cx.cancel_requested().is_some() => return Err(fault),
        (_, Some(failure)) => return Err(failure.into()),
    };
    files.sort_unstable_by(|a, b| (a.part, &a.name).cmp(&(b.part, &b.name)));
    if let Some(mut after) = after? {
        after.leave_out(request.without);
        if after != inventory {
            return Err(Failure::new(
                FailureKind::Conflict,
                format!("the tables of `{}` were changed while it was dumped", request.database),
            )
            .help("stop what changes them, and dump again")
            .into());
        }
    }
    for session in sessions {
        session.close().await;
    }
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

async fn take_inventory(dialer: &Dialer<'_>, sessions: &mut [Session<'_>], request: &Request<'_>) -> Sql<Inventory> {
    let mut inventory = inventory::read_over(Some(dialer), sessions, request.database).await?;
    if !inventory.leave_out(&[MARKER.to_owned()]).is_empty() && !request.unfinished {
        return Err(Failure::new(FailureKind::Conflict, format!("a restore into `{}` was begun and not finished", request.database))
            .help("carry the restore out again first: what is there now is a part of a backup")
            .into());
    }
    Ok(inventory)
}

/// What is there now.
async fn look_again(dialer: &Dialer<'_>, sessions: &mut [Session<'_>], request: &Request<'_>) -> Sql<Inventory> {
    if sessions.iter().any(|session| session.flavour == Flavour::MySql) {
        // Its lists are tables, of which the snapshot's transactions see the old state. They stay open meanwhile: what waits for them changes nothing yet.
        let mut another = dialer.connect(Some(request.database)).await?;
        let inventory = take_inventory(dialer, std::slice::from_mut(&mut another), request).await?;
        another.close().await;
        return Ok(inventory);
    }
    take_inventory(dialer, sessions, request).await
}

fn no_connection() -> Fault {
    Failure::new(FailureKind::Internal, "a dump without a connection").into()
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
    dialer: &'d Dialer<'a>,
    request: &'d Request<'d>,
    inventory: &'d Inventory,
    snapshot: &'d Snapshot,
}

impl<'a> Dump<'_, 'a> {
    async fn everything(&self, sessions: &mut [Session<'a>], sinks: &mut [Sink]) -> Sql<Contents> {
        let Self { inventory, .. } = self;
        let tables = Tables::new(self.dialer.cx(), self.request.database, &inventory.tables, self.snapshot);
        let written = tables.write(self.dialer, sessions, sinks).await?;
        let (Some(session), Some(sink)) = (sessions.first_mut(), sinks.first_mut()) else {
            return Err(no_connection());
        };
        for (place, text) in definitions(inventory.tables.keys(), &written) {
            let statements = text.len() as u64;
            if statements > 0 {
                sink.write(Batch { place, text: text.concat().into_bytes(), statements }).await?;
            }
        }
        let tables = inventory.tables.iter().zip(&written);
        let tables = tables.map(|((table, columns), written)| table_entry(table, columns, &written.ddl, written.sum)).collect();
        let objects = Objects { session, sink, database: self.request.database, inventory }.everything().await?;
        let (charset, collation) = (inventory.charset.clone(), inventory.collation.clone());
        Ok(Contents { charset, collation, row_text: RowText::NEWEST, tables, objects })
    }
}
