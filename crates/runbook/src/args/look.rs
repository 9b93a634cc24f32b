//! The commands that only look.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::VarArgs;

const CHECK_EXAMPLES: &str = "\
Examples:
  runbook check odc-rollback.toml
  runbook check runbooks/ --deny-warnings
  runbook check runbooks/ --format sarif > runbook.sarif

In a folder, every TOML file counts that has a top-level `format` key or a [[step]].";

const PLAN_EXAMPLES: &str = "\
Examples:
  runbook plan odc-rollback.toml --var-file site.toml
  runbook plan odc-rollback.toml --var-file site.toml --format markdown    for a pull request
  runbook plan upgrade.toml --out upgrade.plan && runbook exec upgrade.toml --plan upgrade.plan";

/// `runbook check`.
#[derive(Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArgs {
    /// Runbooks, or folders that are searched for them
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// The form of the result
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub(crate) format: CheckFormat,

    /// Let warnings count as errors
    #[arg(long)]
    pub(crate) deny_warnings: bool,
}

/// The form of the result of `check`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people
    #[default]
    Human,
    /// One JSON object
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// `runbook plan`.
#[derive(Args)]
#[command(after_help = PLAN_EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag of the command line")]
pub(crate) struct PlanArgs {
    /// The runbook
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) vars: VarArgs,

    /// Ask the world as well: run the checks (they change nothing)
    #[arg(long)]
    pub(crate) probe: bool,

    /// Write the plan to this file, for `runbook exec --plan`
    #[arg(long, value_name = "PLAN")]
    pub(crate) out: Option<PathBuf>,

    /// The form of the result
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub(crate) format: PlanFormat,

    /// Say of each value in a script, an SQL text or a URL where it stands and how it is written there
    #[arg(long)]
    pub(crate) show_escapes: bool,

    /// Exit with 4 where the plan would change something
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,

    /// Ask nobody for missing variables
    #[arg(long)]
    pub(crate) no_input: bool,
}

/// The form of the result of `plan`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// For people
    #[default]
    Human,
    /// For a pull request
    Markdown,
    /// One JSON object
    Json,
}

/// `runbook explain`.
#[derive(Args)]
#[command(after_help = "Examples:\n  runbook explain RB101\n  runbook explain            every code with its title")]
pub(crate) struct ExplainArgs {
    /// The code, such as RB101
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// `runbook completions`.
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

/// `runbook man`.
#[derive(Args)]
pub(crate) struct ManArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// `runbook backup`.
#[derive(Args)]
pub(crate) struct BackupArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: BackupCommand,
}

/// The commands about backups.
#[derive(Subcommand)]
pub(crate) enum BackupCommand {
    /// List the backups below folders; without a folder those that runs made or looked at
    #[command(after_help = "Examples:\n  runbook backup list /backup\n  runbook backup list --json")]
    List {
        /// Folders, searched four levels deep
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,

        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show what a backup holds: its manifest, for people
    #[command(after_help = "Example:\n  runbook backup show /backup/odc/2026-11-21")]
    Show {
        /// The manifest, or the folder that it stands in
        #[arg(value_name = "MANIFEST")]
        manifest: PathBuf,

        /// The manifest as it is
        #[arg(long)]
        json: bool,
    },
    /// Remove old backups; never the last good one of a database, nor one that a run names which is not finished
    Prune(BackupPrune),
    /// Check that a backup is whole: every file of its manifest is there with its size and checksum
    #[command(
        after_help = "Examples:\n  runbook backup verify /backup/odc/2026-11-21/manifest.json\n  runbook backup verify /backup/odc/*"
    )]
    Verify {
        /// Manifests, or the folders that they stand in; all are looked at
        #[arg(value_name = "MANIFEST", required = true)]
        manifests: Vec<PathBuf>,

        /// One JSON object a line for each: whether it is good, and what is wrong
        #[arg(long)]
        json: bool,
    },
}

/// Which backups are removed.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(true).args(["keep", "older_than", "incomplete"])))]
#[command(
    after_help = "Examples:\n  runbook backup prune /backup --older-than 90d --dry-run\n  runbook backup prune /backup/odc --keep 5 --older-than 30d"
)]
pub(crate) struct BackupPrune {
    /// Folders, searched four levels deep
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// Keep the latest N of each database
    #[arg(long, value_name = "N")]
    pub(crate) keep: Option<usize>,

    /// Only those that were taken longer ago than this, such as 90d
    #[arg(long, value_name = "TIME", value_parser = super::runs::time)]
    pub(crate) older_than: Option<Duration>,

    /// What dumps that died have left, too, where nobody has written to it for a day
    #[arg(long)]
    pub(crate) incomplete: bool,

    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
