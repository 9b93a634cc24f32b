//! MySQL 8.0, where somebody asks for it: Debian 12 has none, so it comes from Ubuntu's archive, whose release of April 2022 never changes. Unpacked
//! into the cache beside the other programs; a data folder, a socket and a port of its own.

use super::client::tell;
use super::environment::Server;
use super::fetch::{make, ubuntu};
use super::ports;
use super::private;
use super::process::{Daemon, wait_until};
use super::programs::unpacked;
use crate::checkout::Checkout;
use crate::error::TaskError;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The server and the libraries that Debian 12 does not have in this version: where each stands in the archive, and its SHA-256.
const PACKAGES: [(&str, &str); 8] = [
    ("m/mysql-8.0/mysql-server-core-8.0_8.0.28-0ubuntu4", "69a97fa36a94ce981cf4a5fd6eb674003fa42559b442ba9807309c69d1b90fdb"),
    ("p/protobuf/libprotobuf-lite23_3.12.4-1ubuntu7", "74213165bb99962044366f56d43eaebf7f7ffd7903d60820abd8373f6fe067c0"),
    ("i/icu/libicu70_70.1-2", "58a154f6307289813da2276f900498ef536ae7c0522d2cf31a3c3c5cf62dfd9a"),
    ("libe/libevent/libevent-core-2.1-7_2.1.12-stable-1build3", "9317ae74915b9e4372f7506fbd16ae2a021e0ead79a8d88f96dad49b87d94508"),
    ("libe/libevent/libevent-pthreads-2.1-7_2.1.12-stable-1build3", "078211a125a9ef5a9c7d24eb441761cefde8812b69889f7cee96824b0dc66831"),
    ("liba/libaio/libaio1_0.3.112-13build1", "2dcfe0b49d7cccfbf1bd6a3f627cf44bea9f51fb32f7e0e552a0df75698e0d27"),
    ("n/numactl/libnuma1_2.0.14-3ubuntu2", "0721c89001fbbd1ada23e89da5d60e762763c1a7b3dc814a2e9a518480a8043d"),
    ("m/mecab/libmecab2_0.996-14build9", "cb25c996ff0ed53158bc6b9cda66f68f003ff3824f8276ddfa0ad20d60e1411a"),
];

/// Makes the data folder and starts the server. `client` is the `mariadb` client.
pub(super) fn start(checkout: &Checkout, client: &Path, password: &str) -> Result<(Daemon, Server), TaskError> {
    let root = unpacked(&checkout.cache, "mysql", &ubuntu(&checkout.cache, &PACKAGES)?)?;
    let data = checkout.lab.join("mysql");
    let initialized = command(&root, &data).arg("--initialize-insecure").output();
    let output = initialized.map_err(|error| TaskError::failed(format!("cannot run mysqld: {error}")))?;
    if !output.status.success() {
        return Err(TaskError::failed(format!("mysqld makes no data folder: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    let first = first_statements(checkout, password)?;
    let temporary = checkout.lab.join("mysql-tmp");
    make(&temporary)?;
    let port = ports::free()?;
    let mut server = command(&root, &data);
    server.arg(format!("--socket={}", checkout.run.join("mysql.sock").display())).arg("--mysqlx=OFF");
    server.arg(format!("--pid-file={}", checkout.run.join("mysql.pid").display())).arg(format!("--init-file={}", first.display()));
    server.arg(format!("--tmpdir={}", temporary.display())).arg("--secure-file-priv=NULL");
    server.arg(format!("--port={port}")).args(["--bind-address=127.0.0.1", "--skip-name-resolve"]);
    let daemon = Daemon::start("mysqld", &server, &checkout.lab.join("mysqld.log"))?;
    let server = Server { host: "127.0.0.1".to_owned(), port, user: "root".to_owned(), password: password.to_owned() };
    // It listens before it has read the file: only a login proves that it has.
    if let Err(error) =
        wait_until(&daemon, Duration::from_mins(1), || ports::answers(port) && tell(client, &server, None, "select 1").is_ok())
    {
        daemon.end(Duration::from_secs(10));
        return Err(error);
    }
    let _ = std::fs::remove_file(first);
    Ok((daemon, server))
}

fn command(root: &Path, data: &Path) -> Command {
    let mut command = Command::new(root.join("usr/sbin/mysqld"));
    let share = root.join("usr/share/mysql");
    command.arg("--no-defaults").arg(format!("--basedir={}", root.join("usr").display())).arg(format!("--datadir={}", data.display()));
    command.arg(format!("--lc-messages-dir={}", share.display())).arg(format!("--character-sets-dir={}", share.join("charsets").display()));
    if rustix::process::geteuid().is_root() {
        command.arg("--user=root");
    }
    command.env("LD_LIBRARY_PATH", root.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH)));
    command
}

/// The `mariadb` client, which the tests compare with, has no other way to log in than the older one.
fn first_statements(checkout: &Checkout, password: &str) -> Result<PathBuf, TaskError> {
    let quoted = private::quoted(password);
    let text = format!(
        "CREATE USER root@'127.0.0.1' IDENTIFIED WITH mysql_native_password BY {quoted};\nGRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n\
         ALTER USER root@localhost IDENTIFIED BY {quoted};\n"
    );
    let path = checkout.lab.join("mysql-first.sql");
    private::write(&path, &text)?;
    Ok(path)
}
