//! `[values.NAME]`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::value::NonEmpty;

/// Something that is read or worked out once, before anything runs: what a YAML, JSON or TOML file says, or an expression. It is recorded with the run,
/// so that going on with the run later sees the same.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("oneOf" = [
        { "required": ["yaml"] },
        { "required": ["json"] },
        { "required": ["toml"] },
        { "required": ["value"] }
    ])
)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ValueDecl {
    /// A YAML file: version 1.2, one document, with text keys.
    yaml: Option<FileDecl>,
    /// A JSON file.
    json: Option<FileDecl>,
    /// A TOML file.
    toml: Option<FileDecl>,
    /// An expression over `vars` and the values that stand above.
    #[schemars(extend("x-text" = "expr"))]
    value: Option<String>,
    /// What of it is secret: `true` for all of it, or the keys, such as `["password", "db.password"]`. Each of them must be there.
    secret: Option<SecretParts>,
    /// What it is for.
    #[schemars(extend("x-text" = "verbatim"))]
    description: Option<String>,
}

/// A file that is read.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct FileDecl {
    /// Its path; a relative one starts from the runbook's folder. May hold templates over `vars` and the values that stand above.
    #[schemars(extend("x-text" = "plain"))]
    path: NonEmpty,
}

struct SecretParts;

impl JsonSchema for SecretParts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretParts".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "boolean" },
                { "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1 } }
            ]
        })
    }
}
