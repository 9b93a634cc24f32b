//! Named places at which a test can end the process as `kill -9` would.
//!
//! They exist only under the feature `crash-points`; in any other build a point is nothing. A point before and after every sync and every effect, so
//! that a resume can be tried from each of them.

/// Ends the process at once where `RUNBOOK_CRASH_AT` is this name, or `NAME:n` for the n-th time (from 1) that it is reached. `RUNBOOK_CRASH_LOG` names a file
/// that every point is noted in.
#[cfg(feature = "crash-points")]
pub(crate) fn point(name: &str) {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    // Counting needs a place that outlives the call; this is a test build.
    static REACHED: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());

    let log = std::env::var_os("RUNBOOK_CRASH_LOG");
    let wanted = std::env::var("RUNBOOK_CRASH_AT").ok();
    if log.is_none() && wanted.is_none() {
        return;
    }
    let Ok(mut reached) = REACHED.lock() else { return };
    let count = reached.entry(name.to_owned()).or_insert(0);
    *count += 1;
    if let Some(log) = log {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        // A test that misses a point says so.
        let _ = file.and_then(|mut file| std::io::Write::write_all(&mut file, format!("{name}:{count}\n").as_bytes()));
    }
    let Some(wanted) = wanted else { return };
    let (wanted, nth) = match wanted.rsplit_once(':') {
        Some((wanted, nth)) => (wanted.to_owned(), nth.parse().unwrap_or(1)),
        None => (wanted, 1),
    };
    if wanted == name && *count == nth {
        std::process::abort();
    }
}

/// Nothing in this build.
#[cfg(not(feature = "crash-points"))]
#[inline]
pub(crate) const fn point(_name: &str) {}
