//! When and how a monitor watches.

use std::time::Duration;

use super::draft::NameRef;
use super::keys::{Keys, literal};
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::runbook::{OnFailure, OnTrip, Watch};

/// How long one probe may take where nothing is written.
pub(super) const PROBE_TIME: Duration = Duration::from_secs(10);

/// From the beginning of one probe to the beginning of the next where nothing is written.
const EVERY: Duration = Duration::from_secs(10);

/// Nothing is probed more often.
const LEAST: Duration = Duration::from_millis(100);

/// After so many failures in a row it trips where nothing is written.
const FAILURES: u32 = 3;

/// A monitor's own keys.
pub(super) struct Watching {
    /// The steps of its window are not resolved yet.
    pub(super) typed: Watch,
    pub(super) from: Option<NameRef>,
    pub(super) until: Option<NameRef>,
    /// What becomes of the run when it trips.
    pub(super) then: OnFailure,
}

impl Reader<'_> {
    pub(super) fn watch(&mut self, keys: &mut Keys) -> Watching {
        let every = keys.take("every").and_then(|field| {
            let every: crate::value::Duration = serde_json::from_value(literal(&field)?).ok()?;
            if every.get() < LEAST {
                self.faults.push(
                    Diagnostic::error(Code::NoTime, "a monitor that probes without a pause")
                        .at(self.source, field.span, "less than 100 ms")
                        .help("the machine has other work to do: write `every = \"1s\"`, or more"),
                );
            }
            Some(every.get())
        });
        let failures: Option<std::num::NonZeroU32> = keys.value("failures");
        Watching {
            typed: Watch {
                from: None,
                until: None,
                every: every.unwrap_or(EVERY),
                failures: failures.map_or(FAILURES, std::num::NonZeroU32::get),
            },
            from: keys.name("from"),
            until: keys.name("until"),
            // Where it is faulty the file is not carried out.
            then: keys.value::<OnTrip>("then").map_or(OnFailure::Stop, OnFailure::from),
        }
    }
}
