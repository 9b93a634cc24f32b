//! The columns of a table.

use runbook_sqltext::Kind;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) struct Column {
    /// Its name.
    pub(in crate::sql) name: String,
    /// Its full type, as the server writes it.
    pub(in crate::sql) declared: String,
    /// How it is treated; none for a type that is not known here.
    pub(in crate::sql) kind: Option<Kind>,
    /// Whether the server computes it: such values are not written.
    pub(in crate::sql) generated: bool,
    /// Whether it can hold nulls.
    pub(in crate::sql) nullable: bool,
    /// The character set of a text.
    pub(in crate::sql) charset: Option<String>,
}

impl Column {
    /// Whether its texts are valid UTF-8 as they are stored.
    pub(in crate::sql) fn is_utf8(&self) -> bool {
        matches!(self.charset.as_deref(), None | Some("utf8mb4" | "utf8mb3" | "utf8" | "ascii"))
    }

    /// Whether it is declared as one of these types.
    pub(in crate::sql) fn is_declared(&self, types: &[&str]) -> bool {
        let declared = self.declared.split(['(', ' ']).next().unwrap_or_default();
        types.iter().any(|kind| declared.eq_ignore_ascii_case(kind))
    }
}
