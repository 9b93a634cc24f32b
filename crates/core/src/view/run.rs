//! The view of a run.

use serde::{Deserialize, Serialize};

use super::Clock;
use crate::decide::Command;
use crate::plan::Plan;
use crate::record::Stamped;

/// A record that cannot follow what has happened; the view is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} cannot follow: {why}")]
pub struct Impossible {
    /// The record's number.
    pub seq: u64,
    /// A fragment in lower case.
    pub why: String,
}

/// What has happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    version: u32,
    seq: u64,
    clock: Clock,
}

impl RunView {
    /// Nothing has happened.
    pub fn new(_plan: &Plan) -> Self {
        Self { version: 1, seq: 0, clock: Clock::default() }
    }

    /// Goes on by one record. The plan is the one that the view was made for.
    pub fn apply(&mut self, _plan: &Plan, stamped: &Stamped) -> Result<(), Impossible> {
        self.seq = stamped.seq;
        Ok(())
    }

    /// Notes that a command is about to be carried out, so that `decide` does not ask for it again.
    pub fn issue(&mut self, _command: &Command) {}
}
