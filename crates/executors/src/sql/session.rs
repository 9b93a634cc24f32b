//! Connections: opened with a limit of time, brought into one known state, marked, and interrupted through a second one.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, QueryResult, Row, TextProtocol};
use runbook_core::action::{CancelKind, Cx, Failure, FailureKind, Target};
use runbook_sqltext::Mode;
use serde_json::json;

use super::failure::{Fault, Sql};
use super::target::Mysql;
use super::value::text_at;

/// How long a killed statement may take to end. OceanBase needed 6 s for a heavy join.
const STOPPING: Duration = Duration::from_secs(30);
/// The pause between two attempts to interrupt what runs.
const AGAIN: Duration = Duration::from_millis(500);
/// OceanBase's limit for a statement and for a transaction: a day, in microseconds. Its own default for a statement is 10 s, too short for a dump.
/// The step's `timeout` is the limit that counts.
const OB_TIMEOUT: u64 = 86_400_000_000;

/// Which family a server belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// OceanBase in MySQL mode, and seekdb.
    OceanBase,
    /// MariaDB.
    MariaDb,
    /// MySQL and what is close to it.
    MySql,
}

impl Flavour {
    pub(super) fn detect(version: &str, comment: &str) -> Self {
        let both = format!("{version} {comment}").to_ascii_lowercase();
        if both.contains("oceanbase") {
            Self::OceanBase
        } else if both.contains("mariadb") {
            Self::MariaDb
        } else {
            Self::MySql
        }
    }

    /// As people write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OceanBase => "oceanbase",
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }
}

/// Opens the connections of one action, and interrupts them all when the action is told to end.
pub(super) struct Dialer<'a> {
    cx: Cx<'a>,
    target: &'a Target<Mysql>,
    open: Mutex<Vec<u32>>,
}

/// One connection in a known state: utf8mb4, times in UTC, long time-outs.
pub(super) struct Session<'a> {
    conn: Conn,
    cx: Cx<'a>,
    /// What its statements are found by on the server, in two forms.
    comment: String,
    hint: String,
    /// What kind of server it is.
    pub(super) flavour: Flavour,
    /// What the server says of its version.
    pub(super) version: String,
    /// How it reads texts.
    pub(super) mode: Mode,
}

/// What a statement without a result set did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// The rows that it matched (for `UPDATE`) or changed; none where it gave a result set.
    pub(super) matched: u64,
    /// The rows that an `UPDATE` really changed, where the server said so.
    pub(super) changed: Option<u64>,
    /// The last automatically given key.
    pub(super) insert_id: Option<u64>,
    /// The number of warnings.
    pub(super) warnings: u16,
}

impl<'a> Dialer<'a> {
    /// For one action.
    pub(super) fn new(cx: Cx<'a>, target: &'a Target<Mysql>) -> Self {
        Self { cx, target, open: Mutex::new(Vec::new()) }
    }

    /// The context of the action.
    pub(super) fn cx(&self) -> Cx<'a> {
        self.cx
    }

    /// Where the server is reached, `host:port`.
    pub(super) fn address(&self) -> String {
        self.target.settings.address()
    }

    /// Connects. `database` none means the target's own, if it has one.
    pub(super) async fn connect(&self, database: Option<&str>) -> Sql<Session<'a>> {
        self.connect_to(database.or(self.target.settings.database.as_deref())).await
    }

    /// Opens as many connections as `wanted`, side by side.
    pub(super) async fn connect_all(&self, database: &str, wanted: usize) -> Sql<Vec<Session<'a>>> {
        try_join_all((0..wanted).map(|_| self.connect(Some(database)))).await
    }

    /// Connects without choosing a database: for actions that create or drop it.
    pub(super) async fn connect_bare(&self) -> Sql<Session<'a>> {
        self.connect_to(None).await
    }

    async fn connect_to(&self, database: Option<&str>) -> Sql<Session<'a>> {
        let conn = open(self.cx, &self.target.settings, database).await.map_err(|fault| self.at_target(fault))?;
        let id = conn.id();
        self.cx.evidence(json!({ "connection": id, "mark": mark(self.cx.mark()) })).await?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        let mut session = Session {
            conn,
            cx: self.cx,
            comment: comment(self.cx.mark()),
            hint: hint(self.cx.mark()),
            flavour: Flavour::MySql,
            version: String::new(),
            mode: Mode::default(),
        };
        session.prepare(self.target.settings.sql_mode.as_deref()).await.map_err(|fault| self.at_target(fault))?;
        Ok(session)
    }

    fn at_target(&self, mut fault: Fault) -> Fault {
        if !fault.cancelled {
            let Target { name, settings } = self.target;
            fault.failure.message = format!("`{name}` (`{}` at {}): {}", settings.user, settings.address(), fault.failure.message);
        }
        fault.field("target")
    }

    /// Awaits work on the connections. When the action is told to end, the server is told to stop what it does, and the work is awaited all the same.
    pub(super) async fn guarded<T>(&self, work: impl Future<Output = Sql<T>>) -> Sql<T> {
        tokio::pin!(work);
        let result = tokio::select! {
            biased;
            result = &mut work => return result,
            () = self.cx.cancelled(CancelKind::Graceful) => tokio::select! {
                biased;
                result = &mut work => result,
                () = self.stop() => Err(Fault::cancelled()),
            },
        };
        match result {
            Err(fault) if fault.is_interruption() => Err(Fault { cancelled: true, ..fault }),
            other => other,
        }
    }

    /// Interrupts what runs on one connection, once.
    pub(super) async fn interrupt(&self, id: u32) {
        if let Ok(mut conn) = open_quietly(self.cx, &self.target.settings).await {
            let _ = conn.query_drop(format!("KILL QUERY {id}")).await;
            let _ = conn.disconnect().await;
        }
    }

    /// Interrupts what runs, again and again (a kill may fall between two statements), and ends when nothing more can be hoped for.
    pub(super) async fn stop(&self) {
        let mut rounds = 0_u32;
        loop {
            let hard = self.cx.cancel_requested() == Some(CancelKind::Kill) || rounds > 10;
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // A second connection that does not come about is no reason to give up: the first may end by itself.
            if let Ok(mut conn) = open_quietly(self.cx, &self.target.settings).await {
                for id in open {
                    let what = if hard { "KILL" } else { "KILL QUERY" };
                    let _ = conn.query_drop(format!("{what} {id}")).await;
                }
                let _ = conn.disconnect().await;
            }
            rounds += 1;
            if AGAIN * rounds > STOPPING {
                return;
            }
            self.cx.sleep(AGAIN).await;
        }
    }
}

impl Session<'_> {
    async fn prepare(&mut self, sql_mode: Option<&str>) -> Sql<()> {
        if let Some(mode) = sql_mode {
            // A name of a mode has none of these; and how a text is read is known only afterwards.
            if mode.contains(['\'', '\\', '"']) {
                return Err(Failure::new(FailureKind::Invalid, format!("`{mode}` is no `sql_mode`")).into());
            }
            self.run(&format!("SET SESSION sql_mode = '{mode}'")).await?;
        }
        self.run("SET NAMES utf8mb4").await?;
        let row = self.one("SELECT version(), @@version_comment, @@sql_mode, @@character_set_client, @@character_set_connection").await?;
        let text = |at| row.as_ref().and_then(|row| text_at(row, at)).unwrap_or_default();
        // In GBK and SJIS a backslash can be the second half of a character, and a value would break out of its quotes.
        if let Some(charset) = [text(3), text(4)].into_iter().find(|charset| charset != "utf8mb4") {
            let message = format!("the session's character set is `{charset}` and not `utf8mb4`, in which alone values are quoted safely");
            return Err(Failure::new(FailureKind::Conflict, message).into());
        }
        self.version = text(0);
        self.flavour = Flavour::detect(&self.version, &text(1));
        self.mode = Mode::parse(&text(2));
        self.run("SET SESSION time_zone = '+00:00'").await?;
        match self.flavour {
            Flavour::OceanBase => {
                self.run(&format!("SET SESSION ob_query_timeout = {OB_TIMEOUT}, ob_trx_timeout = {OB_TIMEOUT}")).await?;
            }
            // A disk that stalls must not look like a client that is gone.
            Flavour::MariaDb | Flavour::MySql => {
                self.run("SET SESSION net_write_timeout = 3600, net_read_timeout = 3600").await?;
            }
        }
        Ok(())
    }

    /// Asks OceanBase to write only errors of this session into its own log. With the lines that each statement is worth by default, 300 KB for a
    /// table that is made, they are a fifth of the work of a restore of many small tables. A server that refuses it goes on as it is.
    pub(super) async fn log_errors_only(&mut self) -> Sql<()> {
        if self.flavour != Flavour::OceanBase {
            return Ok(());
        }
        match self.run("SET SESSION ob_log_level = 'error'").await {
            Err(fault) if fault.cancelled || fault.code.is_none() => Err(fault),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Lets this connection read more at once. The driver reads as much as its buffer has room for, at first 8 KiB, and makes room only for a row that
    /// does not fit: so one is asked for. Worth the question where megabytes follow.
    pub(super) async fn read_more_at_once(&mut self) -> Sql<()> {
        self.run("SELECT REPEAT('x', 131072)").await?;
        Ok(())
    }

    /// A statement with the mark in it.
    ///
    /// OceanBase takes many rows in one `INSERT` together only where no comment stands before it; a hint may. With a comment they cost it four times
    /// as much.
    fn marked(&self, mut sql: Vec<u8>) -> Vec<u8> {
        let insert = sql.get(..INSERT.len()).is_some_and(|head| head.eq_ignore_ascii_case(INSERT.as_bytes()));
        if insert && self.flavour == Flavour::OceanBase {
            let verb = INSERT.find(' ').unwrap_or_default();
            sql.splice(verb..verb, [b' '].into_iter().chain(self.hint.bytes()));
        } else {
            sql.splice(0..0, self.comment.bytes().chain([b' ']));
        }
        sql
    }

    /// The connection's number on the server.
    pub(super) fn id(&self) -> u32 {
        self.conn.id()
    }

    /// Reads the mode again, after a statement that may have changed it.
    pub(super) async fn refresh_mode(&mut self) -> Sql<Mode> {
        let row = self.one("SELECT @@sql_mode").await?;
        self.mode = Mode::parse(&row.and_then(|row| text_at(&row, 0)).unwrap_or_default());
        Ok(self.mode)
    }

    /// Sends one statement; rows are read one by one from the result.
    pub(super) async fn query(&mut self, sql: &str) -> Sql<QueryResult<'_, 'static, TextProtocol>> {
        if self.cx.cancel_requested().is_some() {
            return Err(Fault::cancelled());
        }
        Ok(self.conn.query_iter(self.marked(sql.as_bytes().to_vec())).await?)
    }

    /// Sends one statement of bytes, and reads everything it gives.
    pub(super) async fn run_bytes(&mut self, sql: &[u8]) -> Sql<Done> {
        if self.cx.cancel_requested().is_some() {
            return Err(Fault::cancelled());
        }
        self.run_owned(sql.to_vec()).await
    }

    /// Sends one statement of bytes, which may be large and is not needed any more, and reads everything it gives.
    pub(super) async fn run_owned(&mut self, sql: Vec<u8>) -> Sql<Done> {
        if self.cx.cancel_requested().is_some() {
            return Err(Fault::cancelled());
        }
        let result = self.conn.query_iter(self.marked(sql)).await?;
        Ok(finish(result).await?)
    }

    /// Sends one statement of this crate's own, and reads everything it gives.
    pub(super) async fn run(&mut self, sql: &str) -> Sql<Done> {
        self.run_bytes(sql.as_bytes()).await.map_err(|fault| fault.of(sql))
    }

    /// All rows of a small result, of a question of this crate's own.
    pub(super) async fn rows(&mut self, sql: &str) -> Sql<Vec<Row>> {
        self.all_rows(sql).await.map_err(|fault| fault.of(sql))
    }

    async fn all_rows(&mut self, sql: &str) -> Sql<Vec<Row>> {
        let mut result = self.query(sql).await?;
        let mut rows = Vec::new();
        while let Some(row) = result.next().await? {
            rows.push(row);
        }
        result.drop_result().await?;
        Ok(rows)
    }

    /// The first row of a small result.
    pub(super) async fn one(&mut self, sql: &str) -> Sql<Option<Row>> {
        Ok(self.rows(sql).await?.into_iter().next())
    }

    /// Says goodbye. An error changes nothing any more.
    pub(super) async fn close(self) {
        let _ = self.conn.disconnect().await;
    }
}

/// Reads everything a statement gives. A later result's error comes to light only in `drop_result`.
pub(super) async fn finish(mut result: QueryResult<'_, 'static, TextProtocol>) -> mysql_async::Result<Done> {
    let mut done = Done::default();
    // For a result set the affected rows are those of an earlier statement.
    if result.columns_ref().is_empty() {
        done = Done {
            matched: result.affected_rows(),
            changed: changed_of(&result.info()),
            insert_id: result.last_insert_id().filter(|id| *id != 0),
            warnings: result.warnings(),
        };
    }
    while !result.is_empty() {
        while result.next().await?.is_some() {}
    }
    result.drop_result().await?;
    Ok(done)
}

/// `Rows matched: 1  Changed: 0  Warnings: 0` → 0.
fn changed_of(info: &str) -> Option<u64> {
    let (_, after) = info.split_once("Changed: ")?;
    after.split_whitespace().next()?.parse().ok()
}

/// A mark that can stand in a comment and be found again.
pub(super) fn mark(mark: &str) -> String {
    mark.chars().map(|c| if c.is_ascii_alphanumeric() || "-_./[]#:".contains(c) { c } else { '_' }).collect()
}

/// What statements begin with that may be given their mark as a hint.
const INSERT: &str = "INSERT INTO ";

/// The comment that a statement of an effect begins with.
pub(super) fn comment(of: &str) -> String {
    format!("/* runbook {} */", mark(of))
}

/// The same as a hint, which is a name and does nothing. A mark has no back-quote.
pub(super) fn hint(of: &str) -> String {
    format!("/*+ QB_NAME(`runbook {}`) */", mark(of))
}

async fn open(cx: Cx<'_>, settings: &Mysql, database: Option<&str>) -> Sql<Conn> {
    tokio::select! {
        biased;
        () = cx.cancelled(CancelKind::Graceful) => Err(Fault::cancelled()),
        conn = dial(settings, database) => conn,
        () = cx.sleep(settings.connect_timeout()) => Err(too_slow(settings).into()),
    }
}

/// For interrupting: when the action is told to end already.
async fn open_quietly(cx: Cx<'_>, settings: &Mysql) -> Sql<Conn> {
    tokio::select! {
        biased;
        conn = dial(settings, None) => conn,
        () = cx.sleep(settings.connect_timeout()) => Err(too_slow(settings).into()),
    }
}

pub(super) fn too_slow(settings: &Mysql) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("no connection within {:?}", settings.connect_timeout()))
}

pub(super) async fn dial(settings: &Mysql, database: Option<&str>) -> Sql<Conn> {
    // The driver panics when a server asks for MariaDB's `parsec`, which it was built without.
    let connected = AssertUnwindSafe(Conn::new(settings.opts(database))).catch_unwind().await;
    let connected = connected.map_err(|_| {
        Failure::new(FailureKind::Denied, "the server wants a way of authentication that is not spoken here, such as `parsec`")
    })?;
    connected.map_err(|error| {
        let mut fault = Fault::from(error);
        // Before a session is there, a lost connection is a server that cannot be talked to.
        if fault.failure.kind == FailureKind::Disconnected {
            fault.failure.kind = FailureKind::Unreachable;
            if let Some(why) = fault.failure.message.strip_prefix("the connection was lost: ") {
                fault.failure.message = format!("cannot reach the server: {why}");
            }
        }
        fault
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavours_are_told_apart() {
        assert_eq!(Flavour::detect("5.7.25-OceanBase seekdb-v1.4.0.0", ""), Flavour::OceanBase);
        assert_eq!(Flavour::detect("5.7.25", "OceanBase 4.2.1"), Flavour::OceanBase);
        assert_eq!(Flavour::detect("10.11.6-MariaDB-0+deb12u1", "Debian 12"), Flavour::MariaDb);
        assert_eq!(Flavour::detect("8.4.0", "MySQL Community Server - GPL"), Flavour::MySql);
    }

    #[test]
    fn a_mark_cannot_end_its_comment() {
        assert_eq!(comment("run/step[a*/; drop]"), "/* runbook run/step[a_/__drop] */");
        assert_eq!(hint("run/step`)"), "/*+ QB_NAME(`runbook run/step__`) */");
    }

    #[test]
    fn changed_rows_are_read_from_the_info() {
        assert_eq!(changed_of("Rows matched: 3  Changed: 2  Warnings: 0"), Some(2));
        assert_eq!(changed_of(""), None);
    }
}
