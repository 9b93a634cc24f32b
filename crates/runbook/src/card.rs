//! The card at the end of a run that did not simply end well: what changed, what is still as it was, since when the service is down, where the
//! backups are, and what to type next.

mod backups;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use runbook_core::action::{Outcome, Residue};
use runbook_core::call::is_mark;
use runbook_core::effect::UnitIx;
use runbook_core::plan::{Fields, Plan, PlanFate, PlanUnit};
use runbook_core::record::{PersonNeeded, RollbackCause, RunEnd};
use runbook_core::runbook::{Phase, Risk};
use runbook_core::view::{EffectKey, EffectReport, EffectState, Extent, RunView};
use runbook_engine::state::{RunId, StateDir};

pub(crate) use self::backups::backup_rows;
use self::backups::backups;
use crate::reporters::{probes, unit_id};
use crate::streams::Stream;
use crate::text::{Style, count, duration, visible, wrap};

/// The most rows of one kind: a loop over a thousand tables does not push the command to type next off the screen.
const ROWS: usize = 30;

/// The most names of steps in one row.
const NAMES: usize = 20;

/// What the card is about.
pub(crate) struct About<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) view: &'a RunView,
    pub(crate) run: &'a RunId,
    pub(crate) state: &'a StateDir,
    /// How the last session ended; none where it goes on or broke off.
    pub(crate) end: Option<RunEnd>,
    /// How long ago it was started, where a process works on it.
    pub(crate) running: Option<Duration>,
    /// What starts the runbook anew, behind `runbook exec`.
    pub(crate) again: &'a str,
}

impl About<'_> {
    /// Whether the open question is the one before the first step.
    fn asked_to_start(&self) -> bool {
        self.plan.parts().risk == Risk::High && self.view.begun().is_empty() && failures(self.plan, self.view).is_empty()
    }
}

/// A line of the card.
pub(crate) enum Line {
    /// What became of the run.
    Headline { good: bool, text: String },
    /// A row; of several with one label only the first shows it.
    Row { label: &'static str, text: String },
    /// A command to type.
    Command { label: &'static str, text: String },
}

/// The failures to show, in the order in which they happened.
pub(crate) fn failures(plan: &Plan, view: &RunView) -> Vec<EffectKey> {
    let mut keys: Vec<EffectKey> = Vec::new();
    for (at, unit) in plan.units().iter().enumerate() {
        let Some(ix) = plan.find(&unit.id).filter(|ix| ix.get() == at) else { continue };
        let Some(state) = view.unit(ix) else { continue };
        let whole = EffectKey::unit(ix);
        let items =
            (0..state.items().len()).filter_map(|item| u32::try_from(item).ok()).map(|item| EffectKey { item: Some(item), ..whole });
        for key in std::iter::once(whole).chain(items) {
            let Some(instance) = view.instance(key) else { continue };
            let undos = (0..instance.undo().len()).filter_map(|undo| u16::try_from(undo).ok()).map(|undo| key.undo(undo));
            keys.extend(std::iter::once(key).chain(undos).filter(|key| failed(view, *key)));
        }
    }
    keys.sort_by_key(|key| report(view, *key).and_then(|report| report.finished).map(|finished| finished.run));
    keys
}

fn failed(view: &RunView, key: EffectKey) -> bool {
    view.effect(key).is_some_and(|effect| {
        !matches!(effect.state(), EffectState::Done | EffectState::Skipped)
            && effect.report().is_some_and(|report| matches!(report.outcome, Some(Outcome::Failed { .. })))
    })
}

/// The card; empty where everything went well.
pub(crate) fn card(about: &About<'_>) -> Vec<Line> {
    let About { plan, view, .. } = about;
    let mut lines = vec![headline(about)];
    match about.end {
        None if about.running.is_some() => {
            lines.extend(monitors(plan, view));
            return lines;
        }
        Some(RunEnd::Abandoned) => {
            if let Some(reason) = view.closed().and_then(|closed| closed.reason.as_ref()) {
                lines.push(Line::Row { label: "because", text: reason.clone() });
            }
            lines.extend(changes(plan, view, false));
            lines.extend(backups(plan, view, view.clock().at()));
            return lines;
        }
        Some(RunEnd::Done | RunEnd::ChecksPassed) => {
            if view.passed_failures() > 0 {
                let text = format!("{} failed and let pass", count(view.passed_failures() as usize, "step"));
                lines.push(Line::Row { label: "but", text });
            }
            lines.extend(monitors(plan, view));
            return lines;
        }
        Some(RunEnd::Refused | RunEnd::ChecksFailed) => {}
        Some(RunEnd::WaitingForPerson) if about.asked_to_start() => {
            lines.push(Line::Row { label: "asked", text: "whether to start, since its risk is high; `--yes` answers that".to_owned() });
        }
        None
        | Some(
            RunEnd::Failed
            | RunEnd::RolledBack
            | RunEnd::NeedsPerson { .. }
            | RunEnd::WaitingForPerson
            | RunEnd::Stopped { .. }
            | RunEnd::LockLost,
        ) => {
            lines.extend(lost_lock(about));
            lines.extend(changes(plan, view, about.end.is_none()));
            lines.extend(down(plan, view));
            lines.extend(monitors(plan, view));
            lines.extend(backups(plan, view, view.clock().at()));
        }
    }
    lines.extend(next(about));
    lines
}

fn headline(about: &About<'_>) -> Line {
    let About { plan, view, run, .. } = about;
    let at = || {
        let failed: Vec<String> =
            view.failed().filter_map(|key| view.path(plan, key)).map(|path| format!("`{}`", unit_id(&path))).collect();
        if failed.is_empty() { String::new() } else { format!(" at {}", failed.join(", ")) }
    };
    let lasted = duration(view.clock().now().since_start());
    let (good, text) = match about.end {
        None => match about.running {
            Some(time) => (true, format!("running for {} (run {run})", duration(time))),
            None => (false, format!("interrupted: the program was killed or the host went down (run {run})")),
        },
        Some(RunEnd::Done) => (true, format!("done in {lasted} (run {run})")),
        Some(RunEnd::ChecksPassed) => (true, "the checks hold; nothing was changed".to_owned()),
        Some(RunEnd::Abandoned) => (true, format!("given up by a person (run {run})")),
        Some(RunEnd::Failed) => (false, format!("stopped{}; nothing was rolled back (run {run})", at())),
        Some(RunEnd::RolledBack) if view.rollback().is_some_and(|rollback| rollback.began().cause == RollbackCause::Requested) => {
            (true, format!("rolled back: everything that was begun is undone (run {run})"))
        }
        Some(RunEnd::RolledBack) => (false, format!("failed, and everything was rolled back (run {run})")),
        Some(RunEnd::NeedsPerson { why: PersonNeeded::Barrier }) => {
            (false, format!("a person is needed: the rollback met a change that cannot be undone (run {run})"))
        }
        Some(RunEnd::NeedsPerson { why: PersonNeeded::Stuck }) => (false, format!("a person is needed: an undo failed (run {run})")),
        Some(RunEnd::NeedsPerson { why: PersonNeeded::InDoubt }) => {
            let what = if view.in_doubt().any(|key| key.undo.is_some()) { "an undo" } else { "a step" };
            (false, format!("a person is needed: it is not known whether {what} was done (run {run})"))
        }
        Some(RunEnd::WaitingForPerson) => (false, format!("waiting for a person, and nobody can be asked (run {run})")),
        Some(RunEnd::ChecksFailed) => (false, format!("the checks do not hold; nothing was changed (run {run})")),
        Some(RunEnd::Refused) => (false, format!("a person said no; nothing was changed (run {run})")),
        Some(RunEnd::Stopped { signal }) => (false, format!("stopped by signal {signal} (run {run})")),
        Some(RunEnd::LockLost) => (false, format!("stopped in good order: it could not keep its lock (run {run})")),
    };
    Line::Headline { good, text }
}

/// Why a lock could not be kept.
fn lost_lock(about: &About<'_>) -> Option<Line> {
    let ended = about.end == Some(RunEnd::LockLost);
    let stop = about.view.session().filter(|_| ended)?.stop.as_ref()?;
    stop.lost_lock.as_ref().map(|why| Line::Row { label: "because", text: why.clone() })
}

/// What is different now, what is not, and what nobody can say.
fn changes(plan: &Plan, view: &RunView, broke_off: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut doubtful: HashSet<EffectKey> = view.in_doubt().map(EffectKey::forward).collect();
    if broke_off {
        // What ran when the run broke off, or still runs without anyone to see its end.
        doubtful.extend(view.running().map(EffectKey::forward));
    }
    let undone: Vec<EffectKey> =
        view.rollback().map(|rollback| rollback.extent().undo.iter().take(rollback.undone()).copied().collect()).unwrap_or_default();
    let mut rows = |label: &'static str, keys: Vec<EffectKey>, told: &dyn Fn(&PlanUnit) -> String| {
        for key in keys.iter().take(ROWS) {
            if let (Some(unit), Some(path)) = (plan.unit(key.unit), view.path(plan, *key)) {
                let title = unit.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
                lines.push(Line::Row { label, text: format!("{}{title}{}", unit_id(&path), told(unit)) });
            }
        }
        if let Some(more) = keys.len().checked_sub(ROWS).filter(|more| *more > 0) {
            lines.push(Line::Row { label, text: format!("… and {more} more; `runbook runs show` names them all") });
        }
    };
    let begun = view.begun();
    let is_changed = |key: &EffectKey| view.instance(*key).is_some_and(|instance| instance.effect().may_have_changed());
    let in_doubt: Vec<EffectKey> = begun.iter().filter(|key| doubtful.contains(key)).copied().collect();
    let taken_back: HashSet<EffectKey> = undone.iter().copied().collect();
    let changed: Vec<EffectKey> =
        begun.iter().filter(|key| is_changed(key) && !taken_back.contains(key) && !doubtful.contains(key)).copied().collect();
    let (perhaps, certain): (Vec<_>, Vec<_>) = changed.iter().copied().partition(|key| is_unknown(view, *key));
    rows("changed", certain, &|unit| becomes(plan, unit));
    rows("perhaps", perhaps, &|unit| format!(", which failed{}", becomes(plan, unit)));
    // Of those in a rollback it is the undo of which nobody knows whether it was done.
    let undoing: HashSet<EffectKey> = view.in_doubt().filter(|key| key.undo.is_some()).map(EffectKey::forward).collect();
    let (undos, deeds): (Vec<_>, Vec<_>) = in_doubt.iter().copied().partition(|key| undoing.contains(key));
    rows("in doubt", deeds, &|unit| becomes(plan, unit));
    rows("in doubt", undos, &|unit| format!(", whether its undo was done{}", becomes(plan, unit)));
    rows("taken back", undone, &|_| String::new());
    if changed.is_empty() && in_doubt.is_empty() {
        lines.insert(0, Line::Row { label: "changed", text: "nothing".to_owned() });
    }
    let touched: HashSet<UnitIx> = begun.iter().filter(|key| is_changed(key)).chain(&in_doubt).map(|key| key.unit).collect();
    let untouched: Vec<&str> = plan
        .phase(Phase::Step)
        .iter()
        .filter(|ix| !touched.contains(ix))
        .filter_map(|ix| plan.unit(*ix))
        .filter(|unit| !is_mark(&unit.action))
        .map(|unit| unit.id.as_str())
        .collect();
    if !untouched.is_empty() {
        lines.push(Line::Row {
            label: "as it was",
            text: format!("{} not done or without a change: {}", count(untouched.len(), "step"), some_of(&untouched)),
        });
    }
    if let Some(barrier) = Extent::of(plan, view).barrier.and_then(|key| view.path(plan, key)) {
        lines.push(Line::Row { label: "barrier", text: format!("`{}` cannot be undone, nor what came before it", unit_id(&barrier)) });
    }
    lines
}

/// The first names, and how many there are more.
fn some_of(names: &[&str]) -> String {
    match names.split_at_checked(NAMES) {
        Some((first, more)) if !more.is_empty() => format!("{}, … and {} more", first.join(", "), more.len()),
        _ => names.join(", "),
    }
}

/// Whether it failed and nobody can say whether it changed anything.
fn is_unknown(view: &RunView, key: EffectKey) -> bool {
    // One that failed without having begun leaves what an attempt before it may have done.
    let unknown = |outcome: &Outcome| matches!(outcome, Outcome::Failed { residue: Residue::Unknown | Residue::None, .. });
    report(view, key).is_some_and(|report| report.outcome.as_ref().is_some_and(unknown))
}

/// ` (undo: docker.start)`.
fn becomes(plan: &Plan, unit: &PlanUnit) -> String {
    match &unit.fate {
        PlanFate::Nothing => String::new(),
        PlanFate::Undo(actions) => {
            let names: Vec<&str> = actions.iter().map(|undo| undo.action.as_str()).collect();
            format!(" (undo: {})", names.join(", then "))
        }
        PlanFate::Irreversible(why) => format!(" (cannot be undone: {why})"),
        PlanFate::Leaves(what) => format!(" (stays: {what})"),
        PlanFate::CoveredBy(cover) => match plan.unit(*cover) {
            Some(unit) => format!(" (undone with `{}`)", unit.id),
            None => String::new(),
        },
    }
}

fn report(view: &RunView, key: EffectKey) -> Option<&EffectReport> {
    view.effect(key)?.report()
}

/// Monitors that found something amiss.
fn monitors(plan: &Plan, view: &RunView) -> Vec<Line> {
    let told = |ix: &UnitIx| {
        let (unit, report) = (plan.unit(*ix)?, report(view, EffectKey::unit(*ix))?);
        let watch = report.watch.as_ref().filter(|watch| watch.tally().failed > 0)?;
        let last = match watch.holds {
            Some(false) => ", and failed to the last",
            Some(true) | None => "",
        };
        Some(Line::Row { label: "watched", text: format!("{}: {}{last}", unit.id, probes(watch.tally())) })
    };
    plan.phase(Phase::Monitor).iter().filter_map(told).collect()
}

/// Since when a container has been stopped that nothing has started since.
fn down(plan: &Plan, view: &RunView) -> Option<Line> {
    let mut events: Vec<(Timestamp, bool, String)> = Vec::new();
    for key in view.begun() {
        let Some((unit, instance)) = plan.unit(key.unit).zip(view.instance(*key)) else { continue };
        let own = std::iter::once((unit.action.as_str(), *key));
        let undos = unit.undo().iter().enumerate().filter_map(|(at, undo)| Some((undo.action.as_str(), key.undo(u16::try_from(at).ok()?))));
        for (action, key) in own.chain(undos.take(instance.undo().len())) {
            let Some(report) = report(view, key) else { continue };
            let (Some(Outcome::Succeeded { changed: true, .. }), Some(finished)) = (&report.outcome, report.finished) else { continue };
            match action {
                "docker.stop" => events.push((finished.at, true, unit.id.clone())),
                "docker.start" | "docker.run" | "docker.restart" | "docker.replace" => events.push((finished.at, false, unit.id.clone())),
                _ => {}
            }
        }
    }
    let (at, id) = stopped_since(events)?;
    let now = view.clock().at()?;
    let lasted = duration(now.duration_since(at).unsigned_abs());
    Some(Line::Row { label: "down", text: format!("for {lasted}, since `{id}` at {}", at.strftime("%H:%M:%S UTC")) })
}

/// The first stop after which nothing was started; `true` is a stop.
fn stopped_since(mut events: Vec<(Timestamp, bool, String)>) -> Option<(Timestamp, String)> {
    events.sort_unstable();
    events.into_iter().fold(None, |since, (at, stops, id)| if stops { since.or(Some((at, id))) } else { None })
}

/// What a rollback leaves as it is, since it does no harm.
pub(crate) fn stays(plan: &Plan, view: &RunView) -> Vec<String> {
    let changed = |key: &&EffectKey| view.instance(**key).is_some_and(|instance| instance.effect().may_have_changed());
    let stays = |key: &EffectKey| match (&plan.unit(key.unit)?.fate, view.path(plan, *key)) {
        (PlanFate::Leaves(what), Some(path)) => Some(format!("`{}` stays: {what}", unit_id(&path))),
        _ => None,
    };
    view.begun().iter().filter(changed).filter_map(stays).collect()
}

/// What to type next, the likeliest first.
fn next(about: &About<'_>) -> Vec<Line> {
    let About { plan, view, run, .. } = about;
    let mut lines = Vec::new();
    let mut add = |label: &'static str, what: String| lines.push(Line::Command { label, text: command(&what, about.state.named()) });
    let undoable = !Extent::of(plan, view).undo.is_empty() || view.in_doubt().next().is_some();
    let undoable = undoable && view.rollback().is_none();
    match about.end {
        Some(RunEnd::ChecksFailed | RunEnd::Refused | RunEnd::RolledBack) => add("again", format!("exec {}", about.again)),
        Some(RunEnd::WaitingForPerson) if about.asked_to_start() => add("go on", format!("resume {run} --yes")),
        Some(RunEnd::NeedsPerson { why: PersonNeeded::Barrier }) => {
            add("when done", format!("abandon {run} --reason {}", quoted("put right by hand: …")));
        }
        None | Some(RunEnd::Failed | RunEnd::Stopped { .. } | RunEnd::LockLost | RunEnd::WaitingForPerson | RunEnd::NeedsPerson { .. }) => {
            add("go on", format!("resume {run}"));
            for answer in answers(about) {
                add("or answer", format!("resume {run} --answer {}", quoted(&answer)));
            }
            if undoable {
                add("roll back", format!("rollback {run}"));
            }
            if about.end == Some(RunEnd::NeedsPerson { why: PersonNeeded::Stuck }) {
                add("or by hand", format!("abandon {run} --reason {}", quoted("put right by hand: …")));
            }
        }
        Some(RunEnd::Done | RunEnd::ChecksPassed | RunEnd::Abandoned) => {}
    }
    let written = failures(plan, view).into_iter().find(|key| report(view, *key).is_some_and(|report| report.output.is_some()));
    if let Some(path) = written.and_then(|key| view.path(plan, key))
        && let Some(place) = path.first()
    {
        add("look", format!("runs log {run} --step {}", place.step));
    }
    add("look", format!("runs show {run}"));
    lines
}

/// What can be answered without a terminal: whether a step in doubt was done, and what waits for a yes.
fn answers(about: &About<'_>) -> Vec<String> {
    let About { plan, view, end, .. } = about;
    let name = |key: EffectKey| view.path(plan, key).map(|path| unit_id(&path));
    match end {
        Some(RunEnd::NeedsPerson { why: PersonNeeded::InDoubt }) => {
            view.in_doubt().filter_map(name).flat_map(|step| [format!("{step}=done"), format!("{step}=not-done")]).collect()
        }
        Some(RunEnd::WaitingForPerson) => {
            let asks = |unit: &PlanUnit| unit.confirm || unit.action.starts_with("manual.");
            let waits = |key: &EffectKey| {
                view.effect(*key).is_some_and(|effect| matches!(effect.state(), EffectState::Admitted | EffectState::Held))
            };
            let units = plan.units().iter().filter(|unit| asks(unit)).filter_map(|unit| plan.find(&unit.id));
            let items = |unit: UnitIx| {
                let count = view.unit(unit).map_or(0, |unit| unit.items().len());
                (0..count)
                    .filter_map(|item| u32::try_from(item).ok())
                    .map(move |item| EffectKey { item: Some(item), ..EffectKey::unit(unit) })
            };
            let keys = units.flat_map(|unit| std::iter::once(EffectKey::unit(unit)).chain(items(unit)));
            keys.filter(waits).filter_map(|key| Some(format!("{}={}", name(key)?, reply_to(plan.unit(key.unit)?, view, key)?))).collect()
        }
        _ => Vec::new(),
    }
}

/// What stands for the answer that a unit waits for; none where that has no place on a command line.
fn reply_to(unit: &PlanUnit, view: &RunView, key: EffectKey) -> Option<&'static str> {
    // Held by its action's own question; a `confirm` is asked before that.
    let held = view.effect(key).is_some_and(|effect| effect.state() == EffectState::Held);
    match &unit.fields {
        _ if !held || unit.action != "manual.input" => Some("yes"),
        Fields::Ready(fields) if fields.get("secret") != Some(&true.into()) => Some("…"),
        Fields::Ready(_) | Fields::Deferred { .. } => None,
    }
}

/// A command of this program, with where runs are kept where that is not the default.
pub(crate) fn command(what: &str, state: Option<&Path>) -> String {
    let state = state.map(|path| format!(" --state-dir {}", quoted(&path.to_string_lossy()))).unwrap_or_default();
    format!("runbook {what}{state}")
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@%=,".contains(&byte));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Prints it.
pub(crate) fn print(lines: &[Line], stream: &mut Stream) {
    const LABEL: usize = 14;
    let (paint, columns) = (stream.paint(), stream.width());
    let mut before = "";
    for line in lines {
        let (label, text, style) = match line {
            Line::Headline { good, text } => {
                let style = if *good { Style::Green } else { Style::Red };
                stream.line(format_args!("\n{}", paint.apply(style, &visible(text))));
                continue;
            }
            Line::Row { label, text } => (*label, text, None),
            Line::Command { label, text } => (*label, text, Some(Style::Cyan)),
        };
        let shown = if label == before { "" } else { label };
        before = label;
        let text = visible(text);
        // A command stays on one line, to be copied.
        let pieces = if style.is_some() { vec![text.into_owned()] } else { wrap(&text, columns.saturating_sub(LABEL), 0) };
        for (at, piece) in pieces.iter().enumerate() {
            let lead = format!("  {:<12}", if at == 0 { shown } else { "" });
            match style {
                Some(style) => stream.line(format_args!("{}{}", paint.apply(Style::Dim, &lead), paint.apply(style, piece))),
                None => stream.line(format_args!("{}{piece}", paint.apply(Style::Dim, &lead))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(quoted("/var/lib/run-1"), "/var/lib/run-1");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn many_names_are_cut() {
        let names: Vec<String> = (1..=NAMES + 2).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(some_of(&names[..2]), "1, 2");
        assert!(some_of(&names[..NAMES]).ends_with(", 19, 20"));
        assert!(some_of(&names).ends_with(", 19, 20, … and 2 more"));
    }

    #[test]
    fn a_service_is_down_since_the_first_stop_that_nothing_started_again() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let event = |second, stops, id: &str| (at(second), stops, id.to_owned());
        assert_eq!(stopped_since(vec![event(2, false, "start"), event(1, true, "stop")]), None);
        assert_eq!(stopped_since(vec![event(1, true, "one"), event(2, true, "two")]), Some((at(1), "one".to_owned())));
        assert_eq!(
            stopped_since(vec![event(1, true, "one"), event(2, false, "start"), event(3, true, "two")]),
            Some((at(3), "two".to_owned()))
        );
    }
}
