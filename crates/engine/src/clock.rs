//! The one place that reads clocks.

use jiff::Timestamp;

/// Wall-clock time, and the time since the host was booted. A trait, so that tests can let hours pass in no time.
pub trait Clock: Send + Sync {
    /// UTC.
    fn now(&self) -> Timestamp;
    /// Microseconds since boot, sleep included: unlike the wall clock, nobody sets it.
    fn up_us(&self) -> u64;
}

/// The host's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn up_us(&self) -> u64 {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
        seconds.saturating_mul(1_000_000).saturating_add(nanos / 1_000)
    }
}
