//! Random plans in random worlds: `decide` is driven as the engine drives it, with crashes at every boundary, and the laws are checked at every record.
//!
//! A history is made from one number; a failure prints it. `SIMULATE=SEED` replays that one, `SIMULATE_COUNT` sets how many are tried.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "all of it is a test, its helpers too")]

mod engine;
mod laws;
mod plans;
mod rng;
mod scale;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use engine::History;
use rng::Rng;
use runbook_core::plan::Plan;

const HISTORIES: u64 = 100_000;

/// So many histories share a plan: making one costs as much as living through a history.
const HISTORIES_OF_A_PLAN: u64 = 8;

/// The plan of a history.
fn plan(seed: u64) -> Rc<Plan> {
    Rc::new(plans::plan(&mut Rng::new(seed / HISTORIES_OF_A_PLAN)))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What must happen in enough of the histories: laws that nothing tempts are kept too easily.
const HAPPENS: [&str; 38] = [
    "Crashed",
    "Ended(Done)",
    "Ended(ChecksPassed)",
    "Ended(ChecksFailed)",
    "Ended(Failed)",
    "Ended(RolledBack)",
    "Ended(Refused)",
    "Ended(WaitingForPerson)",
    "Ended(Stopped { signal: 2 })",
    "Ended(NeedsPerson { why: Barrier })",
    "Ended(NeedsPerson { why: Stuck })",
    "Ended(NeedsPerson { why: InDoubt })",
    "a Once action is repeated",
    "a closed run is opened",
    "a guard is asked",
    "a monitor begins afresh",
    "a monitor breaks off",
    "a monitor rolls the run back",
    "a monitor stops the run",
    "a monitor trips",
    "a monitor's time is over",
    "a person decides about a failure",
    "a person decides about a step",
    "a person decides about an undo",
    "a question is withdrawn",
    "a recovered effect was done",
    "a recovered effect was not done",
    "a retry is scheduled",
    "a rollback is requested",
    "a step breaks off",
    "a step is to be repeated",
    "an effect is cancelled",
    "an effect still moves",
    "an undo breaks off",
    "an undo is repeated",
    "nobody knows about a recovered effect",
    "several steps are undone",
    "steps run side by side",
];

#[test]
fn every_history_obeys_the_laws() {
    if let Some(seed) = number("SIMULATE") {
        History::live(plan(seed), Rng::new(seed), true);
        return;
    }
    let count = number("SIMULATE_COUNT").unwrap_or(HISTORIES);
    let half = count / 2 / HISTORIES_OF_A_PLAN * HISTORIES_OF_A_PLAN;
    let halves: Vec<_> = std::thread::scope(|scope| {
        let threads = [0..half, half..count].map(|seeds| scope.spawn(move || live_all(seeds)));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let seen = |what: &str| halves.iter().filter_map(|half| half.get(what)).sum::<u64>();
    for what in HAPPENS {
        println!("{:6} of {count}: {what}", seen(what));
        assert!(seen(what) * 2_000 >= count, "{what}: in {} of {count} histories only", seen(what));
    }
}

/// In how many of these histories each thing happened.
fn live_all(seeds: impl Iterator<Item = u64>) -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    let mut shared = plan(0);
    for seed in seeds {
        if seed % HISTORIES_OF_A_PLAN == 0 {
            shared = plan(seed);
        }
        let Ok(happened) = catch_unwind(AssertUnwindSafe(|| History::live(Rc::clone(&shared), Rng::new(seed), false))) else {
            panic!("history {seed} breaks a law; see it with: SIMULATE={seed} cargo test -p runbook-core --test simulator");
        };
        for what in happened {
            *seen.entry(what).or_default() += 1;
        }
    }
    seen
}
