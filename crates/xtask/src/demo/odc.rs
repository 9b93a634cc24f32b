//! The ODC that the demo plays with.

use super::stage::Stage;
use crate::error::TaskError;
use crate::lab::{self, OdcImage};
use crate::say;
use std::time::Duration;

/// What people have done in it: rows, one of them large, and texts that a careless dump would lose.
const WORK: &str = "
insert into iam_user(account_name, name, organization_id) values ('wang', '王小明 🎉', 1), ('d''arc', 'Jeanne d''Arc \\\\ \"la Pucelle\"', 2);
insert into config_organization_configuration values (1, 'odc.editor.font', 'Fira Code'), (2, 'odc.editor.theme', '浅色 ☀️');
insert into act_ge_bytearray values ('upload', 1, 'photo.png', 'd1', unhex(repeat('89504e470d0a1a0a00ff', 50000)), 0);
insert into audit_event(user_id, action, detail, happened) select user_id, 'WORK', concat(detail, ' again'), now() from audit_event;
";

/// The container and its database.
pub(super) struct Odc<'a> {
    stage: &'a Stage<'a>,
}

impl<'a> Odc<'a> {
    pub(super) fn on(stage: &'a Stage<'a>) -> Self {
        Self { stage }
    }

    /// An empty metadata database in OceanBase.
    pub(super) fn create_metadb(&self) -> Result<(), TaskError> {
        let name = &self.stage.database;
        say::line(format!("a database `{name}` in OceanBase"));
        sql(self.stage, None, &format!("create database {name} default character set utf8mb4"))
    }

    /// Runs an image as the vendor's documentation has it, with this site's ports and folders.
    pub(super) fn run(&self, image: &OdcImage) -> Result<(), TaskError> {
        let Stage { environment, container, database, port, .. } = self.stage;
        let server = &environment.seekdb;
        let set = [
            format!("DATABASE_HOST={}", server.host),
            format!("DATABASE_PORT={}", server.port),
            format!("DATABASE_USERNAME={}", server.user),
            format!("DATABASE_NAME={database}"),
            format!("ODC_SERVER_PORT={port}"),
        ];
        let (log, data) = (format!("{}:/opt/odc/log", self.stage.path("log")), format!("{}:/opt/odc/data", self.stage.path("data")));
        let mut words = vec!["run", "-d", "--name", container, "--network", "host", "--restart", "always", "-v", &log, "-v", &data];
        for one in &set {
            words.extend(["-e", one]);
        }
        // The value comes from the environment: a password on a command line is seen by everybody.
        words.extend(["-e", "DATABASE_PASSWORD", image.tag]);
        self.stage.docker(&words)
    }

    /// Waits for `/api/v1/info` to say 200.
    pub(super) fn wait_until_it_answers(&self) -> Result<(), TaskError> {
        for _ in 0..240 {
            if let Some((200, body)) = lab::http_get(self.stage.port, "/api/v1/info") {
                say::line(format!("it answers: {body}"));
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        Err(TaskError::failed(format!("no ODC answers on port {}", self.stage.port)))
    }

    /// Adds what people would add.
    pub(super) fn work(&self) -> Result<(), TaskError> {
        say::line("people work with it: users, settings, a large upload, 500 audit events");
        sql(self.stage, Some(&self.stage.database), WORK)
    }

    /// What an operator sees after the failed upgrade.
    pub(super) fn show_broken_state(&self) -> Result<(), TaskError> {
        self.stage.docker(&[
            "ps",
            "--format",
            "{{.Names}}: {{.Image}}, {{.Status}}",
            "--filter",
            &format!("name={}", self.stage.container),
        ])?;
        say::line("\"Up\", and yet the application in it does not start:");
        self.stage.docker(&["logs", "--tail", "3", &self.stage.container])?;
        match lab::http_get(self.stage.port, "/api/v1/info") {
            Some((status, _)) => return Err(TaskError::failed(format!("the broken ODC answers with {status}"))),
            None => say::line(format!("nobody answers on port {}; its log says why:", self.stage.port)),
        }
        let log = std::fs::read_to_string(self.stage.path("log/odc.log")).unwrap_or_default();
        log.lines().rev().filter(|line| line.contains("migrate failed")).take(1).for_each(say::line);
        say::line("The old version would not start on this database either: it is half new, and the rows of a recreated table are gone.");
        Ok(())
    }

    /// Name of the container that the upgrade has set aside.
    pub(super) fn set_aside(&self) -> Result<String, TaskError> {
        let before = format!("{}-before-", self.stage.container);
        let output = self.stage.docker_output(&["ps", "--all", "--format", "{{.Names}}"])?;
        let names = String::from_utf8_lossy(&output.stdout);
        let found = names.lines().find(|name| name.starts_with(&before)).map(str::to_owned);
        found.ok_or_else(|| TaskError::failed(format!("there is no container `{before}…`: the upgrade has set none aside")))
    }
}

/// Removes the containers of this demo and its database; what is not there is no error.
pub(super) fn remove(stage: &Stage<'_>) -> Result<(), TaskError> {
    let label = format!("label=runbook.lab={}", stage.environment.label);
    let output = stage.docker_output(&["ps", "--all", "--format", "{{.Names}}", "--filter", &label])?;
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in names.lines().filter(|name| name.starts_with(&stage.container)) {
        stage.docker_output(&["rm", "--force", name])?;
    }
    sql(stage, None, &format!("drop database if exists {}", stage.database))
}

fn sql(stage: &Stage<'_>, database: Option<&str>, text: &str) -> Result<(), TaskError> {
    lab::sql(stage.environment, &stage.environment.seekdb, database, text)
}
