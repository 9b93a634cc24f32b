//! What is measured: our own program and its peers, each doing the same with one database.

use super::CONNECTIONS;
use super::peers::Peers;
use crate::bench::measure::{Ran, watched};
use crate::error::TaskError;
use crate::lab;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The tools, on one server.
pub(super) struct Tools<'t> {
    pub(super) environment: &'t lab::Environment,
    pub(super) server: &'t lab::Server,
    pub(super) seekdb: bool,
    pub(super) peers: &'t Peers,
    pub(super) program: &'t Path,
    pub(super) dir: &'t Path,
}

impl Tools<'_> {
    /// Statements of the benchmark itself.
    pub(super) fn sql(&self, database: Option<&str>, text: &str) -> Result<(), TaskError> {
        let limits = if self.seekdb { "set ob_query_timeout = 3600000000, ob_trx_timeout = 3600000000;\n" } else { "" };
        lab::sql(self.environment, self.server, database, &format!("{limits}{text}"))
    }

    /// Gives the server what it needs for much data, as whoever runs one with so much does: memory and room in the log, or time for a question.
    /// For all tools alike.
    pub(super) fn grow(&self) -> Result<(), TaskError> {
        let settings = if self.seekdb {
            "set global ob_query_timeout = 3600000000; set global ob_trx_timeout = 3600000000;"
        } else {
            "set global innodb_buffer_pool_size = 1 << 30; set global innodb_log_file_size = 1 << 30;"
        };
        self.sql(None, settings)
    }

    /// Drops a database and what the others made of it.
    pub(super) fn drop(&self, database: &str) -> Result<(), TaskError> {
        self.sql(None, &["", "_copy"].map(|suffix| format!("drop database if exists {database}{suffix};")).concat())
    }

    /// `sql.dump`: its own proof is a part of it.
    pub(super) fn dump(&self, database: &str) -> Result<Ran, TaskError> {
        let to = self.fresh(&format!("{database}-backup"))?;
        let action =
            format!("sql.dump = {{ target = \"db\", database = \"{database}\", to = \"{}\", connections = {CONNECTIONS} }}", to.display());
        self.runbook("dump", &format!("leaves = \"a backup\"\n{action}"))
    }

    /// `sql.compare` of a database with its own backup: checksums and definitions, nothing written.
    pub(super) fn compare(&self, database: &str) -> Result<Ran, TaskError> {
        let from = self.dir.join(format!("{database}-backup"));
        let action = format!("sql.compare = {{ target = \"db\", database = \"{database}\", manifest = \"{}\" }}", from.display());
        self.runbook("compare", &format!("{action}\nexpect = [\"equal\"]"))
    }

    /// `sql.restore` under another name, its comparison included.
    pub(super) fn restore(&self, database: &str) -> Result<Ran, TaskError> {
        self.sql(None, &format!("drop database if exists {database}_copy"))?;
        let from = self.dir.join(format!("{database}-backup"));
        let action = format!(
            "sql.restore = {{ target = \"db\", manifest = \"{}\", into = \"{database}_copy\", connections = {CONNECTIONS} }}",
            from.display()
        );
        self.runbook("restore", &format!("leaves = \"a copy\"\n{action}"))
    }

    /// mydumper with as many threads as we have connections. It takes no lock on a server that knows none.
    pub(super) fn mydumper(&self, database: &str) -> Result<Duration, TaskError> {
        let to = self.fresh(&format!("{database}-mydumper"))?;
        let mut command = self.peer("mydumper");
        command.args(["--database", database, "--outputdir"]).arg(to).args(["--rows", "200000"]);
        if self.seekdb {
            command.arg("--no-locks");
        }
        timed(&mut command)
    }

    /// myloader with what mydumper wrote.
    pub(super) fn myloader(&self, database: &str) -> Result<Duration, TaskError> {
        self.sql(None, &format!("drop database if exists {database}_copy"))?;
        let mut command = self.peer("myloader");
        command.args(["--database", &format!("{database}_copy"), "--directory"]).arg(self.dir.join(format!("{database}-mydumper")));
        timed(&mut command)
    }

    /// mariadb-dump, with the snapshot that it can have on both servers.
    pub(super) fn mariadb_dump(&self, database: &str) -> Result<Duration, TaskError> {
        let mut command = self.client_like(&self.environment.mariadb_dump);
        command.args(["--single-transaction", "--skip-triggers", database]).stdout(self.create(database)?);
        timed(&mut command)
    }

    /// The client reading what mariadb-dump wrote.
    pub(super) fn client(&self, database: &str) -> Result<Duration, TaskError> {
        let copy = format!("{database}_copy");
        self.sql(
            None,
            &format!("drop database if exists {copy}; create database {copy} default character set utf8mb4 collate utf8mb4_bin;"),
        )?;
        let path = self.dir.join(format!("{database}.sql"));
        let mut command = self.client_like(&self.environment.mariadb_client);
        command.arg(&copy).stdin(File::open(&path).map_err(|error| TaskError::file("read", &path, error))?);
        timed(&mut command)
    }

    fn create(&self, database: &str) -> Result<File, TaskError> {
        let path = self.dir.join(format!("{database}.sql"));
        File::create(&path).map_err(|error| TaskError::file("write", &path, error))
    }

    /// A folder that is not there.
    fn fresh(&self, name: &str) -> Result<PathBuf, TaskError> {
        let path = self.dir.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(|error| TaskError::file("remove", &path, error))?;
        }
        Ok(path)
    }

    fn client_like(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["--no-defaults", "--default-character-set=utf8mb4", "--protocol=tcp", "--host", &self.server.host]);
        command.args(["--user", &self.server.user]).arg(format!("--port={}", self.server.port)).env("MYSQL_PWD", &self.server.password);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn peer(&self, name: &str) -> Command {
        let mut command = Command::new(self.peers.program(name));
        command.args(["--host", &self.server.host, "--user", &self.server.user, "--password", &self.server.password]);
        command.args(["--port", &self.server.port.to_string(), "--threads", &CONNECTIONS.to_string()]);
        command.env("LD_LIBRARY_PATH", self.peers.libraries()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Carries a runbook of one step out.
    fn runbook(&self, name: &str, step: &str) -> Result<Ran, TaskError> {
        let mut text = format!("format = 1\nname = \"{name}\"\ntitle = \"Measured\"\nrisk = \"low\"\non_failure = \"stop\"\n");
        let (host, port, user) = (&self.server.host, self.server.port, &self.server.user);
        let _ = write!(
            text,
            "\n[vars.password]\ntype = \"string\"\nsecret = true\n\n[target.db]\n\
             mysql = {{ host = \"{host}\", port = {port}, user = \"{user}\", password = \"{{{{vars.password}}}}\" }}\n\n[[step]]\nid = \"{name}\"\n{step}\n"
        );
        let path = self.dir.join(format!("{name}.toml"));
        std::fs::write(&path, text).map_err(|error| TaskError::file("write", &path, error))?;
        let mut command = Command::new(self.program);
        command.args(["exec", "--yes", "--no-input", "--output", "quiet"]).arg(path);
        command.env("RUNBOOK_STATE_DIR", self.dir.join("state")).env("RUNBOOK_VAR_PASSWORD", &self.server.password);
        watched(&mut command)
    }
}

/// How long a peer took; an error with what it said where it failed.
fn timed(command: &mut Command) -> Result<Duration, TaskError> {
    let name = command.get_program().to_string_lossy().rsplit('/').next().unwrap_or_default().to_owned();
    let begun = Instant::now();
    let child = command.spawn().map_err(|error| TaskError::failed(format!("cannot run {name}: {error}")))?;
    let output = child.wait_with_output().map_err(|error| TaskError::failed(format!("cannot run {name}: {error}")))?;
    let took = begun.elapsed();
    if output.status.success() {
        return Ok(took);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(TaskError::failed(format!("{name}: {}", said.lines().last().unwrap_or_default().trim())))
}
