//! `manifest.json`: what a backup is, and the proof of it.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::contents::Contents;
use crate::sql::session::Flavour;

/// The version of the format that is written. Older ones are read, newer ones are refused.
pub(super) const FORMAT: u32 = 2;

/// A backup's manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Manifest of a runbook backup")]
pub struct Manifest {
    /// The version of this format: 2, or 1 in backups of earlier builds, whose checksums are of another text.
    pub backup_format: u32,
    /// Whether everything was written. A manifest that says no is no proof of anything.
    pub complete: bool,
    /// Which program wrote the files.
    pub tool: ToolInfo,
    /// The effect of the run that made it, `RUN/EFFECT`: how a crashed run recognises its own work.
    pub made_by: String,
    /// Which server the data came from.
    pub server: ServerInfo,
    /// The database's name.
    pub database: String,
    /// When the snapshot was taken, UTC: the state of the data is that of this moment.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub taken_at: Timestamp,
    /// When the backup was finished, UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub finished_at: Timestamp,
    /// What made it consistent.
    pub snapshot: SnapshotInfo,
    /// What the database held.
    pub contents: Contents,
    /// What the author left out by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Answers to the author's questions, asked when the snapshot was taken: for each name the list of the rows' values; rows of several columns
    /// are lists themselves.
    #[serde(default)]
    pub facts: Map<String, Value>,
    /// The files beside the manifest, in the order of loading.
    pub files: Vec<FileEntry>,
    /// SHA-256 of this manifest with an empty text here: a changed manifest is noticed.
    pub seal: String,
}

/// Which program wrote a backup's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Which server a backup came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerInfo {
    /// Its family.
    pub flavour: Flavour,
    /// What it says of its version.
    pub version: String,
    /// Where it was reached, `host:port`.
    pub address: String,
}

/// What made a backup consistent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SnapshotInfo {
    /// OceanBase: every read names the same system change number.
    AsOf {
        /// The number, decimal.
        scn: String,
        /// How many connections read side by side.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        connections: u32,
    },
    /// MySQL, MariaDB: a transaction with a consistent snapshot on each connection.
    Transaction {
        /// How many connections read side by side.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        connections: u32,
        /// What made their transactions begin at one moment.
        #[serde(default, skip_serializing_if = "How::is_one_connection")]
        how: How,
        /// Tables of engines without transactions: their rows were read one table after the other, not at one moment.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_covered: Vec<String>,
    },
    /// Nothing of this program: another tool wrote the files, and the manifest's contents were asked of the server after that. Both are the same
    /// state only when nothing was written in between.
    Afterwards,
}

impl SnapshotInfo {
    /// As outputs and people call it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AsOf { .. } => "as_of",
            Self::Transaction { .. } => "transaction",
            Self::Afterwards => "afterwards",
        }
    }
}

/// What made the transactions of several connections see the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// There was one transaction only.
    #[default]
    OneConnection,
    /// MariaDB's `BACKUP STAGE BLOCK_COMMIT` was held while they began.
    BackupStage,
    /// `LOCK TABLES … READ` was held on all tables while they began.
    LockTables,
}

impl How {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde hands over")]
    fn is_one_connection(&self) -> bool {
        *self == Self::OneConnection
    }
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde hands over")]
const fn is_one(connections: &u32) -> bool {
    *connections == 1
}

/// Which part of a database a file holds; in the order of loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Sequences and where they stand.
    Sequences,
    /// Tables.
    Tables,
    /// Rows; these files may be loaded side by side.
    Data,
    /// The other keys of large tables.
    Keys,
    /// Foreign keys that were not made with their tables.
    ForeignKeys,
    /// Procedures and functions.
    Routines,
    /// Views, each after those it reads.
    Views,
    /// Triggers.
    Triggers,
    /// Events.
    Events,
    /// What another tool wrote, in a form of its own; only that tool can load it.
    Foreign,
}

/// The file of tables that refer to each other: before that of the others, and before all rows.
pub(super) const RELATED_TABLES: &str = "20-tables-related.sql";

impl Part {
    /// The beginning of its files' names; the names sort in the order of loading.
    pub(super) const fn stem(self) -> &'static str {
        match self {
            Self::Sequences => "10-sequences",
            Self::Tables => "20-tables",
            Self::Data => "30-data",
            Self::Keys => "35-keys",
            Self::ForeignKeys => "40-foreign-keys",
            Self::Routines => "50-routines",
            Self::Views => "60-views",
            Self::Triggers => "70-triggers",
            Self::Events => "80-events",
            // Never written here; the other tool gives its names.
            Self::Foreign => "90-foreign",
        }
    }
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name in the backup's folder; of a file that another tool wrote its path below that folder, with `/` between the parts.
    pub name: String,
    /// What it holds.
    pub part: Part,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// How many statements it holds, those that set up the session included; 0 for a file that another tool wrote.
    pub statements: u64,
}

impl Manifest {
    /// Sets the seal. To be done last.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.seal = self.expected_seal();
        self
    }

    /// What the seal has to be.
    pub(super) fn expected_seal(&self) -> String {
        let open = Self { seal: String::new(), ..self.clone() };
        // Serializing a plain structure into memory does not fail; an empty text would be no valid seal.
        serde_json::to_vec(&open).map(|bytes| hex(&Sha256::digest(bytes))).unwrap_or_default()
    }

    /// As the file's text.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Whether another tool wrote the files: then only that tool can load them.
    pub fn is_foreign(&self) -> bool {
        self.files.iter().any(|file| file.part == Part::Foreign)
    }

    /// The size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The schema of `manifest.json`, for `schemas/backup-manifest.schema.json`.
pub fn schema() -> Schema {
    SchemaGenerator::from(schemars::generate::SchemaSettings::draft07()).into_root_schema_for::<Manifest>()
}
