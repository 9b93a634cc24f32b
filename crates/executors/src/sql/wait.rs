//! `sql.wait`: whether the server answers. Asking again is the step's `retry`.

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, Outcome, OutputKind, OutputSpec, Outputs, Residue, Target};
use schemars::JsonSchema;
use serde::Deserialize;

use super::failure::Sql;
use super::session::Dialer;
use super::target::Mysql;

/// Logs in and asks the server for its version. With `retry` on the step this waits until the server is up.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    /// The server.
    #[schemars(extend("x-target" = "mysql"))]
    target: Target<Mysql>,
    /// A database that must be there as well, instead of the target's own.
    #[serde(default)]
    #[schemars(extend("x-text" = "name"))]
    database: Option<String>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("version", OutputKind::String, "What the server says of its version."),
        OutputSpec::new("flavour", OutputKind::String, "`oceanbase`, `mariadb` or `mysql`."),
    ],
    example: "sql.wait = { target = \"metadb\" }\nretry    = { every = \"2s\", for = \"5m\" }",
    schema: runbook_core::described!(Wait, "sql.wait"),
    ..ActionSpec::of::<Wait>("wait", Class::READ_ONLY, "Asks whether the server answers; with `retry`, waits until it does.")
};

impl Wait {
    async fn ask(&self, dialer: &Dialer<'_>) -> Sql<Outputs> {
        let mut session = dialer.connect(self.database.as_deref()).await?;
        session.one("SELECT 1").await?;
        let mut outputs = Outputs::new();
        outputs.insert("version".to_owned(), session.version.clone().into());
        outputs.insert("flavour".to_owned(), session.flavour.as_str().into());
        session.close().await;
        Ok(outputs)
    }
}

impl Action for Wait {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            match dialer.guarded(self.ask(&dialer)).await {
                Ok(outputs) => Outcome::unchanged(outputs),
                Err(fault) => fault.outcome(Residue::None),
            }
        })
    }
}
