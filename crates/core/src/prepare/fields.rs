//! Rendering a tree of fields, twice in one pass.

use serde_json::{Map, Value, json};

use super::texts;
use crate::action::FieldFault;
use crate::runbook::{Element, Field, FieldKind, TargetDecl};
use crate::scope::Scope;
use crate::secret::Secret;
use crate::source::Span;
use crate::template::{Content, Expr, Places, RenderFault, Rendered, Template, leaves};

/// A value as the action gets it and as it may be shown.
pub(super) struct Both {
    /// May hold secrets.
    pub(super) real: Value,
    /// Never does.
    pub(super) public: Value,
}

impl Both {
    fn plain(value: Value) -> Self {
        Self { public: value.clone(), real: value }
    }

    /// What stands where a fault was found: nobody gets to see it.
    fn nothing() -> Self {
        Self::plain(Value::Null)
    }
}

pub(super) struct Rendering<'a> {
    targets: &'a [TargetDecl],
    scope: &'a Scope,
    /// Templates that must not hold a secret, by their places.
    exposed: &'a [Span],
    /// What they gave, by the path of the field.
    pub(super) seen: Vec<(String, String)>,
    /// Found so far, by the expression that it came from.
    pub(super) secrets: Vec<(String, Secret)>,
    pub(super) faults: Vec<FieldFault>,
}

impl<'a> Rendering<'a> {
    pub(super) const fn new(targets: &'a [TargetDecl], scope: &'a Scope) -> Self {
        Self { targets, scope, exposed: &[], seen: Vec::new(), secrets: Vec::new(), faults: Vec::new() }
    }

    /// The same, where others see what stands in these places.
    pub(super) fn exposing(self, exposed: &'a [Span]) -> Self {
        Self { exposed, ..self }
    }

    pub(super) fn field(&mut self, field: &Field, path: &str) -> Both {
        match &field.kind {
            FieldKind::Literal(value) => Both::plain(value.clone()),
            FieldKind::Template(template) => self.template(template, field.span, path),
            FieldKind::Text(template) => as_text(self.template(template, field.span, path)),
            FieldKind::Expr(expr) => self.expr(expr, path),
            FieldKind::List(elements) => self.list(elements, path),
            FieldKind::Table(entries) => self.table(entries, path),
            FieldKind::Target(index) => self.target(*index, path),
        }
    }

    fn fault(&mut self, path: &str, fault: RenderFault) -> Both {
        let said = FieldFault::new(path, fault.message);
        self.faults.push(match fault.help {
            Some(help) => said.help(help),
            None => said,
        });
        Both::nothing()
    }

    fn template(&mut self, template: &Template, span: Span, path: &str) -> Both {
        let rendered = match template.render(self.scope) {
            Ok(rendered) => rendered,
            Err(fault) => return self.fault(path, fault),
        };
        self.register(&rendered);
        if self.exposed.contains(&span) {
            // Found when the runbook was checked, wherever that can be told from the names alone.
            if rendered.is_secret() {
                self.faults.push(exposed(path));
                return Both::nothing();
            }
            self.seen.push((path.to_owned(), rendered.text()));
        }
        match template.places() {
            Places::Text => Both { real: rendered.value(), public: rendered.public_value() },
            Places::Shell { places, bash_only } => self.interpreted(path, |out| texts::shell(template, &rendered, places, *bash_only, out)),
            Places::Sql(places) => self.interpreted(path, |out| texts::sql(template, &rendered, places, out)),
            Places::Url(places) => self.interpreted(path, |out| texts::url(&rendered, places, out)),
        }
    }

    /// A text that another program interprets; what its values must not be is reported at its field.
    fn interpreted(&mut self, path: &str, make: impl FnOnce(&mut Vec<texts::Said>) -> Both) -> Both {
        let mut said = Vec::new();
        let both = make(&mut said);
        self.faults.extend(said.into_iter().map(|texts::Said { message, help }| {
            let fault = FieldFault::new(path, message);
            if help.is_empty() { fault } else { fault.help(help) }
        }));
        both
    }

    fn register(&mut self, rendered: &Rendered) {
        for segment in rendered.segments.iter().filter(|s| s.secret) {
            match &segment.content {
                Content::Text(text) => self.secrets.push((segment.origin.clone(), Secret::new(text.clone()))),
                Content::Value(value) => self.register_value(&segment.origin, value),
            }
        }
    }

    fn register_value(&mut self, origin: &str, value: &Value) {
        let mut texts = Vec::new();
        leaves(value, &mut texts);
        self.secrets.extend(texts.into_iter().map(|text| (origin.to_owned(), Secret::new(text))));
    }

    fn expr(&mut self, expr: &Expr, path: &str) -> Both {
        let evaluated = match expr.eval(self.scope) {
            Ok(evaluated) => evaluated,
            Err(fault) => return self.fault(path, fault),
        };
        if evaluated.secret {
            self.register_value(expr.source(), &evaluated.value);
            return Both { real: evaluated.value, public: Value::String(crate::secret::reference(expr.source())) };
        }
        Both::plain(evaluated.value)
    }

    fn list(&mut self, elements: &[Element], path: &str) -> Both {
        let (mut real, mut public) = (Vec::with_capacity(elements.len()), Vec::with_capacity(elements.len()));
        for element in elements {
            let fields: &[Field] = match element {
                Element::One(field) => std::slice::from_ref(field),
                Element::When(condition, fields) => {
                    if self.holds(condition, path) {
                        fields
                    } else {
                        &[]
                    }
                }
            };
            for field in fields {
                let both = self.field(field, &format!("{path}[{}]", real.len()));
                real.push(both.real);
                public.push(both.public);
            }
        }
        Both { real: Value::Array(real), public: Value::Array(public) }
    }

    /// The condition of an optional element. It must not depend on a secret: whether the element is there is seen by everyone.
    fn holds(&mut self, condition: &Expr, path: &str) -> bool {
        match condition.test(self.scope) {
            Ok(_) if condition.refs().iter().any(|name| self.scope.is_secret(&name.path)) => {
                let message = format!("the condition `{}` depends on a secret, and everyone sees what follows from it", condition.source());
                self.faults.push(FieldFault::new(path, message));
                false
            }
            Ok(tested) => tested.holds,
            Err(fault) => {
                self.fault(path, fault);
                false
            }
        }
    }

    fn table(&mut self, entries: &[(String, Span, Field)], path: &str) -> Both {
        let (mut real, mut public) = (Map::new(), Map::new());
        for (key, _, field) in entries {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let both = self.field(field, &below);
            real.insert(key.clone(), both.real);
            public.insert(key.clone(), both.public);
        }
        Both { real: Value::Object(real), public: Value::Object(public) }
    }

    fn target(&mut self, index: usize, path: &str) -> Both {
        let Some(target) = self.targets.get(index) else {
            self.faults.push(FieldFault::new(path, "this target is not in the runbook"));
            return Both::nothing();
        };
        let settings = self.field(&target.settings, &format!("{path}.settings"));
        Both {
            real: json!({ "name": target.name, "settings": settings.real }),
            public: json!({ "name": target.name, "settings": settings.public }),
        }
    }
}

/// A secret where others can read it.
pub(crate) fn exposed(path: &str) -> FieldFault {
    FieldFault::new(path, "a secret would stand here, where others can read it")
        .help("names, labels and command lines are seen by others: hand it over in `env`, in `stdin` or in a file")
}

/// A value in a place that takes text only: a number or a boolean becomes one.
fn as_text(both: Both) -> Both {
    let text = |value| match value {
        value @ (Value::Number(_) | Value::Bool(_)) => Value::String(value.to_string()),
        value => value,
    };
    Both { real: text(both.real), public: text(both.public) }
}
