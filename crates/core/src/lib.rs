//! The pure core of `runbook`: reading, checking, planning and deciding.
//!
//! Nothing here does I/O, reads a clock or an environment, or draws a random number; time and answers arrive as records. That is what lets a
//! run, a resume, a rollback, a crash test and a simulation be one and the same code path.
//!
//! The way through the house:
//!
//! ```text
//! text ─document→ Node      spans on every key and value; many errors at once
//!      ─decode→ Runbook     typed, references resolved, templates parsed but not rendered
//!      ─plan(inputs)→ Plan  a unit per check, step and verify; digests; what is known later
//!      ─decide(view)→ Command…   carried out by the engine, which feeds records back
//!      ─apply(record)→ RunView   one view, read by every reporter
//! ```

pub mod action;
pub mod call;
mod check;
pub mod decide;
mod decode;
mod described;
pub mod diagnostic;
pub mod digest;
pub mod document;
pub mod effect;
mod format;
pub mod inputs;
mod layout;
mod load;
pub mod pattern;
pub mod places;
pub mod plan;
pub mod prepare;
pub mod record;
pub mod report;
pub mod runbook;
pub mod schema;
pub mod scope;
pub mod secret;
mod shape;
pub mod source;
pub mod suggest;
mod tagged;
pub mod template;
pub mod value;
pub mod values;
pub mod view;

pub use described::Described;
pub use load::{CalledFiles, load, load_with};
