//! Real shells as oracles: bash, dash and busybox sh. Whatever the value, an accepted place gives it back byte for byte and executes nothing.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says no more than that it failed")]

mod agreement;
mod brush;
mod contexts;
mod dangers;
mod guarded;
mod shells;
mod snippets;
mod values;
