//! Where runs are kept: the state directory, a folder for each run, and an index of them.
//!
//! ```text
//! STATE/                      mode 0700
//!   index.jsonl               one line when a run is opened, one when a session ends; can be rebuilt from the folders
//!   runs/20261121-031500-k3fz/
//!     journal.jsonl           what happened
//!     sources/                copies of the runbook and what it reads
//!     output/EFFECT.log       what steps wrote
//!     values/                 results that are too large for a record
//!     tmp/                    scripts and the like; nothing in it outlives a session
//! ```

mod dir;
mod folder;
mod id;
mod index;
mod prune;

#[cfg(test)]
mod tests;

pub use dir::{StateDir, StateError};
pub use folder::RunFolder;
pub use id::{RunId, RunIdFault};
pub use index::{RunEntry, SessionEnd as IndexedEnd};
pub use prune::Finished;
