//! `env.json`: what the lab offers, as tests read it from the file that `RUNBOOK_LAB` names.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A database server of the lab.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Server {
    /// Address.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
    /// A user that may do everything.
    pub(crate) user: String,
    /// That user's password.
    pub(crate) password: String,
}

/// Everything that a test needs to know.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Environment {
    /// `DOCKER_HOST` of the engine.
    pub(crate) docker_host: String,
    /// The `docker` client, for tests that compare with it.
    pub(crate) docker_cli: PathBuf,
    /// The value of the label `runbook.lab` that everything made in Docker has to carry.
    pub(crate) label: String,
    /// OceanBase (seekdb).
    pub(crate) seekdb: Server,
    /// MariaDB 10.11.
    pub(crate) mariadb: Server,
    /// MySQL 8.0, where it was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mysql: Option<Server>,
    /// A static busybox.
    pub(crate) busybox: PathBuf,
    /// A static bash.
    pub(crate) bash_static: PathBuf,
    /// The `mariadb` client.
    pub(crate) mariadb_client: PathBuf,
    /// Folder with the archives of the stand-ins, for `docker load`; filled by `cargo xtask demo` and `cargo xtask test`.
    pub(crate) images: PathBuf,
    /// Folder with the stand-ins of OceanBase's tools, `obdumper` and `obloader`; filled as `images` is.
    pub(crate) tools: PathBuf,
    /// `mariadb-dump`.
    pub(crate) mariadb_dump: PathBuf,
    /// Folder with all programs, for tests that want a server of their own.
    pub(crate) programs: PathBuf,
}
