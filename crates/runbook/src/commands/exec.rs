//! `runbook exec`.

use std::collections::BTreeSet;
use std::path::Path;

use runbook_core::plan::{FailurePolicy, PlanOptions};
use runbook_core::record::SessionFlags;
use runbook_engine::locks::Leasing;

use super::procedure::{Procedure, Wish, invalid, prepare};
use super::session::{Manner, carry_out};
use crate::args::{ExecArgs, OnFailureArg, OutputMode, VarArgs};
use crate::ask::somebody_there;
use crate::card;
use crate::exit::Exit;
use crate::panics::Folder;
use crate::planfile::hold_against;
use crate::runs;
use crate::streams::Streams;
use crate::text::{count, visible};

/// Carries a runbook out.
pub(crate) fn run(args: &ExecArgs, state_dir: Option<&Path>, streams: &mut Streams, folder: &Folder) -> Exit {
    let options = PlanOptions { from: args.from.clone(), until: args.until.clone(), skip: args.skip.clone(), ..PlanOptions::default() };
    let wish = Wish { file: &args.file, vars: &args.vars, options, ask: somebody_there(args.no_input), without_files: false };
    let done = prepare(&wish, streams).and_then(|procedure| {
        if let Some(path) = &args.plan {
            hold_against(path, &procedure).map_err(|faults| invalid(&faults, streams))?;
        }
        super::scripts::read(&procedure.runbook, &procedure.plan, streams)?;
        left_out(&procedure, streams);
        let state = runs::state_dir(state_dir, streams)?;
        let _ = folder.set(state.root().to_owned());
        let flags = SessionFlags { yes: args.yes, checks_only: args.checks_only, step: args.step, on_failure: args.on_failure.map(policy) };
        let manner = Manner {
            flags,
            output: args.output,
            no_input: args.no_input,
            again: again(&args.file, &args.vars, &wishes(args)),
            answers: &[],
            accept_secrets: BTreeSet::new(),
            leasing: Leasing { take_over: args.take_over.clone(), without: false },
            on: None,
            reports: &args.report,
        };
        carry_out(manner, &procedure, &state, streams)
    });
    done.unwrap_or_else(|exit| exit)
}

/// The words behind `runbook exec` that start the same once more.
fn again(file: &Path, vars: &VarArgs, wishes: &[(&str, &str)]) -> String {
    let file = card::quoted(&file.to_string_lossy());
    let files = vars.var_files.iter().map(|path| format!("--var-file {}", card::quoted(&path.to_string_lossy())));
    // A secret is refused there, so that none can stand in it.
    let values = vars.vars.iter().map(|value| format!("--var {}", card::quoted(value)));
    let wishes = wishes.iter().map(|(option, wish)| format!("{option} {}", card::quoted(wish)));
    std::iter::once(file).chain(files).chain(values).chain(wishes).collect::<Vec<_>>().join(" ")
}

/// Which steps the operator wishes, and what is to become of a failure.
fn wishes(args: &ExecArgs) -> Vec<(&str, &str)> {
    let from = args.from.iter().map(|id| ("--from", id.as_str()));
    let until = args.until.iter().map(|id| ("--until", id.as_str()));
    let skip = args.skip.iter().map(|id| ("--skip", id.as_str()));
    from.chain(until).chain(skip).chain(args.on_failure.map(|wish| ("--on-failure", wish.word()))).collect()
}

/// Runs the checks and nothing else, told in plain lines on standard error.
pub(crate) fn checks(
    procedure: &Procedure,
    vars: &VarArgs,
    no_input: bool,
    state_dir: Option<&Path>,
    streams: &mut Streams,
    folder: &Folder,
) -> Result<Exit, Exit> {
    super::scripts::read(&procedure.runbook, &procedure.plan, streams)?;
    let state = runs::state_dir(state_dir, streams)?;
    let _ = folder.set(state.root().to_owned());
    let flags = SessionFlags { checks_only: true, ..SessionFlags::default() };
    let again = again(Path::new(procedure.runbook.source.name()), vars, &[]);
    let manner = Manner {
        flags,
        output: OutputMode::Quiet,
        no_input,
        again,
        answers: &[],
        accept_secrets: BTreeSet::new(),
        leasing: Leasing::default(),
        on: None,
        reports: &[],
    };
    carry_out(manner, procedure, &state, streams)
}

/// Says what `--from`, `--until` and `--skip` mean: what is left out is neither done nor undone, and the rest relies on it all the same.
fn left_out(procedure: &Procedure, streams: &mut Streams) {
    let mut options: Vec<(&str, Vec<&str>)> = Vec::new();
    for unit in procedure.plan.units() {
        let Some(option) = unit.left_out.as_deref() else { continue };
        match options.iter_mut().find(|(known, _)| *known == option) {
            Some((_, ids)) => ids.push(&unit.id),
            None => options.push((option, vec![&unit.id])),
        }
    }
    for (option, ids) in options {
        let text =
            format!("warning: `{option}` leaves out {}, neither done nor undone by this run: {}", count(ids.len(), "step"), ids.join(", "));
        streams.err.line(visible(&text));
    }
}

/// What an operator wishes of a failure.
pub(super) const fn policy(wish: OnFailureArg) -> FailurePolicy {
    match wish {
        OnFailureArg::Stop => FailurePolicy::Stop,
        OnFailureArg::Rollback => FailurePolicy::Rollback,
        OnFailureArg::Ask => FailurePolicy::Ask,
    }
}
