//! What has no effect, or hardly the one that was meant.

use super::order::Order;
use crate::action::Effect;
use crate::decode::Draft;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::runbook::Watch;

pub(super) fn check(draft: &Draft, order: Option<&Order>, faults: &mut Diagnostics) {
    let source = &draft.runbook.source;
    if let Some(store) = draft.runbook.lock_store.as_ref().filter(|_| draft.runbook.locks.is_empty() && !draft.faulty) {
        faults.push(
            Diagnostic::warning(Code::Useless, "`[lock_store]` without `locks`")
                .at(source, store.span, "")
                .help("name what must not be worked on twice at once: `locks = [\"…\"]`"),
        );
    }
    for (unit, beside) in draft.runbook.units.iter().zip(&draft.units) {
        if let Some(span) = beside.parallel.filter(|_| unit.for_each.is_none()) {
            faults.push(
                Diagnostic::warning(Code::Useless, "`parallel` without `for_each`")
                    .at(source, span, "")
                    .help("steps run side by side by their `needs`; `parallel` is for the elements of one step"),
            );
        }
        if let (Some(Watch { from: Some(from), until: Some(until), .. }), Some(order), Some(name)) = (unit.watch, order, &beside.until)
            && (until == from || order.is_before(until, from))
        {
            faults.push(
                Diagnostic::warning(Code::Useless, format!("`{}` watches at no time", unit.id))
                    .at(source, name.span, "this step begins before the one in `from` has ended")
                    .help("it watches from the end of `from` until `until` begins"),
            );
        }
        if let Some(span) = beside.idle_repeat {
            faults.push(
                Diagnostic::warning(Code::Useless, "`repeat` without `repeat_until`")
                    .at(source, span, "")
                    .help("say until when: `repeat_until = \"eq rows 0\"`; a failure is tried again by `retry`"),
            );
        }
        if let Some(span) = beside.probe.filter(|_| !unit.class.changes()) {
            faults.push(
                Diagnostic::warning(Code::Useless, format!("`probe` on `{}`, which changes nothing", unit.id))
                    .at(source, span, "")
                    .help("what only reads is asked again after a crash: remove `probe`"),
            );
        }
        if let Some(span) = beside.retry.filter(|_| unit.class.effect == Effect::Once && unit.probe.is_none()) {
            let action = format!("{}.{}", unit.action.executor, unit.action.spec.name);
            // A person's answer is asked for again by the proof, and other attempts are made only where nothing had changed.
            faults.push(
                Diagnostic::warning(Code::RiskyRetry, format!("`{action}` must not be done twice, and `{}` tries again", unit.id))
                    .at(source, span, "only a failure that certainly changed nothing is tried again")
                    .help("say `safety = \"idempotent\"` where doing it twice does no harm, or how to find out: `probe = { … }`"),
            );
        }
    }
}
