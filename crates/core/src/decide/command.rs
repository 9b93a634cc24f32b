//! What the engine is told to do.

use std::time::Duration;

use crate::action::CancelKind;
use crate::effect::{EffectId, UnitIx};
use crate::record::{Record, RecoveryCause, RunEnd, Subject};
use crate::runbook::Retry;

/// What the engine is told to do. Each is issued once: the engine calls [`RunView::issue`](crate::view::RunView::issue) before it carries it out.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Append these records, in this order, and apply them. They need no sync of their own, except that `RunClosed` is followed by `EndSession`, which
    /// syncs.
    Write(Vec<Record>),
    /// Evaluate `for_each` and write `Expanded`; if that fails, write `Ended` with `Failed { residue: None }`, `tries: 0`.
    Expand(Expand),
    /// Evaluate `when` and write `Admitted` or `Skipped`; if that fails, write `Ended` as for `Expand`.
    Admit(Admit),
    /// Carry an effect out: prepare, `capture`, write `Started` and sync, `run` within the limits, ask `expect` and `warn`,
    /// [`judge`](crate::record::judge), write `Ended`. If preparing or capturing fails, write only `Ended`, as for `Expand`. A monitor is not captured; what its
    /// probes find is told by `Watched` until it ends.
    Start(Start),
    /// Look at what an interrupted effect left: write `RecoveryStarted`; prepare the action from the recorded sources; `settle` with the evidence of its
    /// last attempt; if that is at rest, `probe` (the author's `probe` where there is one) with the last attempt's `before`; for `Done` ask `expect`, `warn`
    /// and `outputs` with its results; write `Recovered`. If preparing fails, write `Recovered` with `Moving` and `Unknown`: what cannot be looked for may
    /// still work.
    Recover(Recover),
    /// Ask something that runs to end: write `CancelRequested` (no need to sync), then cancel its context. Its end is still awaited and recorded. Where
    /// the effect is only being captured, abandon that and write `Ended { Cancelled { residue: None } }`; where it is being recovered, end that and
    /// write `Recovered` with `Moving` and `Unknown`; the next session looks again.
    Cancel {
        /// Which.
        effect: EffectId,
        /// How urgently.
        kind: CancelKind,
    },
    /// Write `TimerFired` for this effect after so long. Timers end with the session.
    Wake {
        /// The attempt that is to come.
        effect: EffectId,
        /// From now.
        after: Duration,
    },
    /// Write `Asked` (rendering the text of a `confirm`), sync, show the question, write `Answered`; `Nobody` where input is off. An open question blocks
    /// nothing else.
    Ask(Ask),
    /// Take an open question back: end the prompt and write `Answered { reply: Withdrawn }`, whatever the prompt says later.
    Withdraw(Subject),
    /// Write `SessionEnded`, sync, drop timers and open questions, free the locks and return. Nothing runs any more when this is issued.
    EndSession(RunEnd),
}

/// Whose `for_each` is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Expand {
    /// The unit.
    pub unit: UnitIx,
    /// The name of its end, should the evaluation fail.
    pub effect: EffectId,
}

/// Whose `when` is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Admit {
    /// The unit.
    pub unit: UnitIx,
    /// The effect, with the attempt that it is about to make; its role says whether it is the unit's own `when` or an undo action's.
    pub effect: EffectId,
}

/// An effect that is to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The unit.
    pub unit: UnitIx,
    /// Which.
    pub effect: EffectId,
    /// Within these.
    pub limits: Limits,
}

/// What bounds an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of one attempt, capturing included. After it the action is cancelled in good order, after its grace killed; the end is
    /// `Failed { kind: TimedOut, residue }` with the residue that the action reports. An action that may not be interrupted is waited for all the same, and the
    /// delay becomes a warning.
    pub timeout: Option<Duration>,
    /// For a read-only action with `retry`: the engine itself tries again within this one effect, until it succeeds and its expectations hold, its failure is
    /// not retryable, or the budget is spent (`within` counts from the first try). Only the last try is recorded.
    pub polling: Option<Retry>,
    /// For a monitor: the engine probes within this one effect until the monitor trips, or is told to end, which is a success.
    pub probing: Option<Probing>,
    /// Whether a stop or a time-out may end it; if not, it is waited for.
    pub interruptible: bool,
}

/// How a monitor watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probing {
    /// From the beginning of one probe to the beginning of the next.
    pub every: Duration,
    /// It trips after so many failures in a row.
    pub failures: u32,
    /// Whether it goes on watching when it has tripped; if not, that is its end, a failure.
    pub goes_on: bool,
}

/// An effect that is to be looked at again.
#[derive(Clone, Debug, PartialEq)]
pub struct Recover {
    /// The unit.
    pub unit: UnitIx,
    /// Which, with the attempt whose end is not known.
    pub effect: EffectId,
    /// Why.
    pub cause: RecoveryCause,
    /// Whether what still works may be ended; if not, it is waited for.
    pub interruptible: bool,
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// About what; says which replies there are.
    pub subject: Subject,
    /// The unit it is about; none for the start.
    pub unit: Option<UnitIx>,
}
