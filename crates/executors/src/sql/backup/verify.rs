//! Whether a backup is what its manifest says. Needs no server.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use runbook_core::action::{Failure, FailureKind};
use sha2::{Digest, Sha256};

use super::foreign::{files_below, is_below};
use super::manifest::{FORMAT, FileEntry, Manifest, Part, hex};
use super::sink::end_marker;
use crate::sql::statements::unreadable;

/// The largest manifest that is read: about a million tables.
const LARGEST: u64 = 256 << 20;
/// How much of a file's text is kept to look for its end.
const TAIL: usize = 4096;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The manifest's path.
    pub path: PathBuf,
    /// The manifest.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's file.
    pub digest: String,
    /// What is wrong, each as a sentence's fragment; empty for a good backup.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether it can be relied upon.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// The folder of the backup.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Itself, or a failure that lists the problems.
    pub fn into_good(self) -> Result<Self, Failure> {
        if self.is_good() {
            return Ok(self);
        }
        let noun = if self.problems.len() == 1 { "fault" } else { "faults" };
        let mut failure = Failure::new(
            FailureKind::Failed,
            format!("the backup `{}` cannot be relied upon: {} {noun}", self.path.display(), self.problems.len()),
        );
        failure.retryable = false;
        for problem in self.problems.iter().take(20) {
            failure = failure.detail(problem.clone());
        }
        Err(failure)
    }
}

/// The manifest's path for what a person wrote: a backup's folder, or the manifest itself.
pub fn manifest_path(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("manifest.json") } else { path.to_owned() }
}

/// Reads the manifest and every file. `progress` is told how many bytes were read, and says whether to stop.
///
/// An error means that there is no manifest that can be read; everything else is a problem in the report.
pub fn verify(path: &Path, progress: &dyn Fn(u64) -> bool) -> Result<Report, Failure> {
    let mut report = look_at(path)?;
    let folder = report.folder().to_owned();
    let mut done = 0;
    for file in &report.manifest.files {
        if progress(done) {
            return Err(Failure::new(FailureKind::Failed, "was told to end"));
        }
        if let Err(problem) = check(&folder, file, &|bytes| progress(done + bytes)) {
            report.problems.push(problem);
        }
        done += file.bytes;
    }
    report.problems.extend(strangers(&folder, &report.manifest));
    report.problems.extend(gaps(&report.manifest));
    Ok(report)
}

/// Reads a manifest alone and says what is wrong with it. The files are not looked at.
pub fn look_at(path: &Path) -> Result<Report, Failure> {
    let path = manifest_path(path);
    let (manifest, digest) = read(&path)?;
    let problems = own_problems(&manifest);
    Ok(Report { path, manifest, digest, problems })
}

/// Reads a manifest alone: for a comparison with what it says. It must be complete and as it was written.
pub fn read_manifest(path: &Path) -> Result<Manifest, Failure> {
    Ok(look_at(path)?.into_good()?.manifest)
}

fn own_problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = Vec::new();
    if manifest.seal != manifest.expected_seal() {
        problems.push("the manifest was changed after it was written".to_owned());
    }
    if !manifest.complete {
        problems.push("the manifest says that the backup is not complete".to_owned());
    }
    // They become part of a statement.
    for name in [&manifest.contents.charset, &manifest.contents.collation] {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            problems.push(format!("`{name}` is no name of a character set or collation"));
        }
    }
    problems
}

/// Reads a manifest and its digest.
fn read(path: &Path) -> Result<(Manifest, String), Failure> {
    let unusable = |message: String| {
        let mut failure = Failure::new(FailureKind::Failed, message);
        failure.retryable = false;
        failure
    };
    let file = File::open(path).map_err(|error| unreadable(path, &error).help("without a manifest there is no backup"))?;
    let mut text = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut text).map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > LARGEST {
        return Err(unusable(format!("`{}` is too large to be a manifest", path.display())));
    }
    let value: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| unusable(format!("`{}` is no manifest: it is not valid JSON ({error})", path.display())))?;
    match value.get("backup_format").and_then(serde_json::Value::as_u64) {
        None => return Err(unusable(format!("`{}` is no manifest of a backup: it has no `backup_format`", path.display()))),
        Some(format) if format > u64::from(FORMAT) => {
            return Err(unusable(format!("`{}` has the format {format}, and this program reads up to {FORMAT}", path.display()))
                .help("use the version of runbook that wrote the backup, or a newer one"));
        }
        Some(_) => {}
    }
    let manifest =
        serde_json::from_value(value).map_err(|error| unusable(format!("`{}` is no manifest of a backup: {error}", path.display())))?;
    Ok((manifest, hex(&Sha256::digest(&text))))
}

/// Keeps the last bytes of a stream.
struct Tail {
    bytes: Vec<u8>,
}

impl Write for Tail {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        // Of a long piece only its own end can count.
        self.bytes.extend_from_slice(piece.get(piece.len().saturating_sub(TAIL)..).unwrap_or_default());
        if self.bytes.len() > 4 * TAIL {
            self.bytes.drain(..self.bytes.len() - TAIL);
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

enum Text {
    Plain(Tail),
    Gzip(Box<flate2::write::GzDecoder<Tail>>),
}

impl Text {
    fn write_all(&mut self, piece: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(tail) => tail.write_all(piece),
            Self::Gzip(decoder) => decoder.write_all(piece),
        }
    }

    fn finish(self) -> std::io::Result<Tail> {
        match self {
            Self::Plain(tail) => Ok(tail),
            Self::Gzip(decoder) => decoder.finish(),
        }
    }
}

/// Reads one file once: its size, its digest and its end.
fn check(folder: &Path, entry: &FileEntry, progress: &dyn Fn(u64) -> bool) -> Result<(), String> {
    let name = &entry.name;
    let foreign = entry.part == Part::Foreign;
    let fits = if foreign { is_below(name) } else { !(name.is_empty() || name.contains('/') || name.starts_with('.')) };
    if !fits {
        return Err(format!("`{name}` is no name of a file in the backup's folder"));
    }
    let mut file = match File::open(folder.join(name)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(format!("the file `{name}` is missing")),
        Err(error) => return Err(format!("the file `{name}` cannot be read: {error}")),
    };
    let mut hash = Sha256::new();
    let tail = Tail { bytes: Vec::new() };
    let packed = !foreign && Path::new(name).extension().is_some_and(|extension| extension == "gz");
    let mut text = if packed { Text::Gzip(Box::new(flate2::write::GzDecoder::new(tail))) } else { Text::Plain(tail) };
    let mut piece = vec![0; 1 << 18];
    let mut size = 0_u64;
    let mut broken = None;
    loop {
        let read = file.read(&mut piece).map_err(|error| format!("the file `{name}` cannot be read: {error}"))?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        size += read as u64;
        if broken.is_none() {
            broken = text.write_all(bytes).err();
        }
        if progress(size) {
            return Err("was told to end".to_owned());
        }
    }
    if size != entry.bytes {
        return Err(format!("the file `{name}` has {size} bytes and should have {}", entry.bytes));
    }
    if hex(&hash.finalize()) != entry.sha256 {
        return Err(format!("the file `{name}` is damaged: its SHA-256 is another"));
    }
    if foreign {
        // How its files end only the other tool knows.
        return Ok(());
    }
    if broken.is_some() {
        return Err(format!("the file `{name}` cannot be unpacked"));
    }
    let tail = text.finish().map_err(|_| format!("the file `{name}` cannot be unpacked"))?;
    if !tail.bytes.ends_with(end_marker(name).as_bytes()) {
        return Err(format!("the file `{name}` does not end as it should"));
    }
    Ok(())
}

/// Files that the manifest does not know: who loads the folder by its names would load them too. Beside the files of this program only SQL counts;
/// what another tool's loader takes is not known, so there everything does.
fn strangers(folder: &Path, manifest: &Manifest) -> Vec<String> {
    let known: BTreeSet<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
    let foreign = manifest.is_foreign();
    let found = match files_below(folder, foreign) {
        Ok(found) => found,
        Err(failure) => return vec![failure.message],
    };
    found
        .into_iter()
        .filter(|name| foreign || [".sql", ".sql.gz"].iter().any(|end| name.ends_with(end)))
        .filter(|name| !known.contains(name.as_str()))
        .map(|name| format!("the file `{name}` is not in the manifest"))
        .collect()
}

/// Parts that the contents ask for and no file holds.
fn gaps(manifest: &Manifest) -> Vec<String> {
    let has = |part: Part| manifest.files.iter().any(|file| file.part == part);
    let mut found = Vec::new();
    if manifest.is_foreign() {
        return found;
    }
    if !manifest.contents.tables.is_empty() && !has(Part::Tables) {
        found.push("no file holds the tables".to_owned());
    }
    if manifest.contents.rows() > 0 && !has(Part::Data) {
        found.push("no file holds the rows".to_owned());
    }
    found
}
