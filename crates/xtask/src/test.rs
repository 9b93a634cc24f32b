//! Every check.
use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::{cargo, generate, lab};

pub(crate) fn run(checkout: &Checkout, args: &[&str]) -> Result<(), TaskError> {
    cargo::run(checkout, &["fmt", "--all", "--check"], &[])?;
    generate::run(checkout, generate::Mode::Check)?;
    cargo::run(checkout, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])?;
    let lab = lab::up(checkout)?;
    let tested = lab::load_images(checkout, &lab).and_then(|()| {
        let mut words = vec!["test", "--workspace"];
        words.extend(args);
        cargo::run(checkout, &words, &[("RUNBOOK_LAB", &lab.file().display().to_string())])
    });
    let down = lab.finish(checkout);
    tested.and(down)
}
