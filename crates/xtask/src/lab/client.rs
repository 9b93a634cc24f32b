//! Small clients for tasks that play with the lab: SQL through the `mariadb` client, and one HTTP request.

use super::environment::{Environment, Server};
use crate::error::TaskError;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Carries statements out, stopping at the first that fails.
pub(crate) fn sql(environment: &Environment, server: &Server, database: Option<&str>, text: &str) -> Result<(), TaskError> {
    tell(&environment.mariadb_client, server, database, text)
}

/// The same, before there is an environment.
pub(super) fn tell(client: &Path, server: &Server, database: Option<&str>, text: &str) -> Result<(), TaskError> {
    let mut client = Command::new(client);
    client.args(["--no-defaults", "--default-character-set=utf8mb4", "--protocol=tcp", "--host", &server.host, "--user", &server.user]);
    client.arg(format!("--port={}", server.port)).args(database).env("MYSQL_PWD", &server.password);
    client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let broken = |error: std::io::Error| TaskError::failed(format!("cannot run the mariadb client: {error}"));
    let mut child = client.spawn().map_err(broken)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A client that has met an error closes its end; what it says is read below.
        let _ = stdin.write_all(text.as_bytes());
    }
    let output = child.wait_with_output().map_err(broken)?;
    if output.status.success() {
        return Ok(());
    }
    Err(TaskError::failed(format!("SQL failed: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Status and body of a GET on this machine; `None` where nobody answers.
pub(crate) fn http_get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}
