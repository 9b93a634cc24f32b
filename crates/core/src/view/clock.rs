//! Time as records tell it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a run has lasted at some moment; never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunTime(u64);

impl RunTime {
    /// From the run's first record.
    pub const fn since_start(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// From `earlier` to here; zero where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// The time of the last record. Within one boot it is the boot clock that counts; across boots only the wall clock is left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    now: RunTime,
    at: Option<Timestamp>,
    up_us: u64,
    boot: String,
}

impl Clock {
    /// How long the run has lasted at its last record.
    pub const fn now(&self) -> RunTime {
        self.now
    }

    /// The wall-clock time of the last record.
    pub const fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// How long the run has lasted at a record; `boot` where the record opens a session.
    pub(crate) fn at_record(&self, at: Timestamp, up_us: u64, boot: Option<&str>) -> RunTime {
        let same_boot = boot.is_none_or(|boot| boot == self.boot);
        let passed = match self.at {
            None => 0,
            Some(_) if same_boot => up_us.saturating_sub(self.up_us),
            Some(before) => u64::try_from(at.duration_since(before).as_micros()).unwrap_or(0),
        };
        RunTime(self.now.0.saturating_add(passed))
    }

    /// Goes on to a record's time.
    pub(crate) fn set(&mut self, now: RunTime, at: Timestamp, up_us: u64, boot: Option<&str>) {
        self.now = now;
        self.at = Some(at);
        self.up_us = up_us;
        if let Some(boot) = boot {
            boot.clone_into(&mut self.boot);
        }
    }
}
