//! Files and folders of a run: every error carries its path, every new file is private to its owner and survives a power cut.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What could not be done with which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} `{}`: {}", path.display(), io_message(source))]
pub struct DiskError {
    /// `create`, `read`, `write`, …
    pub what: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl DiskError {
    pub(crate) fn new(what: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { what, path: path.into(), source }
    }
}

/// The system's message in this project's style: lower case, without the number.
pub(crate) fn io_message(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Adds the path to an I/O result.
pub(crate) trait OnPath<T> {
    /// `what` is a verb such as `create`.
    fn on(self, what: &'static str, path: &Path) -> Result<T, DiskError>;
}

impl<T> OnPath<T> for io::Result<T> {
    fn on(self, what: &'static str, path: &Path) -> Result<T, DiskError> {
        self.map_err(|source| DiskError::new(what, path, source))
    }
}

impl<T> OnPath<T> for Result<T, rustix::io::Errno> {
    fn on(self, what: &'static str, path: &Path) -> Result<T, DiskError> {
        self.map_err(|errno| DiskError::new(what, path, errno.into()))
    }
}

/// Creates a folder and its parents with mode 0700 where they are missing. What is there already keeps its mode.
pub fn create_folders(path: &Path) -> Result<(), DiskError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).on("create", path)
}

/// Creates a folder (mode 0700) that must not be there yet, and syncs its parent.
pub fn create_new_folder(path: &Path) -> Result<(), DiskError> {
    DirBuilder::new().mode(0o700).create(path).on("create", path)?;
    sync_parent(path)
}

/// Creates a file (mode 0600) that must not be there yet, writes it, and syncs it and its folder.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let mut file = new_file(path)?;
    file.write_all(bytes).on("write", path)?;
    file.sync_all().on("sync", path)?;
    sync_parent(path)
}

/// Writes a file (mode 0600) in place of one that may be there: whoever reads it sees one or the other, whole. Synced.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    // Left by a process that died here.
    remove(&fresh)?;
    write_new(&fresh, bytes)?;
    fs::rename(&fresh, path).on("rename", &fresh)?;
    sync_parent(path)
}

/// Removes a file; one that is not there is removed.
pub fn remove(path: &Path) -> Result<(), DiskError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DiskError::new("remove", path, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Creates a file (mode 0600) that must not be there yet. Neither it nor its folder is synced.
pub fn new_file(path: &Path) -> Result<File, DiskError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).on("create", path)
}

/// Appends one line to a file (mode 0600, created where it is missing) and syncs it. A single `write`, so that lines of several processes do not mix.
pub fn append_line(path: &Path, line: &str) -> Result<(), DiskError> {
    let created = !path.exists();
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).on("open", path)?;
    let mut bytes = Vec::with_capacity(line.len() + 1);
    bytes.extend_from_slice(line.as_bytes());
    bytes.push(b'\n');
    file.write_all(&bytes).on("write", path)?;
    file.sync_data().on("sync", path)?;
    if created { sync_parent(path) } else { Ok(()) }
}

/// Makes a created, renamed or removed entry of a folder last.
pub fn sync_folder(path: &Path) -> Result<(), DiskError> {
    File::open(path).on("open", path)?.sync_all().on("sync", path)
}

/// [`sync_folder`] of the folder that `path` stands in.
pub fn sync_parent(path: &Path) -> Result<(), DiskError> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => sync_folder(Path::new(".")),
    }
}

/// The whole of a small file.
pub fn read(path: &Path) -> Result<Vec<u8>, DiskError> {
    fs::read(path).on("read", path)
}
