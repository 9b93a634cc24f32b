//! What servers and the driver say, as failures of an action.
//!
//! Codes below 4000 are MySQL's, those from 4000 on OceanBase's; both were taken from the servers' own reference and tried where the lab has them.

use runbook_core::action::{Failure, FailureKind, Outcome, Residue};

/// Why a piece of SQL work ended early.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// The server's error number, where the server spoke.
    pub(super) code: Option<u16>,
    /// Whether it ended because the action was told to end.
    pub(super) cancelled: bool,
    /// What the person is told.
    pub(super) failure: Box<Failure>,
}

/// The result of SQL work.
pub(super) type Sql<T> = Result<T, Fault>;

/// Numbers of errors that this crate itself reacts to.
pub(super) mod code {
    /// No such database.
    pub(in crate::sql) const BAD_DB: u16 = 1049;
    /// No such table.
    pub(in crate::sql) const NO_SUCH_TABLE: u16 = 1146;
    /// No such procedure or function.
    pub(in crate::sql) const NO_SUCH_ROUTINE: u16 = 1305;
    /// No such built-in function.
    pub(in crate::sql) const NO_SUCH_FUNCTION: u16 = 1630;
    /// No such thread to be killed: it has ended already.
    pub(in crate::sql) const NO_SUCH_THREAD: u16 = 1094;
    /// Two waited for each other, and this one was chosen to begin again; its transaction is rolled back.
    pub(in crate::sql) const DEADLOCK: u16 = 1213;
    /// The statement was interrupted by `KILL QUERY`.
    pub(in crate::sql) const INTERRUPTED: u16 = 1317;
    /// The snapshot is gone (OceanBase) or the table changed under it (InnoDB).
    pub(in crate::sql) const TABLE_DEF_CHANGED: u16 = 1412;
    /// OceanBase: try again.
    pub(in crate::sql) const TRY_AGAIN: u16 = 4023;
    /// OceanBase: this server's definitions are behind ("schema error").
    pub(in crate::sql) const SCHEMA_REFRESHES: u16 = 4242;
    /// OceanBase: definitions are not up to date.
    pub(in crate::sql) const SCHEMA_IS_OLD: u16 = 4346;
    /// OceanBase: another server's definitions are not read yet.
    pub(in crate::sql) const SCHEMA_IS_NOT_FULL: u16 = 4390;
    /// OceanBase: schema, try again.
    pub(in crate::sql) const SCHEMA_TRY_AGAIN: u16 = 5627;
    /// OceanBase: another changed the definitions of what this one needs.
    pub(in crate::sql) const DEFINITION_CONFLICT: u16 = 5827;
    /// The snapshot is gone: OceanBase has compacted the old rows away ("invalid timestamp").
    pub(in crate::sql) const SNAPSHOT_GONE: u16 = 4344;
}

impl Fault {
    /// The end that was asked for.
    pub(super) fn cancelled() -> Self {
        Self { code: None, cancelled: true, failure: Box::new(Failure::new(FailureKind::Failed, "was told to end")) }
    }

    /// Changes the message by putting the place in front of it.
    pub(super) fn at(mut self, place: &str) -> Self {
        self.failure.message = format!("{place}: {}", self.failure.message);
        self
    }

    /// Shows the beginning of the statement of our own that failed: nobody has seen it in a runbook.
    pub(super) fn of(mut self, sql: &str) -> Self {
        const SHOWN: usize = 160;
        if !self.cancelled {
            let mut shown: String = sql.chars().take(SHOWN).collect();
            if shown.len() < sql.len() {
                shown.push('…');
            }
            self.failure.detail.push(format!("in: {shown}"));
        }
        self
    }

    /// Names the responsible field, where none is named yet.
    pub(super) fn field(mut self, field: &str) -> Self {
        if self.failure.field.is_none() {
            self.failure.field = Some(field.to_owned());
        }
        self
    }

    /// Whether this is what a `KILL` or a lost connection looks like from the inside.
    pub(super) fn is_interruption(&self) -> bool {
        self.cancelled
            || self.failure.kind == FailureKind::Disconnected
            || matches!(self.code, Some(code::INTERRUPTED | 1053 | 1927 | 4012 | 5066 | 4020))
    }

    /// Whether the connection is gone, so that nobody knows how the last statement ended.
    pub(super) fn is_loss(&self) -> bool {
        self.failure.kind == FailureKind::Disconnected
    }

    /// Whether OceanBase wishes that the same definition be sent again. These are the errors after which OceanBase itself resends a definition
    /// (`is_ddl_stmt_packet_retry_err` and the schema errors of `ObQueryRetryCtrl::init`, in its source), until its own patience ends.
    pub(super) fn wants_again(&self) -> bool {
        matches!(
            self.code,
            Some(
                code::TRY_AGAIN
                    | code::SCHEMA_REFRESHES
                    | code::SCHEMA_IS_OLD
                    | code::SCHEMA_IS_NOT_FULL
                    | code::SCHEMA_TRY_AGAIN
                    | code::DEFINITION_CONFLICT
            )
        )
    }

    /// Whether what a definition would make is there: a table or view, a key, a routine, a trigger, a foreign key, a sequence.
    pub(super) fn is_there_already(&self) -> bool {
        matches!(self.code, Some(1050 | 1061 | 1304 | 1359 | 1826 | 4297))
    }

    /// As an action's end.
    pub(super) fn outcome(self, residue: Residue) -> Outcome {
        if self.cancelled { Outcome::Cancelled { residue } } else { Outcome::failed(*self.failure, residue) }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self { code: None, cancelled: false, failure: Box::new(failure) }
    }
}

impl From<mysql_async::Error> for Fault {
    fn from(error: mysql_async::Error) -> Self {
        use mysql_async::{DriverError, Error, IoError};
        match error {
            Error::Server(server) => Self {
                code: Some(server.code),
                cancelled: false,
                failure: Box::new(of_server(server.code, &server.state, &server.message)),
            },
            Error::Io(IoError::Io(io)) => of_io(&io).into(),
            Error::Io(IoError::Tls(tls)) => Failure::new(FailureKind::Denied, format!("no TLS session came about: {tls}")).into(),
            Error::Driver(DriverError::ConnectionClosed | DriverError::PoolDisconnected) => {
                Failure::new(FailureKind::Disconnected, "the connection was closed").into()
            }
            Error::Driver(DriverError::PacketTooLarge) => {
                Failure::new(FailureKind::Exhausted, "a packet is larger than the server's `max_allowed_packet`")
                    .help("raise `max_allowed_packet` on the server")
                    .into()
            }
            Error::Driver(DriverError::NoClientSslFlagFromServer) => Failure::new(FailureKind::Denied, "the server does not offer TLS")
                .field("target")
                .help("leave `tls` out of the target")
                .into(),
            Error::Driver(
                refused @ (DriverError::UnknownAuthPlugin { .. }
                | DriverError::MysqlOldPasswordDisabled
                | DriverError::CleartextPluginDisabled
                | DriverError::InvalidParsecSalt),
            ) => Failure::new(FailureKind::Denied, format!("the server wants a way of authentication that is not spoken here: {refused}"))
                .field("target")
                .into(),
            // The payload of an unexpected packet may hold row data: the kind of the error is all that is told.
            Error::Driver(DriverError::UnexpectedPacket { .. }) => {
                Failure::new(FailureKind::Disconnected, "the server sent a packet that does not fit here").into()
            }
            Error::Driver(other) => Failure::new(FailureKind::Disconnected, format!("the connection is unusable: {other}")).into(),
            Error::Url(other) => Failure::new(FailureKind::Internal, other.to_string()).into(),
            Error::Other(other) => Failure::new(FailureKind::Internal, other.to_string()).into(),
        }
    }
}

/// A broken connection, or one that never came about.
fn of_io(error: &std::io::Error) -> Failure {
    use std::io::ErrorKind as Io;
    match error.kind() {
        Io::ConnectionRefused | Io::HostUnreachable | Io::NetworkUnreachable | Io::AddrNotAvailable => {
            Failure::new(FailureKind::Unreachable, format!("cannot connect: {error}"))
        }
        Io::UnexpectedEof | Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe | Io::NotConnected => {
            Failure::new(FailureKind::Disconnected, format!("the connection was lost: {error}"))
        }
        Io::TimedOut => Failure::new(FailureKind::Disconnected, "the connection timed out"),
        // Also a server that dies in the middle of an answer, for which the driver has no kind of its own: what became of the statement nobody knows.
        // Where there is no session yet, such as for a name that does not resolve, nothing was begun; `dial` says so.
        _ => Failure::new(FailureKind::Disconnected, format!("the connection was lost: {error}")),
    }
}

/// What a server's error number means for a runbook.
fn of_server(code: u16, state: &str, message: &str) -> Failure {
    let words = format!("ERROR {code} ({state}): {message}");
    let (kind, retryable) = match code {
        // Access: user, host, database, table, column, privilege, expired password, host blocked.
        1044 | 1045 | 1129 | 1130 | 1142 | 1143 | 1227 | 1370 | 1396 | 1698 | 1820 | 1862 | 3118 | 4151 => (FailureKind::Denied, false),
        // What is not there may come (a server that starts, a table that a migration makes).
        code::BAD_DB | code::NO_SUCH_TABLE | 1008 | 1051 | 1091 | 1109 | 1305 | 1356 | 1360 => (FailureKind::NotFound, true),
        1007 | 1050 | 1304 | 1359 | 1537 => (FailureKind::Conflict, false),
        // Too many connections, memory, disk, packet, log space.
        3 | 28 | 1020..=1021 | 1037..=1041 | 1114 | 1153 | 1203 | 1206 | 1226 | 4013 | 4019 | 4184 | 4279 => (FailureKind::Exhausted, true),
        1205 | 3024 | 4012 | 4377 | 6005 => (FailureKind::TimedOut, true),
        1053 | 1152 | 1158..=1161 | 1184 | 1927 | 2006 | 2013 | 5066 => (FailureKind::Disconnected, true),
        // Deadlocks, and OceanBase's "try again" family (leader switched, schema behind, rolled back).
        1213 | 4023 | 4038 | 4242 | 4346 | 4390 | 4654 | 5627 | 5827 | 6002 | 6210 | 6224 => (FailureKind::Failed, true),
        // Wrong in itself: syntax, names, types, duplicates, read-only transaction. The same again fails again.
        _ => (FailureKind::Failed, false),
    };
    let mut failure = Failure::new(kind, format!("the server says: {message}")).detail(words);
    failure.retryable = retryable;
    match code {
        1045 | 1698 => failure.field("target").help("check `user` and `password` of the target"),
        1130 | 1129 => failure.field("target").help("this host may not log in with this user"),
        code::BAD_DB => failure.help("check the name of the database"),
        1040 | 1203 => failure.help("wait until others have disconnected, or raise `max_connections`"),
        1792 => failure.help("`sql.query` only reads; use `sql.execute` to change something"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16) -> Failure {
        *Fault::from(mysql_async::Error::Server(mysql_async::ServerError {
            code,
            state: "HY000".to_owned(),
            message: "words of the server".to_owned(),
        }))
        .failure
    }

    #[test]
    fn a_wrong_password_is_denied_and_not_tried_again() {
        let failure = server(1045);
        assert_eq!(failure.kind, FailureKind::Denied);
        assert!(!failure.retryable);
        assert_eq!(failure.field.as_deref(), Some("target"));
        assert_eq!(failure.detail, ["ERROR 1045 (HY000): words of the server"]);
    }

    #[test]
    fn kinds_follow_the_number() {
        assert_eq!(server(1049).kind, FailureKind::NotFound);
        assert_eq!(server(1050).kind, FailureKind::Conflict);
        assert_eq!(server(4012).kind, FailureKind::TimedOut);
        assert_eq!(server(1040).kind, FailureKind::Exhausted);
        assert!(server(1213).retryable);
        assert!(!server(1064).retryable);
    }

    #[test]
    fn only_what_oceanbase_wants_to_have_again_is_sent_again() {
        let fault = |code| Fault { code: Some(code), cancelled: false, failure: Box::new(server(code)) };
        for code in [4023, 4242, 4346, 4390, 5627, 5827] {
            assert!(fault(code).wants_again() && server(code).retryable, "{code}");
        }
        // 5624 is about outer joins; what was killed, timed out or came into a deadlock is no definition's wish.
        for code in [1050, 1064, 1205, 1213, 1317, 4001, 4012, 5066, 5624, 6002] {
            assert!(!fault(code).wants_again(), "{code}");
        }
        assert!(!Fault::cancelled().wants_again());
    }

    #[test]
    fn a_lost_connection_is_known_as_one() {
        let lost = Fault::from(mysql_async::Error::Io(mysql_async::IoError::Io(std::io::ErrorKind::UnexpectedEof.into())));
        assert!(lost.is_loss());
        let refused = Fault::from(mysql_async::Error::Io(mysql_async::IoError::Io(std::io::ErrorKind::ConnectionRefused.into())));
        assert_eq!(refused.failure.kind, FailureKind::Unreachable);
    }
}
