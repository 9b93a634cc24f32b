//! Cargo, called from a task.

use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::say;
use std::path::PathBuf;
use std::process::Command;

/// Runs `cargo WORDS` in the checkout, its output where ours goes.
pub(crate) fn run(checkout: &Checkout, words: &[&str], env: &[(&str, &str)]) -> Result<(), TaskError> {
    say::command(format!("cargo {}", words.join(" ")));
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(&checkout.root).envs(env.iter().copied());
    let status = command.status().map_err(|error| TaskError::failed(format!("cannot run cargo: {error}")))?;
    if status.success() { Ok(()) } else { Err(TaskError::failed(format!("`cargo {}` failed ({status})", words.join(" ")))) }
}

/// Whether the program has places at which a test can end it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Points {
    /// As it is shipped.
    None,
    /// With them; without `RUNBOOK_CRASH_AT` they do nothing.
    Crash,
}

/// Builds the `runbook` program in `profile` and says where it is.
pub(crate) fn build_runbook(checkout: &Checkout, profile: &str, points: Points) -> Result<PathBuf, TaskError> {
    require_cc()?;
    let features: &[&str] = if points == Points::Crash { &["--features", "crash-points"] } else { &[] };
    run(checkout, &[&["build", "--package", "runbook", "--profile", profile], features].concat(), &[])?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target_dir(checkout).join(folder).join("runbook"))
}

/// Builds the stand-ins as static programs and says where the program is. `+crt-static` wants a target folder of its own: in the common one
/// everything would be built again each time.
pub(crate) fn build_standins(checkout: &Checkout) -> Result<PathBuf, TaskError> {
    require_cc()?;
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let dir = checkout.root.join("target-static");
    let words = ["build", "--package", "standins", "--profile", "lab", "--target", &target, "--target-dir", "target-static"];
    run(checkout, &words, &[("RUSTFLAGS", "-C target-feature=+crt-static")])?;
    Ok(dir.join(target).join("lab").join("standins"))
}

fn target_dir(checkout: &Checkout) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout.root.join("target"), |dir| checkout.root.join(dir))
}

/// Rust alone cannot link.
fn require_cc() -> Result<(), TaskError> {
    match Command::new("cc").arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(TaskError::missing("there is no working `cc`: Rust needs a linker", &["install it: `apt-get install gcc libc6-dev`"])),
    }
}
