//! `runbook backup verify`: every file of backups against their manifests.

use std::path::{Path, PathBuf};

use runbook_executors::sql::backup::{self, Report};
use serde_json::json;

use super::{fact, faults, unreadable};
use crate::exit::Exit;
use crate::streams::Streams;
use crate::text::{Style, bytes, count, visible};

/// Reads everything back, of each; all are looked at, and one that is not good decides.
pub(super) fn verify(manifests: &[PathBuf], as_json: bool, streams: &mut Streams) -> Exit {
    let mut exit = Exit::Done;
    for manifest in manifests {
        let one = verify_one(manifest, as_json, streams);
        if exit == Exit::Done {
            exit = one;
        }
    }
    exit
}

fn verify_one(manifest: &Path, as_json: bool, streams: &mut Streams) -> Exit {
    let report = match backup::verify(manifest, &|_| false) {
        Ok(report) => report,
        Err(failure) => return unreadable(&failure, streams),
    };
    if as_json {
        let Report { path, problems, manifest, .. } = &report;
        let line = json!({ "manifest": path, "good": report.is_good(), "problems": problems, "database": manifest.database, "bytes": manifest.bytes() });
        streams.out.line(line);
    } else if report.is_good() {
        good(&report, streams);
    } else {
        faults(&report.path, &report.problems, streams);
    }
    if report.is_good() { Exit::Done } else { Exit::ChecksFailed }
}

fn good(report: &Report, streams: &mut Streams) {
    /// Columns before a row's text.
    const INDENT: usize = 12;
    let manifest = &report.manifest;
    let paint = streams.out.paint();
    let columns = streams.out.width().saturating_sub(INDENT);
    let head = format!("the backup `{}` is whole", visible(&report.path.to_string_lossy()));
    streams.out.line(paint.apply(Style::Green, &head));
    let mut row = |name: &str, text: String| streams.out.line(format_args!("  {name:<9} {}", visible(&text)));
    row("database", format!("{} of {}", manifest.database, manifest.server.address));
    row("server", manifest.server.version.clone());
    row("written", format!("by {} {}", manifest.tool.name, manifest.tool.version).trim_end().to_owned());
    row("taken", manifest.taken_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    row("contents", format!("{}, {}", count(manifest.contents.tables.len(), "table"), count(manifest.files.len(), "file")));
    row("size", bytes(manifest.bytes()));
    for (name, value) in &manifest.facts {
        row("fact", format!("{name} = {}", fact(value, columns.saturating_sub(name.len() + 3))));
    }
}
