//! The stand-ins for OceanBase's `obdumper` and `obloader`: what is published and what was seen of the real ones, as far as a runbook can notice it.
//! Their options, the password through standard input, the layout of the folder, the closing table, the exit codes, and their flaws: definitions are
//! `create table if not exists`, and errors may end with exit 0.

mod csv;
mod dumper;
mod loader;
mod options;
mod report;
mod table;

use std::process::ExitCode;

use options::Options;
use report::Report;

/// Why a tool ends before it has a table to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// The folder is not as it has to be.
    #[error("{0}")]
    Folder(String),
    /// A file cannot be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The database said no.
    #[error("{0}")]
    Database(#[from] mysql_async::Error),
}

/// `obdumper`.
pub(crate) async fn dump() -> ExitCode {
    match Options::read() {
        Ok(options) => end("obdumper", "Dump", dumper::run(&options).await, options.exit_zero),
        Err(refused) => end("obdumper", "Dump", Err(refused), false),
    }
}

/// `obloader`.
pub(crate) async fn load() -> ExitCode {
    match Options::read() {
        Ok(options) => end("obloader", "Load", loader::run(&options).await, options.exit_zero),
        Err(refused) => end("obloader", "Load", Err(refused), false),
    }
}

/// Prints the closing table and ends: with 0 where everything went well, or where the knob says so.
fn end(name: &str, what: &str, done: Result<Report, Refused>, exit_zero: bool) -> ExitCode {
    match done {
        Ok(report) => {
            print!("{}", report.text(what));
            if report.is_good() || exit_zero { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(refused) => {
            eprintln!("{name}: {refused}");
            ExitCode::FAILURE
        }
    }
}
