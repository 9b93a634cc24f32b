//! `sql.compare`: a database and a backup, or two databases.

use std::path::PathBuf;

use runbook_core::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, FieldFault, Outcome, OutputKind, OutputSpec, Outputs};
use runbook_core::action::{Residue, Settled, Stream, Target};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::backup::compare::differences;
use super::backup::connections::Connections;
use super::backup::inventory;
use super::backup::snapshot::{Readers, Together};
use super::backup::survey::Survey;
use super::backup::{Contents, Difference, ServerInfo, read_manifest};
use super::failure::Sql;
use super::session::{Dialer, Flavour};
use super::settle::settle;
use super::target::Mysql;

/// Compares what a database holds with the manifest of a backup, or with another database: tables and other objects, definitions, rows, checksums.
///
/// Definitions are compared only between servers of the same kind and version. What differs is an output, not a failure: say `expect = ["equal"]`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Compare {
    /// The server of the database that is looked at.
    #[schemars(extend("x-target" = "mysql"))]
    target: Target<Mysql>,
    /// The database that is looked at.
    #[schemars(extend("x-text" = "name"))]
    database: String,
    /// The manifest with which it is compared; or else `with_database`. A relative path starts from the runbook's folder.
    #[serde(default)]
    #[schemars(extend("x-text" = "path"))]
    manifest: Option<PathBuf>,
    /// The database with which it is compared; or else `manifest`.
    #[serde(default)]
    #[schemars(extend("x-text" = "name"))]
    with_database: Option<String>,
    /// The server of that database, where it is another one.
    #[serde(default)]
    #[schemars(extend("x-target" = "mysql"))]
    with_target: Option<Target<Mysql>>,
    /// Names of tables and other objects that are not looked at, on either side.
    #[serde(default)]
    without: Vec<String>,
    /// How many connections read side by side at most, from 1 to 32. Where nothing is said, four on OceanBase and one elsewhere: there several see one
    /// moment only behind a lock that is held for an instant, as a dump takes it, and where that is not to be had one reads.
    #[serde(default)]
    connections: Option<Connections>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("equal", OutputKind::Bool, "Whether nothing differs."),
        OutputSpec::new("differences", OutputKind::List, "What differs, each a sentence's fragment."),
        OutputSpec::new("details", OutputKind::List, "What differs, each a map with `object`, `what`, `expected` and `actual`."),
        OutputSpec::new("tables", OutputKind::Int, "How many tables the database has that is looked at."),
        OutputSpec::new("rows", OutputKind::Int, "How many rows it has."),
        OutputSpec::new("connections", OutputKind::Int, "How many connections read it."),
    ],
    example: r#"sql.compare = { target = "metadb", database = "odc_metadb", manifest = "/backup/odc/manifest.json" }"#,
    schema: runbook_core::described!(Compare, "sql.compare"),
    ..ActionSpec::of::<Compare>("compare", Class::READ_ONLY, "Compares a database with a backup or with another database.")
};

struct Side {
    contents: Contents,
    flavour: Flavour,
    version: String,
    /// How many connections read it.
    connections: usize,
}

impl Side {
    fn of(server: &ServerInfo, contents: &Contents) -> Self {
        Self { contents: contents.clone(), flavour: server.flavour, version: server.version.clone(), connections: 0 }
    }
}

/// `expected` is what is probably there; `wanted` how many connections the author asks for.
async fn side(
    dialer: &Dialer<'_>,
    database: &str,
    without: &[String],
    expected: Option<&Contents>,
    wanted: Option<Connections>,
) -> Sql<Side> {
    let mut sessions = vec![dialer.connect(Some(database)).await?];
    // Where a moment is not a number, several connections want a lock, which a comparison does not take unasked.
    let numbered = sessions.iter().all(|session| session.flavour == Flavour::OceanBase);
    let connections =
        wanted.map_or(if numbered { usize::from(Connections::default().get()) } else { 1 }, |wanted| usize::from(wanted.get()));
    sessions.extend(dialer.connect_all(database, connections - 1).await?);
    let mut names = Vec::new();
    if !numbered && connections > 1 {
        names.extend(inventory::read_over(Some(dialer), &mut sessions, database).await?.tables.into_keys());
    }
    let mut readers = Readers::take(dialer, sessions, database, Together::Lock(&names)).await?;
    let survey = Survey { cx: dialer.cx(), database, snapshot: &readers.snapshot, without, expected, known: None };
    let contents = survey.read(Some(dialer), &mut readers.sessions).await?;
    let connections = readers.sessions.len();
    let session = readers.sessions.first().map(|session| (session.flavour, session.version.clone()));
    readers.close().await;
    let (flavour, version) = session.unwrap_or((Flavour::MySql, String::new()));
    Ok(Side { contents, flavour, version, connections })
}

/// What differs between a database and what it should hold.
pub(super) async fn database_differences(
    dialer: &Dialer<'_>,
    database: &str,
    server: &ServerInfo,
    contents: &Contents,
    without: &[String],
) -> Sql<(Vec<Difference>, Contents)> {
    let actual = side(dialer, database, without, Some(contents), None).await?;
    let expected = Side::of(server, contents);
    let definitions = expected.flavour == actual.flavour && expected.version == actual.version;
    Ok((differences(&expected.contents, &actual.contents, definitions), actual.contents))
}

impl Compare {
    async fn ask(&self, dialer: &Dialer<'_>, other: &Dialer<'_>) -> Sql<Outputs> {
        let mut without = self.without.clone();
        let mut expected = match (&self.manifest, &self.with_database) {
            (Some(path), _) => {
                let manifest = read_manifest(&dialer.cx().base_dir().join(path)).map_err(|failure| failure.field("manifest"))?;
                without.extend(manifest.without.iter().cloned());
                Side::of(&manifest.server, &manifest.contents)
            }
            (None, Some(database)) => {
                side(other, database, &without, None, self.connections).await.map_err(|fault| fault.field("with_database"))?
            }
            (None, None) => return Ok(Outputs::new()),
        };
        expected.contents.tables.retain(|table| !without.contains(&table.name));
        expected.contents.objects.retain(|object| !without.contains(&object.name));
        let actual = side(dialer, &self.database, &without, Some(&expected.contents), self.connections)
            .await
            .map_err(|fault| fault.field("database"))?;
        let definitions = expected.flavour == actual.flavour && expected.version == actual.version;
        let found = differences(&expected.contents, &actual.contents, definitions);
        for difference in &found {
            // For whoever looks on: an expectation that fails shows one value only.
            dialer.cx().output(Stream::Stdout, format!("{}\n", difference.sentence()).as_bytes());
        }
        let outputs = json!({
            "equal": found.is_empty(),
            "differences": found.iter().map(Difference::sentence).collect::<Vec<_>>(),
            "details": found,
            "tables": actual.contents.tables.len(),
            "rows": actual.contents.rows(),
            "connections": actual.connections,
        });
        Ok(if let Value::Object(outputs) = outputs { outputs } else { Outputs::new() })
    }
}

impl Action for Compare {
    fn validate(&self) -> Vec<FieldFault> {
        match (&self.manifest, &self.with_database) {
            (None, None) => vec![FieldFault::new("", "neither `manifest` nor `with_database` is given").help("write one of them")],
            (Some(_), Some(_)) => {
                vec![FieldFault::new("with_database", "`manifest` and `with_database` exclude each other").help("write one of them")]
            }
            (Some(_), None) | (None, Some(_)) => Vec::new(),
        }
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let dialer = Dialer::new(cx, &self.target);
            let other = Dialer::new(cx, self.with_target.as_ref().unwrap_or(&self.target));
            match dialer.guarded(other.guarded(self.ask(&dialer, &other))).await {
                Ok(outputs) => Outcome::unchanged(outputs),
                Err(fault) => fault.outcome(Residue::None),
            }
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(settle(cx, &self.target, evidence))
    }
}
