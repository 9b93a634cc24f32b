//! One moment of a database, for the reads of one or several connections.
//!
//! OceanBase gives a number that any connection can name in its reads. Elsewhere a snapshot is a transaction, and transactions of several connections
//! see the same only where nothing is committed while they begin: for that instant a lock is held. Where the user may not take one, or does not get
//! it soon, one connection does all the reading.

use jiff::Timestamp;

use super::manifest::{How, SnapshotInfo};
use crate::sql::failure::{Sql, code};
use crate::sql::quote::name;
use crate::sql::session::{Dialer, Flavour, Session};
use crate::sql::value::text_at;

/// How long the lock is waited for, in seconds: others wait behind it.
const LOCK_WAIT: u32 = 5;

/// Connections that see one moment.
pub(in crate::sql) struct Readers<'a> {
    /// The connections; there is at least one.
    pub(in crate::sql) sessions: Vec<Session<'a>>,
    /// The moment.
    pub(in crate::sql) snapshot: Snapshot,
}

/// What may be done so that the transactions of several connections begin at the same moment.
#[derive(Clone, Copy, Debug)]
pub(in crate::sql) enum Together<'t> {
    /// A lock on these tables of the database, or on all commits: what is read is in use.
    Lock(&'t [String]),
    /// Nothing: where a moment is not a number, one connection reads.
    Free,
    /// Nothing is needed: nobody else writes there.
    Alone,
}

/// A moment, and how a read names it.
pub(in crate::sql) struct Snapshot {
    /// When it was taken, by this host's clock.
    pub(in crate::sql) taken_at: Timestamp,
    scn: Option<String>,
    connections: usize,
    how: How,
    /// How many seconds OceanBase keeps old rows for.
    retention: Option<u64>,
}

impl<'a> Readers<'a> {
    /// Takes a snapshot on `first` and on as many new connections to `database` as make `wanted`, and makes them read-only.
    pub(in crate::sql) async fn take(
        dialer: &Dialer<'a>,
        mut first: Session<'a>,
        database: &str,
        wanted: usize,
        together: Together<'_>,
    ) -> Sql<Self> {
        let numbered = first.flavour == Flavour::OceanBase;
        // They connect before the lock is taken, which is to be short.
        let mut others = Vec::new();
        if numbered || !matches!(together, Together::Free) {
            for _ in 1..wanted {
                others.push(dialer.connect(Some(database)).await?);
            }
        }
        let mut lock = None;
        if let (Together::Lock(tables), false, false) = (together, numbered, others.is_empty()) {
            lock = Lock::take(dialer, database, tables).await?;
        }
        let mut snapshot = Snapshot::take(&mut first, dialer.cx().now()).await?;
        let mut sessions = vec![first];
        let one_moment = snapshot.scn.is_some() || lock.is_some() || matches!(together, Together::Alone);
        for mut session in others {
            if one_moment {
                snapshot.join(&mut session).await?;
                sessions.push(session);
            } else {
                session.close().await;
            }
        }
        snapshot.connections = sessions.len();
        if let Some(lock) = lock {
            snapshot.how = lock.how;
            lock.release().await;
        }
        Ok(Self { sessions, snapshot })
    }

    /// Connects and takes a snapshot.
    pub(in crate::sql) async fn open(dialer: &Dialer<'a>, database: &str, wanted: usize, together: Together<'_>) -> Sql<Self> {
        let first = dialer.connect(Some(database)).await?;
        Self::take(dialer, first, database, wanted, together).await
    }

    /// Says goodbye.
    pub(in crate::sql) async fn close(self) {
        for session in self.sessions {
            session.close().await;
        }
    }
}

impl Snapshot {
    /// Takes one on a single connection, and makes it read-only.
    pub(in crate::sql) async fn take(session: &mut Session<'_>, now: Timestamp) -> Sql<Self> {
        let (mut scn, mut retention) = (None, None);
        if session.flavour == Flavour::OceanBase {
            scn = current_scn(session).await?;
            retention = undo_retention(session).await?;
        }
        let snapshot = Self { taken_at: now, scn, connections: 1, how: How::OneConnection, retention };
        snapshot.join(session).await?;
        Ok(snapshot)
    }

    /// Lets a connection see the moment: by its number, or because its transaction begins now.
    async fn join(&self, session: &mut Session<'_>) -> Sql<()> {
        // What is shown must be in plain form, whatever mode the server has: names in back-quotes, backslashes as escapes.
        session.run("SET SESSION sql_mode = ''").await?;
        session.refresh_mode().await?;
        if self.scn.is_some() {
            session.run("SET SESSION TRANSACTION READ ONLY").await?;
        } else {
            // Under READ COMMITTED, OceanBase's default, the snapshot would not be consistent.
            session.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
            session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
        }
        Ok(())
    }

    /// What follows a table's name in a read.
    pub(in crate::sql) fn as_of(&self) -> String {
        self.scn.as_ref().map_or_else(String::new, |scn| format!(" AS OF SNAPSHOT {scn}"))
    }

    /// For the manifest. `loose` are the tables of engines without transactions.
    pub(in crate::sql) fn info(&self, loose: Vec<String>) -> SnapshotInfo {
        let connections = u32::try_from(self.connections).unwrap_or(u32::MAX);
        match &self.scn {
            Some(scn) => SnapshotInfo::AsOf { scn: scn.clone(), connections },
            None => SnapshotInfo::Transaction { not_covered: loose, connections, how: self.how },
        }
    }

    /// How long the server promises to keep the rows of the moment, in seconds.
    pub(in crate::sql) fn retention(&self) -> Option<u64> {
        self.retention
    }
}

/// A lock under which nothing of the database is committed, on a connection of its own.
struct Lock<'a> {
    session: Session<'a>,
    how: How,
}

impl<'a> Lock<'a> {
    /// Takes the one that disturbs least. None where the server or the user's privileges offer none, or where it is not had soon.
    async fn take(dialer: &Dialer<'a>, database: &str, tables: &[String]) -> Sql<Option<Self>> {
        let mut session = dialer.connect(Some(database)).await?;
        session.run(&format!("SET SESSION lock_wait_timeout = {LOCK_WAIT}")).await?;
        if session.flavour == Flavour::MariaDb {
            let stages = ["BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"];
            if attempt(&mut session, &stages).await? {
                return Ok(Some(Self { session, how: How::BackupStage }));
            }
            // Ends a stage that was begun. Where none was, the server says so.
            let _ = attempt(&mut session, &["BACKUP STAGE END"]).await?;
        }
        let list: Vec<String> = tables.iter().map(|table| format!("{} READ", name(table))).collect();
        if !list.is_empty() && attempt(&mut session, &[&format!("LOCK TABLES {}", list.join(", "))]).await? {
            return Ok(Some(Self { session, how: How::LockTables }));
        }
        session.close().await;
        Ok(None)
    }

    /// Gives it back. A lock also ends with its connection.
    async fn release(mut self) {
        let end = match self.how {
            How::BackupStage => "BACKUP STAGE END",
            How::LockTables | How::OneConnection => "UNLOCK TABLES",
        };
        let _ = self.session.run(end).await;
        self.session.close().await;
    }
}

/// Whether the server did all of it. A refusal is an answer; a lost connection is a fault.
async fn attempt(session: &mut Session<'_>, statements: &[&str]) -> Sql<bool> {
    for statement in statements {
        match session.run(statement).await {
            Ok(_) => {}
            Err(fault) if fault.cancelled || fault.code.is_none() || fault.is_interruption() => return Err(fault),
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// OceanBase's system change number; none from a version that does not tell it.
async fn current_scn(session: &mut Session<'_>) -> Sql<Option<String>> {
    match session.one("SELECT current_scn()").await {
        Ok(row) => Ok(row.and_then(|row| text_at(&row, 0)).filter(|scn| scn.bytes().all(|digit| digit.is_ascii_digit()))),
        Err(fault) if matches!(fault.code, Some(code::NO_SUCH_ROUTINE | code::NO_SUCH_FUNCTION)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// OceanBase's `undo_retention` in seconds; none for a user who may not see it.
async fn undo_retention(session: &mut Session<'_>) -> Sql<Option<u64>> {
    let row = match session.one("SHOW PARAMETERS LIKE 'undo_retention'").await {
        Ok(row) => row,
        Err(fault) if fault.cancelled || fault.code.is_none() => return Err(fault),
        Err(_) => return Ok(None),
    };
    // Versions differ in which columns come before it.
    Ok(row.and_then(|row| {
        let at = row.columns_ref().iter().position(|column| column.name_str().eq_ignore_ascii_case("value"))?;
        text_at(&row, at)?.parse().ok()
    }))
}
