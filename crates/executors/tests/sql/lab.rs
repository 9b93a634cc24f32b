//! The lab's servers, and databases that are dropped at the end.

use runbook_core::action::Action;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use crate::support::{self, TestContext, action, succeeded};

/// One of the lab's servers.
#[derive(Clone)]
pub(crate) struct Server {
    /// Its name in `env.json`.
    pub(crate) name: &'static str,
    /// The settings of a target.
    pub(crate) settings: Value,
}

/// All of them, MySQL where the lab has one, for one test at a time: when definitions are changed side by side, seekdb now and then repeats a statement that it has carried out,
/// and says that the trigger or user is there already.
pub(crate) struct Servers {
    servers: Vec<Server>,
    _alone: MutexGuard<'static, ()>,
}

impl std::ops::Deref for Servers {
    type Target = [Server];
    fn deref(&self) -> &[Server] {
        &self.servers
    }
}

/// Waits for its turn.
pub(crate) async fn servers() -> Servers {
    static ALONE: Mutex<()> = Mutex::const_new(());
    let alone = ALONE.lock().await;
    let lab = support::lab();
    let there = |name: &&str| *name != "mysql" || lab[*name].is_object();
    let of = |name: &'static str| {
        let at = &lab[name];
        Server { name, settings: json!({ "host": at["host"], "port": at["port"], "user": at["user"], "password": at["password"] }) }
    };
    Servers { servers: ["seekdb", "mariadb", "mysql"].into_iter().filter(there).map(of).collect(), _alone: alone }
}

impl Server {
    /// A `target` field.
    pub(crate) fn target(&self) -> Value {
        json!({ "name": self.name, "settings": self.settings })
    }

    /// A `target` field with other settings laid over.
    pub(crate) fn target_with(&self, over: &Value) -> Value {
        let mut target = self.target();
        for (key, value) in over.as_object().unwrap() {
            target["settings"][key] = value.clone();
        }
        target
    }

    /// An action on it; `target` is put in.
    pub(crate) fn action(&self, name: &str, mut fields: Value) -> Box<dyn Action> {
        if fields.get("target").is_none() {
            fields["target"] = self.target();
        }
        action("sql", name, fields)
    }

    /// Statements of a test's own making.
    pub(crate) async fn script(&self, database: &Database, text: &str) {
        let script = self.action("script", json!({ "database": database.name, "sql": sql(text) }));
        succeeded(TestContext::new("script").run(&*script).await);
    }

    /// The rows of a question.
    pub(crate) async fn rows(&self, database: &str, text: &str) -> Value {
        let query = self.action("query", json!({ "database": database, "sql": sql(text), "max_rows": 100_000 }));
        succeeded(TestContext::new("query").run(&*query).await).0["rows"].clone()
    }

    /// The first value of a question.
    pub(crate) async fn value(&self, database: &str, text: &str) -> Value {
        self.rows(database, text).await[0][0].clone()
    }

    /// A new database; the name is the test's, the server's and the process's.
    pub(crate) async fn database(&self, name: &str) -> Database {
        let name = format!("sql_{name}_{}", std::process::id());
        let database = Database { server: self.clone(), name };
        database.drop().await;
        self.bare(&format!("create database `{}` default character set utf8mb4 collate utf8mb4_bin", database.name)).await;
        database
    }

    /// A name for a database that is not there yet; it is dropped at the end all the same.
    pub(crate) async fn no_database(&self, name: &str) -> Database {
        let database = Database { server: self.clone(), name: format!("sql_{name}_{}", std::process::id()) };
        database.drop().await;
        database
    }

    async fn bare(&self, text: &str) {
        let script = self.action("script", json!({ "sql": sql(text) }));
        succeeded(TestContext::new("bare").run(&*script).await);
    }
}

/// A text without values.
pub(crate) fn sql(text: &str) -> Value {
    json!({ "segments": [{ "text": text }] })
}

/// A database of a test.
pub(crate) struct Database {
    server: Server,
    /// Its name.
    pub(crate) name: String,
}

impl Database {
    /// Drops it; every test ends with this.
    pub(crate) async fn drop(&self) {
        self.server.bare(&format!("drop database if exists `{}`", self.name)).await;
    }
}
