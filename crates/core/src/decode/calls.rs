//! What may stand beside `runbook.call`, and where it may stand.

use super::holder::Held;
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::runbook::{ActionCall, OnFailure, Phase};
use crate::source::Span;

/// Keys of a step that mean nothing on a call, and what to write instead.
const NOT_ON_A_CALL: [(&str, &str); 16] = [
    ("for_each", "write the call once for each, or `for_each` on the steps of the called runbook"),
    ("parallel", "write it on the steps of the called runbook"),
    ("timeout", "write it on the steps of the called runbook"),
    ("retry", "write it on the steps of the called runbook"),
    ("repeat_until", "write it on the steps of the called runbook"),
    ("repeat", "write it on the steps of the called runbook"),
    ("outputs", "the outputs of a call are the `[outputs]` of the called runbook"),
    ("secret_outputs", "an output that is made of a secret is one; say it on the step of the called runbook that has it"),
    ("safety", "the steps of the called runbook say it"),
    ("interrupt", "write it on the steps of the called runbook"),
    ("probe", "write it on the steps of the called runbook"),
    ("undo", "each step of the called runbook says what becomes of its change"),
    ("irreversible", "each step of the called runbook says what becomes of its change"),
    ("leaves", "each step of the called runbook says what becomes of its change"),
    ("covered_by", "each step of the called runbook says what becomes of its change"),
    ("guards", "a check guards a step: write it on a `[[check]]`"),
];

impl Reader<'_> {
    /// Reports what means nothing on a call.
    pub(super) fn call_of_unit(&mut self, phase: Phase, held: &Held) {
        let Some(call) = held.call.as_ref().map(|call| &call.action).filter(|call| call.is_call()) else { return };
        if phase != Phase::Step {
            self.no_call_here(call, &format!("a {}", phase.name()));
            return;
        }
        let nested = |key: &str| held.nested.iter().find(|entry| entry.key == key).map(|entry| entry.key_span);
        for (key, help) in NOT_ON_A_CALL {
            if let Some(span) = held.keys.span(key).or_else(|| nested(key)) {
                self.faults.push(
                    Diagnostic::error(Code::CallKey, format!("`{key}` means nothing on a call")).at(self.source, span, "").help(help),
                );
            }
        }
    }

    /// Reports a call that is to go on where it fails: what comes behind its failed step would be without what that one gives.
    pub(super) fn call_stops(&mut self, written: Option<Span>, call: Option<&ActionCall>, on_failure: OnFailure) {
        if let (Some(span), true, OnFailure::Continue) = (written, call.is_some_and(ActionCall::is_call), on_failure) {
            self.faults.push(
                Diagnostic::error(Code::CallKey, "`on_failure = \"continue\"` means nothing on a call")
                    .at(self.source, span, "")
                    .help("write it on those steps of the called runbook without which the others can do"),
            );
        }
    }

    /// Reports a call where only a single action can stand.
    pub(super) fn no_call_here(&mut self, call: &ActionCall, place: &str) {
        self.faults.push(
            Diagnostic::error(Code::CallPlace, format!("{place} cannot call a runbook"))
                .at(self.source, call.key_span, "")
                .help("a call is a `[[step]]`; the checks and verifies of the called runbook come with it"),
        );
    }
}
