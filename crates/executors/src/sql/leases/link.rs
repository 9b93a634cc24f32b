//! A short connection that belongs to no effect.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use runbook_core::action::{Failure, FailureKind};
use runbook_sqltext::Mode;
use tokio::time::timeout;

use super::super::failure::{Fault, Sql};
use super::super::session::{Flavour, dial, finish, too_slow};
use super::super::target::Mysql;
use super::super::value::text_at;

/// What others see in the server's list of connections.
const MARK: &str = "/* runbook locks */ ";
/// How long a statement waits for another one's row, in seconds: those who take a lock are quick.
const WAIT: u32 = 10;

/// A connection in a known state.
pub(super) struct Link {
    conn: Conn,
    /// How it reads texts.
    pub(super) mode: Mode,
}

impl Link {
    /// Connects without choosing a database: who looks for connections to one must not find this.
    pub(super) async fn open(settings: &Mysql) -> Sql<Self> {
        let conn = match timeout(settings.connect_timeout(), dial(settings, None)).await {
            Ok(conn) => conn?,
            Err(_) => return Err(too_slow(settings).into()),
        };
        let mut link = Self { conn, mode: Mode::default() };
        link.run("SET NAMES utf8mb4").await?;
        let row = link.one("SELECT version(), @@version_comment, @@sql_mode, @@character_set_client, @@character_set_connection").await?;
        let text = |at| row.as_ref().and_then(|row| text_at(row, at)).unwrap_or_default();
        if [text(3), text(4)].iter().any(|charset| charset != "utf8mb4") {
            return Err(Failure::new(
                FailureKind::Conflict,
                "the session's character set is not `utf8mb4`, in which alone values are quoted safely",
            )
            .into());
        }
        link.mode = Mode::parse(&text(2));
        let waits = match Flavour::detect(&text(0), &text(1)) {
            Flavour::OceanBase => {
                let micros = u64::from(WAIT) * 1_000_000;
                format!("SET SESSION time_zone = '+00:00', ob_query_timeout = {micros}, ob_trx_timeout = {micros}")
            }
            Flavour::MariaDb | Flavour::MySql => format!("SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = {WAIT}"),
        };
        link.run(&waits).await?;
        // Under REPEATABLE READ OceanBase refuses a row that another one changed since the transaction began.
        link.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
        Ok(link)
    }

    /// Sends one statement; the number of rows that it matched.
    pub(super) async fn run(&mut self, sql: &str) -> Sql<u64> {
        let result = self.conn.query_iter(format!("{MARK}{sql}")).await.map_err(|error| Fault::from(error).of(sql))?;
        Ok(finish(result).await?.matched)
    }

    /// The first row of a small result.
    pub(super) async fn one(&mut self, sql: &str) -> Sql<Option<Row>> {
        let mut result = self.conn.query_iter(format!("{MARK}{sql}")).await.map_err(|error| Fault::from(error).of(sql))?;
        let row = result.next().await?;
        result.drop_result().await?;
        Ok(row)
    }

    /// Says goodbye. An error changes nothing any more.
    pub(super) async fn close(self) {
        let _ = self.conn.disconnect().await;
    }
}
