//! The shipped procedures, killed at every point and gone on with: what the tests do at a few points, at all of them. Takes hours.

use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::{cargo, lab, say};

/// What of it is to be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish<'a> {
    /// Each N-th point only, from 1.
    every: usize,
    /// The number of the first point, from 0: a night that was cut off goes on there.
    from: usize,
    /// One procedure only, by the name of its runbook.
    only: Option<&'a str>,
}

impl<'a> Wish<'a> {
    /// Reads `--every N`, `--from N` and `--only NAME`, in any order.
    pub(crate) fn read(words: &[&'a str]) -> Result<Self, TaskError> {
        let mut wish = Self { every: 1, from: 0, only: None };
        for pair in words.chunks(2) {
            match pair {
                ["--every", every] => {
                    let every = every.parse().ok().filter(|every| *every > 0);
                    wish.every = every.ok_or_else(|| TaskError::usage("`--every` takes a number from 1 on"))?;
                }
                ["--from", from] => {
                    wish.from = from.parse().map_err(|_| TaskError::usage("`--from` takes the number of a point, from 0 on"))?;
                }
                ["--only", name] => wish.only = Some(name),
                _ => {
                    return Err(TaskError::usage(
                        "`cargo xtask chaos` takes `--every N`, `--from N` and `--only NAME`, the name of a shipped procedure",
                    ));
                }
            }
        }
        Ok(wish)
    }
}

/// Runs it. A lab that was up stays up.
pub(crate) fn run(checkout: &Checkout, wish: Wish<'_>) -> Result<(), TaskError> {
    let lab = lab::up(checkout)?;
    let tried = lab::load_images(checkout, &lab).and_then(|()| tries(checkout, &lab.file().display().to_string(), wish));
    let down = lab.finish(checkout);
    tried.and(down)
}

fn tries(checkout: &Checkout, lab: &str, wish: Wish<'_>) -> Result<(), TaskError> {
    let program = cargo::build_runbook(checkout, "dev", cargo::Points::Crash)?;
    say::part("Killed at every point");
    let words = ["test", "--package", "runbook-tests", "--test", "it", "--", "--ignored", "--nocapture", "killed_at_every_point"];
    let (program, every, from) = (program.display().to_string(), wish.every.to_string(), wish.from.to_string());
    let mut env = vec![("RUNBOOK_LAB", lab), ("RUNBOOK_BIN", &program), ("CHAOS_EVERY", &every), ("CHAOS_FROM", &from)];
    env.extend(wish.only.map(|only| ("CHAOS_ONLY", only)));
    cargo::run(checkout, &words, &env)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_in_any_order_and_what_is_none_is_refused() {
        assert_eq!(Wish::read(&[]).unwrap(), Wish { every: 1, from: 0, only: None });
        assert_eq!(Wish::read(&["--from", "120"]).unwrap(), Wish { every: 1, from: 120, only: None });
        let wish = Wish { every: 10, from: 0, only: Some("oms-upgrade") };
        assert_eq!(Wish::read(&["--every", "10", "--only", "oms-upgrade"]).unwrap(), wish);
        assert_eq!(Wish::read(&["--only", "oms-upgrade", "--every", "10"]).unwrap(), wish);
        for words in [&["--every", "0"] as &[&str], &["--every"], &["--from", "x"], &["--only"], &["--all"]] {
            assert!(Wish::read(words).is_err(), "{words:?}");
        }
    }
}
