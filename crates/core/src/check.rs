//! From a draft to a runbook: names of units resolved, every reference held against what is certain to be there, fates, secrets, lints.

mod calls;
mod demands;
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
use crate::runbook::Placed;
use crate::template::Expr;

/// What checking gives.
pub(crate) struct Checked {
    /// The runbook, and what its steps call beside it. It is whole where neither this nor what came before found an error.
    pub(crate) draft: Draft,
    /// Those of its `[outputs]` that are secret.
    pub(crate) secret_outputs: Vec<String>,
    pub(crate) faults: Diagnostics,
}

/// Resolves and checks.
pub(crate) fn check(draft: Draft) -> Checked {
    let mut faults = Diagnostics::new();
    let draft = resolve::resolve(draft, &mut faults);
    let order = order::Order::of(&draft.runbook);
    let acyclic = order.report_cycle(&draft, &mut faults);
    let secrets = secrets::Secrets::of(&draft.runbook);
    fates::check(&draft, &order, &mut faults);
    let used = references::check(&draft, acyclic.then_some(&order), &secrets, &mut faults);
    vars::check(&draft, &used, &mut faults);
    tidy::check(&draft, acyclic.then_some(&order), &mut faults);
    let secret = |output: &&(String, Placed<Expr>)| output.1.refs().iter().any(|name| secrets.covers(name));
    let secret_outputs = draft.runbook.outputs.iter().filter(secret).map(|(name, _)| name.clone()).collect();
    Checked { draft, secret_outputs, faults }
}
