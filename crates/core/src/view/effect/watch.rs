//! A monitor's life: it begins afresh in every session, and nothing waits for its end.
//!
//! | from | record | to |
//! |---|---|---|
//! | any but `Skipped` | `session opened` | `Admitted`, or `Ready` where its `when` was never asked |
//! | `Ready` | `admitted`, `skipped` | `Admitted`, `Skipped` |
//! | `Admitted` | `started` | `Running` |
//! | `Running` | `watched` | `Running` |
//! | `Ready`, `Admitted`, `Running` | `ended`: failed | `Failed`: it tripped, or could not begin |
//! | `Running` | `ended` otherwise | `Done`: its time was over |

use super::{EffectState, EffectView, fits_end};
use crate::action::Outcome;
use crate::record::{Ended, Watched};
use crate::view::Moment;

impl EffectView {
    /// A new session: it watches anew. What `when` said stays.
    pub(crate) fn watch_anew(&mut self, has_when: bool) {
        if self.state != EffectState::Skipped {
            self.admitted |= !has_when;
            self.state = self.entry();
            self.renew();
        }
    }

    /// What its probes found so far.
    pub(crate) fn watched(&mut self, watched: &Watched, now: Moment) -> bool {
        let fits = self.state == EffectState::Running;
        if fits {
            self.report.get_or_insert_default().watch.get_or_insert_default().note(watched, now);
        }
        fits
    }

    /// It watches no more.
    pub(crate) fn end_watch(&mut self, ended: &Ended, now: Moment) -> bool {
        let began = self.state == EffectState::Running;
        if !fits_end(self, ended) {
            return false;
        }
        self.attempt = ended.effect.attempt;
        self.report.get_or_insert_default().finish(ended, now, began);
        self.state = match &ended.outcome {
            Outcome::Failed { .. } => EffectState::Failed,
            Outcome::Succeeded { .. } | Outcome::Cancelled { .. } => EffectState::Done,
        };
        true
    }
}
