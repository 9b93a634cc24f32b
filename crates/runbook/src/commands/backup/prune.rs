//! `runbook backup prune`.
//!
//! Of each database the last backup that is good (read back whole, not believed) always stays, and so does what a run names that is not finished. What
//! is damaged and newer than it stays for a person to look at, and is counted as no backup; older ones go unread.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use runbook_engine::state::RunId;
use runbook_executors::sql::backup::{self, Manifest};

use super::list::below;
use super::needed::{self, Needed};
use super::remove;
use crate::args::BackupPrune;
use crate::exit::Exit;
use crate::runs;
use crate::streams::Streams;
use crate::text::{bytes, count, visible};

/// A dump that was written to within this time may be under way.
const QUIET: Duration = Duration::from_hours(24);

/// Removes old backups.
pub(super) fn prune(args: &BackupPrune, state_dir: Option<&Path>, streams: &mut Streams) -> Exit {
    work(args, state_dir, streams).unwrap_or_else(|exit| exit)
}

fn work(args: &BackupPrune, state_dir: Option<&Path>, streams: &mut Streams) -> Result<Exit, Exit> {
    let state = runs::state_dir(state_dir, streams)?;
    let found = below(&args.paths, streams)?;
    let needed = Needed::of(&state, streams)?;
    let mut tally = Tally { dry_run: args.dry_run, ..Tally::default() };
    for folder in &found.remains {
        tally.remove(folder, "left by a removal that broke off", streams)?;
    }
    for group in groups(found.manifests, &mut tally, streams).into_values() {
        of_database(&group, args, &needed, (&mut tally, streams))?;
    }
    for folder in &found.partial {
        incomplete(folder, args, &needed, (&mut tally, streams))?;
    }
    tally.conclude(streams);
    Ok(Exit::Done)
}

/// A backup whose manifest is in order; whether its files are, is not known yet.
struct Backup {
    folder: PathBuf,
    manifest: Manifest,
}

/// The backups of each database of each server, the latest first.
fn groups(manifests: Vec<PathBuf>, tally: &mut Tally, streams: &mut Streams) -> BTreeMap<(String, String), Vec<Backup>> {
    let mut groups: BTreeMap<(String, String), Vec<Backup>> = BTreeMap::new();
    for path in manifests {
        let folder = needed::whole(path.parent().unwrap_or(Path::new(".")));
        match backup::look_at(&path) {
            Ok(report) if report.is_good() => {
                let manifest = report.manifest;
                groups.entry((manifest.server.address.clone(), manifest.database.clone())).or_default().push(Backup { folder, manifest });
            }
            Ok(_) | Err(_) => tally.damaged(&folder, streams),
        }
    }
    for group in groups.values_mut() {
        group.sort_unstable_by(|a, b| (b.manifest.taken_at, &a.folder).cmp(&(a.manifest.taken_at, &b.folder)));
    }
    groups
}

/// Removes what the rule says of one database, but never its last good backup.
fn of_database(group: &[Backup], args: &BackupPrune, needed: &Needed, (tally, streams): (&mut Tally, &mut Streams)) -> Result<(), Exit> {
    let rule = Rule { keep: args.keep, older_than: args.older_than, now: Timestamp::now() };
    if !group.iter().enumerate().any(|(at, backup)| rule.removes(at, backup)) {
        tally.kept += group.len();
        return Ok(());
    }
    // Reading a backup takes time: the latest is tried first, and as a rule it is good. What is damaged counts for nothing.
    let is_good = |backup: &Backup| backup::verify(&backup.folder, &|_| false).is_ok_and(|report| report.is_good());
    let last_good = group.iter().position(is_good).unwrap_or(group.len());
    let (damaged, rest) = group.split_at(last_good);
    for backup in damaged {
        tally.damaged(&backup.folder, streams);
    }
    for (at, backup) in rest.iter().enumerate() {
        let about = format!("of `{}`, taken {}", backup.manifest.database, backup.manifest.taken_at.strftime("%Y-%m-%d %H:%M UTC"));
        if !rule.removes(at, backup) {
            tally.kept += 1;
        } else if at == 0 {
            tally.keep(&backup.folder, &format!("the last good one {about}"), streams);
        } else if let Some(run) = needed.by(&backup.folder) {
            tally.keep(&backup.folder, &named(run), streams);
        } else {
            tally.remove(&backup.folder, &about, streams)?;
        }
    }
    Ok(())
}

/// What the command line says of backups.
struct Rule {
    keep: Option<usize>,
    older_than: Option<Duration>,
    now: Timestamp,
}

impl Rule {
    /// Whether the backup goes that has so many later ones of its database.
    fn removes(&self, later: usize, backup: &Backup) -> bool {
        let taken = backup.manifest.taken_at;
        let many = self.keep.is_none_or(|keep| later >= keep);
        // One from the future was taken by another clock, and is not old.
        let old = self.older_than.is_none_or(|limit| taken < self.now && self.now.duration_since(taken).unsigned_abs() >= limit);
        (self.keep.is_some() || self.older_than.is_some()) && many && old
    }
}

/// A dump that died, or that is being written.
fn incomplete(folder: &Path, args: &BackupPrune, needed: &Needed, (tally, streams): (&mut Tally, &mut Streams)) -> Result<(), Exit> {
    let folder = needed::whole(folder);
    if let Some(run) = needed.by(&folder) {
        tally.keep(&folder, &format!("incomplete; {}", named(run)), streams);
    } else if !args.incomplete {
        tally.keep(&folder, "incomplete: `--incomplete` removes it", streams);
    } else if newest(&folder).and_then(|at| at.elapsed().ok()).is_none_or(|age| age < QUIET) {
        tally.keep(&folder, "incomplete; written to within a day, so that a dump may be under way", streams);
    } else {
        tally.remove(&folder, "incomplete", streams)?;
    }
    Ok(())
}

fn named(run: &RunId) -> String {
    format!("run {run} names it, and is not finished")
}

/// When something in it was last written to.
fn newest(folder: &Path) -> Option<SystemTime> {
    let own = folder.symlink_metadata().and_then(|about| about.modified()).ok();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: std::fs::DirEntry| entry.metadata().and_then(|about| about.modified()).ok();
    entries.map(of).chain([own]).max().flatten()
}

/// What is done, and told.
#[derive(Default)]
struct Tally {
    dry_run: bool,
    removed: usize,
    kept: usize,
    damaged: usize,
    freed: u64,
}

impl Tally {
    fn remove(&mut self, folder: &Path, about: &str, streams: &mut Streams) -> Result<(), Exit> {
        let size = remove::size(folder);
        let path = folder.to_string_lossy();
        if !self.dry_run
            && let Err(error) = remove::remove(folder)
        {
            streams.err.line(format_args!("error: `{}` cannot be removed: {error}", visible(&path)));
            return Err(Exit::Unusable);
        }
        let verb = if self.dry_run { "would be removed" } else { "removed" };
        streams.out.line(format_args!("{} {verb} ({}): {}", visible(&path), bytes(size), visible(about)));
        // A removal that breaks off has told of what was removed before.
        streams.out.flush();
        self.removed += 1;
        self.freed += size;
        Ok(())
    }

    /// What the rule would remove, and does not.
    fn keep(&mut self, folder: &Path, why: &str, streams: &mut Streams) {
        streams.out.line(format_args!("{} kept: {}", visible(&folder.to_string_lossy()), visible(why)));
        self.kept += 1;
    }

    fn damaged(&mut self, folder: &Path, streams: &mut Streams) {
        let path = folder.to_string_lossy();
        streams.out.line(format_args!("{} kept: it is damaged (`runbook backup verify` says how)", visible(&path)));
        self.damaged += 1;
    }

    fn conclude(&self, streams: &mut Streams) {
        let (verb, would) = if self.dry_run { ("would be removed", "would be ") } else { ("removed", "") };
        let damaged = if self.damaged == 0 { String::new() } else { format!(", {} damaged", self.damaged) };
        let line = format!("{} {verb}, {} kept{damaged}; {} {would}freed", count(self.removed, "folder"), self.kept, bytes(self.freed));
        streams.err.line(line);
    }
}
