//! The command line.

mod again;
mod common;
mod exec;
mod look;
mod runs;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use again::{AbandonArgs, AgainArgs, ResumeArgs, RollbackArgs};
pub(crate) use common::VarArgs;
pub(crate) use exec::{ExecArgs, OnFailureArg, OutputMode};
pub(crate) use look::{
    BackupArgs, BackupCommand, BackupPrune, CheckArgs, CheckFormat, CompletionsArgs, ExplainArgs, ManArgs, PlanArgs, PlanFormat,
};
pub(crate) use runs::{RunRef, RunsArgs, RunsCommand};

const EXAMPLES: &str = "\
Examples:
  runbook check runbooks/                          every runbook below a folder
  runbook plan odc-rollback.toml --var-file site.toml
  runbook exec odc-rollback.toml --var-file site.toml
  runbook resume --last
  runbook rollback --last --dry-run
  runbook runs show --last
  runbook explain RB101

Exit codes:
    0  done                                      6  a person is needed
    1  a step failed, nothing was rolled back    7  waiting for a person, input is off
    2  wrong command line                        8  journal unusable, run or lock held
    3  invalid runbook or variables              9  a check failed, nothing was changed
    4  plan: there is something to do           10  a person said no, nothing was changed
    5  failed and completely rolled back     128+n  stopped by signal n
   70  a fault of this program                  74  the output cannot be written";

/// Upgrade, backup and rollback procedures, written as TOML, carried out safely.
#[derive(Parser)]
#[command(name = "runbook", version, after_help = EXAMPLES, arg_required_else_help = true, disable_help_subcommand = true, max_term_width = 120)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Folder in which runs are kept [env: RUNBOOK_STATE_DIR] [default: /var/lib/runbook for root, else the XDG state folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Carry a runbook out
    Exec(Box<ExecArgs>),
    /// Go on with a run that failed, was stopped or broke off
    Resume(Box<ResumeArgs>),
    /// Undo everything that a run has begun
    Rollback(Box<RollbackArgs>),
    /// Give a run up, on the record
    Abandon(AbandonArgs),
    /// Say everything that is wrong with runbooks; runs nothing
    Check(CheckArgs),
    /// Show what a runbook would do
    Plan(Box<PlanArgs>),
    /// Explain a diagnostic's code, or list all of them
    Explain(ExplainArgs),
    /// Print the JSON schema of runbooks, for editors
    #[command(
        after_help = "Example:\n  runbook schema > runbook.schema.json, and `#:schema runbook.schema.json` in a runbook's first line"
    )]
    Schema,
    /// Look at runs
    Runs(RunsArgs),
    /// Look at backups
    Backup(BackupArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  runbook completions bash > /etc/bash_completion.d/runbook")]
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder
    #[command(after_help = "Example:\n  runbook man /usr/local/share/man/man1")]
    Man(ManArgs),
}
