//! What a watcher sees of a run. Every reporter is a fold of the engine's events; none of them can hold the run up or end it.

mod jsonl;
mod lines;
mod live;
mod plain;
mod quiet;
mod story;
mod watch;

pub(crate) use plain::Retelling;
pub(crate) use story::{id as unit_id, named, probes};
pub(crate) use watch::{Mode, Screen, Watcher};

use std::sync::Arc;

use runbook_core::action::{Progress, Stream};
use runbook_core::effect::EffectId;
use runbook_core::record::Stamped;

/// One way to tell of a run.
trait Reporter {
    /// Something was recorded.
    fn record(&mut self, stamped: &Stamped);
    /// A step wrote something. Masked, but with control characters, and not necessarily whole lines.
    fn output(&mut self, effect: &Arc<EffectId>, stream: Stream, bytes: &[u8]);
    /// A step says how far it is.
    fn progress(&mut self, effect: &Arc<EffectId>, progress: &Progress);
    /// Something about the run as such.
    fn warning(&mut self, text: &str);
    /// So many bytes of output came faster than they could be shown.
    fn lost(&mut self, bytes: u64);
    /// Time passes; called a few times a second.
    fn tick(&mut self) {}
    /// Nothing follows.
    fn finish(&mut self) {}
}
