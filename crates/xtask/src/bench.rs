//! Speed and size, as ratios within one run: machines differ, ratios do less. Nothing is asserted; a table is printed.

#[cfg(feature = "bench")]
mod backup;
#[cfg(feature = "bench")]
pub(crate) mod bare;
#[cfg(feature = "bench")]
mod masking;
#[cfg(feature = "bench")]
mod measure;
#[cfg(feature = "bench")]
mod numbers;
#[cfg(feature = "bench")]
mod runs;

use crate::checkout::Checkout;
use crate::error::TaskError;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The program by itself.
    Program,
    /// Backups, against other tools; wants the lab.
    Backup {
        /// Whether with 2 GB of data, instead of 200 MB.
        large: bool,
    },
}

/// Without the feature this program is not optimised: it builds itself as it has to be, and starts again.
#[cfg(not(feature = "bench"))]
pub(crate) fn run(checkout: &Checkout, what: What) -> Result<(), TaskError> {
    let words: &[&str] = match what {
        What::Program => &[],
        What::Backup { large: false } => &["backup"],
        What::Backup { large: true } => &["backup", "--large"],
    };
    let build = ["run", "--quiet", "--release", "--package", "xtask", "--features", "bench", "--", "bench"];
    crate::cargo::run(checkout, &[&build, words].concat(), &[])
}

/// Measures and prints.
#[cfg(feature = "bench")]
pub(crate) fn run(checkout: &Checkout, what: What) -> Result<(), TaskError> {
    // A program that is there already, where somebody has one to measure: the build takes minutes.
    let program = match std::env::var_os("RUNBOOK_BIN") {
        Some(program) => program.into(),
        None => crate::cargo::build_runbook(checkout, "release", crate::cargo::Points::None)?,
    };
    let dir = checkout.root.join("target").join("bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).map_err(|error| TaskError::file("create", &dir, error))?;
    let measured = match what {
        What::Program => numbers::all(checkout, &program, &dir).map(|rows| {
            println!("\n{:56} {:>12} {:>12}  ", "", "measured", "limit");
            for row in rows {
                println!("{:56} {:>12} {:>12}  {}", row.what, row.measured, row.limit, row.about);
            }
        }),
        What::Backup { large } => {
            let size = if large { backup::Size::Large } else { backup::Size::Usual };
            backup::run(checkout, &program, &dir, size)
        }
    };
    let _ = std::fs::remove_dir_all(&dir);
    measured
}
