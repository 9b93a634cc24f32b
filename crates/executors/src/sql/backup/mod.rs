//! Backups: folders of plain SQL with a manifest that proves them.
//!
//! A backup is a folder with numbered `*.sql` files (`.sql.gz` where packed) and `manifest.json`. The files in the order of their names are one SQL
//! text, which the `mysql` client loads by itself; each ends with a marker. The manifest says what the database held at the moment of the snapshot
//! (objects, rows, a checksum per table from the server itself) and what the files are (size, SHA-256). It is written last: without it there is no
//! backup. The folder gets its name last of all.

mod blocking;
pub(super) mod checksum;
pub(super) mod column;
pub(super) mod compare;
pub(super) mod connections;
pub(super) mod contents;
pub(super) mod ddl;
mod define;
mod definitions;
mod dependents;
pub(super) mod dump;
mod fields;
pub(super) mod folder;
pub(super) mod foreign;
pub(super) mod gate;
mod grants;
pub(super) mod inventory;
mod kept;
pub(super) mod key;
pub(super) mod load;
mod manifest;
mod objects;
pub(super) mod restore;
mod row_text;
mod sink;
pub(super) mod snapshot;
mod summing;
pub(super) mod survey;
mod tables;
mod verify;
mod workers;

pub(super) use blocking::blocking;
pub use compare::Difference;
pub use contents::{Checksum, Contents, ObjectEntry, ObjectKind, TableEntry};
pub use manifest::{FileEntry, How, Manifest, Part, ServerInfo, SnapshotInfo, ToolInfo, schema as manifest_schema};
pub use row_text::RowText;
pub use verify::{Report, look_at, manifest_path, read_manifest, verify};

/// A table that stands in a database while a backup is loaded into it: what is there then is no one's data.
pub(super) const MARKER: &str = "__runbook_restore";
