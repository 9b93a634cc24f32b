//! MariaDB 10.11 with a data folder, a socket and a port of its own: never the machine's service.

use super::client::tell;
use super::environment::Server;
use super::fetch::make;
use super::ports;
use super::private;
use super::process::{Daemon, wait_until};
use super::programs::Programs;
use crate::checkout::Checkout;
use crate::error::TaskError;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Makes the data folder and starts the server. The users that it is made with have no password: they get one, or go, in the file that the
/// server reads before it listens.
pub(crate) fn start(checkout: &Checkout, programs: &Programs, password: &str) -> Result<(Daemon, Server), TaskError> {
    let data = checkout.lab.join("mariadb");
    checkout.make_run_dir()?;
    let user = if rustix::process::geteuid().is_root() { Some("--user=root") } else { None };
    let base = programs.debian("usr");
    let mut install = Command::new(base.join("bin/mariadb-install-db"));
    install.arg("--no-defaults").arg(format!("--basedir={}", base.display())).arg(format!("--datadir={}", data.display()));
    install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]).args(user);
    let output = install.env("LD_LIBRARY_PATH", programs.debian_libraries()).output();
    let output = output.map_err(|error| TaskError::failed(format!("cannot run mariadb-install-db: {error}")))?;
    if !output.status.success() {
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        return Err(TaskError::failed(format!("mariadb-install-db failed: {}", said.trim())));
    }
    let first = first_statements(checkout, password)?;
    let port = ports::free()?;
    let mut server = Command::new(base.join("sbin/mariadbd"));
    server.arg("--no-defaults").arg(format!("--basedir={}", base.display())).arg(format!("--datadir={}", data.display())).args(user);
    server.arg(format!("--lc-messages-dir={}", base.join("share/mysql").display()));
    server.arg(format!("--socket={}", checkout.run.join("mariadb.sock").display()));
    server.arg(format!("--pid-file={}", checkout.run.join("mariadb.pid").display())).arg(format!("--init-file={}", first.display()));
    // In a common folder, another server that starts would remove this one's temporary tables.
    let temporary = checkout.lab.join("mariadb-tmp");
    make(&temporary)?;
    server.arg(format!("--tmpdir={}", temporary.display()));
    server.arg(format!("--port={port}")).args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--character-set-server=utf8mb4"]);
    server.env("LD_LIBRARY_PATH", programs.debian_libraries());
    let daemon = Daemon::start("mariadbd", &server, &checkout.lab.join("mariadbd.log"))?;
    let server = Server { host: "127.0.0.1".to_owned(), port, user: "root".to_owned(), password: password.to_owned() };
    // It listens before it has read the file: only a login proves that it has.
    let client = programs.debian("usr/bin/mariadb");
    if let Err(error) =
        wait_until(&daemon, Duration::from_mins(1), || ports::answers(port) && tell(&client, &server, None, "select 1").is_ok())
    {
        daemon.end(Duration::from_secs(10));
        return Err(error);
    }
    let _ = std::fs::remove_file(first);
    Ok((daemon, server))
}

fn first_statements(checkout: &Checkout, password: &str) -> Result<PathBuf, TaskError> {
    let quoted = private::quoted(password);
    let text = format!(
        "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host NOT IN ('localhost', '127.0.0.1');\nFLUSH PRIVILEGES;\n\
         ALTER USER root@localhost IDENTIFIED BY {quoted};\nALTER USER root@'127.0.0.1' IDENTIFIED BY {quoted};\n"
    );
    let path = checkout.lab.join("mariadb-first.sql");
    private::write(&path, &text)?;
    Ok(path)
}
