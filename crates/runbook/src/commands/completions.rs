//! `runbook completions`.

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::exit::Exit;
use crate::streams::Streams;

/// Prints the completion script of a shell.
pub(crate) fn run(args: &CompletionsArgs, streams: &mut Streams) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "runbook", &mut script);
    streams.out.put(String::from_utf8_lossy(&script));
    Exit::Done
}
