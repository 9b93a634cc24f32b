//! A record, and its place and time in a run.

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Admitted, Amended, Answered, Asked, CancelRequested, Ended, Evidence, Expanded, Recovered, RecoveryStarted, RetryScheduled,
    RollbackBegan, RunClosed, RunOpened, SessionEnded, SessionOpened, Skipped, Started, StopRequested, TimerFired, Watched,
};
use crate::tagged::{self, Tagged};

/// A record with its place in the run and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// From 1, without gaps, over all sessions of the run.
    pub seq: u64,
    /// Wall-clock time, UTC.
    pub at: Timestamp,
    /// Microseconds since the host was booted (`CLOCK_BOOTTIME`): durations within one boot come from it, not from the wall clock.
    pub up_us: u64,
    /// What is recorded.
    pub record: Record,
}

/// One fact of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// A run exists.
    RunOpened(Box<RunOpened>),
    /// The run goes on with a mended runbook.
    Amended(Box<Amended>),
    /// A process works on the run.
    SessionOpened(Box<SessionOpened>),
    /// The items of a `for_each` are known.
    Expanded(Expanded),
    /// `when` held.
    Admitted(Admitted),
    /// It is not done.
    Skipped(Skipped),
    /// A person was asked.
    Asked(Asked),
    /// Somebody, or nobody, answered.
    Answered(Answered),
    /// An effect begins.
    Started(Box<Started>),
    /// A running effect left a trace that it can be found by.
    Evidence(Evidence),
    /// What a monitor's probes found.
    Watched(Box<Watched>),
    /// An effect ended.
    Ended(Box<Ended>),
    /// What an interrupted effect left is being looked at.
    RecoveryStarted(RecoveryStarted),
    /// What became of an interrupted effect.
    Recovered(Box<Recovered>),
    /// The next attempt comes after a pause.
    RetryScheduled(RetryScheduled),
    /// The pause is over.
    TimerFired(TimerFired),
    /// A running effect was asked to end.
    CancelRequested(CancelRequested),
    /// The session was asked to end.
    StopRequested(StopRequested),
    /// From here on everything that was begun is undone.
    RollbackBegan(RollbackBegan),
    /// No process works on the run any more.
    SessionEnded(SessionEnded),
    /// Nothing is left to do.
    RunClosed(RunClosed),
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}

impl<'de> Tagged<'de> for Record {
    const KEY: &'static str = "type";

    fn rest<A: MapAccess<'de>>(tag: &str, rest: A) -> Result<Self, A::Error> {
        let rest = MapAccessDeserializer::new(rest);
        Ok(match tag {
            "run_opened" => Self::RunOpened(Deserialize::deserialize(rest)?),
            "amended" => Self::Amended(Deserialize::deserialize(rest)?),
            "session_opened" => Self::SessionOpened(Deserialize::deserialize(rest)?),
            "expanded" => Self::Expanded(Deserialize::deserialize(rest)?),
            "admitted" => Self::Admitted(Deserialize::deserialize(rest)?),
            "skipped" => Self::Skipped(Deserialize::deserialize(rest)?),
            "asked" => Self::Asked(Deserialize::deserialize(rest)?),
            "answered" => Self::Answered(Deserialize::deserialize(rest)?),
            "started" => Self::Started(Deserialize::deserialize(rest)?),
            "evidence" => Self::Evidence(Deserialize::deserialize(rest)?),
            "watched" => Self::Watched(Deserialize::deserialize(rest)?),
            "ended" => Self::Ended(Deserialize::deserialize(rest)?),
            "recovery_started" => Self::RecoveryStarted(Deserialize::deserialize(rest)?),
            "recovered" => Self::Recovered(Deserialize::deserialize(rest)?),
            "retry_scheduled" => Self::RetryScheduled(Deserialize::deserialize(rest)?),
            "timer_fired" => Self::TimerFired(Deserialize::deserialize(rest)?),
            "cancel_requested" => Self::CancelRequested(Deserialize::deserialize(rest)?),
            "stop_requested" => Self::StopRequested(Deserialize::deserialize(rest)?),
            "rollback_began" => Self::RollbackBegan(Deserialize::deserialize(rest)?),
            "session_ended" => Self::SessionEnded(Deserialize::deserialize(rest)?),
            "run_closed" => Self::RunClosed(Deserialize::deserialize(rest)?),
            _ => return Err(A::Error::custom(format_args!("no record is of the type `{tag}`"))),
        })
    }
}
