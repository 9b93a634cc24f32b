//! One moment of a database, for all reads.

use super::manifest::SnapshotInfo;
use crate::sql::failure::{Sql, code};
use crate::sql::session::{Flavour, Session};
use crate::sql::value::text_at;
use jiff::Timestamp;

/// A moment, and how a read names it.
pub(in crate::sql) struct Snapshot {
    /// When it was taken, by this host's clock.
    pub(in crate::sql) taken_at: Timestamp,
    scn: Option<String>,
}

impl Snapshot {
    /// Takes one, and makes the session read-only.
    ///
    /// On OceanBase it is a number that any connection can name. Elsewhere it is a transaction that lives as long as this session.
    pub(in crate::sql) async fn take(session: &mut Session<'_>, now: Timestamp) -> Sql<Self> {
        // What is shown must be in plain form, whatever mode the server has: names in back-quotes, backslashes as escapes.
        session.run("SET SESSION sql_mode = ''").await?;
        session.refresh_mode().await?;
        let scn = match session.flavour {
            Flavour::OceanBase => scn(session).await?,
            Flavour::MariaDb | Flavour::MySql => None,
        };
        if scn.is_some() {
            session.run("SET SESSION TRANSACTION READ ONLY").await?;
        } else {
            // Under READ COMMITTED, OceanBase's default, the snapshot would not be consistent.
            session.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
            session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
        }
        Ok(Self { taken_at: now, scn })
    }

    /// What follows a table's name in a read.
    pub(in crate::sql) fn as_of(&self) -> String {
        self.scn.as_ref().map_or_else(String::new, |scn| format!(" AS OF SNAPSHOT {scn}"))
    }

    /// For the manifest. `loose` are the tables of engines without transactions.
    pub(in crate::sql) fn info(&self, loose: Vec<String>) -> SnapshotInfo {
        match &self.scn {
            Some(scn) => SnapshotInfo::AsOf { scn: scn.clone() },
            None => SnapshotInfo::Transaction { not_covered: loose },
        }
    }
}

/// OceanBase's system change number; none from a version that does not tell it.
async fn scn(session: &mut Session<'_>) -> Sql<Option<String>> {
    match session.one("SELECT current_scn()").await {
        Ok(row) => Ok(row.and_then(|row| text_at(&row, 0)).filter(|scn| scn.bytes().all(|digit| digit.is_ascii_digit()))),
        Err(fault) if matches!(fault.code, Some(code::NO_SUCH_ROUTINE | code::NO_SUCH_FUNCTION)) => Ok(None),
        Err(fault) => Err(fault),
    }
}
