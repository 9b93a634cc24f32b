//! Records on their way: stamped, applied to the view, batched, synced, published; in this order.

use std::sync::Arc;

use jiff::Timestamp;
use runbook_core::plan::Plan;
use runbook_core::record::{Record, Stamped};
use runbook_core::view::RunView;

use crate::EngineError;
use crate::clock::Clock;
use crate::events::{Event, EventSender};
use crate::journal::Journal;

/// The journal, the view, and the batch between them.
pub(crate) struct Ledger {
    journal: Journal,
    plan: Arc<Plan>,
    view: RunView,
    clock: Arc<dyn Clock>,
    events: EventSender,
    batch: Vec<Arc<Stamped>>,
    /// Whether something in the batch has to be on disk before the run goes on.
    must_sync: bool,
    seq: u64,
    /// The time of the last record of this session.
    last: Option<(Timestamp, u64)>,
}

/// By how many seconds the wall clock went another way than the clock since boot; nothing below five.
fn jump((at, up_us): (Timestamp, u64), (now, now_us): (Timestamp, u64)) -> Option<i64> {
    let wall = now.duration_since(at).as_secs();
    let passed = i64::try_from(now_us.saturating_sub(up_us) / 1_000_000).unwrap_or(i64::MAX);
    Some(wall.saturating_sub(passed)).filter(|jump| jump.abs() >= 5)
}

impl Ledger {
    /// Over a journal whose records are in `view`.
    pub(crate) fn new(journal: Journal, plan: Arc<Plan>, view: RunView, (clock, events): (Arc<dyn Clock>, EventSender)) -> Self {
        let seq = view.seq();
        Self { journal, plan, view, clock, events, batch: Vec::new(), must_sync: false, seq, last: None }
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(crate) fn view(&self) -> &RunView {
        &self.view
    }

    pub(crate) fn view_mut(&mut self) -> &mut RunView {
        &mut self.view
    }

    /// Takes a record into the open batch; the next [`Self::flush`] syncs it. Returns its time.
    pub(crate) fn write(&mut self, record: Record) -> Result<Timestamp, EngineError> {
        self.must_sync = true;
        self.note(record)
    }

    /// Takes a record whose loss in a power cut would lose nothing: it is written with the batch, and synced with the next one that has to be.
    pub(crate) fn note(&mut self, record: Record) -> Result<Timestamp, EngineError> {
        let stamped = Stamped { seq: self.seq + 1, at: self.clock.now(), up_us: self.clock.up_us(), record };
        self.view.apply(&self.plan, &stamped)?;
        self.seq += 1;
        let at = stamped.at;
        if let Some(jump) = self.last.and_then(|last| jump(last, (at, stamped.up_us))) {
            let text = format!("the host's clock was set by {jump} s; durations come from the time since boot");
            self.events.send(Event::Warning { text });
        }
        self.last = Some((at, stamped.up_us));
        self.batch.push(Arc::new(stamped));
        Ok(at)
    }

    /// Keeps room in the journal for the ends of so many effects.
    pub(crate) fn reserve(&mut self, ends: usize) -> Result<(), EngineError> {
        Ok(self.journal.reserve(ends)?)
    }

    /// Appends the open batch, syncs it where that is needed, and tells the watchers.
    pub(crate) fn flush(&mut self) -> Result<(), EngineError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let records: Vec<&Stamped> = self.batch.iter().map(AsRef::as_ref).collect();
        if self.must_sync {
            self.journal.append(&records)?;
        } else {
            self.journal.append_unsynced(&records)?;
        }
        self.must_sync = false;
        for record in self.batch.drain(..) {
            self.events.send(Event::Record(record));
        }
        Ok(())
    }

    /// Gives back what was reserved, and hands out the final view.
    pub(crate) fn close(mut self) -> Result<RunView, EngineError> {
        self.journal.release()?;
        Ok(self.view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_noticed_and_sleep_is_not() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let before = (at("2026-11-21T03:00:00Z"), 1_000_000);
        assert_eq!(jump(before, (at("2026-11-21T05:00:00Z"), 7_201_000_000)), None);
        assert_eq!(jump(before, (at("2026-11-21T05:00:00Z"), 11_000_000)), Some(7190));
        assert_eq!(jump(before, (at("2026-11-21T02:59:00Z"), 1_000_000)), Some(-60));
    }
}
