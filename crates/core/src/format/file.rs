//! The whole file.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{CheckDecl, Condition, LockStoreDecl, MonitorDecl, OutputName, StepDecl, ValueDecl, VarDecl, VerifyDecl};
use crate::runbook::Risk;
use crate::value::{Name, NonEmpty};

/// A runbook: one file, one procedure.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, clippy::zero_sized_map_values, reason = "only its schema is used")]
pub(crate) struct RunbookFile {
    /// The version of the format: 1.
    format: FormatVersion,
    /// The procedure's name, as it appears in lists of runs.
    name: Name,
    /// What it does, in one line; may hold templates.
    #[schemars(extend("x-text" = "plain"))]
    title: Option<String>,
    /// Why and when to use it, and what it leaves behind.
    #[schemars(extend("x-text" = "verbatim"))]
    description: Option<String>,
    /// How dangerous it is; `high` asks before it starts. `medium` by default.
    risk: Option<Risk>,
    /// Whom to ask about it.
    owners: Option<Vec<NonEmpty>>,
    /// Names of what it works on; no second run may hold one of them. May hold templates.
    locks: Option<Vec<LockName>>,
    /// Where `locks` hold on all hosts, `[lock_store]`; without it they hold on this host only.
    lock_store: Option<LockStoreDecl>,
    /// What becomes of a failed step where it does not say: `stop` (the default) or `rollback`.
    on_failure: Option<WholeFailure>,
    /// The variables, `[vars.NAME]`.
    vars: Option<BTreeMap<Name, VarDecl>>,
    /// What is read from files or worked out once, before anything runs, `[values.NAME]`.
    values: Option<BTreeMap<Name, ValueDecl>>,
    /// What actions connect to, `[target.NAME]`, with one table named after the target's kind.
    target: Option<BTreeMap<Name, Kinds>>,
    /// Questions to the world before the first change, `[[check]]`.
    check: Option<Vec<CheckDecl>>,
    /// What is done, in order, `[[step]]`.
    step: Option<Vec<StepDecl>>,
    /// Questions to the world after the last step, `[[verify]]`.
    verify: Option<Vec<VerifyDecl>>,
    /// What is watched beside the steps, `[[monitor]]`.
    monitor: Option<Vec<MonitorDecl>>,
    /// What a runbook that calls this one gets from it: names and expressions.
    outputs: Option<BTreeMap<OutputName, Condition>>,
}

/// What becomes of a run whose step failed.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum WholeFailure {
    /// Stop there; nothing is undone.
    Stop,
    /// Undo everything that was begun.
    Rollback,
}

struct FormatVersion;

impl JsonSchema for FormatVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FormatVersion".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": 1 })
    }
}

struct LockName;

impl JsonSchema for LockName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LockName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "x-text": "plain" })
    }
}

/// The kinds of target come from the executors; `schema` fills them in.
struct Kinds;

impl JsonSchema for Kinds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Kinds".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "x-targets": true, "properties": {}, "additionalProperties": false })
    }
}
