//! The project's own tasks, called as `cargo xtask …`: the lab, the demo, the tests, the generated files, the benchmarks.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for developers, which prints what it does")]

mod bench;
mod cargo;
mod chaos;
mod checkout;
mod demo;
mod error;
mod generate;
mod hex;
mod lab;
mod say;
mod test;

use checkout::Checkout;
use error::TaskError;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask TASK

  lab up              bring up Docker, OceanBase (seekdb) and MariaDB for this checkout, and print how to use them
  lab mysql           add a MySQL 8.0 to it, from Ubuntu's archive: the tests of databases include it from then on
  lab images          build the stand-ins, and load their images into the lab that is up
  lab down            take everything down again, without a trace
  lab status          say what is up
  demo [--keep]       upgrade a stand-in of ODC to a version whose migration fails, and roll it back with `runbook`
  test [-- ARGS]      every check of this project; ARGS go to `cargo test`
  chaos [--every N] [--from N] [--only NAME]
                      kill the shipped procedures (or one) at every point (or each N-th), resume them, roll them back; takes hours
  bench               speed and size, as ratios
  bench backup [--large] [--only seekdb|mariadb]
                      dump and restore against mydumper, mariadb-dump and the client, with 200 MB or (once each) 2 GB of data
  generate [--check]  write the generated files, or compare them";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for help in error.help() {
                eprintln!("help: {help}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(words: &[&str]) -> Result<(), TaskError> {
    if let ["lab-runtime", runc, rest @ ..] = words {
        return lab::run_bounded(runc, rest);
    }
    #[cfg(feature = "bench")]
    if let [bench::bare::WORD, files @ ..] = words {
        return bench::bare::read(files);
    }
    let checkout = Checkout::find()?;
    match words {
        ["lab", "up"] => lab::up(&checkout).map(lab::Lab::describe),
        ["lab", "mysql"] => lab::add_mysql(&checkout).map(lab::Lab::describe),
        ["lab", "images"] => lab::up(&checkout).and_then(|lab| lab::load_images(&checkout, &lab)),
        ["lab", "down"] => lab::down(&checkout),
        ["lab", "status"] => lab::status(&checkout),
        ["demo"] => demo::run(&checkout, demo::Keep::No),
        ["demo", "--keep"] => demo::run(&checkout, demo::Keep::Yes),
        ["test"] => test::run(&checkout, &[]),
        ["test", "--", rest @ ..] => test::run(&checkout, rest),
        ["bench"] => bench::run(&checkout, bench::What::Program),
        ["bench", "backup", rest @ ..] => bench::Wish::read(rest).and_then(|wish| bench::run(&checkout, bench::What::Backup(wish))),
        ["chaos", rest @ ..] => chaos::Wish::read(rest).and_then(|wish| chaos::run(&checkout, wish)),
        ["generate"] => generate::run(&checkout, generate::Mode::Write),
        ["generate", "--check"] => generate::run(&checkout, generate::Mode::Check),
        _ => Err(TaskError::usage(USAGE)),
    }
}
