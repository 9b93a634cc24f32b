//! What has to hold before a database is dropped: it is none of the server's own, nobody works on it, nothing elsewhere points into it, and what it
//! holds is in a backup that was read back.

use std::time::Duration;

use runbook_core::action::{Cx, Failure, FailureKind, FieldFault};

use super::MARKER;
use super::compare::is_part_of;
use super::connections::Connections;
use super::contents::Contents;
use super::inventory;
use super::kept::define_first;
use super::snapshot::{Readers, Together};
use super::survey::Survey;
use super::verify::Report;
use crate::sql::failure::Sql;
use crate::sql::quote::{bad_identifier, literal, name};
use crate::sql::session::{Dialer, Session, comment};
use crate::sql::value::text_at;

/// Databases of the servers themselves.
const PROTECTED: &[&str] = &[
    "mysql",
    "sys",
    "information_schema",
    "performance_schema",
    "oceanbase",
    "test",
    "lbacsys",
    "oraauditor",
    "__public",
    "__recyclebin",
    "ndbinfo",
];
/// How long a connection that was just closed may still be listed.
const CLOSING: Duration = Duration::from_secs(5);
/// The pause between two looks at the list.
const AGAIN: Duration = Duration::from_millis(250);

/// Faults of the name of a database that would be dropped.
pub(in crate::sql) fn name_faults(field: &str, database: &str) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if let Some(why) = bad_identifier(database) {
        faults.push(FieldFault::new(field, format!("the name `{database}` {why}")));
    }
    if PROTECTED.contains(&database.to_ascii_lowercase().as_str()) {
        faults.push(
            FieldFault::new(field, format!("`{database}` belongs to the server itself and is never restored into"))
                .help("give the name of an application's database"),
        );
    }
    faults
}

/// What stands under the name of the database.
pub(in crate::sql) enum Present {
    /// Nothing.
    Absent,
    /// A database without anything in it.
    Empty,
    /// An unfinished restore.
    Begun(Begun),
    /// A database that holds something: so many tables and other objects.
    Full(usize),
}

/// Who began a restore, and of what.
pub(in crate::sql) struct Begun {
    /// The effect's mark.
    pub(in crate::sql) mark: String,
    /// The digest of the manifest.
    pub(in crate::sql) manifest: String,
}

/// Looks without changing anything.
pub(in crate::sql) async fn look(session: &mut Session<'_>, database: &str) -> Sql<Present> {
    if !inventory::exists(session, database).await? {
        return Ok(Present::Absent);
    }
    let mut inventory = inventory::read(session, database).await?;
    if !inventory.leave_out(&[MARKER.to_owned()]).is_empty() {
        let (schema, marker) = (literal(database, session.mode), literal(MARKER, session.mode));
        let sql = format!("SELECT table_comment FROM information_schema.tables WHERE table_schema = {schema} AND table_name = {marker}");
        let comment = session.one(&sql).await?.and_then(|row| text_at(&row, 0)).unwrap_or_default();
        let (manifest, mark) = comment.split_once(' ').unwrap_or_default();
        return Ok(Present::Begun(Begun { mark: mark.to_owned(), manifest: manifest.to_owned() }));
    }
    let objects = inventory.tables.len() + inventory.objects.len() + inventory.unknown.len();
    Ok(if objects == 0 { Present::Empty } else { Present::Full(objects) })
}

/// Foreign keys of other databases that point here would be lost with it, on some servers without a word.
pub(in crate::sql) async fn refuse_references(session: &mut Session<'_>, into: &str) -> Sql<()> {
    let wanted = literal(into, session.mode);
    let sql = format!(
        "SELECT DISTINCT table_schema, table_name FROM information_schema.key_column_usage \
         WHERE referenced_table_schema = {wanted} AND table_schema <> {wanted}"
    );
    let tables: Vec<String> = session
        .rows(&sql)
        .await?
        .iter()
        .map(|row| format!("`{}`.`{}`", text_at(row, 0).unwrap_or_default(), text_at(row, 1).unwrap_or_default()))
        .collect();
    if tables.is_empty() {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Conflict, format!("foreign keys of other databases point into `{into}`: {}", tables.join(", ")))
        .field("into")
        .help("drop these keys first: dropping the database would take them away")
        .into())
}

/// Fails while others are connected to the database: what they write now would be in no backup. Lists only whom the user may see.
pub(in crate::sql) async fn refuse_connected(session: &mut Session<'_>, database: &str, cx: Cx<'_>) -> Sql<()> {
    let (wanted, own) = (literal(database, session.mode), literal(&comment(cx.mark()), session.mode));
    // Through a proxy, `connection_id()` may be another one than the server lists.
    let sql = format!(
        "SELECT id, user, host FROM information_schema.processlist \
         WHERE db = {wanted} AND id <> connection_id() AND (info IS NULL OR locate({own}, info) = 0) ORDER BY id"
    );
    let mut passed = Duration::ZERO;
    loop {
        let others = session.rows(&sql).await?;
        if others.is_empty() {
            return Ok(());
        }
        if passed >= CLOSING {
            let noun = if others.len() == 1 { "1 connection is" } else { &*format!("{} connections are", others.len()) };
            let mut failure =
                Failure::new(FailureKind::Conflict, format!("{noun} open on the database `{database}`, and it would be dropped"))
                    .help("stop what is connected; an idle client can be ended with `KILL ID`");
            for row in others.iter().take(10) {
                let [id, user, host] = [0, 1, 2].map(|at| text_at(row, at).unwrap_or_default());
                failure = failure.detail(format!("connection {id}: `{user}` from {host}"));
            }
            failure.retryable = true;
            return Err(failure.into());
        }
        cx.sleep(AGAIN).await;
        passed += AGAIN;
    }
}

/// Drops. A server that denies it (no privilege) has changed nothing.
pub(in crate::sql) async fn drop_database(dialer: &Dialer<'_>, session: &mut Session<'_>, database: &str) -> Sql<()> {
    let dropped = define_first(dialer, session, database, &format!("DROP DATABASE IF EXISTS {}", name(database))).await;
    dropped.map_err(|mut fault| {
        if fault.failure.kind == FailureKind::Denied {
            let help = format!("as an administrator: GRANT DROP, CREATE ON {}.* TO the user; nothing was dropped", name(database));
            fault.failure.help = Some(help);
        }
        fault
    })
}

/// Makes sure that a verified backup holds everything that stands in the database now; `field` names it. What the backup leaves out (`without`) is
/// looked at too: it would be dropped.
pub(in crate::sql) async fn is_kept(dialer: &Dialer<'_>, database: &str, report: &Report, field: &str) -> Sql<()> {
    let actual = contents_of(dialer, database, &report.manifest.contents).await?;
    if report.manifest.database == database && is_part_of(&actual, &report.manifest.contents) {
        return Ok(());
    }
    let folder = report.folder().display();
    Err(Failure::new(
        FailureKind::Conflict,
        format!("the backup in `{folder}` does not hold what `{database}` holds now, so nothing was dropped"),
    )
    .field(field)
    .help(format!("stop what writes into the database, and give a folder for `{field}` that does not exist"))
    .into())
}

/// Everything that a database holds now; `expected` is what it is to be compared with.
async fn contents_of(dialer: &Dialer<'_>, database: &str, expected: &Contents) -> Sql<Contents> {
    let mut readers = Readers::open(dialer, database, usize::from(Connections::default().get()), Together::Free).await?;
    let survey = Survey { cx: dialer.cx(), database, snapshot: &readers.snapshot, without: &[], expected: Some(expected), known: None };
    let contents = survey.read(Some(dialer), &mut readers.sessions).await?;
    readers.close().await;
    Ok(contents)
}
