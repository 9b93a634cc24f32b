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

use crate::described;
use crate::described::Described;
pub(crate) use file::RunbookFile;
pub(crate) use locks::LockStoreDecl;
pub(crate) use monitor::MonitorDecl;
pub(crate) use unit::{CheckDecl, ProbeDecl, RepeatDecl, RetryDecl, Safety, StepDecl, UndoDecl, VerifyDecl};
use unit::{Condition, OutputName};
pub(crate) use values::ValueDecl;
pub(crate) use var::VarDecl;

/// What a file is held against, part by part.
pub(crate) const RUNBOOK: Described = described!(RunbookFile, "runbook");
pub(crate) const VARIABLE: Described = described!(VarDecl, "variable");
pub(crate) const VALUE: Described = described!(ValueDecl, "value");
pub(crate) const LOCK_STORE: Described = described!(LockStoreDecl, "lock_store");
pub(crate) const UNDO: Described = described!(UndoDecl, "undo");
pub(crate) const PROBE: Described = described!(ProbeDecl, "probe");

/// All of them, by the names of their files in `schemas/types`.
pub(crate) const PARTS: [(&str, Described); 6] =
    [("runbook", RUNBOOK), ("variable", VARIABLE), ("value", VALUE), ("lock_store", LOCK_STORE), ("undo", UNDO), ("probe", PROBE)];
