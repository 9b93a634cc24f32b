//! An image archive on disk: read once from end to end before anything is sent, so that a damaged or cut one changes nothing, and so that it is known
//! which images a load would bring.
//!
//! Both forms are understood that `docker save` writes: the older one (`manifest.json`, one folder per layer) and the newer one, which is an OCI layout
//! beside it (`index.json`, `blobs/`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use runbook_core::action::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What an archive brings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Contents {
    /// The images.
    pub(in super::super) images: Vec<Image>,
    /// Digests under which an engine with containerd's store knows the same images.
    pub(in super::super) digests: Vec<String>,
    /// The archive's size in bytes.
    pub(in super::super) size: u64,
}

/// One image of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Image {
    /// Its id: `sha256:` and the digest of its configuration.
    pub(in super::super) id: String,
    /// Its names.
    pub(in super::super) tags: Vec<String>,
    /// What it runs on, such as `amd64`; empty where it does not say.
    #[serde(default)]
    pub(in super::super) architecture: String,
}

/// How far a reading is, and whether it should end: shared with the thread that reads.
#[derive(Clone, Default)]
pub(super) struct Shared {
    /// Bytes of the file.
    pub(super) read: Arc<AtomicU64>,
    /// Whether to end.
    pub(super) stop: Arc<AtomicBool>,
}

/// Metadata files are small; larger ones are not what they seem.
const MOST_METADATA: u64 = 8 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManifestEntry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    shared: Shared,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.shared.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("told to end"));
        }
        let count = self.file.read(buffer)?;
        self.shared.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Reads an archive from end to end. Blocks.
pub(super) fn read(path: &Path, shared: Shared) -> Result<Contents, Failure> {
    let file = File::open(path).map_err(|error| cannot_open(path, &error))?;
    let about = file.metadata().map_err(|error| cannot_open(path, &error))?;
    if !about.is_file() {
        return Err(invalid(path, "is not a file"));
    }
    let mut start = BufReader::with_capacity(256 * 1024, Counted { file, shared });
    let magic = io::BufRead::fill_buf(&mut start).map_err(|error| cannot_open(path, &error))?;
    match magic {
        [] => Err(invalid(path, "is empty")),
        [0x1f, 0x8b, ..] => contents(path, MultiGzDecoder::new(start), about.len()),
        [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', b'X', b'Z', ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Err(invalid(path, "is compressed in a way that cannot be checked here")
                .help("unpack it first: a tar archive or one that gzip packed can be loaded"))
        }
        _ => contents(path, start, about.len()),
    }
}

fn contents(path: &Path, reader: impl Read, size: u64) -> Result<Contents, Failure> {
    let damaged = |error: &io::Error| invalid(path, &format!("is damaged or not complete: {error}")).help("copy or download it again");
    // What the reader says of an entry's beginning quotes the file, which may be anything.
    let no_entry = |error: io::Error| match error.kind() {
        io::ErrorKind::Other => damaged(&io::Error::other("it is no tar archive, or what stands where a file in it begins is none")),
        _ => damaged(&error),
    };
    let mut archive = tar::Archive::new(reader);
    let mut paths = BTreeSet::new();
    let mut metadata: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in archive.entries().map_err(no_entry)? {
        let mut entry = entry.map_err(no_entry)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
        let length = entry.size();
        let content = if length <= MOST_METADATA && (name.contains("json") || name.starts_with("blobs/")) {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(|error| damaged(&error))?;
            let count = content.len() as u64;
            // Only what looks like metadata is kept: small layers are blobs too.
            if content.first() == Some(&b'{') || content.first() == Some(&b'[') {
                metadata.insert(name.clone(), content);
            }
            count
        } else {
            io::copy(&mut entry, &mut io::sink()).map_err(|error| damaged(&error))?
        };
        if content != length {
            return Err(damaged(&io::Error::other(format!("`{name}` ends after {content} of {length} bytes"))));
        }
        paths.insert(name);
    }
    // To the very end: the checksum of a packed archive stands there.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|error| damaged(&error))?;
    let images = images(path, &paths, &metadata)?;
    Ok(Contents { images, digests: digests(&metadata), size })
}

/// The images that `manifest.json` names, each with all its parts in the archive.
fn images(path: &Path, paths: &BTreeSet<String>, metadata: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Image>, Failure> {
    let Some(manifest) = metadata.get("manifest.json") else {
        let failure = invalid(path, "is not an image archive: there is no `manifest.json` in it");
        return Err(
            failure.help("make one with `docker save -o FILE IMAGE`; the archive of a file system, from `docker export`, is another thing")
        );
    };
    let entries: Vec<ManifestEntry> = serde_json::from_slice(manifest)
        .map_err(|error| invalid(path, &format!("is not an image archive: its `manifest.json` is not understood ({error})")))?;
    if entries.is_empty() {
        return Err(invalid(path, "holds no image"));
    }
    let image = |entry: ManifestEntry| {
        if let Some(missing) = std::iter::once(&entry.config).chain(&entry.layers).find(|part| !paths.contains(part.as_str())) {
            return Err(invalid(path, &format!("is not complete: `{missing}` is not in it")).help("copy or download it again"));
        }
        let Some(config) = metadata.get(&entry.config) else {
            return Err(invalid(path, &format!("is damaged: `{}` is no configuration of an image", entry.config)));
        };
        let digest = hex(config);
        // Both forms name the configuration by its digest.
        let named = entry.config.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
        if named.len() == 64 && named != digest {
            return Err(
                invalid(path, &format!("is damaged: the digest of `{}` is another", entry.config)).help("copy or download it again")
            );
        }
        let says: Value = serde_json::from_slice(config).unwrap_or_default();
        let architecture = says.get("architecture").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Image { id: format!("sha256:{digest}"), tags: entry.repo_tags.unwrap_or_default(), architecture })
    };
    entries.into_iter().map(image).collect()
}

/// What `index.json` names, and what those name in turn: an engine with containerd's store takes one of them as the image's id.
fn digests(metadata: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut found = Vec::new();
    let mut next: Vec<&[u8]> = metadata.get("index.json").map(Vec::as_slice).into_iter().collect();
    while let Some(index) = next.pop() {
        let Ok(index) = serde_json::from_slice::<Value>(index) else { continue };
        for digest in index.get("manifests").and_then(Value::as_array).into_iter().flatten().filter_map(|m| m.get("digest")?.as_str()) {
            if !found.iter().any(|known| known == digest) {
                found.push(digest.to_owned());
                next.extend(digest.split_once(':').and_then(|(kind, hex)| metadata.get(&format!("blobs/{kind}/{hex}"))).map(Vec::as_slice));
            }
        }
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn invalid(path: &Path, what: &str) -> Failure {
    Failure::new(FailureKind::Invalid, format!("`{}` {what}", path.display())).field("archive")
}

/// A file that cannot be read.
pub(super) fn cannot_open(path: &Path, error: &io::Error) -> Failure {
    let (kind, message) = match error.kind() {
        io::ErrorKind::NotFound => (FailureKind::NotFound, format!("there is no file `{}`", path.display())),
        io::ErrorKind::PermissionDenied => (FailureKind::Denied, format!("this user may not read `{}`", path.display())),
        _ => (FailureKind::Failed, format!("`{}` cannot be read: {error}", path.display())),
    };
    Failure::new(kind, message).field("archive")
}

#[cfg(test)]
mod tests;
