//! A plan's data, and the proof that it can be carried out.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{FailurePolicy, PlanUnit, Topology};
use crate::digest::Digest;
use crate::effect::UnitIx;
use crate::runbook::{Phase, Risk};

/// The version of the plan's format.
const FORMAT: u32 = 1;

/// A plan's data, as it is written to a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanParts {
    /// The version of this format.
    pub format: u32,
    /// The runbook's `name`.
    pub name: String,
    /// The runbook's `title`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `risk`; high asks before the first step.
    pub risk: Risk,
    /// What becomes of a failure where a step does not say.
    pub on_failure: FailurePolicy,
    /// How many effects may run at once, over all steps.
    pub parallel: u32,
    /// The names of the locks that the run takes, rendered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
    /// Where they hold on all hosts; none where they hold on the run's host only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_store: Option<PlannedStore>,
    /// Checks, steps and verifies, in the order of the file.
    pub units: Vec<PlanUnit>,
}

/// `[lock_store]` in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStore {
    /// The target's name.
    pub target: String,
    /// The database.
    pub database: String,
    /// How long a lock lasts, unless it is renewed.
    #[serde(rename = "lease_ms", with = "crate::record::millis")]
    pub lease: Duration,
}

/// A plan that can be carried out: ids are unique, what is pointed at exists, nothing waits for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PlanParts", into = "PlanParts")]
pub struct Plan {
    parts: PlanParts,
    by_id: HashMap<String, UnitIx>,
    topology: Topology,
    digest: Digest,
}

/// Why a plan's data is no plan. A runbook that passed its checks never leads to one; a plan file that was tampered with may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// Written by a newer program.
    #[error("the plan has format {found}, this program reads up to {FORMAT}")]
    Format {
        /// What it says.
        found: u32,
    },
    /// More units than a [`UnitIx`] can count.
    #[error("the plan has too many units")]
    TooLarge,
    /// Two units with the same id.
    #[error("two units are called `{id}`")]
    Duplicate {
        /// The id.
        id: String,
    },
    /// A unit points at what is not there, or at a unit of another phase than it may.
    #[error("`{id}` points at a unit that it cannot wait for")]
    Dangling {
        /// The unit that points.
        id: String,
    },
    /// Units that wait for each other.
    #[error("{} wait for each other", quoted(.ids))]
    Circle {
        /// Their ids, in the order of the file; some that wait for them are among them.
        ids: Vec<String>,
    },
}

fn quoted(ids: &[String]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

impl PlanParts {
    /// A plan's data without units, with `parallel` effects at most at once.
    pub fn new(name: impl Into<String>, parallel: u32) -> Self {
        Self {
            format: FORMAT,
            name: name.into(),
            title: None,
            risk: Risk::default(),
            on_failure: FailurePolicy::default(),
            parallel,
            locks: Vec::new(),
            lock_store: None,
            units: Vec::new(),
        }
    }
}

impl Plan {
    /// Proves that the data can be carried out.
    pub fn new(parts: PlanParts) -> Result<Self, PlanFault> {
        if parts.format > FORMAT {
            return Err(PlanFault::Format { found: parts.format });
        }
        let mut by_id = HashMap::with_capacity(parts.units.len());
        for (at, unit) in parts.units.iter().enumerate() {
            let ix = UnitIx(u32::try_from(at).map_err(|_| PlanFault::TooLarge)?);
            if by_id.insert(unit.id.clone(), ix).is_some() {
                return Err(PlanFault::Duplicate { id: unit.id.clone() });
            }
        }
        let topology = Topology::new(&parts.units)?;
        // A plan's data has string keys and no failing serializers, so that it always has a JSON form.
        let digest = Digest::of("plan1", &parts);
        Ok(Self { parts, by_id, topology, digest })
    }

    /// The data.
    pub fn parts(&self) -> &PlanParts {
        &self.parts
    }

    /// Checks, steps and verifies, in the order of the file.
    pub fn units(&self) -> &[PlanUnit] {
        &self.parts.units
    }

    /// A unit by its number; none where the number is another plan's.
    pub fn unit(&self, ix: UnitIx) -> Option<&PlanUnit> {
        self.parts.units.get(ix.get())
    }

    /// A unit's number by its id.
    pub fn find(&self, id: &str) -> Option<UnitIx> {
        self.by_id.get(id).copied()
    }

    /// The units of a phase, in the order of the file.
    pub fn phase(&self, phase: Phase) -> &[UnitIx] {
        self.topology.phase(phase)
    }

    /// How many effects may run at once; at least 1.
    pub fn parallel(&self) -> usize {
        self.parts.parallel.max(1) as usize
    }

    /// The digest over all of it: what was reviewed is what runs.
    pub fn digest(&self) -> Digest {
        self.digest.clone()
    }

    pub(crate) fn topology(&self) -> &Topology {
        &self.topology
    }
}

impl TryFrom<PlanParts> for Plan {
    type Error = PlanFault;

    fn try_from(parts: PlanParts) -> Result<Self, PlanFault> {
        Self::new(parts)
    }
}

impl From<Plan> for PlanParts {
    fn from(plan: Plan) -> Self {
        plan.parts
    }
}
