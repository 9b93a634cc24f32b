//! What a file or folder holds, whether it comes as an archive from the engine or lies on this host: the same content is the same tree.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use runbook_core::action::{Failure, FailureKind};
use sha2::{Digest as _, Sha256};
use tar::EntryType;

use super::super::pipe::{Reader, Writer};

/// One thing in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File {
        size: u64,
        sha256: String,
    },
    Link(PathBuf),
    /// A device, a socket, a pipe: nothing that is compared.
    Other,
}

/// By the path below the top, which is empty for the top itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree(BTreeMap<PathBuf, Node>);

impl Tree {
    /// How many files there are.
    pub(super) fn files(&self) -> usize {
        self.0.values().filter(|node| matches!(node, Node::File { .. })).count()
    }

    /// Their size together.
    pub(super) fn size(&self) -> u64 {
        self.0.values().map(|node| if let Node::File { size, .. } = node { *size } else { 0 }).sum()
    }

    /// The digest of a single file.
    pub(super) fn sha256(&self) -> Option<&str> {
        match self.0.get(Path::new("")) {
            Some(Node::File { sha256, .. }) => Some(sha256),
            _ => None,
        }
    }

    /// Whether everything of it is in the other one.
    pub(super) fn is_in(&self, other: &Self) -> bool {
        self.0.iter().all(|(path, node)| other.0.get(path) == Some(node))
    }

    /// Adds an entry of an archive, whose paths begin with the top's own name. A hard link is the file that it links to.
    fn add(&mut self, entry: &mut tar::Entry<'_, impl Read>) -> io::Result<()> {
        let path = below(&entry.path()?);
        let node = match entry.header().entry_type() {
            EntryType::Directory => Node::Folder,
            EntryType::Symlink => Node::Link(entry.link_name()?.unwrap_or_default().into_owned()),
            EntryType::Link => {
                let to = below(&entry.link_name()?.unwrap_or_default());
                self.0.get(&to).cloned().unwrap_or(Node::Other)
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => digested(entry)?,
            _ => Node::Other,
        };
        self.0.insert(path, node);
        Ok(())
    }
}

/// The path without its first part.
fn below(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).skip(1).collect()
}

fn digested(from: &mut impl Read) -> io::Result<Node> {
    let (mut hash, mut size, mut block) = (Sha256::new(), 0, vec![0; 128 * 1024]);
    loop {
        match from.read(&mut block)? {
            0 => break,
            count => {
                hash.update(block.get(..count).unwrap_or_default());
                size += count as u64;
            }
        }
    }
    let sha256 = hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok(Node::File { size, sha256 })
}

/// Reads an archive to its end. Blocks.
pub(super) fn of_archive(reader: Reader) -> Result<Tree, Failure> {
    let mut archive = tar::Archive::new(reader);
    let mut tree = Tree::default();
    let read = archive.entries().and_then(|mut entries| entries.try_for_each(|entry| tree.add(&mut entry?)));
    read.map(|()| tree).map_err(|error| Failure::new(FailureKind::Failed, format!("what the Docker Engine sent is not whole: {error}")))
}

/// Unpacks an archive into a new folder, with nothing outside of it. Blocks.
pub(super) fn unpack(reader: Reader, folder: &Path) -> Result<Tree, Failure> {
    if folder.exists() {
        // Of an attempt that was broken off; it never got its name.
        std::fs::remove_dir_all(folder).map_err(|error| on_host(folder, &error, "removed"))?;
    }
    std::fs::create_dir(folder).map_err(|error| on_host(folder, &error, "made"))?;
    let mut archive = tar::Archive::new(reader);
    archive.set_preserve_permissions(true);
    let mut entries = archive.entries().map_err(|error| on_host(folder, &error, "written"))?;
    entries
        .try_for_each(|entry| {
            entry?.unpack_in(folder)?;
            io::Result::Ok(())
        })
        .map_err(|error| on_host(folder, &error, "written"))?;
    let top = std::fs::read_dir(folder).and_then(|mut all| all.next().transpose()).map_err(|error| on_host(folder, &error, "read"))?;
    top.map_or_else(|| Err(Failure::new(FailureKind::Failed, "the Docker Engine sent nothing")), |top| of_host(&top.path()))
}

/// Gives what was unpacked its name, synced to the disk.
pub(super) fn keep(folder: &Path, name: &str, to: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| on_host(to, &error, "written");
    sync(&folder.join(name)).map_err(failed)?;
    rustix::fs::renameat_with(rustix::fs::CWD, folder.join(name), rustix::fs::CWD, to, rustix::fs::RenameFlags::NOREPLACE)
        .map_err(|error| failed(error.into()))?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
}

fn sync(path: &Path) -> io::Result<()> {
    let about = path.symlink_metadata()?;
    if about.is_dir() {
        for entry in std::fs::read_dir(path)? {
            sync(&entry?.path())?;
        }
    }
    if about.is_dir() || about.is_file() { File::open(path)?.sync_all() } else { Ok(()) }
}

/// What there is on the host. Blocks.
pub(super) fn of_host(top: &Path) -> Result<Tree, Failure> {
    let mut tree = Tree::default();
    walk(top, Path::new(""), &mut tree).map_err(|error| on_host(top, &error, "read"))?;
    Ok(tree)
}

fn walk(path: &Path, below: &Path, tree: &mut Tree) -> io::Result<()> {
    let about = path.symlink_metadata()?;
    let node = if about.is_dir() {
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            walk(&entry.path(), &below.join(entry.file_name()), tree)?;
        }
        Node::Folder
    } else if about.is_symlink() {
        Node::Link(std::fs::read_link(path)?)
    } else if about.is_file() {
        digested(&mut File::open(path)?)?
    } else {
        Node::Other
    };
    tree.0.insert(below.to_owned(), node);
    Ok(())
}

/// Writes a file or folder as an archive whose top has this name. Blocks.
pub(super) fn pack(writer: Writer, from: &Path, name: &str) -> Result<(), Failure> {
    let mut archive = tar::Builder::new(io::BufWriter::with_capacity(128 * 1024, writer));
    archive.follow_symlinks(false);
    let packed = if from.is_dir() { archive.append_dir_all(name, from) } else { archive.append_path_with_name(from, name) };
    packed.and_then(|()| archive.into_inner()?.flush()).map_err(|error| on_host(from, &error, "read"))
}

fn on_host(path: &Path, error: &io::Error, doing: &str) -> Failure {
    let (kind, why) = match error.kind() {
        io::ErrorKind::NotFound => (FailureKind::NotFound, "no such file or folder".to_owned()),
        io::ErrorKind::PermissionDenied => (FailureKind::Denied, "permission denied".to_owned()),
        io::ErrorKind::AlreadyExists => (FailureKind::Conflict, "it is there already".to_owned()),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (FailureKind::Exhausted, "the disk is full".to_owned()),
        _ => (FailureKind::Failed, error.to_string()),
    };
    Failure::new(kind, format!("`{}` cannot be {doing}: {why}", path.display())).field("outside")
}
