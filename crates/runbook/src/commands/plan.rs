//! `runbook plan`.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use runbook_core::plan::PlanOptions;

use super::exec;
use super::procedure::{Procedure, Wish, prepare};
use crate::args::{PlanArgs, PlanFormat};
use crate::ask::somebody_there;
use crate::exit::Exit;
use crate::outline;
use crate::panics::Folder;
use crate::planfile::PlanFile;
use crate::streams::Streams;

/// Shows what a runbook would do.
pub(crate) fn run(args: &PlanArgs, state_dir: Option<&Path>, streams: &mut Streams, folder: &Folder) -> Exit {
    let wish = Wish {
        file: &args.file,
        vars: &args.vars,
        options: PlanOptions::default(),
        ask: somebody_there(args.no_input),
        without_files: !args.probe,
    };
    let done = prepare(&wish, streams).and_then(|procedure| show(args, &procedure, state_dir, streams, folder));
    done.unwrap_or_else(|exit| exit)
}

fn show(args: &PlanArgs, procedure: &Procedure, state_dir: Option<&Path>, streams: &mut Streams, folder: &Folder) -> Result<Exit, Exit> {
    let Procedure { runbook, inputs, plan } = procedure;
    match args.format {
        PlanFormat::Human => outline::human(&outline::outline(runbook, plan, inputs, args.show_escapes), &mut streams.out),
        PlanFormat::Markdown => streams.out.put(outline::markdown(&outline::outline(runbook, plan, inputs, args.show_escapes))),
        PlanFormat::Json => streams.out.put(PlanFile::of(procedure, args.show_escapes).to_text()),
    }
    streams.out.flush();
    if let Some(path) = &args.out {
        write(path, &PlanFile::of(procedure, args.show_escapes).to_text()).map_err(|error| {
            streams.err.line(format_args!("error: the plan cannot be written to `{}`: {error}", path.display()));
            Exit::Output
        })?;
        streams.err.line(format_args!("the plan was written to `{}`", path.display()));
    }
    if args.probe {
        let checked = exec::checks(procedure, &args.vars, args.no_input, state_dir, streams, folder)?;
        if checked != Exit::Done {
            return Ok(checked);
        }
        streams.err.line("the checks hold; nothing was changed");
    }
    let changes = plan.units().iter().any(|unit| unit.class.changes() && unit.left_out.is_none() && !unit.idle);
    Ok(if args.detailed_exitcode && changes { Exit::SomethingToDo } else { Exit::Done })
}

/// Beside its place, then renamed: nobody reads half a plan. What is there and is no file (a device, a pipe) is written into, and stays what it is.
pub(super) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return std::fs::OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}
