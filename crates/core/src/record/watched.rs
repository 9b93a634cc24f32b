//! What a monitor's probes found.

use serde::{Deserialize, Serialize};

use super::millis;
use crate::action::Failure;
use crate::effect::EffectId;

/// What a monitor's probes have found since it began. Needs no sync, unless it says that the monitor tripped.
///
/// Not every probe has one: the first has, the first ones that changed the verdict, those whose number is a power of two, and the last. So what a monitor
/// adds to a journal is bounded by the logarithm of the time that it watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// Which monitor; the attempt counts how often it began.
    pub effect: EffectId,
    /// Whether the last probe found what is expected.
    pub holds: bool,
    /// Whether this probe was the one after which the monitor trips.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tripped: bool,
    /// All probes so far.
    pub tally: Tally,
    /// Why the last probe failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A monitor's probes in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many there were.
    pub probes: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many failed since one last held.
    pub in_a_row: u64,
    /// How often the verdict became another.
    pub changes: u64,
    /// How often so many failed in a row that the monitor tripped.
    pub trips: u64,
    /// How long the longest probe took.
    #[serde(rename = "longest_ms", with = "millis")]
    pub longest: std::time::Duration,
}

impl Tally {
    /// The same, with those of another watch.
    #[must_use]
    pub fn with(self, later: Self) -> Self {
        Self {
            probes: self.probes + later.probes,
            failed: self.failed + later.failed,
            in_a_row: later.in_a_row,
            changes: self.changes + later.changes,
            trips: self.trips + later.trips,
            longest: self.longest.max(later.longest),
        }
    }
}
