//! Called runbooks, laid out into their callers'.

use std::sync::Arc;

use super::{ActionCall, Field, FieldKind, Placed, Runbook, Unit};
use crate::effect::UnitIx;
use crate::source::{Source, Span};
use crate::template::Expr;

/// The number of a called runbook in the runbook that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallIx(pub usize);

/// A runbook that another one calls. Names in it are its own: its variables, values and targets, and the ids of its units without the call's in front.
pub struct Called {
    /// The ids of the calls that lead to it: `backup`, `upgrade/backup`. It stands in front of the ids of its units.
    pub id: String,
    /// The called runbook in which the call stands; none where it is the runbook itself.
    pub parent: Option<CallIx>,
    /// Its file, from the folder of the outermost runbook on.
    pub file: String,
    /// The unit that is its end: it has the call's fields.
    pub end: UnitIx,
    /// The runbook. Its units were taken out, and those that it calls stand beside it.
    pub runbook: Runbook,
}

/// A condition of a call, which holds for all of the called runbook.
#[derive(Clone, Debug)]
pub struct Around {
    /// The called runbook whose names it uses; none for the runbook itself.
    pub call: Option<CallIx>,
    /// The condition.
    pub when: Placed<Expr>,
}

impl Runbook {
    /// The runbook whose names a place uses: this one, or one that it calls. A number that is another runbook's is this one.
    pub fn at(&self, call: Option<CallIx>) -> &Self {
        self.call(call).map_or(self, |called| &called.runbook)
    }

    /// The called runbook of that number; none for the runbook itself.
    pub fn call(&self, call: Option<CallIx>) -> Option<&Called> {
        self.called.get(call?.0)
    }

    /// The id of a unit of a called runbook, or of the runbook itself, as plans and journals have it.
    pub fn full_id(&self, call: Option<CallIx>, id: &str) -> String {
        self.call(call).map_or_else(|| id.to_owned(), |called| format!("{}/{id}", called.id))
    }

    /// The files of the runbooks that it calls, each once.
    pub fn called_files(&self) -> Vec<(&str, &Arc<Source>)> {
        let mut files: Vec<(&str, &Arc<Source>)> = Vec::new();
        for called in &self.called {
            if files.iter().all(|(file, _)| *file != called.file) {
                files.push((&called.file, &called.runbook.source));
            }
        }
        files
    }

    /// This runbook and all that it calls, each with its number.
    pub fn frames(&self) -> impl Iterator<Item = (Option<CallIx>, &Self)> {
        let called = self.called.iter().enumerate().map(|(at, called)| (Some(CallIx(at)), &called.runbook));
        std::iter::once((None, self)).chain(called)
    }
}

impl ActionCall {
    /// The variables to which a call gives values, in the order in which they are written: their names, where these stand, and the values. None of another
    /// action.
    pub fn given(&self) -> impl Iterator<Item = (&str, Span, &Field)> {
        let fields = match &self.fields.kind {
            FieldKind::Table(fields) if self.is_call() => fields.as_slice(),
            _ => &[],
        };
        let entries = match fields.iter().find(|(key, ..)| key == "vars").map(|(_, _, field)| &field.kind) {
            Some(FieldKind::Table(entries)) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(name, span, field)| (name.as_str(), *span, field))
    }
}

impl Unit {
    /// Its conditions, from the outside inwards, each with the called runbook whose names it uses.
    pub fn conditions(&self) -> impl Iterator<Item = (Option<CallIx>, &Placed<Expr>)> {
        let around = self.around.iter().map(|around| (around.call, &around.when));
        around.chain(self.when.iter().map(|when| (self.call, when)))
    }
}

/// The id of the called runbook that a unit stands in, empty for the runbook itself; and the unit's id there.
pub fn split_id(id: &str) -> (&str, &str) {
    id.rsplit_once('/').unwrap_or(("", id))
}
