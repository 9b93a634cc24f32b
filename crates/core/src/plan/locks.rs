//! The locks of a runbook and of those that it calls, and the one place where they are kept.

use serde_json::Value;

use super::PlannedStore;
use super::build::Builder;
use crate::diagnostic::{Code, Diagnostic};
use crate::inputs::Inputs;
use crate::prepare;
use crate::runbook::{CallIx, LockStore, Placed, Runbook};
use crate::template::{RenderFaultKind, Template};
use crate::values::called::is_idle;

/// Where the locks are kept, as it can be compared: the target's settings, the database, how long a lock lasts.
type Place = (Value, String, std::time::Duration);

impl Builder<'_> {
    /// The names of all locks, each once. What is known not to be carried out locks nothing.
    pub(super) fn locks(&mut self, inputs: &Inputs) -> Vec<String> {
        let runbook = self.runbook;
        let mut names = Vec::new();
        for (call, frame) in runbook.frames().filter(|(call, _)| !is_idle(runbook, *call, inputs)) {
            for name in frame.locks.iter().filter_map(|lock| self.lock(lock, call)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The place for locks: the runbook's own, else that of one that it calls. Two that are not the same are reported.
    pub(super) fn lock_store(&mut self, inputs: &Inputs) -> Option<PlannedStore> {
        let runbook = self.runbook;
        let (call, store) = runbook.lock_keeper(inputs)?;
        let first = self.place(call, store);
        for (other, frame) in runbook.frames().filter(|(other, _)| *other != call && !is_idle(runbook, *other, inputs)) {
            let Some(written) = frame.lock_store.as_ref().filter(|written| self.place(other, written) != first) else { continue };
            self.faults.push(
                Diagnostic::error(Code::CallLocks, "the locks of this run would be kept in two places")
                    .at(&frame.source, written.span, "the second place")
                    .at(&runbook.at(call).source, store.span, "the first place")
                    .help("give both the same server, database and `lease`; or leave `[lock_store]` out in the called runbook"),
            );
        }
        let target = runbook.at(call).targets.get(store.target)?.name.clone();
        Some(PlannedStore { target, database: store.database.clone(), lease: store.lease })
    }

    fn place(&self, call: Option<CallIx>, store: &LockStore) -> Place {
        let settings =
            self.runbook.at(call).targets.get(store.target).map(|target| prepare::values(&target.settings, &[], self.scope(call)).0);
        (settings.unwrap_or_default(), store.database.clone(), store.lease)
    }

    fn lock(&mut self, lock: &Placed<Template>, call: Option<CallIx>) -> Option<String> {
        match lock.render(self.scope(call)) {
            Ok(rendered) => Some(rendered.public_text()),
            Err(fault) => {
                let help = match fault.kind {
                    RenderFaultKind::Missing => Some("locks are taken before anything runs: only variables are known then".to_owned()),
                    RenderFaultKind::Unfit => fault.help,
                };
                let mut diagnostic = Diagnostic::error(Code::ActionInvalid, fault.message).at(&self.runbook.at(call).source, lock.span, "");
                diagnostic.help.extend(help);
                self.faults.push(diagnostic);
                None
            }
        }
    }
}

impl Runbook {
    /// The place where the locks of a run are kept, and the called runbook that says so: the outermost that has one and is carried out.
    pub fn lock_keeper(&self, inputs: &Inputs) -> Option<(Option<CallIx>, &LockStore)> {
        self.frames().filter(|(call, _)| !is_idle(self, *call, inputs)).find_map(|(call, frame)| Some((call, frame.lock_store.as_ref()?)))
    }
}
