//! `runbook`: the command line. Printing and exiting happen here and nowhere else.

mod answers;
mod args;
mod ask;
mod card;
mod commands;
mod damage;
mod exit;
mod failure;
mod loading;
mod outline;
mod panics;
mod planfile;
mod report;
mod reporters;
mod runs;
mod streams;
mod text;
mod trace;
mod values;
mod vars;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::exit::Exit;
use crate::streams::Streams;

fn main() -> ExitCode {
    // Secrets are in this memory and in this environment: no core dump, and no look into `/proc` by other processes of the same user. Where it cannot be had,
    // nothing is worse than without it.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to complain.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    let folder = panics::Folder::default();
    panics::install(folder.clone());
    let mut streams = Streams::standard();
    trace::start(std::env::var("RUNBOOK_LOG").ok().as_deref(), streams.err.paint().0);
    // Nothing is used after a panic but the two streams, and they only ever lose a line.
    let exit = catch_unwind(AssertUnwindSafe(|| commands::run(cli, &mut streams, &folder))).unwrap_or(Exit::Fault);
    let exit = match streams.out.finish() {
        Ok(()) => exit,
        Err(error) => {
            streams.err.line(format_args!("error: standard output cannot be written: {error}"));
            if exit == Exit::Done { Exit::Output } else { exit }
        }
    };
    exit.into()
}
