//! What a server has kept from before it was killed.
//!
//! seekdb 1.4, started after a SIGKILL, keeps each transaction that was open and had written to its log: no session has it, no time-out and no restart
//! ends it, and a statement that needs what it locks waits without end. It may be anybody's: a client's rows, a half-made table, or the server's own (it
//! notes what its system views depend on, in a transaction that locks all definitions, when a view is first read). OceanBase itself ends such
//! transactions, by its source (`check_scheduler_status`).

use std::time::Duration;

use runbook_core::action::{Failure, FailureKind};

use super::define::{Place, define};
use crate::sql::failure::Sql;
use crate::sql::quote::literal;
use crate::sql::session::{Dialer, Flavour, Session};
use crate::sql::value::int_at;

/// How long a definition takes before the server is asked why, and the pause between two questions.
const LONG: Duration = Duration::from_secs(5);
/// What tells them: no session, and no time when it ends.
const NOBODYS: &str = "s.session_id = 0 AND s.tx_expired_time IS NULL";
/// How long the statement may take to end when it is killed. One that waits for a lock often does not end at all.
const KILLED: Duration = Duration::from_secs(3);

/// A transaction without an owner.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kept {
    /// Its number.
    number: u64,
    /// Whether every definition on the server waits for it, not only those in the database.
    everywhere: bool,
}

/// Carries out one of the first definitions of a restore, which may meet what was left in `database`. Where the server keeps a transaction that is in its
/// way, it is given up, and the person is told.
pub(super) async fn define_first(dialer: &Dialer<'_>, session: &mut Session<'_>, database: &str, sql: &str) -> Sql<()> {
    let (id, flavour, cx) = (session.id(), session.flavour, dialer.cx());
    let work = async { define(cx, session, sql.as_bytes(), Place::Open).await.map_err(|fault| fault.of(sql)) };
    if flavour != Flavour::OceanBase {
        return work.await;
    }
    tokio::pin!(work);
    let mut before = None;
    let kept = loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = cx.sleep(LONG) => {}
        }
        let found = tokio::select! {
            biased;
            done = &mut work => return done,
            found = in_the_way(dialer, database) => found,
        };
        // Who may not ask waits for the end of the step's time. One look is not enough: a server that has just started may still be ending it.
        let found = found.ok().flatten();
        match found {
            Some(kept) if before == found => break kept,
            _ => before = found,
        }
    };
    dialer.interrupt(id).await;
    tokio::select! {
        biased;
        done = &mut work => if done.is_ok() { return Ok(()) },
        () = cx.sleep(KILLED) => {}
    }
    Err(failure(kept, dialer, database).into())
}

/// Whether there is any. Then no key can be built on a table that holds rows, whatever the transaction locks: that waits for all that began before it.
/// Who may not ask is told that there is none.
pub(super) async fn any(dialer: &Dialer<'_>) -> Sql<bool> {
    let mut session = dialer.connect_bare().await?;
    if session.flavour != Flavour::OceanBase {
        session.close().await;
        return Ok(false);
    }
    let found = session.one(&format!("SELECT s.tx_id FROM oceanbase.V$OB_TRANSACTION_WRITE_STATE s WHERE {NOBODYS} LIMIT 1")).await;
    session.close().await;
    match found {
        Err(fault) if fault.is_interruption() || fault.code.is_none() => Err(fault),
        found => Ok(found.ok().flatten().is_some()),
    }
}

/// One that holds a lock for which definitions in `database` wait. One that has a session, or a time when it ends, is somebody's.
async fn in_the_way(dialer: &Dialer<'_>, database: &str) -> Sql<Option<Kept>> {
    let mut session = dialer.connect_bare().await?;
    let wanted = literal(database, session.mode);
    // Locks are those of tablets, of which a table has one, or one for each partition; its indexes and large values are tables of their own there.
    let sql = format!(
        "SELECT s.tx_id, MAX(l.obj_type = 'RUNTIME') AS everywhere, MAX(d.database_name = {wanted}) AS here \
         FROM oceanbase.V$OB_TRANSACTION_WRITE_STATE s JOIN oceanbase.__all_virtual_obj_lock l ON l.create_trans_id = s.tx_id \
         LEFT JOIN (SELECT tablet_id, table_id FROM oceanbase.__all_table UNION ALL SELECT tablet_id, table_id FROM oceanbase.__all_part \
         UNION ALL SELECT tablet_id, table_id FROM oceanbase.__all_sub_part) p ON p.tablet_id = l.obj_id AND l.obj_type = 'TABLET' \
         LEFT JOIN oceanbase.__all_table t ON t.table_id = p.table_id LEFT JOIN oceanbase.__all_database d ON d.database_id = t.database_id \
         WHERE {NOBODYS} GROUP BY s.tx_id HAVING everywhere = 1 OR here = 1 ORDER BY s.tx_id LIMIT 1"
    );
    let row = session.one(&sql).await?;
    session.close().await;
    Ok(row.and_then(|row| Some(Kept { number: int_at(&row, 0)?, everywhere: int_at(&row, 1) == Some(1) })))
}

fn failure(kept: Kept, dialer: &Dialer<'_>, database: &str) -> Failure {
    let Kept { number, everywhere } = kept;
    let (locks, elsewhere) = if everywhere {
        ("all definitions".to_owned(), "into a server with a new data folder")
    } else {
        (format!("tables of `{database}`"), "under another name, or into a server with a new data folder")
    };
    let mut failure = Failure::new(
        FailureKind::Conflict,
        format!(
            "the server at {} was killed before and has kept transaction {number}, which locks {locks}: nobody has it, and nothing ends it",
            dialer.address()
        ),
    )
    .field("target")
    .help(format!("restore {elsewhere}: no restart of this one ends the transaction, and the backup is good"));
    failure.retryable = false;
    failure
}
