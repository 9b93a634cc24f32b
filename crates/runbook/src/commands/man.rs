//! `runbook man`.

use clap::CommandFactory as _;

use crate::args::{Cli, ManArgs};
use crate::exit::Exit;
use crate::streams::Streams;

/// Writes a manual page for the program and each command.
pub(crate) fn run(args: &ManArgs, streams: &mut Streams) -> Exit {
    match std::fs::create_dir_all(&args.dir).and_then(|()| clap_mangen::generate_to(Cli::command(), &args.dir)) {
        Ok(()) => Exit::Done,
        Err(error) => {
            streams.err.line(format_args!("error: the manual pages cannot be written to `{}`: {error}", args.dir.display()));
            Exit::Output
        }
    }
}
