//! From a schema to a shape.

use std::collections::HashMap;
use std::rc::Rc;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::model::{Accepts, KeyRule, ListRule, NumberRule, Others, Pattern, Shape, TableRule, Text, TextRule};
use crate::template::TextKind;

/// Whose keys they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// An action's or a target's: texts are templates unless marked otherwise, lists may have optional elements.
    Action,
    /// The format's own: texts are values unless marked otherwise.
    Format,
}

/// Compiles schemas; equal patterns are shared.
#[derive(Default)]
pub(crate) struct Compiler {
    patterns: HashMap<String, Rc<Pattern>>,
    /// Whether what is compiled stands inside a field that takes secrets.
    takes_secrets: bool,
}

/// The settings with which every schema of a type is made: in one piece, without references.
pub(crate) fn generator() -> SchemaGenerator {
    SchemaSettings::draft07()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .into_generator()
}

impl Compiler {
    /// The shape of a type, by the function that gives its schema.
    pub(crate) fn compile(&mut self, schema: fn(&mut SchemaGenerator) -> Schema, dialect: Dialect) -> Shape {
        let schema = schema(&mut generator());
        self.shape(schema.as_value(), dialect)
    }

    fn shape(&mut self, schema: &Value, dialect: Dialect) -> Shape {
        let outside = self.takes_secrets;
        self.takes_secrets |= schema.get("x-secret").and_then(Value::as_str) == Some("accept");
        let shape = self.inner_shape(schema, dialect);
        self.takes_secrets = outside;
        shape
    }

    fn inner_shape(&mut self, schema: &Value, dialect: Dialect) -> Shape {
        let mut shape = Shape { text: text_of(schema, dialect), ..Shape::default() };
        let Some(object) = schema.as_object() else {
            shape.accepts.anything = true;
            return shape;
        };
        object.get("description").and_then(Value::as_str).unwrap_or_default().clone_into(&mut shape.about);
        shape.refuses_secrets = dialect == Dialect::Action && !self.takes_secrets;
        self.add(object, dialect, &mut shape);
        let accepts = &shape.accepts;
        let nothing =
            accepts.text.is_none() && accepts.number.is_none() && accepts.list.is_none() && accepts.tables.is_empty() && !accepts.bool;
        if nothing {
            shape.accepts.anything = true;
        }
        shape
    }

    /// Adds what a schema accepts, and its alternatives.
    fn add(&mut self, object: &Map<String, Value>, dialect: Dialect, shape: &mut Shape) {
        if let Some(expected) = object.get("x-expected").and_then(Value::as_str) {
            shape.expected = Some(expected.to_owned());
        }
        // The marks of an alternative (an optional shell text) hold for the whole place.
        if object.contains_key("x-text") || object.contains_key("x-target") {
            shape.text = text_of(&Value::Object(object.clone()), dialect);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            for alternative in object.get(key).and_then(Value::as_array).into_iter().flatten() {
                if let Some(alternative) = alternative.as_object() {
                    // A table's alternatives that only say which of its keys exclude each other are the action's own business.
                    if !(alternative.keys().all(|k| k == "required" || k == "not") && object.contains_key("properties")) {
                        self.add(alternative, dialect, shape);
                    }
                }
            }
        }
        let constants: Vec<Value> = match (object.get("const"), object.get("enum").and_then(Value::as_array)) {
            (Some(constant), _) => vec![constant.clone()],
            (None, Some(values)) => values.clone(),
            (None, None) => Vec::new(),
        };
        if !constants.is_empty() {
            add_constants(constants, &mut shape.accepts);
            return;
        }
        let kinds: Vec<&str> = match object.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ if object.contains_key("properties") => vec!["object"],
            _ => Vec::new(),
        };
        for kind in kinds {
            match kind {
                "string" => shape.accepts.text = Some(self.text(object)),
                "integer" | "number" => shape.accepts.number = Some(number(object, kind == "integer")),
                "boolean" => shape.accepts.bool = true,
                "array" => shape.accepts.list = Some(self.list(object, dialect)),
                "object" => {
                    let table = self.table(object, dialect);
                    shape.accepts.tables.push(table);
                }
                // TOML has no null: an optional key is left out.
                _ => {}
            }
        }
    }

    fn text(&mut self, object: &Map<String, Value>) -> TextRule {
        TextRule {
            pattern: object.get("pattern").and_then(Value::as_str).map(|p| self.pattern(p)),
            // Where the decoder compiles it anyway, it is not compiled twice: that is the costliest part of reading a small runbook.
            is_regex: object.get("format").and_then(Value::as_str) == Some("regex") && !object.contains_key("x-compiled"),
            one_of: Vec::new(),
            min_length: count(object, "minLength").unwrap_or_default(),
        }
    }

    fn list(&mut self, object: &Map<String, Value>, dialect: Dialect) -> ListRule {
        let item = object.get("items").map_or_else(Shape::anything, |items| self.shape(items, dialect));
        let takes_when = |t: &TableRule| t.key("when").is_some() || t.key("items").is_some();
        ListRule {
            optional_elements: dialect == Dialect::Action && !item.accepts.tables.iter().any(takes_when),
            item: Rc::new(item),
            min: count(object, "minItems").unwrap_or_default(),
            max: count(object, "maxItems"),
        }
    }

    fn table(&mut self, object: &Map<String, Value>, dialect: Dialect) -> TableRule {
        let required: Vec<&str> =
            object.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let keys = object
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, schema)| KeyRule {
                name: name.clone(),
                shape: self.shape(schema, dialect),
                required: required.contains(&name.as_str()),
                default: schema.get("default").filter(|default| !default.is_null()).cloned(),
                proof: schema.get("x-proof").is_some(),
            })
            .collect();
        let patterns = object.get("patternProperties").and_then(Value::as_object).filter(|p| !p.is_empty());
        let others = if let Some(patterns) = patterns {
            Others::Matching(patterns.iter().map(|(pattern, schema)| (self.pattern(pattern), self.shape(schema, dialect))).collect())
        } else {
            match object.get("additionalProperties") {
                Some(Value::Bool(false)) => Others::Refused,
                Some(schema) => Others::Any(Box::new(self.shape(schema, dialect))),
                // A struct that forgot `deny_unknown_fields` is held strictly all the same; a bare map has no properties.
                None if object.contains_key("properties") => Others::Refused,
                None => Others::Any(Box::new(Shape::anything())),
            }
        };
        TableRule { keys, others, min: count(object, "minProperties").unwrap_or_default() }
    }

    fn pattern(&mut self, source: &str) -> Rc<Pattern> {
        if let Some(pattern) = self.patterns.get(source) {
            return Rc::clone(pattern);
        }
        let pattern = Rc::new(Pattern::new(source));
        self.patterns.insert(source.to_owned(), Rc::clone(&pattern));
        pattern
    }
}

impl Shape {
    /// Any value, with templates in it.
    pub(crate) fn anything() -> Self {
        Self { accepts: Accepts { anything: true, ..Accepts::default() }, text: Text::Template(TextKind::Plain), ..Self::default() }
    }
}

pub(crate) fn text_of(schema: &Value, dialect: Dialect) -> Text {
    if let Some(kind) = schema.get("x-target").and_then(Value::as_str) {
        return Text::Target(kind.to_owned());
    }
    match schema.get("x-text").and_then(Value::as_str) {
        Some("expr") => Text::Expr,
        Some("literal") => Text::Literal,
        Some(mark) => Text::Template(TextKind::from_mark(mark).unwrap_or_default()),
        None if dialect == Dialect::Action => Text::Template(TextKind::Plain),
        None => Text::Literal,
    }
}

fn add_constants(constants: Vec<Value>, accepts: &mut Accepts) {
    for constant in constants {
        match constant {
            Value::String(text) => accepts.text.get_or_insert_default().one_of.push(text),
            Value::Bool(_) => accepts.bool = true,
            Value::Number(_) => {
                let any = NumberRule { whole: true, min: None, max: None, min_exclusive: false, one_of: Vec::new() };
                accepts.number.get_or_insert(any).one_of.push(constant);
            }
            Value::Null | Value::Array(_) | Value::Object(_) => {}
        }
    }
}

fn number(object: &Map<String, Value>, whole: bool) -> NumberRule {
    let bound = |key: &str| object.get(key).and_then(Value::as_f64);
    NumberRule {
        whole,
        min: bound("minimum").or_else(|| bound("exclusiveMinimum")),
        max: bound("maximum"),
        min_exclusive: object.contains_key("exclusiveMinimum"),
        one_of: Vec::new(),
    }
}

fn count(object: &Map<String, Value>, key: &str) -> Option<usize> {
    object.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
}
