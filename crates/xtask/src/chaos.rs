//! The shipped procedures, killed at every point and gone on with: what the tests do at a few points, at all of them. Takes hours.

use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::{cargo, lab, say};

/// Runs it; `every` takes each N-th point only. A lab that was up stays up.
pub(crate) fn run(checkout: &Checkout, every: &str) -> Result<(), TaskError> {
    if every.parse::<usize>().is_ok_and(|every| every > 0) {
        let lab = lab::up(checkout)?;
        let tried = lab::load_images(checkout, &lab).and_then(|()| tries(checkout, &lab.file().display().to_string(), every));
        let down = lab.finish(checkout);
        tried.and(down)
    } else {
        Err(TaskError::usage("`--every` takes a number from 1 on"))
    }
}

fn tries(checkout: &Checkout, lab: &str, every: &str) -> Result<(), TaskError> {
    let program = cargo::build_runbook(checkout, "dev", cargo::Points::Crash)?;
    say::part("Killed at every point");
    let words = ["test", "--package", "runbook-tests", "--test", "it", "--", "--ignored", "--nocapture", "killed_at_every_point"];
    cargo::run(checkout, &words, &[("RUNBOOK_LAB", lab), ("RUNBOOK_BIN", &program.display().to_string()), ("CHAOS_EVERY", every)])
}
