//! Which names hold secrets.

use std::collections::{BTreeMap, BTreeSet};

use crate::runbook::{Element, Field, FieldKind, Phase, Runbook, Unit, ValueSource};
use crate::scope::Secrecy;
use crate::template::Ref;

/// The names of secret variables, those included whose default is made from one.
pub(super) struct Secrets {
    vars: BTreeSet<String>,
    /// What of `[values]` is secret.
    values: BTreeMap<String, Secrecy>,
    /// Secret outputs: `checks` or `steps`, the id, the output.
    outputs: BTreeSet<(&'static str, String, String)>,
}

impl Secrets {
    pub(super) fn of(runbook: &Runbook) -> Self {
        let mut vars: BTreeSet<String> = runbook.vars.iter().filter(|v| v.secret).map(|v| v.name.clone()).collect();
        loop {
            let known = vars.len();
            for var in &runbook.vars {
                let tainted = var.default.as_ref().is_some_and(|default| {
                    let mut found = false;
                    each_ref(default, &mut |name| found |= is_var(name, &vars));
                    found
                });
                if tainted {
                    vars.insert(var.name.clone());
                }
            }
            if vars.len() == known {
                break;
            }
        }
        let mut values = BTreeMap::new();
        for declared in &runbook.values {
            // Each uses only what stands above it.
            let tainted = match &declared.source {
                ValueSource::File { .. } => false,
                ValueSource::Expr(expr) => expr.refs().iter().any(|name| is_var(name, &vars) || is_value(name, &values)),
            };
            values.insert(declared.name.clone(), if tainted { Secrecy::whole() } else { declared.secrecy.clone() });
        }
        let mut this = Self { vars, values, outputs: BTreeSet::new() };
        for (group, unit) in grouped(runbook) {
            let sensitive = unit.action.spec.outputs.iter().filter(|o| o.sensitive).map(|o| o.name.to_owned());
            for output in sensitive.chain(unit.secret_outputs.iter().cloned()) {
                this.outputs.insert((group, unit.id.clone(), output));
            }
        }
        // What an author makes of a secret under another name is one as well, in later units too.
        loop {
            let known = this.outputs.len();
            // Which outputs of a call are secret, the called runbook has said.
            for (group, unit) in grouped(runbook).filter(|(_, unit)| !unit.action.is_call()) {
                for (name, expr) in &unit.outputs {
                    let own =
                        |name: &Ref| name.path.first().is_some_and(|first| this.outputs.contains(&(group, unit.id.clone(), first.clone())));
                    if expr.refs().iter().any(|name| own(name) || this.covers(name)) {
                        this.outputs.insert((group, unit.id.clone(), name.clone()));
                    }
                }
            }
            if this.outputs.len() == known {
                return this;
            }
        }
    }

    /// Whether what a name stands for is secret or holds something secret.
    pub(super) fn covers(&self, name: &Ref) -> bool {
        if is_var(name, &self.vars) || is_value(name, &self.values) {
            return true;
        }
        let [group, id, rest @ ..] = &name.path[..] else { return false };
        let group = match group.as_str() {
            "checks" => "checks",
            "steps" => "steps",
            _ => return false,
        };
        // Of one item, of all items, or of the unit itself.
        let output = match rest {
            [items, _key, output, ..] if items == "items" => Some(output),
            [items, ..] if items == "items" => None,
            [output, ..] => Some(output),
            [] => None,
        };
        match output {
            Some(output) => self.outputs.contains(&(group, id.clone(), output.clone())),
            None => self.outputs.iter().any(|(g, i, _)| *g == group && i == id),
        }
    }
}

/// Checks and steps, each with the name of its group in templates.
fn grouped(runbook: &Runbook) -> impl Iterator<Item = (&'static str, &Unit)> {
    runbook.units.iter().filter_map(|unit| match unit.phase {
        Phase::Check => Some(("checks", unit)),
        Phase::Step => Some(("steps", unit)),
        Phase::Verify | Phase::Monitor => None,
    })
}

fn is_var(name: &Ref, secret: &BTreeSet<String>) -> bool {
    matches!(&name.path[..], [root, var, ..] if root == "vars" && secret.contains(var))
}

fn is_value(name: &Ref, secret: &BTreeMap<String, Secrecy>) -> bool {
    match &name.path[..] {
        [root, value, below @ ..] if root == "values" => secret.get(value).is_some_and(|secrecy| secrecy.covers(below)),
        _ => false,
    }
}

/// Calls for each name that is used in a field.
pub(super) fn each_ref(field: &Field, call: &mut dyn FnMut(&Ref)) {
    match &field.kind {
        FieldKind::Literal(_) | FieldKind::Target(_) => {}
        FieldKind::Template(template) | FieldKind::Text(template) => template.refs().iter().for_each(call),
        FieldKind::Expr(expr) => expr.refs().iter().for_each(call),
        FieldKind::List(items) => {
            for item in items {
                match item {
                    Element::One(field) => each_ref(field, call),
                    Element::When(when, fields) => {
                        when.refs().iter().for_each(&mut *call);
                        for field in fields {
                            each_ref(field, call);
                        }
                    }
                }
            }
        }
        FieldKind::Table(entries) => {
            for (_, _, field) in entries {
                each_ref(field, call);
            }
        }
    }
}
