//! What a runbook is given: `[vars]` and `[values]`.

use serde::{Deserialize, Serialize};

use super::{Field, Placed};
use crate::pattern::Pattern;
use crate::scope::Secrecy;
use crate::source::Span;
use crate::template::{Expr, Template};

/// The type of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VarType {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// 1 to 65535.
    Port,
    /// Such as `90s`, `10m`, `1h 30m`.
    Duration,
    /// Such as `512MiB`, `8GiB`, `10GB`.
    Size,
    /// A time in UTC, RFC 3339.
    Time,
    /// A path; relative ones start from the runbook's folder.
    Path,
    /// One of `choices`.
    Enum,
    /// A list.
    List,
    /// A map.
    Map,
}

/// A declared variable.
pub struct Var {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// Its type.
    pub kind: VarType,
    /// The default: a literal of the type, or a template over other variables.
    pub default: Option<Field>,
    /// What the whole value must match.
    pub pattern: Option<Pattern>,
    /// The values of an enum.
    pub choices: Vec<String>,
    /// Bounds of an int, inclusive.
    pub min: Option<i64>,
    /// Bounds of an int, inclusive.
    pub max: Option<i64>,
    /// A short text for people.
    pub description: Option<String>,
    /// A value that would be accepted.
    pub example: Option<serde_json::Value>,
    /// Whether it is masked everywhere.
    pub secret: bool,
    /// Whether an empty text is a value.
    pub allow_empty: bool,
}

/// `[values.NAME]`: something that is read or worked out once, before anything runs.
pub struct ValueDecl {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// Where it comes from.
    pub source: ValueSource,
    /// What of it is secret, as the author says.
    pub secrecy: Secrecy,
    /// Where `secret` stands.
    pub secret_span: Span,
}

/// Where a value comes from.
pub enum ValueSource {
    /// A file.
    File {
        /// What stands in it.
        format: FileFormat,
        /// Its path; a relative one starts from the runbook's folder.
        path: Placed<Template>,
    },
    /// An expression.
    Expr(Placed<Expr>),
}

/// What stands in a file of `[values]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// YAML 1.2.
    Yaml,
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

impl FileFormat {
    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Toml => "TOML",
        }
    }
}
