//! The watcher's own thread: a terminal that stalls holds up nothing but itself.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use runbook_core::plan::Plan;
use runbook_engine::events::{Event, EventReceiver};

use super::Reporter;
use super::jsonl::Jsonl;
use super::live::Live;
use super::plain::Plain;
use super::quiet::Quiet;
use crate::args::OutputMode;
use crate::streams::Streams;

/// Between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(120);

/// How a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// With a live picture.
    Live,
    /// Plain lines.
    Plain,
    /// JSON lines.
    Jsonl,
    /// Only what went wrong.
    Quiet,
}

impl Mode {
    /// What `auto` comes down to here.
    pub(crate) fn of(wish: OutputMode) -> Self {
        match wish {
            OutputMode::Auto if io::stdout().is_terminal() && io::stderr().is_terminal() => Self::Live,
            OutputMode::Auto | OutputMode::Plain => Self::Plain,
            OutputMode::Jsonl => Self::Jsonl,
            OutputMode::Quiet => Self::Quiet,
        }
    }
}

/// The terminal, which belongs to the reporter or to a question, one at a time.
#[derive(Clone, Default)]
pub(crate) struct Screen(Arc<Mutex<Live>>);

impl Screen {
    /// Takes the terminal for a question: the live picture is gone until the guard is.
    pub(crate) fn take(&self) -> Taken<'_> {
        let mut live = self.lock();
        live.hide();
        Taken(live)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Live> {
        // A picture that panicked is still a picture.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The terminal without the live picture.
pub(crate) struct Taken<'a>(MutexGuard<'a, Live>);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.show();
    }
}

/// A reporter at work.
pub(crate) struct Watcher(Option<JoinHandle<()>>);

impl Watcher {
    /// Starts it. Where no thread can be had, the run goes on unwatched.
    pub(crate) fn start(mode: Mode, events: EventReceiver, plan: Arc<Plan>, screen: &Screen) -> Self {
        let screen = screen.clone();
        let thread = std::thread::Builder::new().name("watcher".to_owned()).spawn(move || {
            let streams = Streams::standard();
            match mode {
                Mode::Live => {
                    screen.lock().open(streams, plan);
                    follow(events, &mut OnScreen(screen));
                }
                Mode::Plain => follow(events, &mut Plain::new(streams.out, plan)),
                Mode::Jsonl => follow(events, &mut Jsonl::new(streams.out)),
                Mode::Quiet => follow(events, &mut Quiet::new(streams.err)),
            }
        });
        Self(thread.ok())
    }

    /// Waits until all of it was told.
    pub(crate) fn finish(mut self) {
        if let Some(thread) = self.0.take()
            && thread.join().is_err()
        {
            tracing::error!("the reporter broke off; the run did not");
        }
    }
}

fn follow(mut events: EventReceiver, reporter: &mut dyn Reporter) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    runtime.block_on(async {
        loop {
            match tokio::time::timeout(TICK, events.recv()).await {
                Ok(Some(event)) => tell(reporter, &event),
                Ok(None) => break,
                Err(_) => reporter.tick(),
            }
        }
    });
    reporter.finish();
}

fn tell(reporter: &mut dyn Reporter, event: &Event) {
    match event {
        Event::Record(stamped) => reporter.record(stamped),
        Event::Output { effect, stream, bytes } => reporter.output(effect, *stream, bytes),
        Event::Progress { effect, progress } => reporter.progress(effect, progress),
        Event::Warning { text } => reporter.warning(text),
        Event::Lost { bytes } => reporter.lost(*bytes),
    }
}

/// The live reporter, which shares the terminal with questions.
struct OnScreen(Screen);

impl Reporter for OnScreen {
    fn record(&mut self, stamped: &runbook_core::record::Stamped) {
        self.0.lock().record(stamped);
    }

    fn output(&mut self, effect: &Arc<runbook_core::effect::EffectId>, stream: runbook_core::action::Stream, bytes: &[u8]) {
        self.0.lock().output(effect, stream, bytes);
    }

    fn progress(&mut self, effect: &Arc<runbook_core::effect::EffectId>, progress: &runbook_core::action::Progress) {
        self.0.lock().progress(effect, progress);
    }

    fn warning(&mut self, text: &str) {
        self.0.lock().warning(text);
    }

    fn lost(&mut self, bytes: u64) {
        self.0.lock().lost(bytes);
    }

    fn tick(&mut self) {
        self.0.lock().tick();
    }

    fn finish(&mut self) {
        self.0.lock().finish();
    }
}
