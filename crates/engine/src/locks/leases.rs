//! Taking the locks that hold on all hosts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use runbook_core::action::{Claim, Failure, FailureKind, FieldFault, Hold, Holder, Holding, LeaseStore, Leaving, Taken};
use runbook_core::inputs::Inputs;
use runbook_core::prepare;
use runbook_core::record::LeaseTaken;
use runbook_core::runbook::{CallIx, Runbook};
use runbook_core::scope::Scope;
use runbook_core::secret::{Masker, Secret};
use tokio::time::{Instant, timeout};

use super::LockError;
use crate::unfinished;

/// How long taking or leaving may last, login and waiting for others included.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a person says about the locks that hold on all hosts.
#[derive(Clone, Debug, Default)]
pub struct Leasing {
    /// Runs whose leases have ended, and may be taken: what they left was looked at.
    pub take_over: Vec<String>,
    /// The place cannot be asked any more, and nobody else works on this: go on without it.
    pub without: bool,
}

/// A runbook's place for locks.
pub(crate) struct Place {
    pub(super) store: Arc<dyn LeaseStore>,
    pub(super) name: String,
    pub(super) time: Duration,
    masker: Masker,
}

impl Place {
    /// The place that a runbook names; none where it names none.
    ///
    /// `scope` is what is known in the runbook itself, or in one that it calls.
    pub(crate) fn of(runbook: &Runbook, inputs: &Inputs, scope: &dyn Fn(Option<CallIx>) -> Scope) -> Result<Option<Self>, LockError> {
        let Some((call, written)) = runbook.lock_keeper(inputs) else { return Ok(None) };
        let (runbook, scope) = (runbook.at(call), &scope(call));
        let target = runbook.targets.get(written.target).map_or("", |target| target.name.as_str());
        let prepared = prepare::lease_store(runbook, scope)
            .map_err(|faults| LockError::NoPlace { place: format!("`{target}`"), failure: Box::new(unprepared(faults)) })?;
        Ok(prepared.map(|prepare::PreparedStore { store, secrets }| {
            let name = format!("`{target}` ({})", store.place());
            let masker = Masker::new(secrets.iter().map(|(name, secret): &(String, Secret)| (name.as_str(), secret.reveal())));
            Self { store: Arc::from(store), name, time: written.lease, masker }
        }))
    }

    /// One that is not a real one.
    #[cfg(test)]
    pub(super) fn scripted(store: Arc<dyn LeaseStore>, time: Duration) -> Self {
        Self { store, name: "`db` (there)".to_owned(), time, masker: Masker::default() }
    }

    /// A failure that may be shown.
    pub(super) fn shown(&self, mut failure: Failure) -> Failure {
        failure.message = self.masker.text(&failure.message);
        failure.help = failure.help.map(|help| self.masker.text(&help));
        for line in &mut failure.detail {
            *line = self.masker.text(line);
        }
        failure
    }

    fn unusable(&self, failure: Failure) -> LockError {
        LockError::NoPlace { place: self.name.clone(), failure: Box::new(self.shown(failure)) }
    }
}

fn unprepared(faults: Vec<FieldFault>) -> Failure {
    let text = |fault: FieldFault| if fault.path.is_empty() { fault.message } else { format!("`{}`: {}", fault.path, fault.message) };
    Failure::new(FailureKind::Invalid, faults.into_iter().map(text).collect::<Vec<_>>().join("; "))
}

/// What is to be taken, and for whom.
pub(crate) struct Wanted<'a> {
    pub(crate) names: &'a [String],
    pub(crate) holder: Holder,
    pub(crate) take_over: &'a [String],
}

/// Locks that were taken on all hosts.
pub(crate) struct Had {
    pub(crate) hold: Hold,
    /// A moment before the leases began.
    pub(crate) asked: Instant,
    /// What the journal says of them.
    pub(crate) taken: Vec<LeaseTaken>,
}

/// Takes all locks, or none. What a run of this machine has left is taken where its journal says that nothing is left to do in it; what others have left,
/// where a person says so.
pub(crate) async fn take(place: &Place, wanted: Wanted<'_>) -> Result<Had, LockError> {
    let Wanted { names, holder, take_over } = wanted;
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    let mut claim = Claim { holder, time: place.time, past: take_over.to_vec() };
    loop {
        let asked = Instant::now();
        let taken = match timeout(PATIENCE, place.store.take(&names, &claim)).await {
            Ok(taken) => taken,
            Err(_) => Err(too_slow()),
        };
        match taken {
            Ok(Taken::All { leases, before }) => {
                let from = |name: &str| before.iter().find(|(of, _)| of == name).map(|(_, holder)| holder.clone());
                let taken =
                    leases.iter().map(|lease| LeaseTaken { lease: lease.clone(), place: place.store.place(), from: from(&lease.name) });
                let taken = taken.collect();
                return Ok(Had { hold: Hold { run: claim.holder.run, leases, time: place.time }, asked, taken });
            }
            Ok(Taken::Held { by, .. })
                if by.over && !claim.past.contains(&by.holder.run) && is_finished_here(&by.holder, &claim.holder) =>
            {
                claim.past.push(by.holder.run);
            }
            Ok(Taken::Held { name, by }) => return Err(refusal(name, place.name.clone(), by)),
            Err(failure) => return Err(place.unusable(failure)),
        }
    }
}

/// Gives free what a run has; nothing where others have it.
pub(crate) async fn give_free(place: &Place, names: &[String], holder: Holder) -> Result<(), LockError> {
    let had = take(place, Wanted { names, holder, take_over: &[] }).await?;
    leave(place, &had.hold, Leaving::Free).await
}

pub(super) async fn leave(place: &Place, hold: &Hold, how: Leaving) -> Result<(), LockError> {
    let left = timeout(PATIENCE, place.store.leave(hold, how)).await.unwrap_or_else(|_| Err(too_slow()));
    left.map_err(|failure| place.unusable(failure))
}

fn refusal(name: String, place: String, by: Box<Holding>) -> LockError {
    if by.over { LockError::Lapsed { name, place, by } } else { LockError::Leased { name, place, by } }
}

pub(super) fn too_slow() -> Failure {
    Failure::new(FailureKind::TimedOut, "no answer in time")
}

/// Whether the run of an ended lease is one of this machine, and nothing is left to do in it.
fn is_finished_here(owner: &Holder, us: &Holder) -> bool {
    // One that left no trace never began or was removed; but only this machine's folders say anything about that.
    let same_boot = !us.boot_id.is_empty() && owner.boot_id == us.boot_id;
    unfinished::is_over(&PathBuf::from(&owner.state_dir), &owner.run).unwrap_or(same_boot)
}
