//! Connections to the three databases, and what their tables say about the version.

use super::schema::{Part, Version};
use super::settings::Meta;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder};
use std::time::Duration;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl Meta {
    /// The name of a database.
    pub(crate) fn name(&self, part: Part) -> &str {
        match part {
            Part::Rm => &self.rm,
            Part::Cm => &self.cm,
            Part::Hb => &self.hb,
        }
    }

    /// A connection to one of the databases.
    pub(crate) async fn connect(&self, part: Part) -> Result<Conn, String> {
        self.open(Some(self.name(part))).await
    }

    /// A connection to none of them.
    pub(crate) async fn connect_bare(&self) -> Result<Conn, String> {
        self.open(None).await
    }

    async fn open(&self, database: Option<&str>) -> Result<Conn, String> {
        let options = OptsBuilder::default()
            .ip_or_hostname(self.host.clone())
            .tcp_port(self.port)
            .user(Some(self.user.clone()))
            .pass(Some(self.password.clone()))
            .db_name(database)
            .prefer_socket(false)
            .stmt_cache_size(0);
        match tokio::time::timeout(PATIENCE, Conn::new(options)).await {
            Ok(Ok(conn)) => Ok(conn),
            Ok(Err(error)) => Err(format!("Communications link failure: {error}")),
            Err(_) => Err("Communications link failure: no answer".to_owned()),
        }
    }

    /// The version that the metadata is of; none where there is none yet.
    pub(crate) async fn version(&self) -> Result<Option<Version>, String> {
        let mut conn = self.connect_bare().await?;
        let table = "select count(*) from information_schema.tables where table_schema = ? and table_name = 'cluster_info'";
        let there: Option<u64> = conn.exec_first(table, (&self.rm,)).await.map_err(text)?;
        if there != Some(1) {
            return Ok(None);
        }
        let sql = format!("select version from `{}`.cluster_info limit 1", self.rm);
        let number: Option<String> = conn.query_first(sql).await.map_err(text)?;
        let _ = conn.disconnect().await;
        match number {
            Some(number) => Version::of(&number).map(Some).ok_or_else(|| format!("the metadata is of an unknown version {number}")),
            None => Ok(None),
        }
    }
}

/// A database's answer as the logs have it.
pub(crate) fn text(error: Error) -> String {
    match error {
        Error::Server(server) => format!("ERROR {} ({}): {}", server.code, server.state, server.message),
        other => other.to_string(),
    }
}
