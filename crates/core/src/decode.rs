//! From a file's tree to a draft of a runbook: everything typed, templates parsed, names of other units not resolved yet.
//!
//! All faults are reported; a part that has one is left out of the draft, and what refers to it is not reported on top.

mod action;
mod calls;
mod draft;
mod file;
mod holder;
mod keys;
mod locks;
mod reader;
mod target;
mod unit;
mod value;
mod var;
mod watch;

pub(crate) use draft::{Draft, NameRef};
pub(crate) use file::decode;
pub(crate) use keys::literal;
