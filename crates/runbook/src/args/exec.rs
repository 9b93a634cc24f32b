//! `runbook exec`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::report::Target;

use super::VarArgs;

const EXAMPLES: &str = "\
Examples:
  runbook exec odc-rollback.toml --var-file site.toml
  runbook exec odc-rollback.toml --var-file site.toml --checks-only
  runbook exec upgrade.toml --var image=oceanbase/odc:4.3.4 --on-failure rollback
  RUNBOOK_VAR_METADB_PASSWORD=… runbook exec upgrade.toml --yes --output jsonl

Ctrl-C ends the current step in good order, a second one ends it at once.
Nothing that was done is forgotten: `runbook runs show --last`.

A value comes from the first of: --var, --var-file, the environment variable
RUNBOOK_VAR_NAME, a file (NAME.file, RUNBOOK_VAR_NAME_FILE), a command
(NAME.command), the runbook's default, a question on the terminal.";

/// Carry a runbook out.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct ExecArgs {
    /// The runbook
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) vars: VarArgs,

    /// Answer the question before the start with yes; no other question
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,

    /// Ask nobody anything; where a person is needed, exit with 7
    #[arg(long)]
    pub(crate) no_input: bool,

    /// Run the checks and nothing else
    #[arg(long)]
    pub(crate) checks_only: bool,

    /// Ask before each step
    #[arg(long, conflicts_with = "no_input")]
    pub(crate) step: bool,

    /// Begin with this step
    #[arg(long, value_name = "ID", visible_alias = "start-at")]
    pub(crate) from: Option<String>,

    /// End after this step
    #[arg(long, value_name = "ID")]
    pub(crate) until: Option<String>,

    /// Leave a step out
    #[arg(long, value_name = "ID")]
    pub(crate) skip: Vec<String>,

    /// Take the locks of this run of another host, which is silent: what it left was looked at
    #[arg(long, value_name = "RUN")]
    pub(crate) take_over: Vec<String>,

    /// What becomes of a failure, whatever the runbook says
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) on_failure: Option<OnFailureArg>,

    /// Refuse to start unless the plan is still this one, from `runbook plan --out`
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,

    /// Write a report of the run there when it has ended: Markdown (`.md`) or JSON (`.json`)
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<Target>,

    /// How to report
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) output: OutputMode,
}

/// What becomes of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnFailureArg {
    /// Stop there; nothing is undone
    Stop,
    /// Undo everything that was begun
    Rollback,
    /// Ask
    Ask,
}

impl OnFailureArg {
    /// As it is written on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Rollback => "rollback",
            Self::Ask => "ask",
        }
    }
}

/// How a run is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputMode {
    /// Live on a terminal, else plain lines
    #[default]
    Auto,
    /// Plain lines
    Plain,
    /// One JSON object a line, on standard output
    Jsonl,
    /// Only what went wrong
    Quiet,
}
