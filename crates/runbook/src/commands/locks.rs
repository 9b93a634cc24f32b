//! What is said where a lock cannot be had.

use std::path::Path;

use runbook_core::action::{FailureKind, Holding};
use runbook_engine::locks::LockError;

use crate::card;
use crate::exit::Exit;

/// How it is told to the shell. Where nobody can be asked who has the lock, something is missing, and nothing was changed.
pub(crate) const fn exit(error: &LockError) -> Exit {
    match error {
        LockError::NoPlace { .. } => Exit::ChecksFailed,
        LockError::Held { .. }
        | LockError::Unfinished { .. }
        | LockError::Leased { .. }
        | LockError::Lapsed { .. }
        | LockError::Disk(_) => Exit::Unusable,
    }
}

/// What to do about it.
pub(crate) fn help(error: &LockError) -> Vec<String> {
    match error {
        LockError::Held { owner: Some(owner), .. } => under_way(&owner.run, &owner.state_dir, None),
        LockError::Unfinished { owner, .. } => unfinished(&owner.run, &owner.state_dir, None),
        LockError::Leased { by, .. } => {
            let mut help = under_way(&by.holder.run, Path::new(&by.holder.state_dir), Some(&by.holder.host));
            help.push("where its process is gone, wait until its lease has ended, and go on with it there".to_owned());
            help
        }
        LockError::Lapsed { by, .. } => lapsed(by),
        LockError::NoPlace { failure, .. } => {
            let mut help: Vec<String> = failure.help.iter().cloned().collect();
            if matches!(failure.kind, FailureKind::Unreachable | FailureKind::Disconnected | FailureKind::TimedOut) {
                help.push(
                    "a run that was begun can be gone on with, or undone, without that server where nobody else works on this: `--no-lock-store`"
                        .to_owned(),
                );
            }
            help
        }
        LockError::Held { owner: None, .. } | LockError::Disk(_) => Vec::new(),
    }
}

fn lapsed(by: &Holding) -> Vec<String> {
    let holder = &by.holder;
    let mut help = unfinished(&holder.run, Path::new(&holder.state_dir), Some(&holder.host));
    help.push(format!(
        "where it has ended there, or `{}` is gone and what the run left was looked at, take its locks: add `--take-over {}`",
        holder.host, holder.run
    ));
    help
}

fn under_way(run: &str, state_dir: &Path, host: Option<&str>) -> Vec<String> {
    let on = on(host);
    vec![
        format!("it is under way; look at it{on}: `{}`", command("runs show", run, state_dir)),
        format!("should it have to end, it can be gone on with{on}: `{}`", command("resume", run, state_dir)),
    ]
}

fn unfinished(run: &str, state_dir: &Path, host: Option<&str>) -> Vec<String> {
    let on = on(host);
    vec![
        format!("look at it{on}: `{}`", command("runs show", run, state_dir)),
        format!("go on with it{on}: `{}`", command("resume", run, state_dir)),
        format!("or undo it{on}: `{}`", command("rollback", run, state_dir)),
        format!("or give it up{on}, where it was put right by hand: `{} --reason '…'`", command("abandon", run, state_dir)),
    ]
}

fn on(host: Option<&str>) -> String {
    host.map_or_else(String::new, |host| format!(" on `{host}`"))
}

/// The other run may be kept elsewhere, and its reader may have another default.
fn command(what: &str, run: &str, state_dir: &Path) -> String {
    card::command(&format!("{what} {run}"), Some(state_dir))
}
