//! How long what the run stopped was down, as far as the records tell.

use jiff::Timestamp;
use serde::Serialize;

use super::millis;
use crate::action::Outcome;
use crate::plan::Plan;
use crate::runbook::Phase;
use crate::view::{EffectKey, EffectReport, Moment, RunView};

/// A time in which a container was down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Downtime {
    /// The step that stopped it.
    pub stopped_by: String,
    /// When that step began.
    pub from: Timestamp,
    /// The step after which it answered again: the first that waited for it or asked it over HTTP after it was started, else the one that started it. None
    /// where it is still down.
    pub up_after: Option<String>,
    /// When that step ended; none where it is still down.
    pub until: Option<Timestamp>,
    /// How long, in milliseconds; up to the last record where it is still down.
    pub lasted_ms: u64,
}

/// What an action means for it, in the order in which ties are broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Means {
    Stop,
    Start,
    Answers,
}

pub(super) fn downtime(plan: &Plan, view: &RunView) -> Vec<Downtime> {
    let mut events: Vec<(u64, Means, Timestamp, String)> = Vec::new();
    let mut add = |means, moment: Moment, unit: &str| events.push((millis(moment.run.since_start()), means, moment.at, unit.to_owned()));
    each(plan, view, &mut |unit, action, report| {
        let (Some(Outcome::Succeeded { changed, .. }), Some(began), Some(ended)) = (&report.outcome, report.first_started, report.finished)
        else {
            return;
        };
        match action {
            "docker.stop" if *changed => add(Means::Stop, began, unit),
            "docker.start" | "docker.run" if *changed => add(Means::Start, ended, unit),
            "docker.restart" | "docker.replace" if *changed => {
                add(Means::Stop, began, unit);
                add(Means::Start, ended, unit);
            }
            other if answers(other) => add(Means::Answers, ended, unit),
            _ => {}
        }
    });
    fold(events, (asks(plan), millis(view.clock().now().since_start())))
}

/// Whether a step waits for an answer of what was started: then a start alone is no end of a downtime.
fn asks(plan: &Plan) -> bool {
    plan.units().iter().filter(|unit| matches!(unit.phase, Phase::Step | Phase::Verify)).any(|unit| answers(&unit.action))
}

/// Whether an action that succeeded has seen it answer.
fn answers(action: &str) -> bool {
    matches!(action, "docker.wait" | "net.wait_port" | "http.get")
}

/// From what happened, each with its time in milliseconds since the run began, to the times in between. `asked` says whether the run waits for answers,
/// `end` is the time of the last record.
fn fold(mut events: Vec<(u64, Means, Timestamp, String)>, (asked, end): (bool, u64)) -> Vec<Downtime> {
    events.sort_unstable();
    let (mut found, mut down, mut up): (Vec<Downtime>, Option<(u64, Downtime)>, bool) = (Vec::new(), None, false);
    for (at, means, time, unit) in events {
        match (means, &mut down) {
            (Means::Stop, None) => {
                up = false;
                down = Some((at, Downtime { stopped_by: unit, from: time, up_after: None, until: None, lasted_ms: 0 }));
            }
            (Means::Stop, Some((from, was))) => {
                // It was started and never seen to answer before it was stopped again. Where answers are waited for, that one was never up.
                if up && asked {
                    (was.up_after, was.until) = (None, None);
                    up = false;
                } else if up {
                    found.push(was.clone());
                    *from = at;
                    *was = Downtime { stopped_by: unit, from: time, up_after: None, until: None, lasted_ms: 0 };
                    up = false;
                }
            }
            (Means::Start, Some((from, was))) => {
                (was.up_after, was.until, was.lasted_ms) = (Some(unit), Some(time), at.saturating_sub(*from));
                up = true;
            }
            (Means::Answers, Some((from, was))) if up => {
                (was.up_after, was.until, was.lasted_ms) = (Some(unit), Some(time), at.saturating_sub(*from));
                found.push(was.clone());
                down = None;
            }
            (Means::Start, None) | (Means::Answers, _) => {}
        }
    }
    if let Some((from, mut last)) = down {
        if !up {
            last.lasted_ms = end.saturating_sub(from);
        }
        found.push(last);
    }
    found
}

/// Every action that has a report, with the unit's id.
fn each(plan: &Plan, view: &RunView, call: &mut dyn FnMut(&str, &str, &EffectReport)) {
    // A monitor's end is no answer of what it watches.
    for unit in plan.units().iter().filter(|unit| unit.phase != Phase::Monitor) {
        let Some((ix, state)) = plan.find(&unit.id).and_then(|ix| Some((ix, view.unit(ix)?))) else { continue };
        let items: Vec<Option<u32>> =
            if state.items().is_empty() { vec![None] } else { (0..state.items().len()).map(|item| u32::try_from(item).ok()).collect() };
        for item in items {
            let key = EffectKey { item, ..EffectKey::unit(ix) };
            if let Some(report) = view.effect(key).and_then(|effect| effect.report()) {
                call(&unit.id, &unit.action, report);
            }
            for (at, undo) in unit.undo().iter().enumerate() {
                let report = u16::try_from(at).ok().and_then(|at| view.effect(key.undo(at))).and_then(|effect| effect.report());
                if let Some(report) = report {
                    call(&unit.id, &undo.action, report);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each: who stopped it, after whom it was up, how long it was down.
    fn told(asked: bool, events: &[(u64, Means, &str)]) -> Vec<(String, Option<String>, u64)> {
        let event = |(at, means, unit): &(u64, Means, &str)| (*at, *means, Timestamp::UNIX_EPOCH, (*unit).to_owned());
        let found = fold(events.iter().map(event).collect(), (asked, 100));
        found.into_iter().map(|down| (down.stopped_by, down.up_after, down.lasted_ms)).collect()
    }

    fn down(stopped: &str, up: Option<&str>, lasted: u64) -> (String, Option<String>, u64) {
        (stopped.to_owned(), up.map(str::to_owned), lasted)
    }

    #[test]
    fn it_is_down_from_the_stop_until_it_answers_again() {
        use Means::{Answers, Start, Stop};
        let events = [
            (5, Answers, "before"),
            (10, Stop, "stop"),
            (20, Answers, "metadb"),
            (40, Start, "run"),
            (70, Answers, "healthy"),
            (90, Answers, "again"),
        ];
        assert_eq!(told(true, &events), [down("stop", Some("healthy"), 60)]);
    }

    #[test]
    fn one_that_was_started_and_never_answered_was_never_up() {
        use Means::{Answers, Start, Stop};
        let failed = [(10, Stop, "old"), (40, Start, "new"), (50, Stop, "new-off"), (60, Start, "back")];
        assert_eq!(told(true, &failed), [down("old", Some("back"), 50)], "nobody has asked what was brought back");
        let healthy = [&failed[..], &[(80, Answers, "healthy")]].concat();
        assert_eq!(told(true, &healthy), [down("old", Some("healthy"), 70)]);
        assert_eq!(told(true, &failed[..3]), [down("old", None, 90)]);
    }

    #[test]
    fn what_nobody_asks_is_up_when_it_was_started_and_what_nobody_starts_is_down() {
        use Means::{Start, Stop};
        assert_eq!(told(false, &[(10, Stop, "stop"), (40, Start, "run")]), [down("stop", Some("run"), 30)]);
        assert_eq!(told(false, &[(10, Stop, "stop"), (20, Stop, "other")]), [down("stop", None, 90)]);
        assert_eq!(
            told(false, &[(10, Stop, "old"), (40, Start, "new"), (50, Stop, "new-off"), (60, Start, "back")]),
            [down("old", Some("new"), 30), down("new-off", Some("back"), 10)]
        );
        assert_eq!(told(false, &[(10, Start, "first")]), []);
    }
}
