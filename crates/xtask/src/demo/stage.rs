//! Where the demo plays: its folder, its files, and the commands that it runs in front of the reader.

use super::odc;
use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::lab::{Environment, OdcImage};
use crate::say;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The runbook that proves that all is as it was.
const PROOF: &str = include_str!("prove.toml");

/// The demo's folder and what it works with.
pub(super) struct Stage<'a> {
    checkout: &'a Checkout,
    pub(super) environment: &'a Environment,
    program: &'a Path,
    dir: PathBuf,
    /// Name of the ODC container.
    pub(super) container: String,
    /// Name of the metadata database.
    pub(super) database: String,
    /// Port on which ODC answers.
    pub(super) port: u16,
}

impl<'a> Stage<'a> {
    /// Makes the folder with the files that the commands name, and removes what an earlier demo has left.
    pub(super) fn set(checkout: &'a Checkout, environment: &'a Environment, program: &'a Path) -> Result<Self, TaskError> {
        let dir = checkout.lab.join("demo");
        let port = crate::lab::free_port()?;
        let container = format!("obodc-demo-{}", checkout.id);
        let stage = Self { checkout, environment, program, dir, container, database: "odc_demo_metadb".to_owned(), port };
        stage.clear()?;
        for folder in ["data", "log"] {
            let folder = stage.dir.join(folder);
            std::fs::create_dir_all(&folder).map_err(|error| TaskError::file("create", &folder, error))?;
        }
        let server = &environment.seekdb;
        let mut site = String::from("# What is so at this site. The password comes from the environment.\n");
        for (name, value) in [
            ("container", stage.container.as_str()),
            ("metadb_host", &server.host),
            ("metadb_port", &server.port.to_string()),
            ("metadb_user", &server.user),
            ("metadb_name", &stage.database),
            ("odc_port", &port.to_string()),
        ] {
            let number = value.chars().all(|c| c.is_ascii_digit());
            let _ = if number { writeln!(site, "{name} = {value}") } else { writeln!(site, "{name} = \"{value}\"") };
        }
        stage.write("site.toml", &site, 0o644)?;
        stage.write("password", &server.password, 0o600)?;
        Ok(stage)
    }

    /// Prints what a shell needs for the commands that follow.
    pub(super) fn print_environment(&self) {
        say::command(format!("export PATH=\"{}:$PATH\"", self.program.parent().unwrap_or(Path::new(".")).display()));
        say::command(format!("export DOCKER_HOST={}", self.environment.docker_host));
        say::command(format!("export RUNBOOK_STATE_DIR={}", self.dir.join("state").display()));
        say::command(format!("export RUNBOOK_VAR_METADB_PASSWORD=\"$(cat {})\"", self.dir.join("password").display()));
    }

    /// Runs `runbook WORDS` as printed, its output where ours goes, and expects that exit code.
    pub(super) fn runbook(&self, words: &[&str], expected: i32) -> Result<(), TaskError> {
        let shown: Vec<String> = words.iter().map(|word| self.shown(word)).collect();
        println!();
        say::command(format!("runbook {}", shown.join(" ")));
        let status = self.set_up(Command::new(self.program).args(words)).status();
        let status = status.map_err(|error| TaskError::failed(format!("cannot run {}: {error}", self.program.display())))?;
        println!();
        if status.code() == Some(expected) {
            if expected != 0 {
                say::line(format!("It ended with {expected}, as it should."));
            }
            return Ok(());
        }
        Err(TaskError::failed(format!("`runbook {}` ended with {status}, and {expected} was expected", shown.join(" "))))
    }

    /// Runs `docker WORDS` as printed and prints the last lines of what it says.
    pub(super) fn docker(&self, words: &[&str]) -> Result<(), TaskError> {
        let shown: Vec<String> = words.iter().map(|word| self.shown(word)).collect();
        say::command(format!("docker {}", shown.join(" ")));
        let output = self.docker_output(words)?;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(6)..].iter().for_each(say::line);
        if output.status.success() { Ok(()) } else { Err(TaskError::failed(format!("`docker {}` failed", words.join(" ")))) }
    }

    /// Runs `docker WORDS` without a word.
    pub(super) fn docker_output(&self, words: &[&str]) -> Result<Output, TaskError> {
        let output = self.set_up(Command::new(&self.environment.docker_cli).args(words)).output();
        output.map_err(|error| TaskError::failed(format!("cannot run docker: {error}")))
    }

    /// Removes the demo's containers, its database and its folder.
    pub(super) fn clear(&self) -> Result<(), TaskError> {
        odc::remove(self)?;
        match std::fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(TaskError::file("remove", &self.dir, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The file with the site's variables.
    pub(super) fn site(&self) -> String {
        self.path("site.toml")
    }

    /// Writes the variables of a release, and says where.
    pub(super) fn release(&self, odc: &OdcImage) -> Result<String, TaskError> {
        let text = format!("image = \"{}\"\nversion = \"{}\"\nhighest_migration = \"{}\"\n", odc.tag, odc.version, odc.highest_migration);
        let (_, tag) = odc.tag.split_once(':').unwrap_or(("", odc.version));
        let name = format!("odc-{tag}.toml");
        self.write(&name, &text, 0o644)?;
        Ok(self.path(&name))
    }

    /// Writes the runbook of the proof, and says where.
    pub(super) fn proof(&self) -> Result<String, TaskError> {
        self.write("prove.toml", PROOF, 0o644)?;
        Ok(self.path("prove.toml"))
    }

    /// A backup's folder.
    pub(super) fn folder(&self, name: &str) -> String {
        self.path(&format!("backup-{name}"))
    }

    /// A backup's folder, as a variable.
    pub(super) fn backup(&self, name: &str) -> String {
        format!("backup_dir={}", self.folder(name))
    }

    /// A path in the demo's folder.
    pub(super) fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), TaskError> {
        let path = self.dir.join(name);
        let opened = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&path);
        opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| TaskError::file("write", &path, error))
    }

    fn set_up<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.current_dir(&self.checkout.root).env("DOCKER_HOST", &self.environment.docker_host);
        command.env("RUNBOOK_STATE_DIR", self.dir.join("state"));
        let password = &self.environment.seekdb.password;
        // `docker run -e DATABASE_PASSWORD` takes the value from here.
        command.env("RUNBOOK_VAR_METADB_PASSWORD", password).env("DATABASE_PASSWORD", password)
    }

    /// A word as it is typed: quoted where a shell would read it otherwise.
    fn shown(&self, word: &str) -> String {
        let word = word.replace(&format!("{}/", self.checkout.root.display()), if word.contains('=') { "$PWD/" } else { "" });
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:$".contains(c);
        if word.chars().all(plain) { word } else { format!("'{word}'") }
    }
}
