//! `runbook backup show`: a manifest for people.

use std::path::Path;

use runbook_executors::sql::backup::{self, Manifest, Report};

use super::{fact, faults, unreadable};
use crate::exit::Exit;
use crate::streams::{Stream, Streams};
use crate::text::{Style, bytes, count, visible, width};

/// Prints what the manifest says. The files are not read: that is for `verify`.
pub(super) fn show(path: &Path, as_json: bool, streams: &mut Streams) -> Exit {
    let Report { path, manifest, problems, .. } = match backup::look_at(path) {
        Ok(report) => report,
        Err(failure) => return unreadable(&failure, streams),
    };
    if as_json {
        streams.out.put(manifest.to_text());
    } else {
        head(&path, &manifest, &mut streams.out);
        tables(&manifest, &mut streams.out);
        objects(&manifest, &mut streams.out);
        files(&manifest, &mut streams.out);
    }
    if problems.is_empty() {
        return Exit::Done;
    }
    faults(&path, &problems, streams);
    Exit::ChecksFailed
}

fn head(path: &Path, manifest: &Manifest, out: &mut Stream) {
    /// Columns before a row's text.
    const INDENT: usize = 11;
    let paint = out.paint();
    let columns = out.width().saturating_sub(INDENT);
    let mut row = |name: &str, text: &str| {
        out.line(format_args!("{} {}", paint.apply(Style::Dim, &format!("{name:<10}")), visible(text)));
    };
    row("manifest", &path.to_string_lossy());
    row("database", &format!("{} of {}", manifest.database, manifest.server.address));
    row("server", &manifest.server.version);
    row("written", format!("by {} {}", manifest.tool.name, manifest.tool.version).trim_end());
    row("made by", &manifest.made_by);
    row("taken", &manifest.taken_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    row("snapshot", manifest.snapshot.as_str());
    row("charset", &format!("{}, {}", manifest.contents.charset, manifest.contents.collation));
    if !manifest.without.is_empty() {
        row("without", &manifest.without.join(", "));
    }
    for (name, value) in &manifest.facts {
        row("fact", &format!("{name} = {}", fact(value, columns.saturating_sub(width(name) + 3))));
    }
}

/// A table of the database's tables; names padded by columns, not by characters.
fn tables(manifest: &Manifest, out: &mut Stream) {
    let tables = &manifest.contents.tables;
    let lines = tables.iter().map(|table| {
        let next = table.auto_increment.map(|next| format!("next key {next}")).unwrap_or_default();
        vec![table.name.clone(), table.rows.to_string(), table.checksum.xor.clone(), next]
    });
    list(
        &format!("{}, {}", count(tables.len(), "table"), amount(manifest.contents.rows(), "row")),
        &["TABLE", "ROWS", "CHECKSUM", ""],
        lines.collect(),
        out,
    );
}

fn objects(manifest: &Manifest, out: &mut Stream) {
    let objects = &manifest.contents.objects;
    if objects.is_empty() {
        return;
    }
    let lines = objects.iter().map(|object| vec![object.name.clone(), object.kind.as_str().to_owned()]);
    list(&format!("{} besides", count(objects.len(), "object")), &["NAME", "KIND"], lines.collect(), out);
}

fn files(manifest: &Manifest, out: &mut Stream) {
    let lines = manifest.files.iter().map(|file| vec![file.name.clone(), bytes(file.bytes), file.sha256.chars().take(16).collect()]);
    list(
        &format!("{}, {}", count(manifest.files.len(), "file"), bytes(manifest.bytes())),
        &["FILE", "SIZE", "SHA-256"],
        lines.collect(),
        out,
    );
}

fn amount(number: u64, noun: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), noun)
}

/// Lines in columns under a heading: the first to the left, numbers and sizes to the right.
fn list(title: &str, heads: &[&str], lines: Vec<Vec<String>>, out: &mut Stream) {
    let lines: Vec<Vec<String>> = lines.into_iter().map(|line| line.iter().map(|cell| visible(cell).into_owned()).collect()).collect();
    let wide = |at: usize| {
        let cells = lines.iter().filter_map(|line| line.get(at)).map(|cell| width(cell)).max().unwrap_or(0);
        cells.max(heads.get(at).map_or(0, |head| width(head)))
    };
    let widths: Vec<usize> = (0..heads.len()).map(wide).collect();
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let paint = out.paint();
    out.line("");
    out.line(title);
    out.line(paint.apply(Style::Bold, &in_columns(&heads, &widths)));
    for line in &lines {
        out.line(in_columns(line, &widths));
    }
}

fn in_columns(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (at, (cell, wide)) in cells.iter().zip(widths).enumerate() {
        let gap = " ".repeat(wide.saturating_sub(width(cell)));
        line.push_str("  ");
        if at == 1 {
            line.push_str(&gap);
            line.push_str(cell);
        } else {
            line.push_str(cell);
            line.push_str(&gap);
        }
    }
    line.trim_end().to_owned()
}
