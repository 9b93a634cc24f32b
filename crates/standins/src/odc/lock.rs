//! The migration lock: a row in `distributed_lock` with an expiry. The same address takes its own row again at once (so a killed server can go on);
//! a foreign row is waited out.

use super::log::Log;
use super::settings::Settings;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use std::time::Duration;

/// The key of the real server's migration lock.
const KEY: &str = "5cd72562-5ff7-3ae1-8d2a-b93c5e7446d6";
/// Seconds that a row holds.
const TTL: u64 = 60;

/// Takes the lock, waiting as long as another node has it.
pub(crate) async fn take(conn: &mut Conn, settings: &Settings, log: &Log) -> Result<(), Error> {
    let client = format!("{}:{}", settings.server_host, settings.server_port);
    if !settings.knobs.hold_lock.is_zero() {
        hold_as_another(conn, settings.knobs.hold_lock.as_secs()).await?;
    }
    log.info("try lock...");
    loop {
        conn.exec_drop(
            "insert ignore into distributed_lock(lock_key, client_id, expire_at) values (?, ?, date_add(now(), interval ? second))",
            (KEY, &client, TTL),
        )
        .await?;
        conn.exec_drop(
            "update distributed_lock set client_id = ?, expire_at = date_add(now(), interval ? second) where lock_key = ? and (client_id = ? or expire_at < now())",
            (&client, TTL, KEY, &client),
        )
        .await?;
        let holder: Option<String> = conn.exec_first("select client_id from distributed_lock where lock_key = ?", (KEY,)).await?;
        if holder.as_deref() == Some(client.as_str()) {
            log.info("get lock success");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Gives the lock back.
pub(crate) async fn release(conn: &mut Conn) -> Result<(), Error> {
    conn.exec_drop("delete from distributed_lock where lock_key = ?", (KEY,)).await
}

/// The knob: another node, which is not there, has taken the lock. Only where nobody holds it, so that a restart does not begin the wait anew.
async fn hold_as_another(conn: &mut Conn, seconds: u64) -> Result<(), Error> {
    conn.exec_drop(
        "insert ignore into distributed_lock(lock_key, client_id, expire_at) values (?, '192.0.2.99:8989', date_add(now(), interval ? second))",
        (KEY, seconds),
    )
    .await
}
