//! One run's folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use runbook_core::effect::EffectId;

use super::RunId;
use crate::disk::{self, DiskError, OnPath};

/// A run's folder (mode 0700) and the names of what is in it.
#[derive(Clone, Debug)]
pub struct RunFolder {
    id: RunId,
    path: PathBuf,
}

impl RunFolder {
    pub(super) fn at(id: RunId, path: PathBuf) -> Self {
        Self { id, path }
    }

    /// Creates it, whole or not at all; fails where it is there already.
    pub(super) fn create(id: RunId, path: PathBuf) -> Result<Self, DiskError> {
        disk::create_new_folder(&path)?;
        let run = Self { id, path };
        match run.furnish() {
            Ok(()) => Ok(run),
            Err(error) => {
                // What cannot be made may not be to be removed either; the first fault tells why.
                let _ = run.remove();
                Err(error)
            }
        }
    }

    fn furnish(&self) -> Result<(), DiskError> {
        for part in ["sources", "output", "values", "tmp"] {
            disk::create_folders(&self.path.join(part))?;
        }
        disk::sync_folder(&self.path)
    }

    /// Removes the folder of a run in which nothing was done, and of which nobody knows.
    pub(crate) fn remove(&self) -> Result<(), DiskError> {
        std::fs::remove_dir_all(&self.path).on("remove", &self.path)
    }

    /// The run's id.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What happened.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Scripts and the like, for as long as a session lasts.
    pub fn tmp(&self) -> PathBuf {
        self.path.join("tmp")
    }

    /// Removes what is in [`Self::tmp`].
    pub(crate) fn sweep(&self) -> Result<(), DiskError> {
        let tmp = self.tmp();
        match std::fs::remove_dir_all(&tmp) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(DiskError::new("empty", tmp, error)),
            Ok(()) | Err(_) => {}
        }
        disk::create_folders(&tmp)
    }

    /// Keeps a copy of a source (synced), so that a resume or a rollback never reads the author's file again. `name` is a file name without folders.
    pub fn keep_source(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        disk::write_new(&self.source(name), bytes)
    }

    /// The copy of a source.
    pub fn source(&self, name: &str) -> PathBuf {
        self.path.join("sources").join(name)
    }

    /// Where an effect's output is kept, relative to the folder.
    pub fn output_name(effect: &EffectId) -> String {
        format!("output/{}.log", file_name(effect))
    }

    /// Where the real values of an effect's secret results are kept, relative to the folder.
    pub(crate) fn sealed_name(effect: &EffectId) -> String {
        format!("sealed/{}.sealed", file_name(effect))
    }

    /// The folder of all of those.
    pub(crate) fn sealed(&self) -> PathBuf {
        self.path.join("sealed")
    }

    /// Where a result that is too large for a record is kept, relative to the folder.
    pub fn value_name(effect: &EffectId) -> String {
        format!("values/{}.json", file_name(effect))
    }
}

/// An effect's name as a file name: what is not a letter, a digit, `-`, `_`, `.`, `#` or a bracket is written as `%XX`; long ones keep their beginning and
/// get a checksum, since file names hold 255 bytes.
fn file_name(effect: &EffectId) -> String {
    let text = effect.to_string();
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'#' | b'[' | b']' => name.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(name, "%{byte:02X}")),
        }
    }
    if name.len() > 200 {
        let sum = crc32fast::hash(text.as_bytes());
        name.truncate(180);
        let _ = write!(name, "~{sum:08x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use runbook_core::effect::{EffectId, Place, Role};

    use super::*;

    #[test]
    fn an_effect_names_a_file_inside_the_folder() {
        let effect =
            |item: &str| EffectId { path: vec![Place { step: "copy".into(), item: Some(item.into()) }], role: Role::Do, attempt: 2 };
        assert_eq!(RunFolder::output_name(&effect("a")), "output/copy[a]#2.log");
        assert_eq!(RunFolder::output_name(&effect("../../etc")), "output/copy[..%2F..%2Fetc]#2.log");
        let long = RunFolder::output_name(&effect(&"é".repeat(300)));
        assert!(long.len() < 220 && Path::new(&long).extension().is_some_and(|extension| extension == "log"), "{long}");
        assert_ne!(long, RunFolder::output_name(&effect(&"é".repeat(301))));
    }
}
