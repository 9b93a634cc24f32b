//! What the operator asks of a plan.

use crate::effect::UnitIx;

/// What the operator asks of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// `--from ID`: the steps before it in the file are left out.
    pub from: Option<String>,
    /// `--until ID`: the steps after it in the file, and all verifies, are left out.
    pub until: Option<String>,
    /// `--skip ID`…: these steps or verifies are left out.
    pub skip: Vec<String>,
    /// How many effects may run at once; 0 counts as 1.
    pub parallel: u32,
}

impl Default for PlanOptions {
    /// Everything, 16 effects at once.
    fn default() -> Self {
        Self { from: None, until: None, skip: Vec::new(), parallel: 16 }
    }
}

/// For each unit, the option that leaves it out.
pub(super) type LeftOut = Vec<Option<String>>;

/// Whether a unit is left out.
pub(super) fn is_left_out(left_out: &LeftOut, unit: UnitIx) -> bool {
    left_out.get(unit.get()).is_some_and(Option::is_some)
}
