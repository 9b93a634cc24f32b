//! Plain lines with a clock: for logs, for pipes, and for looking back at a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use runbook_core::action::{Progress, Stream};
use runbook_core::effect::EffectId;
use runbook_core::plan::Plan;
use runbook_core::record::{Expectation, Record, Stamped};

use super::Reporter;
use super::lines::Output;
use super::story::{self, Ending, Story, Subject, Telling, clock, probes};
use crate::streams::Stream as Out;
use crate::text::{bytes, count, duration, visible};

pub(super) struct Plain {
    out: Out,
    story: Story,
    lines: BTreeMap<Arc<EffectId>, Output>,
}

impl Plain {
    pub(super) fn new(out: Out, plan: Arc<Plan>) -> Self {
        Self { out, story: Story::new(Some(plan)), lines: BTreeMap::new() }
    }
}

impl Reporter for Plain {
    fn record(&mut self, stamped: &Stamped) {
        if let Record::Ended(ended) = &stamped.record
            && let Some(mut lines) = self.lines.remove(&ended.effect)
        {
            let id = self.story.subject(&ended.effect).id;
            for line in lines.rest() {
                self.out.line(format_args!("         {id}| {}", visible(&line)));
            }
        }
        for line in self.story.tell(stamped).iter().flat_map(wording) {
            self.out.line(format_args!("{} {}", clock(stamped.at), visible(&line)));
        }
        self.out.flush();
    }

    fn output(&mut self, effect: &Arc<EffectId>, stream: Stream, piece: &[u8]) {
        let lines = self.lines.entry(Arc::clone(effect)).or_default().push(stream, piece);
        let id = self.story.subject(effect).id;
        for line in lines {
            self.out.line(format_args!("         {id}| {}", visible(&line)));
        }
        self.out.flush();
    }

    fn progress(&mut self, _effect: &Arc<EffectId>, _progress: &Progress) {}

    fn warning(&mut self, text: &str) {
        self.out.line(format_args!("         warning: {}", visible(text)));
        self.out.flush();
    }

    fn lost(&mut self, number: u64) {
        self.out.line(format_args!("         {} of output came too fast to be shown; the step's log has more", bytes(number)));
        self.out.flush();
    }
}

/// A run's records as the same lines.
pub(crate) struct Retelling(Story);

impl Retelling {
    pub(crate) fn new(plan: Option<Arc<Plan>>) -> Self {
        Self(Story::new(plan))
    }

    /// What one more record tells.
    pub(crate) fn tell(&mut self, stamped: &Stamped, out: &mut Out) {
        for line in self.0.tell(stamped).iter().flat_map(wording) {
            out.line(format_args!("{} {}", clock(stamped.at), visible(&line)));
        }
    }
}

fn wording(telling: &Telling) -> Vec<String> {
    let name = |subject: &Subject| format!("{} {}", subject.part.word(), subject.id);
    match telling {
        Telling::Opened { run, name, title } => {
            vec![match title {
                Some(title) => format!("run {run} of {name}: {title}"),
                None => format!("run {run} of {name}"),
            }]
        }
        Telling::Session { by, host, back: false } => vec![format!("resumed by {by} on {host}")],
        Telling::Session { by, host, back: true } => vec![format!("rollback begun by {by} on {host}")],
        Telling::Amended { file } => vec![format!("the runbook was changed: {file}")],
        Telling::Answered { about, reply, by } => vec![format!("{about}: {reply}, says {by}")],
        Telling::Began(subject) if subject.title == subject.id => vec![format!("{}: begins", name(subject))],
        Telling::Began(subject) => vec![format!("{}: begins: {}", name(subject), subject.title)],
        Telling::Ended { subject, ending, took, tries, warnings, expectations } => {
            let mut notes = Vec::new();
            notes.extend(took.map(duration));
            notes.extend(story::tries(subject.part, *tries));
            let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
            let ended = match ending {
                Ending::Done { changed: false } if matches!(subject.part, super::story::Part::Steps) => {
                    "done, nothing had to be changed".to_owned()
                }
                Ending::Done { .. } => "done".to_owned(),
                Ending::FoundDone => "was done".to_owned(),
                Ending::NotDone => "was not done".to_owned(),
                Ending::Failed(failure) => format!("FAILED: {}", failure.message),
                Ending::Cancelled => "stopped".to_owned(),
                Ending::InDoubt { why } => format!("IN DOUBT: {why}"),
            };
            let mut lines = vec![format!("{}: {ended}{notes}", name(subject))];
            lines.extend(remarks(warnings, expectations).map(|text| format!("{}: warning: {text}", name(subject))));
            lines
        }
        Telling::Watched { subject, failure: None, .. } => vec![format!("{}: holds again", name(subject))],
        Telling::Watched { subject, failure: Some(why), in_a_row, tripped: true } => {
            vec![format!("{}: TRIPPED after {} in a row: {why}", name(subject), failures(*in_a_row))]
        }
        Telling::Watched { subject, failure: Some(why), .. } => vec![format!("{}: fails: {why}", name(subject))],
        Telling::WatchedOut { subject, tally } => vec![format!("{}: watched: {}", name(subject), probes(*tally))],
        Telling::Skipped { subject, why } => vec![format!("{}: skipped: {why}", name(subject))],
        Telling::Again { subject, attempt, after } if after.is_zero() => vec![format!("{}: once more (attempt {attempt})", name(subject))],
        Telling::Again { subject, attempt, after } => {
            vec![format!("{}: again in {} (attempt {attempt})", name(subject), duration(*after))]
        }
        Telling::LookingAgain { subject, why } => vec![format!("{}: looking whether it was done: {why}", name(subject))],
        Telling::Stopping { signal, at_once: false } => {
            vec![format!("signal {signal}: ending in good order; once more to end at once")]
        }
        Telling::LostLock { what } => vec![format!("{what}: ending in good order")],
        Telling::Stopping { signal, at_once: true } => vec![format!("signal {signal}: ending at once what may be interrupted")],
        Telling::RollingBack { steps, barrier: None } => vec![format!("rolling back {}", count(*steps as usize, "step"))],
        Telling::RollingBack { steps, barrier: Some(barrier) } => {
            vec![format!("rolling back {}; `{barrier}` cannot be undone, nor what came before it", count(*steps as usize, "step"))]
        }
        Telling::Over(_) => Vec::new(),
    }
}

/// `3 failures`.
pub(super) fn failures(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "failure")
}

/// What a person should see beside a success: the action's warnings, and `warn` expressions that do not hold.
pub(super) fn remarks<'a>(warnings: &'a [String], expectations: &'a [Expectation]) -> impl Iterator<Item = String> + 'a {
    let broken = expectations.iter().filter(|expectation| expectation.warning && !expectation.holds).map(|expectation| {
        let actuals: Vec<String> = expectation.actuals.iter().map(|(name, value)| format!("{name} is {value}")).collect();
        match (&expectation.fault, actuals.is_empty()) {
            (Some(fault), _) => format!("`{}` cannot be told: {fault}", expectation.text),
            (None, true) => format!("`{}` does not hold", expectation.text),
            (None, false) => format!("`{}` does not hold: {}", expectation.text, actuals.join(", ")),
        }
    });
    warnings.iter().cloned().chain(broken)
}
