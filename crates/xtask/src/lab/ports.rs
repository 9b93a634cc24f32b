//! Ports, from the system.

use crate::error::TaskError;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

/// A port that is free now, on all addresses: seekdb listens on them all.
pub(crate) fn free() -> Result<u16, TaskError> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0));
    listener
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| TaskError::missing(format!("the system gives no free port: {error}"), &[]))
}

/// Whether something accepts connections there.
pub(crate) fn answers(port: u16) -> bool {
    TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_secs(1)).is_ok()
}
