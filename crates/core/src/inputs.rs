//! The values of a run's variables: from texts and files to typed values, all faults at once.
//!
//! Where a value comes from is found out by the program around the core; here stands only which source wins, what a value must be, and what an
//! author's default gives. Values of `duration`, `size` and `time` variables are texts in one canonical form (`1h 30m`, `8GiB`,
//! `2026-11-21T03:00:00Z`): they read well wherever they are put, and the helpers compare them by what they mean.

mod defaults;
mod given;
mod read;
mod resolve;
#[cfg(test)]
mod tests;
mod values;

pub use given::{Given, GivenValue, Origin, environment_name};
pub(crate) use resolve::resolve_but;
pub use resolve::{lacking, missing, resolve};
pub use values::{Input, Inputs};
