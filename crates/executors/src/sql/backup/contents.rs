//! What a database holds, in the words of a manifest: what is compared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::row_text::RowText;

/// A checksum of a table's rows, made by the server, in any order of the rows: over each row's CRC-32 the exclusive or and the sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checksum {
    /// The exclusive or of the rows' CRC-32, decimal.
    pub xor: String,
    /// The sum of the rows' CRC-32, decimal.
    pub sum: String,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// Its name.
    pub name: String,
    /// How many rows it holds.
    pub rows: u64,
    /// The checksum of its rows; generated columns do not count.
    pub checksum: Checksum,
    /// The names of its columns that hold data, in their order.
    pub columns: Vec<String>,
    /// The next automatic key, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_increment: Option<u64>,
    /// SHA-256 of its definition as this kind of server writes it, without the database's name and the next automatic key, foreign keys sorted.
    pub definition: String,
}

/// What else there is besides tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObjectKind {
    /// A view.
    View,
    /// A stored procedure.
    Procedure,
    /// A stored function.
    Function,
    /// A trigger.
    Trigger,
    /// An event.
    Event,
    /// A sequence.
    Sequence,
}

impl ObjectKind {
    /// As people and servers call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Procedure => "procedure",
            Self::Function => "function",
            Self::Trigger => "trigger",
            Self::Event => "event",
            Self::Sequence => "sequence",
        }
    }
}

/// A view, routine, trigger, event or sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectEntry {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// SHA-256 of its definition as this kind of server writes it, without the database's name.
    pub definition: String,
}

/// Everything in a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contents {
    /// The database's default character set.
    pub charset: String,
    /// The database's default collation.
    pub collation: String,
    /// Which text of a row its CRC-32 is of: checksums of different texts cannot be compared.
    #[serde(default, skip_serializing_if = "RowText::is_lengths")]
    pub row_text: RowText,
    /// Its tables, by name.
    pub tables: Vec<TableEntry>,
    /// Everything else, by kind and name.
    pub objects: Vec<ObjectEntry>,
}

impl Contents {
    /// The rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}
