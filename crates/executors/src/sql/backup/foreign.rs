//! Backups that another tool wrote: the same manifest, with what the server says and what lies in the folder.
//!
//! The other tool's files are read, made durable and never changed. What they hold is not understood here: that a loaded copy is what the manifest
//! says is for a comparison to find out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use runbook_core::action::{Failure, FailureKind, Progress, SqlText, Unit};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::MARKER;
use super::blocking::blocking;
use super::contents::Contents;
use super::dump::facts;
use super::folder::{give_name, stem, sync_folder, write_synced};
use super::grants::sees_everything;
use super::inventory::{self, Inventory};
use super::manifest::{FORMAT, FileEntry, Manifest, Part, ServerInfo, SnapshotInfo, ToolInfo, hex};
use super::sink::write_failure;
use super::snapshot::Snapshot;
use super::survey::survey;
use crate::sql::failure::Sql;
use crate::sql::session::{Dialer, Session};
use crate::sql::statements::unreadable;

/// The manifest's name in a backup's folder.
const MANIFEST: &str = "manifest.json";

/// What is to be proved.
pub(in crate::sql) struct Request<'r> {
    /// The database that the other tool dumped.
    pub(in crate::sql) database: &'r str,
    /// The folder with its files, absolute.
    pub(in crate::sql) dir: PathBuf,
    /// Who wrote them.
    pub(in crate::sql) tool: ToolInfo,
    /// Questions whose answers go into the manifest.
    pub(in crate::sql) facts: &'r BTreeMap<String, SqlText>,
    /// Names that the other tool left out.
    pub(in crate::sql) without: &'r [String],
    /// Where the server was reached.
    pub(in crate::sql) address: String,
}

/// Writes the manifest into the folder. When this fails, nothing but perhaps a hidden file is left, which the next attempt removes.
pub(in crate::sql) async fn prove(dialer: &Dialer<'_>, request: &Request<'_>) -> Sql<Manifest> {
    let cx = dialer.cx();
    let path = request.dir.join(MANIFEST);
    if path.symlink_metadata().is_ok() {
        return Err(taken(&path).field("dir").into());
    }
    let partial = request.dir.join(format!(".{MANIFEST}.{}.partial", stem(cx.mark())));
    cx.evidence(json!({ "partial": partial })).await?;
    if partial.symlink_metadata().is_ok() {
        std::fs::remove_file(&partial).map_err(|error| write_failure(&partial, &error))?;
    }
    let files = hashed(dialer, &request.dir).await.map_err(|fault| fault.field("dir"))?;
    let mut session = dialer.connect(Some(request.database)).await?;
    sees_everything(&mut session, request.database).await?;
    let (inventory, without) = whole(&mut session, request).await?;
    let snapshot = Snapshot::take(&mut session, cx.now()).await?;
    let facts = facts(&mut session, request.facts).await?;
    let contents = survey(&mut session, request.database, &snapshot, request.without, cx).await?;
    let (after, _) = whole(&mut session, request).await?;
    if after != inventory {
        return Err(Failure::new(
            FailureKind::Conflict,
            format!("the tables of `{}` were changed while they were looked at", request.database),
        )
        .help("stop what changes them, and dump again")
        .into());
    }
    let server = ServerInfo { flavour: session.flavour, version: session.version.clone(), address: request.address.clone() };
    session.close().await;
    if request.tool.name == OBDUMPER {
        every_table_has_a_file(&contents, &files)?;
    }
    let manifest = Manifest {
        backup_format: FORMAT,
        complete: true,
        tool: request.tool.clone(),
        made_by: cx.mark().to_owned(),
        server,
        database: request.database.to_owned(),
        taken_at: snapshot.taken_at,
        finished_at: cx.now(),
        snapshot: SnapshotInfo::Afterwards,
        contents,
        without,
        facts,
        files,
        seal: String::new(),
    }
    .sealed();
    let written = write_synced(&partial, manifest.to_text().as_bytes()).map_err(|error| write_failure(&partial, &error));
    if let Err(failure) = written.and_then(|()| give_name(&partial, &path, taken)) {
        let _ = std::fs::remove_file(&partial);
        return Err(failure.field("dir").into());
    }
    Ok(manifest)
}

/// What the database holds; and what was left out of what is really there.
async fn whole(session: &mut Session<'_>, request: &Request<'_>) -> Sql<(Inventory, Vec<String>)> {
    let mut inventory = inventory::read(session, request.database).await?;
    if !inventory.leave_out(&[MARKER.to_owned()]).is_empty() {
        return Err(Failure::new(FailureKind::Conflict, format!("a restore into `{}` was begun and not finished", request.database))
            .help("carry the restore out again first: what is there now is a part of a backup")
            .into());
    }
    let without = inventory.leave_out(request.without);
    inventory.refuse_unknown()?;
    Ok((inventory, without))
}

fn taken(path: &Path) -> Failure {
    Failure::new(FailureKind::Conflict, format!("`{}` is there already, and a manifest is never written over", path.display()))
        .help("give the folder of a new dump")
}

/// The name under which OceanBase's own tool is known here.
const OBDUMPER: &str = "obdumper";

/// `obdumper` gives each table with rows a file of its own, `NAME.csv` or `NAME.sql`, perhaps numbered or packed. Its exit code was seen to be 0 with
/// errors: a table without such a file was not dumped. Names that it might write in another way are not looked for.
fn every_table_has_a_file(contents: &Contents, files: &[FileEntry]) -> Result<(), Failure> {
    let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let stems: BTreeSet<String> = files
        .iter()
        .filter(|file| file.bytes > 0)
        .filter_map(|file| Some(file.name.rsplit('/').next()?.split_once('.')?.0.to_ascii_lowercase()))
        .collect();
    let missing: Vec<String> = contents
        .tables
        .iter()
        .filter(|table| table.rows > 0 && plain(&table.name) && !stems.contains(&table.name.to_ascii_lowercase()))
        .map(|table| format!("`{}` ({} rows)", table.name, table.rows))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut failure = Failure::new(FailureKind::Unexpected, format!("no file holds the rows of {}", missing.join(", ")))
        .field("dir")
        .help("look at what obdumper printed, and dump again into a new folder");
    failure.retryable = false;
    Err(failure)
}

/// Reads all files once, on a thread of its own, and makes them durable.
async fn hashed(dialer: &Dialer<'_>, dir: &Path) -> Sql<Vec<FileEntry>> {
    let cx = dialer.cx();
    let (told, mut news) = mpsc::unbounded_channel::<u64>();
    let dir = dir.to_owned();
    let reading = blocking(cx, move |stop| {
        let names = files_below(&dir, true)?;
        if names.is_empty() {
            return Err(Failure::new(FailureKind::NotFound, format!("`{}` holds no files", dir.display())));
        }
        let mut files = Vec::new();
        let mut done = 0;
        for name in names {
            files.push(hash(&dir, name, &mut done, &|done| {
                // Nobody has to listen.
                let _ = told.send(done);
                stop()
            })?);
        }
        for folder in folders_of(&dir, &files) {
            sync_folder(&folder).map_err(|error| write_failure(&folder, &error))?;
        }
        Ok(files)
    });
    let telling = async {
        while let Some(done) = news.recv().await {
            cx.progress(Progress { what: "reading the other tool's files".to_owned(), done, total: None, unit: Unit::Bytes });
        }
    };
    tokio::join!(reading, telling).0
}

fn hash(dir: &Path, name: String, done: &mut u64, stop: &dyn Fn(u64) -> bool) -> Result<FileEntry, Failure> {
    let path = dir.join(&name);
    let mut file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut piece).map_err(|error| unreadable(&path, &error))?;
        let Some(piece) = piece.get(..read).filter(|piece| !piece.is_empty()) else { break };
        hash.update(piece);
        bytes += read as u64;
        *done += read as u64;
        if stop(*done) {
            return Err(Failure::new(FailureKind::Failed, "was told to end"));
        }
    }
    file.sync_all().map_err(|error| write_failure(&path, &error))?;
    Ok(FileEntry { name, part: Part::Foreign, bytes, sha256: hex(&hash.finalize()), statements: 0 })
}

/// The folders in which these files lie, the outermost last.
fn folders_of(dir: &Path, files: &[FileEntry]) -> Vec<PathBuf> {
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for file in files {
        let parents = Path::new(&file.name).ancestors().skip(1);
        folders.extend(parents.map(|parent| dir.join(parent)));
    }
    folders.into_iter().rev().collect()
}

/// The files in a folder, and with `deep` in those below it, as paths with `/`, sorted. The manifest is not among them. What is neither a file nor a
/// folder is refused: a link may lead out of the backup.
pub(super) fn files_below(dir: &Path, deep: bool) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(inside) = open.pop() {
        let folder = dir.join(&inside);
        let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&folder, &error))?;
            let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), &error))?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(refused(&entry.path(), "has a name that is not UTF-8"));
            };
            let below = if inside.is_empty() { name } else { format!("{inside}/{name}") };
            if kind.is_file() {
                found.push(below);
            } else if !deep {
                // Beside this program's own files nothing else counts.
            } else if kind.is_dir() {
                open.push(below);
            } else {
                return Err(refused(&entry.path(), "is neither a file nor a folder"));
            }
        }
    }
    found.retain(|name| name != MANIFEST);
    found.sort_unstable();
    Ok(found)
}

fn refused(path: &Path, why: &str) -> Failure {
    Failure::new(FailureKind::Failed, format!("`{}` {why}, so it cannot be part of a backup", path.display()))
}

/// Whether a name in a manifest stays below the backup's folder.
pub(super) fn is_below(name: &str) -> bool {
    !name.is_empty() && name != MANIFEST && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::super::contents::{Checksum, TableEntry};
    use super::super::row_text::RowText;
    use super::*;

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        assert!(is_below("data/db/TABLE/t.csv") && is_below(".hidden"));
        for name in ["", "/etc/passwd", "../x", "data/../../x", "data//x", "./x", "manifest.json"] {
            assert!(!is_below(name), "{name}");
        }
    }

    #[test]
    fn a_table_without_a_file_was_not_dumped() {
        let table = |name: &str, rows| TableEntry {
            name: name.to_owned(),
            rows,
            checksum: Checksum::default(),
            columns: Vec::new(),
            auto_increment: None,
            definition: String::new(),
        };
        let file =
            |name: &str, bytes| FileEntry { name: name.to_owned(), part: Part::Foreign, bytes, sha256: String::new(), statements: 0 };
        let contents = Contents {
            charset: "utf8mb4".to_owned(),
            collation: "utf8mb4_bin".to_owned(),
            row_text: RowText::NEWEST,
            tables: vec![table("Here", 1), table("empty", 0), table("odd name", 5), table("lost", 7), table("cut", 2)],
            objects: Vec::new(),
        };
        let files = [
            file("data/db/TABLE/here.1.csv.gz", 9),
            file("data/db/TABLE/here-schema.sql", 9),
            file("data/db/TABLE/lost-schema.sql", 9),
            file("data/db/TABLE/cut.csv", 0),
        ];
        let failure = every_table_has_a_file(&contents, &files).unwrap_err();
        assert_eq!(failure.message, "no file holds the rows of `lost` (7 rows), `cut` (2 rows)");
    }
}
