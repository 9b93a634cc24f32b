//! Variables whose defaults wait for one another; variables and targets that nothing uses.

use std::collections::{BTreeMap, BTreeSet};

use super::references::Used;
use super::secrets::each_ref;
use crate::decode::Draft;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::shape::quoted;

pub(super) fn check(draft: &Draft, used: &Used, faults: &mut Diagnostics) {
    cycle(draft, faults);
    // Where something was left out, it may be what uses the variable.
    if draft.faulty {
        return;
    }
    let source = &draft.runbook.source;
    for (ix, target) in draft.runbook.targets.iter().enumerate() {
        if !used.targets.contains(&ix) {
            faults.push(
                Diagnostic::warning(Code::Useless, format!("nothing uses the target `{}`", target.name))
                    .at(source, target.name_span, "")
                    .help(format!("remove it, or name it in an action: `target = \"{}\"`", target.name)),
            );
        }
    }
    for value in draft.runbook.values.iter().filter(|value| !used.values.contains(&value.name)) {
        faults.push(
            Diagnostic::warning(Code::Useless, format!("nothing uses `values.{}`", value.name))
                .at(source, value.name_span, "")
                .help("remove it: a file that is not needed need not be there"),
        );
    }
    for var in draft.runbook.vars.iter().filter(|var| !used.all && !used.vars.contains(&var.name)) {
        faults.push(
            Diagnostic::warning(Code::UnusedVariable, format!("nothing uses the variable `{}`", var.name))
                .at(source, var.name_span, "")
                .help(format!("remove it, or use it as `{{{{vars.{}}}}}`", var.name)),
        );
    }
}

fn cycle(draft: &Draft, faults: &mut Diagnostics) {
    let mut needs: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for var in &draft.runbook.vars {
        let mut names = BTreeSet::new();
        if let Some(default) = &var.default {
            each_ref(default, &mut |name| {
                if let [root, var, ..] = &name.path[..]
                    && root == "vars"
                {
                    names.insert(var.clone());
                }
            });
        }
        needs.insert(&var.name, names);
    }
    // Whatever needs nothing that is left can be worked out; what then remains goes in circles, or hangs on a circle.
    loop {
        let ready: Vec<&str> =
            needs.iter().filter(|(_, names)| !names.iter().any(|name| needs.contains_key(name.as_str()))).map(|(var, _)| *var).collect();
        if ready.is_empty() {
            break;
        }
        for var in ready {
            needs.remove(var);
        }
    }
    let stuck: Vec<&str> = needs.keys().copied().collect();
    let Some(first) = draft.runbook.vars.iter().find(|var| stuck.contains(&var.name.as_str())) else { return };
    faults.push(
        Diagnostic::error(Code::DefaultCycle, format!("the defaults of {} wait for one another", quoted(&stuck)))
            .at(&draft.runbook.source, first.default.as_ref().map_or(first.name_span, |default| default.span), "")
            .help("give one of them a default that is a value, or none"),
    );
}
