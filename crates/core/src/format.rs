//! The format: what may be written in a runbook, as types.
//!
//! These types give the published schema, the reference and the shapes that the decoder holds a file against. Their texts are not templates unless
//! marked so: `x-text = "plain"` for a template, `"expr"` for a bare expression, `"verbatim"` for prose. A type marked `x-actions` holds one action
//! `EXECUTOR.ACTION` beside its keys.

mod file;
mod locks;
mod monitor;
mod unit;
mod values;
mod var;

pub(crate) use file::RunbookFile;
pub(crate) use locks::LockStoreDecl;
pub(crate) use monitor::MonitorDecl;
pub(crate) use unit::{CheckDecl, ProbeDecl, RepeatDecl, RetryDecl, Safety, StepDecl, UndoDecl, VerifyDecl};
use unit::{Condition, OutputName};
pub(crate) use values::ValueDecl;
pub(crate) use var::VarDecl;
