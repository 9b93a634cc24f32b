//! What the program's own code says of itself, on standard error, where `RUNBOOK_LOG` asks for it. Other crates are capped at warnings, whatever
//! is asked for: some of them log requests with the secrets in them.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Our own crates.
const OURS: [&str; 4] = ["runbook", "runbook_core", "runbook_engine", "runbook_executors"];

/// Starts it. `wish` is the value of `RUNBOOK_LOG`: a level such as `debug`.
pub(crate) fn start(wish: Option<&str>, colours: bool) {
    let Some(level) = wish.and_then(|wish| wish.trim().parse::<LevelFilter>().ok()).filter(|level| *level != LevelFilter::OFF) else {
        return;
    };
    let filter = Targets::new().with_default(LevelFilter::WARN.min(level)).with_targets(OURS.map(|ours| (ours, level)));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    // A second subscriber would be a fault of a test, not of a run.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
