//! A call as far as it is known before the run.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{digest, fields::Rendering, find};
use crate::action::FieldFault;
use crate::digest::Digest;
use crate::runbook::{ActionCall, Element, Field, FieldKind, TargetDecl};
use crate::scope::Scope;

/// A call as far as it is known before the run.
pub struct Preview {
    /// Its fields as they may be shown; what needs more than is known stands as its template.
    pub public: Value,
    /// What the rest needs: `steps.dump`, `item`, `before`; each once, in order. Empty where everything is known.
    pub needs: Vec<String>,
    /// The digest of its configuration: the same for the same call with the same variables, whatever the secrets are.
    pub spec: Digest,
}

/// Renders what can be rendered now; where everything can, the action is built too, so that its own faults are found before the run.
///
/// # Errors
///
/// As [`prepare`](super::prepare), of the fields that can be rendered.
pub fn preview(call: &ActionCall, targets: &[TargetDecl], scope: &Scope) -> Result<Preview, Vec<FieldFault>> {
    let absent: BTreeSet<String> = find::refs(&call.fields, targets)
        .into_iter()
        .filter(|name| scope.is_absent(&name.path))
        .map(|name| {
            let group = matches!(name.path.first().map(String::as_str), Some("steps" | "checks" | "values" | "vars"));
            name.path.iter().take(if group { 2 } else { 1 }).cloned().collect::<Vec<_>>().join(".")
        })
        .collect();
    let public = if absent.is_empty() {
        super::prepare(call, targets, scope)?.public
    } else {
        let mut partial = Partial { targets, scope, faults: Vec::new() };
        let public = partial.field(&call.fields, "");
        if !partial.faults.is_empty() {
            return Err(partial.faults);
        }
        public
    };
    Ok(Preview { spec: digest("spec1", &super::name(call), &public), public, needs: absent.into_iter().collect() })
}

struct Partial<'a> {
    targets: &'a [TargetDecl],
    scope: &'a Scope,
    faults: Vec<FieldFault>,
}

impl Partial<'_> {
    fn field(&mut self, field: &Field, path: &str) -> Value {
        if find::refs(field, self.targets).iter().all(|name| !self.scope.is_absent(&name.path)) {
            let mut rendering = Rendering::new(self.targets, self.scope);
            let both = rendering.field(field, path);
            self.faults.append(&mut rendering.faults);
            return both.public;
        }
        match &field.kind {
            FieldKind::Literal(value) => value.clone(),
            FieldKind::Template(template) | FieldKind::Text(template) => Value::String(template.source().to_owned()),
            FieldKind::Expr(expr) => Value::String(format!("{{{{{}}}}}", expr.source())),
            FieldKind::Table(entries) => {
                let mut map = Map::new();
                for (key, _, field) in entries {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    map.insert(key.clone(), self.field(field, &below));
                }
                Value::Object(map)
            }
            FieldKind::List(elements) => Value::Array(self.list(elements, path)),
            FieldKind::Target(index) => match self.targets.get(*index) {
                Some(target) => json!({ "name": target.name, "settings": self.field(&target.settings, &format!("{path}.settings")) }),
                None => Value::Null,
            },
        }
    }

    fn list(&mut self, elements: &[Element], path: &str) -> Vec<Value> {
        let mut list = Vec::with_capacity(elements.len());
        for element in elements {
            match element {
                Element::One(field) => {
                    let below = format!("{path}[{}]", list.len());
                    list.push(self.field(field, &below));
                }
                Element::When(condition, fields) => {
                    let known = condition.refs().iter().all(|name| !self.scope.is_absent(&name.path));
                    if known && condition.test(self.scope).is_ok_and(|tested| !tested.holds) {
                        continue;
                    }
                    let items: Vec<Value> = fields.iter().map(|field| self.field(field, path)).collect();
                    if known {
                        list.extend(items);
                    } else {
                        list.push(json!({ "when": condition.source(), "items": items }));
                    }
                }
            }
        }
        list
    }
}
