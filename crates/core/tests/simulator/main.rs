//! Random plans in random worlds: `decide` is driven as the engine drives it, with crashes at every boundary, and the laws are checked at every record.
//!
//! A history is made from one number; a failure prints it. `SIMULATE=SEED` replays that one, `SIMULATE_COUNT` sets how many are tried.

mod engine;
mod laws;
mod plans;
mod rng;
mod scale;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::History;
use rng::Rng;

const HISTORIES: u64 = 20_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_history_obeys_the_laws() {
    if let Some(seed) = number("SIMULATE") {
        History::live(Rng::new(seed), true);
        return;
    }
    let count = number("SIMULATE_COUNT").unwrap_or(HISTORIES);
    let halves = 2;
    std::thread::scope(|scope| {
        for half in 0..halves {
            scope.spawn(move || {
                for seed in (0..count).filter(|seed| seed % halves == half) {
                    let lived = catch_unwind(AssertUnwindSafe(|| History::live(Rng::new(seed), false)));
                    assert!(
                        lived.is_ok(),
                        "history {seed} breaks a law; see it with: SIMULATE={seed} cargo test -p runbook-core --test simulator"
                    );
                }
            });
        }
    });
}
