//! One moment of a database, for the reads of one or several connections.
//!
//! OceanBase gives a number that any connection can name in its reads. Elsewhere a snapshot is a transaction, and transactions of several connections
//! see the same only where nothing is committed while they begin: for that instant a lock is held. Where the user may not take one, or does not get
//! it soon, one connection does all the reading.

use futures_util::future::try_join_all;
use jiff::Timestamp;
use runbook_core::action::{Failure, FailureKind};

use super::manifest::{How, SnapshotInfo};
use crate::sql::failure::{Fault, Sql, code};
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
    /// Takes a snapshot on the first of `sessions` and as many of the others as can see the same moment, and makes them read-only. They are connected
    /// already: the lock is to be short.
    pub(in crate::sql) async fn take(dialer: &Dialer<'a>, sessions: Vec<Session<'a>>, database: &str, together: Together<'_>) -> Sql<Self> {
        let mut others = sessions.into_iter();
        let Some(mut first) = others.next() else {
            return Err(Failure::new(FailureKind::Internal, "a snapshot without a connection").into());
        };
        let mut others: Vec<Session<'a>> = others.collect();
        let mut lock = None;
        if let (Together::Lock(tables), false, false) = (together, first.flavour == Flavour::OceanBase, others.is_empty()) {
            lock = Lock::take(dialer, database, tables).await?;
        }
        let mut snapshot = Snapshot::take(&mut first, dialer.cx().now()).await?;
        let mut sessions = vec![first];
        if snapshot.scn.is_some() || lock.is_some() || matches!(together, Together::Alone) {
            try_join_all(others.iter_mut().map(|session| snapshot.join(session))).await?;
            sessions.append(&mut others);
        }
        for session in others {
            session.close().await;
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
        let mut sessions = vec![dialer.connect(Some(database)).await?];
        let numbered = sessions.iter().all(|session| session.flavour == Flavour::OceanBase);
        if numbered || !matches!(together, Together::Free) {
            sessions.extend(dialer.connect_all(database, wanted.saturating_sub(1)).await?);
        }
        Self::take(dialer, sessions, database, together).await
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
        session.log_errors_only().await?;
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

    /// A read of a table that failed: says so where the table or the moment itself is gone.
    pub(in crate::sql) fn explained(&self, mut fault: Fault, table: &str, now: Timestamp) -> Fault {
        let age = u64::try_from(now.as_second() - self.taken_at.as_second()).unwrap_or(0);
        let too_old = match (fault.code, self.retention) {
            (Some(code::SNAPSHOT_GONE), kept) if self.scn.is_some() => Some(kept),
            (Some(code::TABLE_DEF_CHANGED), Some(kept)) if age >= kept => Some(Some(kept)),
            _ => None,
        };
        let (message, help) = match (fault.code, too_old) {
            (_, Some(kept)) => {
                let kept = kept.map_or_else(String::new, |kept| format!(", and the server keeps old rows for {kept} s (`undo_retention`)"));
                (
                    format!("the snapshot of the table `{table}` is gone: it is {age} s old{kept}"),
                    Some("as an administrator: ALTER SYSTEM SET undo_retention = SECONDS, more than this takes; or use more `connections`"),
                )
            }
            (Some(code::TABLE_DEF_CHANGED), None) => (
                format!("the snapshot of the table `{table}` is gone: the table was changed or emptied while it was read"),
                Some("stop what changes the tables, and try again"),
            ),
            (Some(code::NO_SUCH_TABLE), None) => (format!("the table `{table}` was dropped while it was read"), None),
            _ => return fault.at(&format!("table `{table}`")),
        };
        fault.failure.message = message;
        fault.failure.kind = FailureKind::Conflict;
        if let Some(help) = help {
            fault.failure.help = Some(help.to_owned());
        }
        fault
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
