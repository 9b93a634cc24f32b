//! Speed and size, as ratios within one run: machines differ, ratios do less. Nothing is asserted; a table is printed.

#[cfg(feature = "bench")]
mod measure;
#[cfg(feature = "bench")]
mod numbers;

use crate::checkout::Checkout;
use crate::error::TaskError;

/// Without the feature this program is not optimised: it builds itself as it has to be, and starts again.
#[cfg(not(feature = "bench"))]
pub(crate) fn run(checkout: &Checkout) -> Result<(), TaskError> {
    crate::cargo::run(checkout, &["run", "--quiet", "--release", "--package", "xtask", "--features", "bench", "--", "bench"], &[])
}

/// Measures and prints.
#[cfg(feature = "bench")]
pub(crate) fn run(checkout: &Checkout) -> Result<(), TaskError> {
    // A program that is there already, where somebody has one to measure: the build takes minutes.
    let program = match std::env::var_os("RUNBOOK_BIN") {
        Some(program) => program.into(),
        None => crate::cargo::build_runbook(checkout, "release")?,
    };
    let dir = checkout.root.join("target").join("bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).map_err(|error| TaskError::file("create", &dir, error))?;
    let rows = numbers::all(checkout, &program, &dir)?;
    println!("\n{:52} {:>12} {:>12}  ", "", "measured", "limit");
    for row in rows {
        println!("{:52} {:>12} {:>12}  {}", row.what, row.measured, row.limit, row.about);
    }
    let _ = std::fs::remove_dir_all(&dir);
    Ok(())
}
