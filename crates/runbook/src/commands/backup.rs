//! `runbook backup`.

use std::path::Path;

use runbook_core::action::Failure;
use runbook_executors::sql::backup::{self, Report};

use crate::args::{BackupArgs, BackupCommand};
use crate::exit::Exit;
use crate::streams::Streams;
use crate::text::{Style, bytes, count, visible};

/// Looks at backups.
pub(crate) fn run(args: &BackupArgs, streams: &mut Streams) -> Exit {
    match &args.command {
        BackupCommand::Verify { manifest } => verify(manifest, streams),
    }
}

/// Reads every file of a backup and holds it against its manifest.
fn verify(manifest: &Path, streams: &mut Streams) -> Exit {
    match backup::verify(manifest, &|_| false) {
        Ok(report) if report.is_good() => {
            good(&report, streams);
            Exit::Done
        }
        Ok(report) => {
            let problems = count(report.problems.len(), "fault");
            streams
                .err
                .line(format_args!("error: the backup `{}` cannot be relied upon: {problems}", visible(&report.path.to_string_lossy())));
            for problem in &report.problems {
                streams.err.line(format_args!("  - {}", visible(problem)));
            }
            streams.err.line("help: use another backup; a restore refuses this one");
            Exit::ChecksFailed
        }
        Err(failure) => unreadable(&failure, streams),
    }
}

fn good(report: &Report, streams: &mut Streams) {
    let manifest = &report.manifest;
    let paint = streams.out.paint();
    let head = format!("the backup `{}` is whole", visible(&report.path.to_string_lossy()));
    streams.out.line(paint.apply(Style::Green, &head));
    let mut row = |name: &str, text: String| streams.out.line(format_args!("  {name:<9} {}", visible(&text)));
    row("database", format!("{} of {}", manifest.database, manifest.server.address));
    row("server", manifest.server.version.clone());
    row("written", format!("by {} {}", manifest.tool.name, manifest.tool.version).trim_end().to_owned());
    row("taken", manifest.taken_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    row("contents", format!("{}, {}", count(manifest.contents.tables.len(), "table"), count(manifest.files.len(), "file")));
    row("size", bytes(manifest.files.iter().map(|file| file.bytes).sum()));
    for (name, value) in &manifest.facts {
        row("fact", format!("{name} = {value}"));
    }
}

fn unreadable(failure: &Failure, streams: &mut Streams) -> Exit {
    streams.err.line(format_args!("error: {}", visible(&failure.message)));
    for line in &failure.detail {
        streams.err.line(format_args!("  {}", visible(line)));
    }
    if let Some(help) = &failure.help {
        streams.err.line(format_args!("help: {}", visible(help)));
    }
    Exit::ChecksFailed
}
