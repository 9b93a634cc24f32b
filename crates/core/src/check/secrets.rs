//! Which names hold secrets.

use std::collections::{BTreeMap, BTreeSet};

use crate::runbook::{Element, Field, FieldKind, Phase, Runbook, ValueSource};
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
        let mut outputs = BTreeSet::new();
        for unit in &runbook.units {
            let group = match unit.phase {
                Phase::Check => "checks",
                Phase::Step => "steps",
                Phase::Verify => continue,
            };
            let sensitive = unit.action.spec.outputs.iter().filter(|o| o.sensitive).map(|o| o.name.to_owned());
            for output in sensitive.chain(unit.secret_outputs.iter().cloned()) {
                outputs.insert((group, unit.id.clone(), output));
            }
        }
        Self { vars, values, outputs }
    }

    /// Whether what a name stands for is secret.
    pub(super) fn covers(&self, name: &Ref) -> bool {
        if is_var(name, &self.vars) || is_value(name, &self.values) {
            return true;
        }
        let [group, id, output, ..] = &name.path[..] else { return false };
        let group = match group.as_str() {
            "checks" => "checks",
            "steps" => "steps",
            _ => return false,
        };
        self.outputs.contains(&(group, id.clone(), output.clone()))
    }
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
