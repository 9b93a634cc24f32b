//! Removing a folder so that it is whole or gone: under another name first, which nothing takes for a backup, then file by file.

use std::io;
use std::path::{Path, PathBuf};

/// What the name of a folder ends with until it is gone.
const REMOVED: &str = ".removed";

/// Whether a removal that broke off has left this.
pub(super) fn is_remains(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with('.') && name.ends_with(REMOVED)
    })
}

/// Removes it, or what is left of it.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    if is_remains(folder) {
        return std::fs::remove_dir_all(folder);
    }
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no folder that can be removed"));
    };
    let aside = (0..=u32::MAX).map(|number| aside(parent, &name.to_string_lossy(), number)).find(|path| path.symlink_metadata().is_err());
    let aside = aside.unwrap_or_else(|| parent.join(REMOVED));
    std::fs::rename(folder, &aside)?;
    // The name is gone for good before the first file is.
    std::fs::File::open(parent)?.sync_all()?;
    std::fs::remove_dir_all(&aside)
}

/// The name beside the folder, the first that nothing has.
fn aside(parent: &Path, name: &str, number: u32) -> PathBuf {
    let number = if number == 0 { String::new() } else { format!(".{number}") };
    parent.join(format!(".{name}{number}{REMOVED}"))
}

/// The bytes of all files in a folder; what cannot be read counts as nothing.
pub(super) fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => size(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}
