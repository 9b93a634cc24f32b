//! Texts that another program interprets: their values travel beside them, never inside.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

/// A shell script: constant text in which each value is an expansion of an environment variable.
#[derive(Clone, Deserialize)]
pub struct ShellText {
    /// The script.
    pub script: String,
    /// The values, by the variable's name (`RUNBOOK_P1`, …).
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The first thing in it that only bash knows.
    #[serde(default)]
    pub bash_only: Option<String>,
}

impl ShellText {
    /// The script as it is given to the shell: before its first line, each value is taken out of the environment into a variable of the shell, so that
    /// programs that the script starts do not inherit it. The lines keep their numbers.
    pub fn guarded(&self) -> String {
        let mut script = String::new();
        for name in self.env.keys() {
            // Assigning to a name that is not in the environment any more does not put it back there.
            for part in ["RUNBOOK_P=$", name, "; unset ", name, "; ", name, "=$RUNBOOK_P; "] {
                script.push_str(part);
            }
        }
        if !script.is_empty() {
            script.push_str("unset RUNBOOK_P; ");
        }
        script.push_str(&self.script);
        script
    }
}

/// An SQL text in pieces; the values are written by the executor, which knows the session's mode.
#[derive(Clone, Deserialize)]
pub struct SqlText {
    /// In the order of the text.
    pub segments: Vec<SqlSegment>,
}

/// A piece of an SQL text.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlSegment {
    /// The author's own text.
    Text(String),
    /// A value in its place.
    Value {
        /// The value, with its type.
        value: serde_json::Value,
        /// Where it stands.
        place: SqlPlace,
    },
}

/// Where a value stands in an SQL text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlPlace {
    /// On its own: a whole literal is written.
    Value,
    /// Inside `'…'`: its escaped content is written.
    Quoted,
    /// Inside back-quotes: an identifier's content is written.
    Identifier,
    /// Alone in the brackets of `in (…)`: a list's elements are written, or one value.
    List,
    /// In a hint: a whole number.
    Number,
    /// The author takes it upon himself: text.
    Raw,
}

impl SqlPlace {
    /// As a reviewer reads it.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Value => "a value of its own, with its type",
            Self::Quoted => "inside '…'",
            Self::Identifier => "a name in back-quotes",
            Self::List => "the values of `in (…)`",
            Self::Number => "a whole number in a hint",
            Self::Raw => "a part of the statement's own text, unescaped",
        }
    }
}

/// A target with its name and rendered settings.
#[derive(Clone, Deserialize)]
pub struct Target<T> {
    /// The name in `[target.NAME]`.
    pub name: String,
    /// Its settings.
    pub settings: T,
}

// In the runbook these are strings; what the core hands to an action is made from them.
impl JsonSchema for ShellText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ShellText".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "x-text": "shell" })
    }
}

impl JsonSchema for SqlText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SqlText".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "x-text": "sql" })
    }
}

impl<T> JsonSchema for Target<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Target".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z][a-z0-9_-]*$" })
    }
}
