//! OceanBase in one process: the `seekdb` server of the wheel.

use super::environment::Server;
use super::fetch::make;
use super::ports;
use super::private::quoted;
use super::process::{Daemon, wait_until};
use super::programs::Programs;
use crate::checkout::Checkout;
use crate::error::TaskError;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Starts the server. It listens on all addresses, its root has no password, and SQL may write files as its user: [`secure`] has to follow at once.
pub(crate) fn start(checkout: &Checkout, programs: &Programs) -> Result<(Daemon, u16), TaskError> {
    let base = checkout.lab.join("seekdb");
    make(&base)?;
    let port = ports::free()?;
    let mut command = Command::new(programs.seekdb());
    command.args(["--nodaemon", "--port", &port.to_string()]).arg("--base-dir").arg(&base);
    // With 1 GB for any of them it never answers.
    for limit in ["memory_limit=2G", "datafile_size=2G", "log_disk_size=2G"] {
        command.args(["--parameter", limit]);
    }
    command.current_dir(&base).env("LD_LIBRARY_PATH", programs.seekdb_libraries()).env("TELEMETRY_ENABLED", "false");
    Ok((Daemon::start("seekdb", &command, &checkout.lab.join("seekdb.log"))?, port))
}

/// Waits for the first answer and sets root's password, and the only folder that SQL may write to.
pub(crate) fn secure(
    checkout: &Checkout,
    programs: &Programs,
    (daemon, port): (&Daemon, u16),
    password: &str,
) -> Result<Server, TaskError> {
    let files = checkout.lab.join("files");
    make(&files)?;
    let base = checkout.lab.join("seekdb");
    let sql = format!(
        "set global secure_file_priv = {}; alter user root identified by {};",
        quoted(&files.display().to_string()),
        quoted(password)
    );
    wait_until(daemon, Duration::from_secs(90), || base.join("run/sql.sock").exists() && tell(programs, &base, &sql))?;
    Ok(Server { host: "127.0.0.1".to_owned(), port, user: "root".to_owned(), password: password.to_owned() })
}

/// Sends statements through the server's socket, by its short relative path, and not on a command line: they hold the password.
fn tell(programs: &Programs, base: &Path, sql: &str) -> bool {
    let mut client = Command::new(programs.debian("usr/bin/mariadb"));
    client.args(["--no-defaults", "--protocol=socket", "--socket=run/sql.sock", "--user=root", "--connect-timeout=5"]).current_dir(base);
    let spawned = client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = spawned else { return false };
    let written = child.stdin.take().is_some_and(|mut stdin| stdin.write_all(sql.as_bytes()).is_ok());
    child.wait().is_ok_and(|status| status.success()) && written
}
