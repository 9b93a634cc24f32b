//! `[target.NAME] mysql = { … }`: where a server is and who logs in.

use std::path::PathBuf;
use std::time::Duration;

use mysql_async::{Opts, OptsBuilder, SslOpts};
use runbook_core::value::{self, Port};
use schemars::JsonSchema;
use serde::Deserialize;

/// A server that speaks MySQL's protocol: OceanBase (also through its proxy), MySQL or MariaDB.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mysql {
    /// The host's name or address.
    pub(super) host: String,
    /// The port: 3306 where none is given, as for MySQL and MariaDB; OceanBase listens on 2881, its proxy on 2883.
    #[serde(default)]
    pub(super) port: Option<Port>,
    /// The user, taken as it is: `user@tenant#cluster` through OceanBase's proxy, `user@tenant` without it.
    #[schemars(extend("x-secret" = "accept"))]
    pub(super) user: String,
    /// The password; empty where the user has none.
    #[serde(default)]
    #[schemars(extend("x-secret" = "accept"))]
    pub(super) password: String,
    /// The database that statements start in. An action's own `database` wins.
    #[serde(default)]
    pub(super) database: Option<String>,
    /// Whether the connection is encrypted, and whether the server has to prove who it is.
    #[serde(default)]
    pub(super) tls: Tls,
    /// A file with the certificates (PEM) of the authorities to trust, besides the public ones.
    #[serde(default)]
    #[schemars(extend("x-text" = "path"))]
    pub(super) tls_ca: Option<PathBuf>,
    /// The session's `sql_mode`, instead of the server's own.
    #[serde(default)]
    pub(super) sql_mode: Option<String>,
    /// How long a connection may take to come about, login included; 10 s where nothing is said.
    #[serde(default)]
    pub(super) connect_timeout: Option<value::Duration>,
}

/// How much TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tls {
    /// None: the network is trusted.
    #[default]
    Off,
    /// Encrypted; the server's certificate is not looked at.
    Encrypt,
    /// Encrypted, with a certificate of a trusted authority for this very host.
    Verify,
}

/// MySQL's own port.
const PORT: u16 = 3306;
/// How long a connection may take to come about, login included.
const CONNECT: Duration = Duration::from_secs(10);

impl Mysql {
    fn port(&self) -> u16 {
        self.port.map_or(PORT, Port::get)
    }

    /// How long a connection may take to come about, login included.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect_timeout.map_or(CONNECT, Into::into)
    }

    /// `host:port`, as people write it.
    pub(super) fn address(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port()) } else { format!("{}:{}", self.host, self.port()) }
    }

    /// What the driver is told.
    ///
    /// Rows are counted as *matched*, not as changed. The local socket is never preferred: the person wrote a host and a port. Nothing is kept
    /// prepared: every statement goes as text, one a packet.
    pub(super) fn opts(&self, database: Option<&str>) -> Opts {
        let ssl = match self.tls {
            Tls::Off => None,
            Tls::Encrypt => Some(SslOpts::default().with_danger_accept_invalid_certs(true)),
            Tls::Verify => {
                let roots = self.tls_ca.iter().map(|path| path.clone().into()).collect();
                Some(SslOpts::default().with_root_certs(roots))
            }
        };
        OptsBuilder::default()
            .ip_or_hostname(self.host.clone())
            .tcp_port(self.port())
            .user(Some(self.user.clone()))
            .pass((!self.password.is_empty()).then(|| self.password.clone()))
            .db_name(database.map(str::to_owned))
            .prefer_socket(false)
            .stmt_cache_size(0)
            .client_found_rows(true)
            .ssl_opts(ssl)
            .into()
    }
}
