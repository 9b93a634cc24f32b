//! The live picture on a terminal: what is done stands above and scrolls, what runs stands below with a spinner and how far it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use runbook_core::action::{Progress, Stream, Unit};
use runbook_core::effect::EffectId;
use runbook_core::plan::Plan;
use runbook_core::record::{Record, Stamped};

use super::Reporter;
use super::lines::Output;
use super::plain::{failures, remarks};
use super::story::{self, Ending, Part, Story, Subject, Telling, probes};
use crate::streams::Streams;
use crate::text::{Paint, Style, bytes, count, duration, fit, visible, wrap};

/// The picture; empty until it is opened.
#[derive(Default)]
pub(crate) struct Live(Option<Picture>);

struct Picture {
    streams: Streams,
    story: Story,
    bars: MultiProgress,
    running: BTreeMap<EffectId, Running>,
    part: Option<Part>,
}

struct Running {
    bar: ProgressBar,
    title: String,
    since: Instant,
    progress: Option<Progress>,
    /// Of a monitor: whether what it watches holds, and its probes so far, as recorded.
    probes: Option<(bool, String)>,
    lines: Output,
}

impl Live {
    pub(super) fn open(&mut self, streams: Streams, plan: Arc<Plan>) {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        self.0 = Some(Picture { streams, story: Story::new(Some(plan)), bars, running: BTreeMap::new(), part: None });
    }

    pub(super) fn hide(&mut self) {
        if let Some(picture) = &mut self.0 {
            let _ = picture.bars.clear();
            picture.bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    pub(super) fn show(&mut self) {
        if let Some(picture) = &mut self.0 {
            picture.bars.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Reporter for Live {
    fn record(&mut self, stamped: &Stamped) {
        if let Some(picture) = &mut self.0 {
            picture.record(stamped);
        }
    }

    fn output(&mut self, effect: &Arc<EffectId>, stream: Stream, piece: &[u8]) {
        let Some(picture) = &mut self.0 else { return };
        let Some(running) = picture.running.get_mut(&**effect) else { return };
        let lines = running.lines.push(stream, piece);
        picture.output(&lines);
    }

    fn progress(&mut self, effect: &Arc<EffectId>, progress: &Progress) {
        if let Some(picture) = &mut self.0
            && let Some(running) = picture.running.get_mut(&**effect)
        {
            running.progress = Some(progress.clone());
        }
    }

    fn warning(&mut self, text: &str) {
        if let Some(picture) = &mut self.0 {
            let paint = picture.streams.out.paint();
            picture.line(&format!("  {} {}", paint.apply(Style::Yellow, "!"), visible(text)));
        }
    }

    fn lost(&mut self, number: u64) {
        if let Some(picture) = &mut self.0 {
            let text = format!("{} of output came too fast to be shown; the step's log has more", bytes(number));
            picture.output(&[text]);
        }
    }

    fn tick(&mut self) {
        if let Some(picture) = &mut self.0 {
            let width = picture.streams.err.width();
            for running in picture.running.values() {
                running.bar.set_message(running.message(width));
                running.bar.tick();
            }
        }
    }

    fn finish(&mut self) {
        if let Some(picture) = &mut self.0 {
            picture.running.clear();
            let _ = picture.bars.clear();
            picture.streams.out.flush();
        }
    }
}

impl Picture {
    fn record(&mut self, stamped: &Stamped) {
        let telling = self.story.tell(stamped);
        if let Record::Watched(watched) = &stamped.record
            && let Some(running) = self.running.get_mut(&watched.effect)
        {
            running.probes = Some((watched.holds, probes(watched.tally)));
        }
        if let Record::Ended(ended) = &stamped.record {
            self.end(&ended.effect);
        }
        if let Some(telling) = telling {
            self.tell(&telling);
        }
        if let Record::Started(started) = &stamped.record {
            self.begin(&started.effect);
        }
    }

    fn begin(&mut self, effect: &EffectId) {
        let style = ProgressStyle::with_template("  {spinner:.cyan} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = self.bars.add(ProgressBar::new_spinner().with_style(style));
        let subject = self.story.subject(effect);
        let running = Running {
            bar,
            title: visible(&subject.title).into_owned(),
            since: Instant::now(),
            progress: None,
            probes: None,
            lines: Output::default(),
        };
        running.bar.set_message(running.message(self.streams.err.width()));
        running.bar.tick();
        self.running.insert(effect.clone(), running);
    }

    fn end(&mut self, effect: &EffectId) {
        if let Some(mut running) = self.running.remove(effect) {
            running.bar.finish_and_clear();
            self.bars.remove(&running.bar);
            let rest = running.lines.rest();
            self.output(&rest);
        }
    }

    fn output(&mut self, lines: &[String]) {
        let paint = self.streams.out.paint();
        let shown: Vec<String> =
            lines.iter().map(|line| format!("    {}", paint.apply(Style::Dim, &format!("│ {}", visible(line))))).collect();
        self.lines(&shown);
    }

    fn line(&mut self, text: &str) {
        self.lines(&[text.to_owned()]);
    }

    /// Above the running ones; they are taken away and drawn again.
    fn lines(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let Self { bars, streams, .. } = self;
        bars.suspend(|| {
            for line in lines {
                streams.out.line(line);
            }
            streams.out.flush();
        });
    }

    fn heading(&mut self, part: Part) {
        // What monitors say stands where it happened.
        if self.part != Some(part) && part != Part::Monitors {
            self.part = Some(part);
            let paint = self.streams.out.paint();
            let heading = format!("\n{}", paint.apply(Style::Bold, part.heading()));
            self.line(&heading);
        }
    }

    fn tell(&mut self, telling: &Telling) {
        let paint = self.streams.out.paint();
        match telling {
            Telling::Opened { run, name, title } => {
                let title = visible(title.as_deref().unwrap_or(name)).into_owned();
                let line = format!("{}\n{}", paint.apply(Style::Bold, &title), paint.apply(Style::Dim, &format!("{name}, run {run}")));
                self.line(&line);
            }
            Telling::Session { by, host, back } => {
                let what = if *back { "rollback begun" } else { "resumed" };
                self.remark(Style::Dim, &format!("{what} by {by} on {host}"));
            }
            Telling::Amended { file } => self.remark(Style::Yellow, &format!("the runbook was changed: {file}")),
            Telling::Answered { about, reply, by } => self.remark(Style::Dim, &format!("{about}: {reply}, says {by}")),
            Telling::Began(subject) => self.heading(subject.part),
            Telling::Ended { subject, ending, took, tries, warnings, expectations } => {
                self.heading(subject.part);
                let mut notes: Vec<String> = took.map(duration).into_iter().collect();
                notes.extend(story::tries(subject.part, *tries));
                self.entry(subject, &mark(ending), &notes.join(", "), paint);
                if let Ending::Failed(failure) = ending {
                    self.remark(Style::Red, &failure.message);
                }
                if let Ending::InDoubt { why } = ending {
                    self.remark(Style::Red, &format!("it is not known whether it was done: {why}"));
                }
                for text in remarks(warnings, expectations) {
                    self.remark(Style::Yellow, &text);
                }
            }
            Telling::Watched { subject, failure, in_a_row, tripped } => {
                let (style, mark) = if failure.is_none() { (Style::Green, "✓") } else { (Style::Red, "✗") };
                let notes = match failure {
                    None => "holds again".to_owned(),
                    Some(_) if *tripped => format!("tripped after {} in a row", failures(*in_a_row)),
                    Some(_) => "fails".to_owned(),
                };
                self.entry(subject, &(style, mark), &notes, paint);
                if let Some(why) = failure {
                    self.remark(if *tripped { Style::Red } else { Style::Yellow }, why);
                }
            }
            Telling::WatchedOut { subject, tally } => {
                let style = if tally.trips > 0 { (Style::Yellow, "!") } else { (Style::Green, "✓") };
                self.entry(subject, &style, &format!("watched: {}", probes(*tally)), paint);
            }
            Telling::Skipped { subject, why } => {
                self.heading(subject.part);
                self.entry(subject, &(Style::Dim, "–"), &format!("skipped: {why}"), paint);
            }
            Telling::Again { subject, attempt, after } => {
                self.heading(subject.part);
                self.entry(subject, &(Style::Yellow, "↻"), &again(*attempt, *after), paint);
            }
            Telling::LookingAgain { subject, why } => {
                self.heading(subject.part);
                self.entry(subject, &(Style::Yellow, "?"), &format!("was it done? {why}"), paint);
            }
            Telling::LostLock { what } => self.remark(Style::Red, &format!("{what}: ending in good order")),
            Telling::Stopping { at_once: false, .. } => self.remark(Style::Yellow, "ending in good order; once more to end at once"),
            Telling::Stopping { at_once: true, .. } => self.remark(Style::Red, "ending at once what may be interrupted"),
            Telling::RollingBack { steps, barrier } => {
                self.heading(Part::Rollback);
                self.remark(Style::Yellow, &format!("{} to take back", count(*steps as usize, "step")));
                if let Some(barrier) = barrier {
                    self.remark(Style::Red, &format!("`{barrier}` cannot be undone, nor what came before it"));
                }
            }
            Telling::Over(_) => {}
        }
    }

    fn entry(&mut self, subject: &Subject, (style, mark): &(Style, &str), notes: &str, paint: Paint) {
        let width = self.streams.out.width().saturating_sub(4);
        let title = wrap(&visible(&subject.title), width, 4).join("\n");
        let notes = visible(notes);
        let notes = if notes.is_empty() { String::new() } else { format!("  {}", paint.apply(Style::Dim, &notes)) };
        let line = format!("  {} {title}{notes}", paint.apply(*style, mark));
        self.line(&line);
    }

    fn remark(&mut self, style: Style, text: &str) {
        let paint = self.streams.out.paint();
        let width = self.streams.out.width();
        let text = wrap(&format!("    {}", visible(text)), width, 4).join("\n");
        let text = paint.apply(style, &text).to_string();
        self.line(&text);
    }
}

const fn mark(ending: &Ending) -> (Style, &'static str) {
    match ending {
        Ending::Done { .. } | Ending::FoundDone => (Style::Green, "✓"),
        Ending::Failed(_) => (Style::Red, "✗"),
        Ending::Cancelled | Ending::NotDone => (Style::Yellow, "■"),
        Ending::InDoubt { .. } => (Style::Red, "?"),
    }
}

impl Running {
    fn message(&self, width: usize) -> String {
        let took = duration(self.since.elapsed());
        let far = match (&self.progress, &self.probes) {
            (Some(progress), _) => far(progress),
            (None, Some((true, probes))) => format!("watching: {probes}"),
            (None, Some((false, probes))) => format!("FAILS: {probes}"),
            (None, None) => String::new(),
        };
        // The spinner, its spaces and the gaps between the parts.
        let room = width.saturating_sub(8 + crate::text::width(&far) + crate::text::width(&took));
        format!("{}  {far}  {took}", fit(&self.title, room.max(10)))
    }
}

/// `loading 3.2 GiB of 8.0 GiB (40%)`.
fn far(progress: &Progress) -> String {
    let amount = |number: u64| match progress.unit {
        Unit::Bytes => bytes(number),
        Unit::Rows | Unit::Items => number.to_string(),
    };
    let what = visible(&progress.what);
    match progress.total {
        Some(total) if total > 0 => {
            format!("{what} {} of {} ({}%)", amount(progress.done), amount(total), progress.done.min(total).saturating_mul(100) / total)
        }
        Some(_) | None => format!("{what} {}", amount(progress.done)),
    }
}

/// What comes next.
fn again(attempt: u32, after: std::time::Duration) -> String {
    if after.is_zero() { format!("once more (attempt {attempt})") } else { format!("attempt {attempt} in {}", duration(after)) }
}
