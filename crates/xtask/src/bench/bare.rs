//! What reading costs at least: the same bytes through the bare parser, and nothing made of them. In a process of its own, as what it is compared with: the first
//! parse of a process takes its memory from the kernel, later ones find it there.

use super::measure::typical;
use crate::error::TaskError;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The word that makes this program read files and end.
pub(crate) const WORD: &str = "bare-read";

/// Reads files, and ends without giving the memory back.
pub(crate) fn read(files: &[&str]) -> Result<(), TaskError> {
    for file in files.iter().map(Path::new) {
        let broken = |error| TaskError::file("read", file, error);
        let invalid = |error: &dyn std::fmt::Display| TaskError::failed(format!("`{}`: {error}", file.display()));
        if file.extension() == Some(OsStr::new("toml")) {
            let text = std::fs::read_to_string(file).map_err(broken)?;
            let table = toml::de::DeTable::parse(&text).map_err(|error| invalid(&error))?;
            std::mem::forget(table);
        } else {
            let bytes = std::fs::read(file).map_err(broken)?;
            for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<serde::de::IgnoredAny>() {
                value.map_err(|error| invalid(&error))?;
            }
        }
    }
    Ok(())
}

/// How long that takes.
pub(super) fn reading(files: &[&Path]) -> Result<Duration, TaskError> {
    let own = std::env::current_exe().map_err(|error| TaskError::failed(format!("this program is not found: {error}")))?;
    typical(5, || {
        let mut command = Command::new(&own);
        command.arg(WORD).args(files);
        command
    })
}
