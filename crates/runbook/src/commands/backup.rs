//! `runbook backup`.

mod list;
mod needed;
mod prune;
mod remove;
mod show;
mod verify;

use std::path::Path;

use runbook_core::action::Failure;
use serde_json::Value;

use crate::args::{BackupArgs, BackupCommand};
use crate::exit::Exit;
use crate::streams::Streams;
use crate::text::{fit, visible};

/// Looks at backups, and removes old ones.
pub(crate) fn run(args: &BackupArgs, state_dir: Option<&Path>, streams: &mut Streams) -> Exit {
    match &args.command {
        BackupCommand::List { paths, json } => list::list(paths, *json, state_dir, streams),
        BackupCommand::Show { manifest, json } => show::show(manifest, *json, streams),
        BackupCommand::Prune(args) => prune::prune(args, state_dir, streams),
        BackupCommand::Verify { manifests, json } => verify::verify(manifests, *json, streams),
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

/// What is wrong with a backup, as for a person who is about to rely on it.
fn faults(path: &Path, problems: &[String], streams: &mut Streams) {
    let faults = crate::text::count(problems.len(), "fault");
    streams.err.line(format_args!("error: the backup `{}` cannot be relied upon: {faults}", visible(&path.to_string_lossy())));
    for problem in problems {
        streams.err.line(format_args!("  - {}", visible(problem)));
    }
    streams.err.line("help: use another backup; a restore refuses this one");
}

/// A fact in one line of so many columns: the values of a list with their number.
fn fact(value: &Value, columns: usize) -> String {
    let one = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = match value {
        Value::Array(values) => match values.as_slice() {
            [] => "no value".to_owned(),
            [value] => one(value),
            values => format!("{} values: {}", values.len(), values.iter().map(one).collect::<Vec<_>>().join(", ")),
        },
        other => one(other),
    };
    fit(&visible(&text), columns)
}
