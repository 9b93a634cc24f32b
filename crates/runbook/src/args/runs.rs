//! `runbook runs`.

use std::time::Duration;

use clap::{Args, Subcommand};
use runbook_core::value;

use crate::report::Layout;

/// Look at runs.
#[derive(Args)]
pub(crate) struct RunsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: RunsCommand,
}

/// A run: by its id, or the last one.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RunRef {
    /// The run's id, or its beginning
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// The run that was started last
    #[arg(long)]
    pub(crate) last: bool,
}

/// The commands about runs.
#[derive(Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, the latest first
    #[command(after_help = "Example:\n  runbook runs list --limit 5")]
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,

        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show a run, step by step
    #[command(after_help = "Examples:\n  runbook runs show --last\n  runbook runs show 20261121-0300")]
    Show {
        #[command(flatten)]
        run: RunRef,

        /// The run's records, one JSON object a line
        #[arg(long)]
        json: bool,

        /// Go on showing what happens until the session has ended
        #[arg(long, short)]
        follow: bool,
    },
    /// Tell what a run did, for a ticket or a program
    #[command(after_help = "Examples:\n  runbook runs report --last > ticket.md\n  runbook runs report 20261121-0300 --format json")]
    Report {
        #[command(flatten)]
        run: RunRef,

        /// How it is laid out
        #[arg(long, value_enum, default_value_t)]
        format: Layout,
    },
    /// Print what the steps of a run wrote
    #[command(after_help = "Examples:\n  runbook runs log --last\n  runbook runs log --last --step stop-old")]
    Log {
        #[command(flatten)]
        run: RunRef,

        /// Only of this step
        #[arg(value_name = "STEP", long)]
        step: Option<String>,
    },
    /// Remove runs that are finished; never one that can still be resumed. Backups stay where they are
    #[command(group(clap::ArgGroup::new("which").required(true).multiple(true).args(["keep", "older_than"])))]
    #[command(after_help = "Examples:\n  runbook runs prune --older-than 90d --dry-run\n  runbook runs prune --keep 100")]
    Prune {
        /// Keep the latest N finished runs
        #[arg(long, value_name = "N")]
        keep: Option<usize>,

        /// Only those that were started longer ago than this, such as 90d
        #[arg(long, value_name = "TIME", value_parser = time)]
        older_than: Option<Duration>,

        /// Say what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// A time as runbooks write it.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    value::Duration::parse(text).map(Into::into).map_err(|_| "it is no time, such as 90d or 12h".to_owned())
}
