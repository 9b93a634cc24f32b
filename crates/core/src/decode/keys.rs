//! The entries of a table that was held against its shape, taken out one by one.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::draft::NameRef;
use crate::runbook::{Element, Field, FieldKind, Placed};
use crate::source::Span;
use crate::template::{Expr, Template, TextKind};

/// What is left of a table. The shape has seen to it that every value has its type; what does not fit here was reported already.
#[derive(Default)]
pub(super) struct Keys(Vec<(String, Span, Field)>);

impl Keys {
    pub(super) fn of(field: Field) -> Self {
        match field.kind {
            FieldKind::Table(entries) => Self(entries),
            _ => Self::default(),
        }
    }

    /// The value of a key.
    pub(super) fn take(&mut self, key: &str) -> Option<Field> {
        self.entry(key).map(|(_, field)| field)
    }

    /// The place and the value of a key.
    pub(super) fn entry(&mut self, key: &str) -> Option<(Span, Field)> {
        let at = self.0.iter().position(|(name, ..)| name == key)?;
        let (_, span, field) = self.0.swap_remove(at);
        Some((span, field))
    }

    /// Where a key stands, if it is there.
    pub(super) fn span(&self, key: &str) -> Option<Span> {
        self.0.iter().find(|(name, ..)| name == key).map(|(_, span, _)| *span)
    }

    /// A plain text.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.name(key).map(|name| name.name)
    }

    /// A plain text with its place.
    pub(super) fn name(&mut self, key: &str) -> Option<NameRef> {
        name(self.take(key)?)
    }

    /// A list of plain texts with their places.
    pub(super) fn names(&mut self, key: &str) -> Option<Vec<NameRef>> {
        Some(elements(self.take(key)?).filter_map(name).collect())
    }

    /// A text that may be a template.
    pub(super) fn template(&mut self, key: &str) -> Option<Placed<Template>> {
        template(self.take(key)?)
    }

    /// A list of texts that may be templates.
    pub(super) fn templates(&mut self, key: &str) -> Vec<Placed<Template>> {
        self.take(key).into_iter().flat_map(elements).filter_map(template).collect()
    }

    /// An expression.
    pub(super) fn expr(&mut self, key: &str) -> Option<Placed<Expr>> {
        expr(self.take(key)?)
    }

    /// A list of expressions.
    pub(super) fn exprs(&mut self, key: &str) -> Vec<Placed<Expr>> {
        self.take(key).into_iter().flat_map(elements).filter_map(expr).collect()
    }

    /// A map of names to expressions.
    pub(super) fn expr_map(&mut self, key: &str) -> Vec<(String, Placed<Expr>)> {
        let Some(FieldKind::Table(entries)) = self.take(key).map(|field| field.kind) else { return Vec::new() };
        entries.into_iter().filter_map(|(name, _, field)| Some((name, expr(field)?))).collect()
    }

    /// A value without templates, as its type.
    pub(super) fn value<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        serde_json::from_value(literal(&self.take(key)?)?).ok()
    }
}

/// The value of a field in which there is no template.
pub(crate) fn literal(field: &Field) -> Option<Value> {
    Some(match &field.kind {
        FieldKind::Literal(value) => value.clone(),
        FieldKind::List(items) => Value::Array(
            items
                .iter()
                .map(|item| match item {
                    Element::One(field) => literal(field),
                    Element::When(..) => None,
                })
                .collect::<Option<_>>()?,
        ),
        FieldKind::Table(entries) => {
            Value::Object(entries.iter().map(|(key, _, field)| Some((key.clone(), literal(field)?))).collect::<Option<Map<_, _>>>()?)
        }
        FieldKind::Template(_) | FieldKind::Text(_) | FieldKind::Expr(_) | FieldKind::Target(_) => return None,
    })
}

fn elements(field: Field) -> impl Iterator<Item = Field> {
    let items = match field.kind {
        FieldKind::List(items) => items,
        _ => Vec::new(),
    };
    items.into_iter().filter_map(|item| match item {
        Element::One(field) => Some(field),
        Element::When(..) => None,
    })
}

fn name(field: Field) -> Option<NameRef> {
    match field.kind {
        FieldKind::Literal(Value::String(name)) => Some(NameRef { name, span: field.span }),
        _ => None,
    }
}

fn template(field: Field) -> Option<Placed<Template>> {
    let value = match field.kind {
        FieldKind::Template(template) | FieldKind::Text(template) => template,
        // A text without templates stands for itself.
        FieldKind::Literal(Value::String(text)) => Template::parse(&text, TextKind::Plain).ok()?,
        _ => return None,
    };
    Some(Placed { span: field.span, value })
}

fn expr(field: Field) -> Option<Placed<Expr>> {
    match field.kind {
        FieldKind::Expr(value) => Some(Placed { span: field.span, value }),
        _ => None,
    }
}
