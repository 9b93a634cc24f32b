//! One file per command.

mod abandon;
mod again;
mod backup;
mod check;
mod completions;
mod exec;
mod explain;
mod locks;
mod man;
mod plan;
mod procedure;
mod prune;
mod resume;
mod rollback;
mod runs;
mod schema;
mod scripts;
mod session;

pub(crate) use procedure::Procedure;

use crate::args::{Cli, Command};
use crate::exit::Exit;
use crate::panics::Folder;
use crate::streams::Streams;

/// Does what the command line asks for.
pub(crate) fn run(cli: Cli, streams: &mut Streams, folder: &Folder) -> Exit {
    match cli.command {
        Command::Exec(args) => exec::run(&args, cli.state_dir.as_deref(), streams, folder),
        Command::Resume(args) => resume::run(&args, cli.state_dir.as_deref(), streams, folder),
        Command::Rollback(args) => rollback::run(&args, cli.state_dir.as_deref(), streams, folder),
        Command::Abandon(args) => abandon::run(&args, cli.state_dir.as_deref(), streams),
        Command::Check(args) => check::run(&args, streams),
        Command::Explain(args) => explain::run(&args, streams),
        Command::Backup(args) => backup::run(&args, cli.state_dir.as_deref(), streams),
        Command::Completions(args) => completions::run(&args, streams),
        Command::Man(args) => man::run(&args, streams),
        Command::Plan(args) => plan::run(&args, cli.state_dir.as_deref(), streams, folder),
        Command::Runs(args) => runs::run(&args, cli.state_dir.as_deref(), streams),
        Command::Schema => schema::run(streams),
    }
}
