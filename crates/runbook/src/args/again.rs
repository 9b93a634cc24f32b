//! The commands that go on with a run, undo it or give it up.

use clap::Args;
use runbook_engine::locks::Leasing;

use super::{OnFailureArg, OutputMode, RunRef, VarArgs};
use crate::answers::Answer;
use crate::report::Target;

const RESUME_EXAMPLES: &str = "\
Examples:
  runbook resume --last
  runbook resume 20261121-0300 --yes --no-input
  runbook resume --last --answer init-oms=done      it was found to be done
  runbook resume --last --accept-changes            the runbook was mended meanwhile

What was under way when the run broke off is looked for first: what is done stays done,
what is not is done, and where nobody can say, a person is asked.
The run goes on with its own copy of the runbook and the values it began with. Secrets
are fetched again from where they came from, or asked for.";

const ROLLBACK_EXAMPLES: &str = "\
Examples:
  runbook rollback --last --dry-run      what would be undone, and nothing else
  runbook rollback --last

Everything that was begun and may have changed something is undone, the latest first,
up to a change that cannot be undone.";

/// How to go on.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct AgainArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,

    #[command(flatten)]
    pub(crate) vars: VarArgs,

    /// Answer the question before the start with yes; no other question
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,

    /// Ask nobody anything; where a person is needed, exit with 6 or 7
    #[arg(long)]
    pub(crate) no_input: bool,

    /// Answer a question about a step: done or not-done where it is in doubt, yes or no, retry, skip, rollback or stop
    #[arg(long = "answer", value_name = "STEP=ANSWER")]
    pub(crate) answers: Vec<Answer>,

    /// Write a report of the whole run there when the session has ended: Markdown (`.md`) or JSON (`.json`)
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<Target>,

    /// How to report
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) output: OutputMode,

    /// Take another value of this secret than the run had before
    #[arg(long = "accept-secret", value_name = "NAME")]
    pub(crate) accept_secrets: Vec<String>,

    /// Take the locks of this run of another host, which is silent: what it left was looked at
    #[arg(long, value_name = "RUN")]
    pub(crate) take_over: Vec<String>,

    /// Go on though the server with the locks cannot be asked: nobody else works on this
    #[arg(long, conflicts_with = "take_over")]
    pub(crate) no_lock_store: bool,

    /// Go on with the runbook's file as it is now, where what was done is the same in it
    #[arg(long, conflicts_with = "as_begun")]
    pub(crate) accept_changes: bool,

    /// Go on with the run's own copy of the runbook, though the file was changed since
    #[arg(long)]
    pub(crate) as_begun: bool,
}

impl AgainArgs {
    /// What the operator says about locks that hold on all hosts.
    pub(crate) fn leasing(&self) -> Leasing {
        Leasing { take_over: self.take_over.clone(), without: self.no_lock_store }
    }
}

/// Go on with a run that failed, was stopped or broke off
#[derive(Args)]
#[command(after_help = RESUME_EXAMPLES)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) again: AgainArgs,

    /// Ask before each step
    #[arg(long, conflicts_with = "no_input")]
    pub(crate) step: bool,

    /// What becomes of a failure, whatever the runbook says; what was said to `exec` counts for its own session only
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) on_failure: Option<OnFailureArg>,
}

/// Undo everything that a run has begun
#[derive(Args)]
#[command(after_help = ROLLBACK_EXAMPLES)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) again: AgainArgs,

    /// Show what would be undone, how long it took to do and how old the backups are; change nothing
    #[arg(long, conflicts_with = "report")]
    pub(crate) dry_run: bool,
}

/// Give a run up, on the record: nothing is done, undone or looked for
#[derive(Args)]
#[command(after_help = "Example:\n  runbook abandon 20261121-0300 --reason \"put right by hand, see INC-4711\"")]
pub(crate) struct AbandonArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,

    /// Why, for those who look at the run later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}
