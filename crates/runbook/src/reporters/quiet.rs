//! Nothing but what is wrong with the run as such; the failure itself is told at the end.

use std::sync::Arc;

use runbook_core::action::{Progress, Stream};
use runbook_core::effect::EffectId;
use runbook_core::record::Stamped;

use super::Reporter;
use crate::streams::Stream as Out;
use crate::text::visible;

pub(super) struct Quiet {
    err: Out,
}

impl Quiet {
    pub(super) fn new(err: Out) -> Self {
        Self { err }
    }
}

impl Reporter for Quiet {
    fn record(&mut self, _stamped: &Stamped) {}

    fn output(&mut self, _effect: &Arc<EffectId>, _stream: Stream, _bytes: &[u8]) {}

    fn progress(&mut self, _effect: &Arc<EffectId>, _progress: &Progress) {}

    fn warning(&mut self, text: &str) {
        self.err.line(format_args!("warning: {}", visible(text)));
    }

    fn lost(&mut self, _bytes: u64) {}
}
