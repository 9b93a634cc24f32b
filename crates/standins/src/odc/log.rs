//! `odc.log` in the log folder, appended to by every start, as the real one is.

use jiff::{Timestamp, tz};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// The open log. A line that cannot be written is lost: a server does not stop for its log.
pub(crate) struct Log {
    file: Option<File>,
}

impl Log {
    /// Opens `odc.log` in `dir` for appending, making the folder where it is missing.
    pub(crate) fn open(dir: &Path) -> Self {
        let made = std::fs::create_dir_all(dir);
        let file = made.and_then(|()| OpenOptions::new().create(true).append(true).open(dir.join("odc.log")));
        if let Err(error) = &file {
            eprintln!("cannot write {}: {error}", dir.join("odc.log").display());
        }
        Self { file: file.ok() }
    }

    /// Writes an information line.
    pub(crate) fn info(&self, text: &str) {
        self.line("INFO ", text);
    }

    /// Writes an error line.
    pub(crate) fn error(&self, text: &str) {
        self.line("ERROR", text);
    }

    fn line(&self, level: &str, text: &str) {
        if let Some(mut file) = self.file.as_ref() {
            let _ = writeln!(file, "[{}][{level}][main]{text}", now());
        }
    }
}

/// The time as the image has it: its zone is Asia/Shanghai, eight hours ahead of UTC all year.
pub(crate) fn now() -> String {
    let zone = tz::TimeZone::fixed(tz::offset(8));
    Timestamp::now().to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
