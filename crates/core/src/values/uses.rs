//! What of the values the runbook names: whether it is there, and that nothing else is kept.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::place_in_string;
use crate::inputs::Inputs;
use crate::runbook::{CallIx, Element, Fate, Field, FieldKind, Placed, Runbook, Unit, ValueSource};
use crate::scope::{Lookup, Scope};
use crate::source::Span;
use crate::suggest::nearest;
use crate::template::{Expr, Ref};

/// A runbook or one that it calls, with the names that are its own.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) whole: &'a Runbook,
    pub(super) call: Option<CallIx>,
}

impl<'a> Frame<'a> {
    pub(super) fn runbook(self) -> &'a Runbook {
        self.whole.at(self.call)
    }
}

/// Reports every key that the runbook names and a value does not have, each once, where it is named first; and every secret key that is not there. What is
/// known not to run is passed over, and so is what has a `default`.
pub(super) fn lacking(frame: Frame<'_>, inputs: &Inputs, faults: &mut Diagnostics) {
    if inputs.values().is_empty() {
        return;
    }
    let scope = inputs.scope(&Scope::new());
    let mut seeker = Seeker { runbook: frame.runbook(), inputs, scope: &scope, told: BTreeSet::new(), faults };
    seeker.secrets();
    let idle = |when: &Placed<Expr>| when.test(&scope).is_ok_and(|tested| !tested.holds);
    Walk { idle: &idle, visit: &mut |refs, span| seeker.refs(refs, span) }.frame(frame);
}

/// What of a value is kept: the keys that the runbook names, and those that are secret and must be masked. The rest of the file is nobody's business: it
/// may hold secrets that the author did not think of.
pub(super) fn named(frame: Frame<'_>, name: &str, value: Value) -> Value {
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut visit = |refs: &[Ref], _: Span| {
        let below = refs.iter().filter_map(|r| match r.path.as_slice() {
            [root, value, below @ ..] if root == "values" && value == name => Some(below.to_vec()),
            _ => None,
        });
        paths.extend(below);
    };
    Walk { idle: &|_| false, visit: &mut visit }.frame(frame);
    if let Some(declared) = frame.runbook().values.iter().find(|declared| declared.name == name) {
        paths.extend(declared.secrecy.paths().iter().cloned());
    }
    let paths: Vec<&[String]> = paths.iter().map(Vec::as_slice).collect();
    keep(value, &paths)
}

fn keep(value: Value, paths: &[&[String]]) -> Value {
    match value {
        Value::Object(map) if paths.iter().all(|path| !path.is_empty()) => {
            let below = |key: &str| -> Vec<&[String]> {
                paths.iter().filter(|path| path.first().is_some_and(|first| first == key)).filter_map(|path| path.get(1..)).collect()
            };
            let named = |(key, value): (String, Value)| {
                let below = below(&key);
                (!below.is_empty()).then(|| (key, keep(value, &below)))
            };
            Value::Object(map.into_iter().filter_map(named).collect::<Map<_, _>>())
        }
        // Elements of a list are named by their place, which must stay.
        other => other,
    }
}

struct Seeker<'a> {
    runbook: &'a Runbook,
    inputs: &'a Inputs,
    scope: &'a Scope,
    told: BTreeSet<Vec<String>>,
    faults: &'a mut Diagnostics,
}

impl Seeker<'_> {
    /// A key that is secret and not there is most likely another key that is there and is not masked.
    fn secrets(&mut self) {
        let help = "where it need not be there, make all of it secret: `secret = true`";
        for declared in &self.runbook.values {
            for path in declared.secrecy.paths() {
                let whole: Vec<String> = ["values".to_owned(), declared.name.clone()].into_iter().chain(path.iter().cloned()).collect();
                self.path(&whole, declared.secret_span, "a secret that is not there", Some(help));
            }
        }
    }

    fn refs(&mut self, refs: &[Ref], value: Span) {
        for name in refs.iter().filter(|name| !name.guarded && name.path.first().is_some_and(|root| root == "values")) {
            let span = place_in_string(&self.runbook.source, value, name.span);
            self.path(&name.path, span, "", None);
        }
    }

    fn path(&mut self, path: &[String], span: Span, label: &str, help: Option<&str>) {
        let Lookup::Nothing { known, names } = self.scope.lookup(path) else { return };
        if !self.told.insert(path.to_vec()) {
            return;
        }
        let (Some(name), Some(missing)) = (path.get(1), path.get(known)) else { return };
        let origin = self.inputs.values().iter().find(|value| value.name == *name).map(|value| value.origin.clone()).unwrap_or_default();
        let above = path.get(2..known).unwrap_or_default().join(".");
        let inside = if above.is_empty() { String::new() } else { format!(" in `{above}`") };
        let origin = if origin.starts_with('`') { origin } else { format!("`{origin}`") };
        let mut fault =
            Diagnostic::error(Code::ValueKey, format!("{origin} has no `{missing}`{inside}")).at(&self.runbook.source, span, label);
        fault = match nearest(missing, names.iter().map(String::as_str)) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None if names.is_empty() => fault.help(if above.is_empty() {
                "it is no map, or an empty one".to_owned()
            } else {
                format!("`{above}` is no map, or an empty one")
            }),
            None => fault,
        };
        if label.is_empty() && help.is_none() {
            fault = fault.help(format!("add it there; or say what to use without it: `(default {} VALUE)`", path.join(".")));
        }
        self.faults.push(match help {
            Some(help) => fault.help(help),
            None => fault,
        });
    }
}

/// Goes through every name that a runbook uses.
struct Walk<'a> {
    /// Whether what has this condition is passed over.
    idle: &'a dyn Fn(&Placed<Expr>) -> bool,
    /// Gets the names of one text, and its place.
    visit: &'a mut dyn FnMut(&[Ref], Span),
}

impl Walk<'_> {
    fn frame(mut self, frame: Frame<'_>) {
        let runbook = frame.runbook();
        for text in runbook.title.iter().chain(&runbook.locks) {
            (self.visit)(text.refs(), text.span);
        }
        for declared in &runbook.values {
            match &declared.source {
                ValueSource::File { path, .. } => (self.visit)(path.refs(), path.span),
                ValueSource::Expr(expr) => (self.visit)(expr.refs(), expr.span),
            }
        }
        for target in &runbook.targets {
            self.field(&target.settings);
        }
        for unit in frame.whole.units.iter().filter(|unit| unit.call == frame.call) {
            self.unit(unit);
        }
        if frame.call.is_some() {
            self.exprs(runbook.outputs.iter().map(|(_, expr)| expr));
        }
    }

    fn unit(&mut self, unit: &Unit) {
        self.exprs(&unit.when);
        if self.is_idle(unit.when.as_ref()) {
            return;
        }
        for text in unit.title.iter().chain(&unit.confirm) {
            (self.visit)(text.refs(), text.span);
        }
        self.exprs(unit.for_each.iter().map(|for_each| &for_each.items));
        self.field(&unit.action.fields);
        self.exprs(unit.expect.iter().chain(&unit.warn));
        // Those of a call are the called runbook's.
        self.exprs(unit.outputs.iter().filter(|_| unit.ends.is_none()).map(|(_, expr)| expr));
        self.exprs(unit.repeat.iter().map(|repeat| &repeat.until));
        for proof in unit.proof.iter().chain(&unit.probe) {
            self.field(&proof.action.fields);
            self.exprs(&proof.expect);
        }
        if let Fate::Undo(steps) = &unit.fate {
            for step in steps {
                self.exprs(&step.when);
                if !self.is_idle(step.when.as_ref()) {
                    self.exprs(&step.expect);
                    self.field(&step.action.fields);
                    if let Some(title) = &step.title {
                        (self.visit)(title.refs(), title.span);
                    }
                }
            }
        }
    }

    fn is_idle(&self, when: Option<&Placed<Expr>>) -> bool {
        when.is_some_and(|expr| (self.idle)(expr))
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Placed<Expr>>) {
        for expr in exprs {
            (self.visit)(expr.refs(), expr.span);
        }
    }

    fn field(&mut self, field: &Field) {
        match &field.kind {
            FieldKind::Literal(_) | FieldKind::Target(_) => {}
            FieldKind::Template(template) | FieldKind::Text(template) => (self.visit)(template.refs(), field.span),
            FieldKind::Expr(expr) => (self.visit)(expr.refs(), field.span),
            FieldKind::List(items) => {
                for item in items {
                    match item {
                        Element::One(field) => self.field(field),
                        Element::When(when, fields) => {
                            (self.visit)(when.refs(), when.span);
                            if !self.is_idle(Some(when)) {
                                for field in fields {
                                    self.field(field);
                                }
                            }
                        }
                    }
                }
            }
            FieldKind::Table(entries) => entries.iter().for_each(|(_, _, field)| self.field(field)),
        }
    }
}
