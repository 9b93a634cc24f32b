//! Every check of this project, in the order in which they fail fastest; the lab is up before anything long begins, so that a missing Docker or database is
//! said at once. Nothing is skipped where something is missing: the tests that need it fail.

use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::{cargo, generate, lab, say};

/// Runs them all; `args` go to `cargo test`. A lab that was up stays up.
pub(crate) fn run(checkout: &Checkout, args: &[&str]) -> Result<(), TaskError> {
    say::part("Format");
    cargo::run(checkout, &["fmt", "--all", "--check"], &[])?;
    let lab = lab::up(checkout)?;
    let tested = lab::load_images(checkout, &lab).and_then(|()| tests(checkout, &lab.file().display().to_string(), args));
    let down = lab.finish(checkout);
    tested.and(down)?;
    say::part("All is well");
    Ok(())
}

fn tests(checkout: &Checkout, lab: &str, args: &[&str]) -> Result<(), TaskError> {
    say::part("Generated files");
    generate::run(checkout, generate::Mode::Check)?;
    say::part("Lints");
    cargo::run(checkout, &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"], &[])?;
    say::part("Tests");
    let program = cargo::build_runbook(checkout, "dev", cargo::Points::Crash)?;
    let words = [&["test", "--workspace"], args].concat();
    cargo::run(checkout, &words, &[("RUNBOOK_LAB", lab), ("RUNBOOK_BIN", &program.display().to_string())])
}
