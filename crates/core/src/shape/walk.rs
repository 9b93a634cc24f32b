//! Holds a tree against a shape.

use std::sync::Arc;

use serde_json::Value;

use super::cache::Cache;
use super::model::{ListRule, Others, Shape, TableRule, Text};
use super::unknown;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Node, NodeKind, Table};
use crate::runbook::{Element, Field, FieldKind, Placed};
use crate::source::{Source, Span};
use crate::template::Ref;

/// The declared targets: their names and kinds, in the order of the file.
pub(crate) type Targets = [(String, &'static str)];

/// Walks trees of one file and collects what is wrong.
pub(crate) struct Walker<'a> {
    pub(crate) source: &'a Arc<Source>,
    pub(crate) targets: &'a Targets,
    pub(crate) broken_targets: &'a [String],
    pub(crate) faults: &'a mut Diagnostics,
    pub(crate) cache: &'a mut Cache,
    /// Templates in places that take no secrets, and templates that keep their type: looked at when the scope is known.
    pub(crate) places: Vec<TemplatePlace>,
}

/// A template in a place that wants something of it.
#[derive(Debug)]
pub(crate) struct TemplatePlace {
    /// The text with its quotes.
    pub(crate) span: Span,
    /// The key that it stands behind.
    pub(crate) name: String,
    /// What it uses.
    pub(crate) refs: Vec<Ref>,
    /// Whether a secret may not stand here.
    pub(crate) refuses_secrets: bool,
    /// Where it is nothing but one name and keeps its type: what is expected, and which types of value fit.
    pub(crate) wants: Option<Wants>,
}

/// The types of value that a place takes.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a set of five kinds, each of which a place takes or not")]
pub(crate) struct Wants {
    /// As in "expected a whole number".
    pub(crate) expected: String,
    /// Of a text.
    pub(crate) text: bool,
    /// Of a number.
    pub(crate) number: bool,
    /// Of true and false.
    pub(crate) bool: bool,
    /// Of a list.
    pub(crate) list: bool,
    /// Of a table.
    pub(crate) table: bool,
}

/// What a place is called in a message.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    /// The key that the value stands behind, or the whole table's name, such as `docker.run`.
    pub(crate) name: &'a str,
    /// What is marked where something is missing.
    pub(crate) span: Span,
}

impl Walker<'_> {
    /// The field of a tree; faulty parts are reported and left out. None where nothing of it can be used.
    pub(crate) fn walk(&mut self, shape: &Shape, node: Node, at: At<'_>) -> Option<Field> {
        let Node { span, kind } = node;
        let accepts = &shape.accepts;
        match kind {
            NodeKind::Str(text) => self.text(shape, text, span, at),
            NodeKind::Table(table) if accepts.anything => Some(self.free_table(table, span)),
            NodeKind::List(items) if accepts.anything => {
                let rule = ListRule { item: std::rc::Rc::new(Shape::anything()), min: 0, max: None, optional_elements: false };
                Some(self.list(&rule, items, span, at))
            }
            NodeKind::Datetime(text) if accepts.anything => Some(literal(span, Value::String(text))),
            NodeKind::Bool(value) if accepts.bool || accepts.anything => Some(literal(span, Value::Bool(value))),
            NodeKind::Int(number) if accepts.number.is_some() || accepts.anything => {
                self.number(shape, span, at, number.into(), &number.to_string())
            }
            NodeKind::Float(number) if accepts.anything || accepts.number.as_ref().is_some_and(|rule| !rule.whole) => {
                let Some(value) = serde_json::Number::from_f64(number) else {
                    self.bad_value(shape, span, at);
                    return None;
                };
                self.number(shape, span, at, value.into(), &number.to_string())
            }
            NodeKind::List(items) => match &accepts.list {
                Some(rule) => Some(self.list(rule, items, span, at)),
                None => self.wrong_type(shape, &NodeKind::List(Vec::new()), span, at),
            },
            NodeKind::Table(table) => match choose(&accepts.tables, &table) {
                Some(rule) => Some(self.table(rule, table, span, at)),
                None => self.wrong_type(shape, &NodeKind::Table(table), span, at),
            },
            other @ (NodeKind::Int(_) | NodeKind::Float(_) | NodeKind::Bool(_) | NodeKind::Datetime(_)) => {
                self.wrong_type(shape, &other, span, at)
            }
        }
    }

    fn number(&mut self, shape: &Shape, span: Span, at: At<'_>, value: Value, shown: &str) -> Option<Field> {
        let fits = shape.accepts.number.as_ref().is_none_or(|rule| rule.accepts(&value));
        if fits {
            return Some(literal(span, value));
        }
        self.faults.push(Diagnostic::error(Code::BadValue, format!("bad value `{shown}` for `{}`", at.name)).at(
            self.source,
            span,
            format!("expected {}", shape.expectation()),
        ));
        None
    }

    /// A literal's value does not fit.
    pub(super) fn bad_value(&mut self, shape: &Shape, span: Span, at: At<'_>) {
        self.faults.push(Diagnostic::error(Code::BadValue, format!("bad value for `{}`", at.name)).at(
            self.source,
            span,
            format!("expected {}", shape.expectation()),
        ));
    }

    pub(super) fn wrong_type(&mut self, shape: &Shape, found: &NodeKind, span: Span, at: At<'_>) -> Option<Field> {
        let label = format!("expected {}, found {}", shape.expectation(), found.name());
        let mut fault = Diagnostic::error(Code::WrongType, format!("wrong type for `{}`", at.name)).at(self.source, span, label);
        let written = self.source.slice(span);
        let accepts = &shape.accepts;
        let help = match found {
            NodeKind::Int(_) | NodeKind::Float(_) | NodeKind::Bool(_) | NodeKind::Datetime(_)
                if accepts.text.as_ref().is_some_and(|rule| rule.accepts(written)) =>
            {
                Some(format!("write it in quotes: `\"{written}\"`"))
            }
            NodeKind::List(_) if shape.text == Text::Expr && !written.contains(['\n', '\'']) => {
                Some(format!("an expression is a text, a list in it is written as JSON: `'{written}'`"))
            }
            NodeKind::Str(text) if accepts.number.is_some() && text.parse::<f64>().is_ok() => {
                Some(format!("write it without quotes: `{text}`"))
            }
            NodeKind::Str(text) if accepts.bool && matches!(text.as_str(), "true" | "false") => {
                Some(format!("write it without quotes: `{text}`"))
            }
            NodeKind::Str(_) | NodeKind::Int(_) | NodeKind::Bool(_) if accepts.list.is_some() && !written.contains('\n') => {
                Some(format!("write it in brackets: `[{written}]`"))
            }
            _ => None,
        };
        if let Some(help) = help {
            fault = fault.help(help);
        }
        self.faults.push(fault);
        None
    }

    fn list(&mut self, rule: &ListRule, items: Vec<Node>, span: Span, at: At<'_>) -> Field {
        let count = items.len();
        let mut optional = false;
        let mut elements = Vec::with_capacity(count);
        for item in items {
            if rule.optional_elements && is_optional_element(&item) {
                optional = true;
                elements.extend(self.optional_element(rule, item, at));
            } else {
                elements.extend(self.walk(&rule.item, item, at).map(Element::One));
            }
        }
        // How many an optional element stands for is not known yet.
        let fits = optional || (count >= rule.min && rule.max.is_none_or(|max| count <= max));
        if !fits {
            let expected = match (rule.min, rule.max) {
                (min, Some(max)) if min == max => format!("expected {}", elements_of(min)),
                (min, _) if count < min => format!("expected at least {}", elements_of(min)),
                (_, max) => format!("expected at most {}", elements_of(max.unwrap_or_default())),
            };
            self.faults.push(Diagnostic::error(Code::BadValue, format!("`{}` has {}", at.name, elements_of(count))).at(
                self.source,
                span,
                expected,
            ));
        }
        Field { span, kind: FieldKind::List(elements) }
    }

    /// `{ when = "…", items = […] }`.
    fn optional_element(&mut self, rule: &ListRule, node: Node, at: At<'_>) -> Option<Element> {
        let NodeKind::Table(table) = node.kind else { return None };
        let mut when = None;
        let mut items = Vec::new();
        for entry in table.entries {
            match (entry.key.as_str(), entry.value.kind) {
                ("when", NodeKind::Str(text)) => {
                    let span = entry.value.span;
                    when = self.expr(&text, span).map(|value| Placed { span, value });
                }
                ("items", NodeKind::List(nodes)) => {
                    items.extend(nodes.into_iter().filter_map(|node| self.walk(&rule.item, node, At { name: at.name, span: at.span })));
                }
                (key, kind) => {
                    let expected = if key == "when" { "an expression" } else { "a list" };
                    self.faults.push(Diagnostic::error(Code::WrongType, format!("wrong type for `{key}`")).at(
                        self.source,
                        entry.value.span,
                        format!("expected {expected}, found {}", kind.name()),
                    ));
                }
            }
        }
        Some(Element::When(when?, items))
    }

    /// A table in which any key may stand and any value.
    fn free_table(&mut self, table: Table, span: Span) -> Field {
        let shape = Shape::anything();
        let mut entries = Vec::with_capacity(table.entries.len());
        for entry in table.entries {
            if let Some(field) = self.walk(&shape, entry.value, At { name: &entry.key, span: entry.key_span }) {
                entries.push((entry.key, entry.key_span, field));
            }
        }
        Field { span, kind: FieldKind::Table(entries) }
    }

    /// The entries of a table, each held against the rule of its key.
    pub(crate) fn table(&mut self, rule: &TableRule, table: Table, span: Span, at: At<'_>) -> Field {
        let count = table.entries.len();
        for key in rule.keys.iter().filter(|key| key.required) {
            if table.get(&key.name).is_none() {
                self.faults.push(unknown::missing(self.source, at, &key.name, &key.shape));
            }
        }
        if count < rule.min {
            self.faults.push(Diagnostic::error(Code::BadValue, format!("`{}` is empty", at.name)).at(
                self.source,
                span,
                "expected at least 1 entry",
            ));
        }
        let mut entries = Vec::with_capacity(count);
        for entry in table.entries {
            let at_entry = At { name: &entry.key, span: entry.key_span };
            let shape = match (rule.key(&entry.key), &rule.others) {
                (Some(key), _) => &key.shape,
                (None, Others::Any(shape)) => {
                    if at.name == "env" && unknown::STEP_KEYS.contains(&entry.key.as_str()) {
                        self.faults.push(unknown::step_key_in_env(self.source, &entry.key, entry.key_span));
                    }
                    shape
                }
                (None, Others::Matching(patterns)) => {
                    let Some((_, shape)) = patterns.iter().find(|(pattern, _)| pattern.matches(&entry.key)) else {
                        self.faults.push(unknown::bad_name(self.source, at, &entry, patterns));
                        continue;
                    };
                    shape
                }
                (None, Others::Refused) => {
                    self.faults.push(unknown::unknown_key(self.source, at, &entry, rule));
                    continue;
                }
            };
            if let Some(field) = self.walk(shape, entry.value, at_entry) {
                entries.push((entry.key, entry.key_span, field));
            }
        }
        Field { span, kind: FieldKind::Table(entries) }
    }
}

fn literal(span: Span, value: Value) -> Field {
    Field { span, kind: FieldKind::Literal(value) }
}

fn elements_of(count: usize) -> String {
    format!("{count} element{}", if count == 1 { "" } else { "s" })
}

fn is_optional_element(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Table(table) if table.entries.len() == 2 && table.get("when").is_some() && table.get("items").is_some())
}

/// Of several kinds of table the one that fits best: all that it requires is there, and most of the keys are its own.
fn choose<'r>(rules: &'r [TableRule], table: &Table) -> Option<&'r TableRule> {
    let [only] = rules else {
        return rules.iter().max_by_key(|rule| {
            let complete = rule.keys.iter().filter(|k| k.required).all(|k| table.get(&k.name).is_some());
            let known = table.entries.iter().filter(|e| rule.key(&e.key).is_some()).count();
            (known, complete)
        });
    };
    Some(only)
}
