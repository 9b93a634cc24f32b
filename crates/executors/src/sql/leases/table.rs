//! The table's statements. Every time in it is the server's: hosts may have clocks of their own.

use std::fmt::Write as _;

use jiff::Timestamp;
use mysql_async::Row as Raw;
use runbook_core::action::{Claim, Hold, Holder, Holding, Lease, Leaving};
use runbook_sqltext::Mode;
use sha2::{Digest, Sha256};

use super::super::quote::{self, literal};
use super::super::value::text_at;

/// The table's name.
const NAME: &str = "runbook_locks";
/// The server's time, to the microsecond.
const NOW: &str = "utc_timestamp(6)";

/// The table in its database.
pub(super) struct Table {
    database: String,
    /// Quoted, with its database.
    name: String,
}

/// What a lock's row says. One that is free, or not there, has no holder.
#[derive(Default)]
pub(super) struct Row {
    pub(super) holding: Option<Holding>,
    pub(super) fence: u64,
}

impl Table {
    pub(super) fn of(database: &str) -> Self {
        Self { database: database.to_owned(), name: format!("{}.`{NAME}`", quote::name(database)) }
    }

    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// Whether it is there.
    pub(super) fn look(&self) -> String {
        format!("SELECT fence FROM {} LIMIT 1", self.name)
    }

    pub(super) fn create_database(&self) -> String {
        format!("CREATE DATABASE IF NOT EXISTS {} DEFAULT CHARACTER SET utf8mb4", quote::name(&self.database))
    }

    /// Names are free text of any length and are told apart by every letter, so the key is their SHA-256.
    pub(super) fn create(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (lock_id CHAR(64) NOT NULL PRIMARY KEY, name VARCHAR(1024) NOT NULL, fence BIGINT NOT NULL DEFAULT 0, \
             run_id VARCHAR(64), runbook VARCHAR(255), host VARCHAR(255), boot_id VARCHAR(64), pid BIGINT, user_name VARCHAR(255), state_dir VARCHAR(4096), \
             taken_at DATETIME(6), renewed_at DATETIME(6), expires_at DATETIME(6)) DEFAULT CHARACTER SET utf8mb4",
            self.name
        )
    }

    /// A free row, where there is none.
    pub(super) fn add(&self, name: &str, mode: Mode) -> String {
        format!("INSERT IGNORE INTO {} (lock_id, name) VALUES ('{}', {})", self.name, id(name), text(name, 1024, mode))
    }

    /// Takes it where it may be taken: it is free; or the same run's, on the same machine or silent; or it is silent, and a person says that it may.
    pub(super) fn take(&self, name: &str, claim: &Claim, mode: Mode) -> String {
        let Holder { run, runbook, host, boot_id, pid, user, state_dir } = &claim.holder;
        let ours = text(run, 64, mode);
        let boot = text(boot_id, 64, mode);
        let mut silent = format!("run_id = {ours}");
        for past in &claim.past {
            // Writing to a string cannot fail.
            let _ = write!(silent, " OR run_id = {}", text(past, 64, mode));
        }
        format!(
            "UPDATE {} SET run_id = {ours}, runbook = {}, host = {}, boot_id = {boot}, pid = {pid}, user_name = {}, state_dir = {}, fence = fence + 1, \
             taken_at = {NOW}, renewed_at = {NOW}, expires_at = {} WHERE lock_id = '{}' AND (run_id IS NULL \
             OR (run_id = {ours} AND boot_id = {boot} AND boot_id <> '') OR (expires_at <= {NOW} AND ({silent})))",
            self.name,
            text(runbook, 255, mode),
            text(host, 255, mode),
            text(user, 255, mode),
            text(state_dir, 4096, mode),
            later(claim.time),
            id(name),
        )
    }

    pub(super) fn renew(&self, lease: &Lease, hold: &Hold, mode: Mode) -> String {
        format!("UPDATE {} SET renewed_at = {NOW}, expires_at = {} WHERE {}", self.name, later(hold.time), ours(lease, hold, mode))
    }

    pub(super) fn leave(&self, lease: &Lease, hold: &Hold, how: Leaving, mode: Mode) -> String {
        let free = match how {
            Leaving::Free => "run_id = NULL, ",
            Leaving::Unfinished => "",
        };
        // A second earlier: seekdb's clock goes in steps, and a statement's time was seen 10 ms behind that of the one before it.
        format!("UPDATE {} SET {free}expires_at = {NOW} - INTERVAL 1 SECOND WHERE {}", self.name, ours(lease, hold, mode))
    }

    pub(super) fn read(&self, name: &str) -> String {
        format!(
            "SELECT fence, run_id, runbook, host, boot_id, pid, user_name, state_dir, taken_at, expires_at, expires_at <= {NOW} FROM {} WHERE lock_id = '{}'",
            self.name,
            id(name),
        )
    }

    /// The same, and nobody changes it until the transaction ends.
    pub(super) fn read_and_hold(&self, name: &str) -> String {
        format!("{} FOR UPDATE", self.read(name))
    }

    /// What [`read`](Self::read) gave.
    pub(super) fn row(row: &Raw) -> Row {
        let text = |at| text_at(row, at);
        let shown = |at| text(at).unwrap_or_default();
        let time = |at| text(at).and_then(|text| format!("{}Z", text.replace(' ', "T")).parse::<Timestamp>().ok()).unwrap_or_default();
        let holding = text(1).map(|run| Holding {
            holder: Holder {
                run,
                runbook: shown(2),
                host: shown(3),
                boot_id: shown(4),
                pid: shown(5).parse().unwrap_or_default(),
                user: shown(6),
                state_dir: shown(7),
            },
            since: time(8),
            ends: time(9),
            over: shown(10) != "0",
        });
        Row { holding, fence: shown(0).parse().unwrap_or_default() }
    }
}

/// The key of a lock's row.
fn id(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().fold(String::with_capacity(64), |mut id, byte| {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// A literal that fits its column; a strict server would refuse a longer one.
fn text(text: &str, most: usize, mode: Mode) -> String {
    literal(&text.chars().take(most).collect::<String>(), mode)
}

fn later(time: std::time::Duration) -> String {
    format!("{NOW} + INTERVAL {} MICROSECOND", time.as_micros())
}

/// The row, while it is what we took.
fn ours(lease: &Lease, hold: &Hold, mode: Mode) -> String {
    format!("lock_id = '{}' AND run_id = {} AND fence = {}", id(&lease.name), text(&hold.run, 64, mode), lease.fence)
}
