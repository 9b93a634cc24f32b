//! Bringing a backup back: into a database that is absent or empty, or one whose present state is safe elsewhere.
//!
//! Nothing is dropped before the backup was verified and the present state was dumped aside, read back, and found to be what still stands there.
//! From the creation of the database until the final comparison a marker table stands in it: a later attempt knows by it that what is there is an
//! unfinished restore.

use std::path::PathBuf;

use runbook_core::action::{Answer, Failure, FailureKind, Question, QuestionKind};
use serde::Deserialize;

use super::MARKER;
use super::compare::differences;
use super::contents::{Contents, ObjectKind};
use super::dump::{Request as DumpRequest, dump};
use super::gate::{Begun, Present, drop_database, is_kept, look, refuse_connected, refuse_references};
use super::inventory;
use super::kept::define_first;
use super::load::load;
use super::snapshot::{Readers, Together};
use super::summing::Sums;
use super::survey::Survey;
use super::verify::Report;
use crate::sql::failure::{Fault, Sql};
use crate::sql::quote::{literal, name};
use crate::sql::session::{Dialer, Flavour, Session, mark};
use crate::sql::verify_backup::verified;

/// What is to be restored, and how.
pub(in crate::sql) struct Request<'r> {
    /// The verified backup.
    pub(in crate::sql) report: &'r Report,
    /// The database to be.
    pub(in crate::sql) into: &'r str,
    /// Whether a database that holds something may be dropped.
    pub(in crate::sql) recreate: bool,
    /// Where its present state goes first, absolute.
    pub(in crate::sql) aside: Option<PathBuf>,
    /// What to do when that fails.
    pub(in crate::sql) aside_on_error: AsideOnError,
    /// Whether this undoes a step: then what stands there is that step's own work, which needs no dump.
    pub(in crate::sql) undo: bool,
    /// The most connections that work side by side.
    pub(in crate::sql) connections: u8,
    /// Where the server is reached.
    pub(in crate::sql) address: String,
    /// Whether it is only a rehearsal: then the marker stays, so that whoever finds the database knows that it is no one's data.
    pub(in crate::sql) rehearsal: bool,
}

/// What to do when the present state cannot be dumped aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::sql) enum AsideOnError {
    /// Fail; nothing was changed.
    #[default]
    Stop,
    /// Ask the person whether to go on without.
    Ask,
}

/// What was done.
#[derive(Debug, Default)]
pub(in crate::sql) struct Restored {
    /// What the database holds now.
    pub(in crate::sql) contents: Option<Contents>,
    /// The manifest of what stood there before.
    pub(in crate::sql) aside: Option<PathBuf>,
    /// Whether anything on the server was changed.
    pub(in crate::sql) touched: bool,
}

/// Restores. `restored` tells, also after a failure, how far it came.
pub(in crate::sql) async fn restore(dialer: &Dialer<'_>, request: &Request<'_>, restored: &mut Restored) -> Sql<()> {
    refuse_foreign(request.report)?;
    let mut session = dialer.connect_bare().await?;
    refuse_elsewhere(request.report, session.flavour)?;
    let contents = &request.report.manifest.contents;
    let present = look(&mut session, request.into).await?;
    let there = matches!(present, Present::Empty);
    make_room(dialer, &mut session, request, present, restored).await?;
    let touched = std::mem::replace(&mut restored.touched, true);
    let (into, charset, collation) = (name(request.into), &contents.charset, &contents.collation);
    // seekdb 1.4 sometimes answers an `ALTER DATABASE` just after the `CREATE` with an internal error.
    let verb = if there { "ALTER" } else { "CREATE" };
    let sql = format!("{verb} DATABASE {into} CHARACTER SET {charset} COLLATE {collation}");
    define_first(dialer, &mut session, request.into, &sql).await.inspect_err(|fault| {
        // Who may not create a database has changed nothing.
        restored.touched = touched || fault.failure.kind != FailureKind::Denied;
    })?;
    session.close().await;

    let mut session = dialer.connect(Some(request.into)).await?;
    mark_begin(dialer, &mut session, request).await?;
    session.close().await;
    let sums = load(dialer, request.into, request.report, usize::from(request.connections)).await?;

    let found = compared(dialer, request, &sums).await?;
    if !request.rehearsal {
        let mut session = dialer.connect(Some(request.into)).await?;
        define_first(dialer, &mut session, request.into, &format!("DROP TABLE IF EXISTS {}", name(MARKER))).await?;
        session.close().await;
    }
    restored.contents = Some(found);
    Ok(())
}

/// What another tool wrote only that tool can load.
fn refuse_foreign(report: &Report) -> Result<(), Failure> {
    if !report.manifest.is_foreign() {
        return Ok(());
    }
    let tool = &report.manifest.tool.name;
    let mut failure = Failure::new(
        FailureKind::Failed,
        format!("the backup `{}` was written by `{tool}`, and only it can load it", report.path.display()),
    )
    .field("manifest")
    .help("empty the database with `sql.recreate`, load it with the tool's own loader in `shell.run`, then prove it with `sql.compare`");
    failure.retryable = false;
    Err(failure)
}

/// OceanBase writes options into the definition of each table that no other server reads.
fn refuse_elsewhere(report: &Report, flavour: Flavour) -> Result<(), Failure> {
    if report.manifest.server.flavour != Flavour::OceanBase || flavour == Flavour::OceanBase {
        return Ok(());
    }
    let mut failure = Failure::new(
        FailureKind::Failed,
        format!("the backup `{}` was made of OceanBase, and its definitions of tables are OceanBase's own", report.path.display()),
    )
    .field("manifest")
    .help("restore it into an OceanBase; or make the tables here by a script, load the files `30-data…` with `sql.script`, and prove them with `sql.compare`");
    failure.retryable = false;
    Err(failure)
}

/// Who restores what stands in the table's comment: so it is there with the table or not at all. With a key, which some servers want of each table
/// (`sql_require_primary_key`).
async fn mark_begin(dialer: &Dialer<'_>, session: &mut Session<'_>, request: &Request<'_>) -> Sql<()> {
    let comment = literal(&format!("{} {}", request.report.digest, mark(dialer.cx().mark())), session.mode);
    let sql = format!("CREATE TABLE {} (unfinished int PRIMARY KEY) COMMENT = {comment}", name(MARKER));
    define_first(dialer, session, request.into, &sql).await
}

/// Drops a database in which the marker stands.
pub(in crate::sql) async fn discard(dialer: &Dialer<'_>, session: &mut Session<'_>, database: &str) -> Sql<()> {
    clear(dialer, session, database).await?;
    define_first(dialer, session, database, &format!("DROP DATABASE IF EXISTS {}", name(database))).await
}

/// Drops what an unfinished restore made, its marker last: a database that is dropped half-way must not lose the marker before the rest.
async fn clear(dialer: &Dialer<'_>, session: &mut Session<'_>, database: &str) -> Sql<()> {
    const AT_ONCE: usize = 50;
    let mut inventory = inventory::read(session, database).await?;
    inventory.leave_out(&[MARKER.to_owned()]);
    let of = |kind: ObjectKind| inventory.objects.iter().filter(move |(other, _)| *other == kind).map(|(_, object)| object.clone());
    session.run("SET SESSION foreign_key_checks = 0").await?;
    let lists = [
        ("VIEW", of(ObjectKind::View).collect::<Vec<_>>()),
        ("TABLE", inventory.tables.keys().cloned().collect()),
        ("SEQUENCE", of(ObjectKind::Sequence).collect()),
    ];
    for (kind, objects) in lists {
        for some in objects.chunks(AT_ONCE) {
            let list = some.iter().map(|object| format!("{}.{}", name(database), name(object))).collect::<Vec<_>>().join(", ");
            define_first(dialer, session, database, &format!("DROP {kind} IF EXISTS {list}")).await?;
        }
    }
    Ok(())
}

/// Compares what was loaded with the manifest. `sums` is what is known of it already.
async fn compared(dialer: &Dialer<'_>, request: &Request<'_>, sums: &Sums) -> Sql<Contents> {
    let manifest = &request.report.manifest;
    // Nobody else writes into what is being restored: no lock is needed to see one state.
    let mut readers = Readers::open(dialer, request.into, usize::from(request.connections), Together::Alone).await?;
    let same = |session: &Session<'_>| session.flavour == manifest.server.flavour && session.version == manifest.server.version;
    let definitions = readers.sessions.iter().all(same);
    let survey = Survey {
        cx: dialer.cx(),
        database: request.into,
        snapshot: &readers.snapshot,
        without: &[],
        expected: Some(&manifest.contents),
        known: Some(sums),
    };
    let actual = survey.read(Some(dialer), &mut readers.sessions).await?;
    readers.close().await;
    let found = differences(&manifest.contents, &actual, definitions);
    if found.is_empty() {
        return Ok(actual);
    }
    let noun = if found.len() == 1 { "respect" } else { "respects" };
    let mut failure = Failure::new(
        FailureKind::Unexpected,
        format!("`{}` was loaded and differs from its manifest in {} {noun}", request.into, found.len()),
    );
    for difference in found.iter().take(20) {
        failure = failure.detail(difference.sentence());
    }
    Err(failure.into())
}

/// Sees to it that the database may be filled: leaves an empty one, drops one whose loss is no loss.
async fn make_room(
    dialer: &Dialer<'_>,
    session: &mut Session<'_>,
    request: &Request<'_>,
    present: Present,
    restored: &mut Restored,
) -> Sql<()> {
    let same_run = |begun: &Begun| begun.mark.split('/').next() == Some(dialer.cx().run_id());
    let own_remains = match &present {
        Present::Absent | Present::Empty => return Ok(()),
        // A marker that another run left may have been forgotten, and the database used since: where a place for it is given, it is dumped.
        Present::Begun(begun) => same_run(begun) || request.undo || (request.aside.is_none() && begun.manifest == request.report.digest),
        Present::Full(_) => false,
    };
    if own_remains {
        // What the earlier attempt dumped aside is still this step's answer to "where is it".
        restored.touched = true;
        restored.aside = request.aside.as_ref().map(|aside| aside.join("manifest.json")).filter(|manifest| manifest.is_file());
        clear(dialer, session, request.into).await?;
    } else {
        refuse(request, &present)?;
        refuse_references(session, request.into).await?;
        // In an undo, what stands there is the undone step's own work, whoever looks at it.
        if !request.undo {
            refuse_connected(session, request.into, dialer.cx()).await.map_err(|fault| fault.field("into"))?;
        }
        if let Some(aside) = &request.aside {
            restored.aside = set_aside(dialer, request, aside).await?;
            refuse_connected(session, request.into, dialer.cx()).await.map_err(|fault| fault.field("into"))?;
        }
    }
    let touched = std::mem::replace(&mut restored.touched, true);
    drop_database(dialer, session, request.into)
        .await
        .inspect_err(|fault| restored.touched = touched || fault.failure.kind != FailureKind::Denied)
}

fn refuse(request: &Request<'_>, present: &Present) -> Result<(), Failure> {
    let into = request.into;
    if !request.recreate {
        let holds = match present {
            Present::Full(1) => "holds 1 object".to_owned(),
            Present::Full(objects) => format!("holds {objects} objects"),
            Present::Begun(_) | Present::Absent | Present::Empty => "holds the beginning of another restore".to_owned(),
        };
        return Err(Failure::new(
            FailureKind::Conflict,
            format!("the database `{into}` {holds}, and a restore never writes over something"),
        )
        .field("into")
        .help("restore under another name, or write `recreate = true` and `aside = \"FOLDER\"` to dump it there and drop it"));
    }
    if request.aside.is_none() && !request.undo {
        return Err(Failure::new(
            FailureKind::Conflict,
            format!("the database `{into}` would be dropped, and nothing says where its present state is kept"),
        )
        .field("aside")
        .help("write `aside = \"FOLDER\"`: a folder to be, into which it is dumped first"));
    }
    Ok(())
}

/// Dumps the present state, reads the dump back, and makes sure that it is what still stands there. Returns its manifest; none where a person
/// decided to go on without.
async fn set_aside(dialer: &Dialer<'_>, request: &Request<'_>, aside: &std::path::Path) -> Sql<Option<PathBuf>> {
    match kept(dialer, request, aside).await {
        Ok(manifest) => Ok(Some(manifest)),
        Err(fault) if fault.cancelled || request.aside_on_error == AsideOnError::Stop => Err(fault),
        Err(fault) => {
            let text = format!(
                "The present state of the database `{}` cannot be kept: {}\nDrop it all the same? What only it holds is lost.",
                request.into, fault.failure.message
            );
            match dialer.cx().ask(Question { text, kind: QuestionKind::Confirm }).await? {
                Answer::Yes => Ok(None),
                Answer::No => Err(Failure::new(FailureKind::Refused, format!("a person said no to dropping `{}`", request.into)).into()),
                Answer::Withdrawn => Err(Fault::cancelled()),
                Answer::Text(_) | Answer::Nobody => {
                    let mut failure = *fault.failure;
                    failure.kind = FailureKind::NeedsPerson;
                    failure.help = Some("mend what cannot be kept, or go on where a person can be asked; nothing was dropped".to_owned());
                    Err(failure.into())
                }
            }
        }
    }
}

async fn kept(dialer: &Dialer<'_>, request: &Request<'_>, aside: &std::path::Path) -> Sql<PathBuf> {
    if aside.symlink_metadata().is_err() {
        let facts = std::collections::BTreeMap::new();
        let wanted = DumpRequest {
            database: request.into,
            to: aside.to_owned(),
            facts: &facts,
            without: &[],
            gzip: false,
            address: request.address.clone(),
            connections: request.connections,
            unfinished: true,
        };
        dump(dialer, &wanted).await.map_err(|fault| fault.at(&format!("`{}` cannot be dumped aside", request.into)).field("aside"))?;
    }
    let report = verified(dialer.cx(), aside.to_owned()).await.map_err(|mut fault| {
        fault.failure.field = Some("aside".to_owned());
        fault
    })?;
    is_kept(dialer, request.into, &report, "aside").await?;
    Ok(report.path)
}
