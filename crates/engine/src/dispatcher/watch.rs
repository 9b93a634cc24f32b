//! The task of a monitor: probe, wait, probe, until it trips or is told to end.
//!
//! A watch is one effect; what its probes find is told to the dispatcher where that is worth a record, and every probe has a line in the effect's output
//! file. A probe only reads: it is ended at once when its time is over, and one that does not even end then is left behind.

use std::sync::Arc;
use std::time::Duration;

use runbook_core::action::{Before, Context, Failure, FailureKind, Outcome, Outputs, Residue, Stream};
use runbook_core::decide::Probing;
use runbook_core::record::Tally;
use tokio::time::{Instant, sleep};

use super::effect::{Finished, Try, Work, timed_out, until};
use super::happening::{Happening, Seen};
use super::prepare::Part;

/// So many changes of the verdict, and so many trips, have a record of their own.
const TOLD: u64 = 64;

/// How long a probe that was told to end at once may take for it.
const PATIENCE: Duration = Duration::from_secs(5);

impl Work {
    /// Watches to its end.
    pub(super) async fn watch(self: Arc<Self>, part: Option<Part<'_>>, probing: Probing) -> Finished {
        let mut tally = Tally::default();
        let mut held = true;
        let last = loop {
            let began = Instant::now();
            let tried = match part {
                Some(part) => self.probe(part).await,
                None => Try::failed(Failure::new(FailureKind::Internal, "the plan is not this runbook's")),
            };
            if self.canceller.stopped().is_some() {
                // What was told to end says nothing about what it watches.
                break None;
            }
            let failure = failure(&tried.outcome);
            let holds = failure.is_none();
            let took = began.elapsed();
            let changed = tally.probes > 0 && holds != held;
            held = holds;
            tally.probes += 1;
            tally.failed += u64::from(!holds);
            tally.in_a_row = if holds { 0 } else { tally.in_a_row + 1 };
            tally.changes += u64::from(changed);
            tally.longest = tally.longest.max(took);
            let tripped = tally.in_a_row == u64::from(probing.failures.max(1));
            tally.trips += u64::from(tripped);
            self.keep(took, failure);
            let ends = tripped && !probing.goes_on;
            if ends || is_worth_a_record(tally, changed, tripped) {
                self.tell(Seen { holds, tripped, tally, failure: failure.cloned() });
            }
            if ends {
                break Some(tried);
            }
            tokio::select! {
                () = sleep(probing.every.saturating_sub(took)) => {}
                () = self.canceller.until_stopped() => break None,
            }
        };
        let tries = u32::try_from(tally.probes).unwrap_or(u32::MAX);
        let (output, warnings) = self.cx.finish_output();
        let withheld = self.cx.withheld().map(str::to_owned);
        if let Some(Try { outcome, secret, expectations, .. }) = last {
            let outcome = in_a_row(outcome, probing.failures);
            return Finished { outcome, secret, expectations, tries, warnings, output, withheld };
        }
        if tally.probes > 0 {
            self.tell(Seen { holds: held, tripped: false, tally, failure: None });
        }
        let outcome = Outcome::Succeeded { outputs: Outputs::new(), changed: false };
        Finished { outcome, secret: Vec::new(), expectations: Vec::new(), tries, warnings, output, withheld }
    }

    /// One probe, within its time.
    async fn probe(&self, part: Part<'_>) -> Try {
        self.canceller.renew();
        let deadline = self.limits.timeout.map(|timeout| Instant::now() + timeout);
        let left_behind = async {
            tokio::select! {
                () = until(deadline) => {}
                () = self.canceller.until_stopped() => {}
            }
            sleep(PATIENCE).await;
        };
        let before = Before::nothing();
        tokio::select! {
            biased;
            tried = self.once(part, &before, deadline) => tried,
            () = left_behind => Try::failed(timed_out(self.limits.timeout)),
        }
    }

    /// A line about a probe, for whoever looks closer.
    fn keep(&self, took: Duration, failure: Option<&Failure>) {
        let at = self.cx.now().strftime("%Y-%m-%dT%H:%M:%SZ");
        let found = failure.map_or_else(|| "holds".to_owned(), |failure| format!("FAILS: {}", failure.message));
        let line = format!("{at} {found} ({} ms)\n", took.as_millis());
        self.cx.output(Stream::Stdout, line.as_bytes());
    }

    fn tell(&self, seen: Seen) {
        // Where the dispatcher is gone, so is the run.
        let _ = self.tell.send(Happening::Watched { effect: self.effect.clone(), seen: Box::new(seen) });
    }
}

/// Whether a probe has a record of its own: few enough of them that a journal does not grow with the time that is watched.
fn is_worth_a_record(tally: Tally, changed: bool, tripped: bool) -> bool {
    tally.probes.is_power_of_two() || (changed && tally.changes <= TOLD) || (tripped && tally.trips <= TOLD)
}

fn failure(outcome: &Outcome) -> Option<&Failure> {
    match outcome {
        Outcome::Succeeded { .. } => None,
        Outcome::Failed { failure, .. } => Some(failure),
        // Nobody asked for it.
        Outcome::Cancelled { .. } => Some(cancelled()),
    }
}

fn cancelled() -> &'static Failure {
    static FAILURE: std::sync::LazyLock<Failure> =
        std::sync::LazyLock::new(|| Failure::new(FailureKind::Internal, "the probe broke off by itself"));
    &FAILURE
}

/// The end of a monitor that tripped.
fn in_a_row(outcome: Outcome, failures: u32) -> Outcome {
    let (mut failure, outputs) = match outcome {
        Outcome::Failed { failure, outputs, .. } => (failure, outputs),
        Outcome::Cancelled { .. } | Outcome::Succeeded { .. } => (cancelled().clone(), Outputs::new()),
    };
    if failures > 1 {
        failure.message = format!("{failures} probes failed in a row, the last one so: {}", failure.message);
    }
    Outcome::Failed { failure, residue: Residue::None, outputs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_does_not_grow_with_the_time_that_is_watched() {
        let mut tally = Tally::default();
        let mut records = |flaps: u64| {
            let mut told = 0;
            tally = Tally::default();
            for probe in 1..=20_000_u64 {
                tally.probes = probe;
                let changed = flaps > 0 && probe % flaps == 0;
                tally.changes += u64::from(changed);
                told += usize::from(is_worth_a_record(tally, changed, false));
            }
            told
        };
        assert_eq!(records(0), 15, "the numbers 1, 2, 4 … 16384");
        assert!(records(1) < 100);
    }
}
