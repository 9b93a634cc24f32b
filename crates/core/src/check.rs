//! From a draft to a runbook: names of units resolved, every reference held against what is certain to be there, fates, secrets, lints.

mod fates;
mod order;
mod outputs;
mod references;
mod resolve;
mod scope;
mod scripts;
mod secrets;
mod tidy;
mod types;
mod vars;

use crate::decode::Draft;
use crate::diagnostic::Diagnostics;
use crate::runbook::Runbook;

/// Resolves and checks. The runbook is whole where neither this nor what came before found an error.
pub(crate) fn check(draft: Draft) -> (Runbook, Diagnostics) {
    let mut faults = Diagnostics::new();
    let draft = resolve::resolve(draft, &mut faults);
    let order = order::Order::of(&draft.runbook);
    let acyclic = order.report_cycle(&draft, &mut faults);
    let secrets = secrets::Secrets::of(&draft.runbook);
    fates::check(&draft, &order, &mut faults);
    let used = references::check(&draft, acyclic.then_some(&order), &secrets, &mut faults);
    vars::check(&draft, &used, &mut faults);
    tidy::check(&draft, acyclic.then_some(&order), &mut faults);
    (draft.runbook, faults)
}
