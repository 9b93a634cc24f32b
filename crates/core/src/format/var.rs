//! `[vars.NAME]`.

use schemars::JsonSchema;

use crate::runbook::VarType;
use crate::value::NonEmpty;

/// A variable.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct VarDecl {
    /// Its type.
    #[serde(rename = "type")]
    kind: VarType,
    /// What it is where nobody says: a value of the type, or a template over other variables. Without one the variable must be given.
    #[schemars(extend("x-text" = "plain"))]
    default: Option<serde_json::Value>,
    /// A regular expression that the whole value must match.
    #[schemars(extend("format" = "regex", "x-text" = "verbatim", "x-compiled" = true))]
    pattern: Option<String>,
    /// The values of an `enum`.
    #[schemars(length(min = 1))]
    choices: Option<Vec<NonEmpty>>,
    /// The least value of an `int`.
    min: Option<i64>,
    /// The greatest value of an `int`.
    max: Option<i64>,
    /// What it is for, shown where a value is missing.
    #[schemars(extend("x-text" = "verbatim"))]
    description: Option<String>,
    /// A value that would be accepted, shown where a value is missing.
    #[schemars(extend("x-text" = "verbatim"))]
    example: Option<serde_json::Value>,
    /// Whether it is masked wherever it could appear, and never written down.
    secret: Option<bool>,
    /// Whether an empty text is a value; otherwise it counts as missing.
    allow_empty: Option<bool>,
}
