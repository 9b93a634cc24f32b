//! The migration engine: bootstrap, degrade check, versioned scripts one by one, repeatable ones, each with its row in the history.

use super::knobs::Knobs;
use super::log::Log;
use super::release::{Release, Version};
use super::scripts::{self, Script};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use std::time::Instant;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The metadb is newer than the server. The text is the real server's.
    #[error("Software degrade is not allowed, please check your ODC version which should be greater than or equal to {0}")]
    Degrade(Version),
    /// A migration failed; what it did before stays done.
    #[error("migrate failed, script={script}: {error}")]
    Script {
        /// The script's file name.
        script: String,
        /// What the database answered.
        error: Error,
    },
    /// Something else failed in the database.
    #[error("{0}")]
    Database(#[from] Error),
}

/// Creates the tables that every start needs, and puts missing configuration rows back.
pub(crate) async fn bootstrap(conn: &mut Conn) -> Result<(), Error> {
    for statement in scripts::BOOTSTRAP {
        conn.query_drop(*statement).await?;
    }
    Ok(())
}

/// Brings the metadb to `release`. To be called with the lock held, after [`bootstrap`].
pub(crate) async fn migrate(conn: &mut Conn, release: Release, knobs: &Knobs, log: &Log) -> Result<(), Refused> {
    let done: Vec<String> = conn.query("select version from migrate_schema_history where success = 1 and version is not null").await?;
    let current = done.iter().filter_map(|version| Version::parse(version)).max();
    let shown = current.as_ref().map_or_else(|| "0".to_owned(), Version::to_string);
    log.info(&format!("init configuration success, migrate starting, initVersion={shown}"));
    if let (Some(current), Some(own)) = (current, Version::parse(release.highest))
        && current > own
    {
        return Err(Refused::Degrade(current));
    }
    log.info("validate success");
    let wanted = scripts::versioned(release);
    log.info(&format!("versionCount={}", wanted.len()));
    for script in wanted.iter().filter(|script| !done.iter().any(|version| version == script.version)) {
        let fails = knobs.fail_at.as_deref() == Some(script.version);
        apply(conn, script, fails).await?;
        log.info(&format!("migrate script success, script={}", script.file()));
    }
    for script in &scripts::REPEATABLE {
        apply(conn, script, false).await?;
    }
    log.info("migrate success");
    Ok(())
}

/// Runs one script and writes its row, with success 0 where it failed. `fails`: half-way through, a statement meets a table that is not there.
async fn apply(conn: &mut Conn, script: &Script, fails: bool) -> Result<(), Refused> {
    let start = Instant::now();
    let outcome = run(conn, script, fails).await;
    let version = (!script.version.is_empty()).then_some(script.version);
    let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    conn.exec_drop(
        "insert into migrate_schema_history(version, description, type, script, checksum, installed_by, execution_millis, success)
            values (?, ?, 'SQL', ?, sha1(?), current_user(), ?, ?)",
        (version, script.description, script.file(), script.statements.concat(), millis, outcome.is_ok()),
    )
    .await?;
    outcome.map_err(|error| Refused::Script { script: script.file(), error })
}

async fn run(conn: &mut Conn, script: &Script, fails: bool) -> Result<(), Error> {
    let half = script.statements.len() / 2;
    for (i, statement) in script.statements.iter().enumerate() {
        if fails && i == half {
            conn.query_drop("insert into audit_event_archive select * from audit_event").await?;
        }
        conn.query_drop(*statement).await?;
    }
    Ok(())
}
