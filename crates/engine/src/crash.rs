//! Named places at which a test can end the process as `kill -9` would.
//!
//! They exist only under the feature `crash-points`; in any other build a point is nothing. A point before and after every sync and every effect, so
//! that a resume can be tried from each of them.

/// Ends the process at once where `RUNBOOK_CRASH_AT` is this name, or `NAME:n` for the n-th time (from 1) that it is reached.
#[cfg(feature = "crash-points")]
pub(crate) fn point(name: &str) {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    // Counting needs a place that outlives the call; this is a test build.
    static REACHED: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());

    let Ok(wanted) = std::env::var("RUNBOOK_CRASH_AT") else { return };
    let (wanted, nth) = match wanted.rsplit_once(':') {
        Some((wanted, nth)) => (wanted.to_owned(), nth.parse().unwrap_or(1)),
        None => (wanted, 1),
    };
    if wanted != name {
        return;
    }
    let Ok(mut reached) = REACHED.lock() else { return };
    let count = reached.entry(wanted).or_insert(0);
    *count += 1;
    if *count == nth {
        std::process::abort();
    }
}

/// Nothing in this build.
#[cfg(not(feature = "crash-points"))]
#[inline]
pub(crate) const fn point(_name: &str) {}
