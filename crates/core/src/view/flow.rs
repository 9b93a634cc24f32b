//! Where things are in flow: the sets that `decide` looks at instead of at the whole plan.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{EffectKey, EffectState, Frontier};

/// Effects by what they wait for. An effect is in at most one of the first six sets; its state says in which.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flow {
    /// What may begin, by phase.
    pub(crate) frontier: Frontier,
    /// Own actions (not undo) that the program could go on with: `Ready`, `Admitted`, `RetryDue`, `Pausing`.
    pub(crate) agenda: BTreeSet<EffectKey>,
    /// `Running`, `Recovering`.
    pub(crate) running: BTreeSet<EffectKey>,
    /// `Doubt`.
    pub(crate) doubts: BTreeSet<EffectKey>,
    /// `Unsure`.
    pub(crate) unsure: BTreeSet<EffectKey>,
    /// `Held`, `Interrupted`: nothing more becomes of them in this session.
    pub(crate) held: BTreeSet<EffectKey>,
    /// Monitors that are `Running`; they are in no other set but `failed`.
    #[serde(default)]
    pub(crate) watching: BTreeSet<EffectKey>,
    /// Own actions that are `Failed` and stand in the way: nobody said that it goes on without them.
    pub(crate) failed: BTreeSet<EffectKey>,
    /// How many failures were let pass.
    pub(crate) passed: u32,
    /// Steps and items in the order in which they began.
    pub(crate) begun: Vec<EffectKey>,
    /// The number of the last record after which the world may be another.
    pub(crate) changed: u64,
}

impl Flow {
    /// Whether nothing is ready, under way, in doubt, held or failed.
    pub(crate) fn is_quiet(&self) -> bool {
        [&self.agenda, &self.running, &self.doubts, &self.unsure, &self.held, &self.failed].iter().all(|set| set.is_empty())
    }

    /// Puts an effect where its state belongs; failures are filed by who knows their policy.
    pub(super) fn file(&mut self, key: EffectKey, state: EffectState) {
        for set in [&mut self.agenda, &mut self.running, &mut self.doubts, &mut self.unsure, &mut self.held, &mut self.failed] {
            set.remove(&key);
        }
        let set = match state {
            EffectState::Ready | EffectState::Admitted | EffectState::RetryDue | EffectState::Pausing { .. } => &mut self.agenda,
            EffectState::Running | EffectState::Recovering { .. } => &mut self.running,
            EffectState::Doubt { .. } => &mut self.doubts,
            EffectState::Unsure { .. } => &mut self.unsure,
            EffectState::Held | EffectState::Interrupted => &mut self.held,
            EffectState::Waiting | EffectState::Spread | EffectState::Done | EffectState::Failed | EffectState::Skipped => return,
        };
        if key.undo.is_none()
            || !matches!(state, EffectState::Ready | EffectState::Admitted | EffectState::RetryDue | EffectState::Pausing { .. })
        {
            set.insert(key);
        }
    }
}
