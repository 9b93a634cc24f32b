//! From a schema to a shape.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::model::{Accepts, KeyRule, LazyPattern, ListRule, NumberRule, Others, Shape, TableRule, Text, TextRule};
use crate::described::{Described, marked, referred_to};
use crate::template::TextKind;

/// Whose keys they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// An action's or a target's: texts are templates unless marked otherwise, lists may have optional elements.
    Action,
    /// The format's own: texts are values unless marked otherwise.
    Format,
}

/// Compiles schemas; equal patterns are shared, and so are the shapes of a type that stands in several places.
#[derive(Default)]
pub(crate) struct Compiler {
    patterns: HashMap<String, Rc<LazyPattern>>,
    /// What the schema in hand refers to by name.
    definitions: Rc<Map<String, Value>>,
    /// What was compiled of it, without and with secrets taken.
    known: [HashMap<String, Rc<Shape>>; 2],
    /// Whether what is compiled stands inside a field that takes secrets.
    takes_secrets: bool,
}

impl Compiler {
    /// The shape of a type.
    pub(crate) fn compile(&mut self, described: Described, dialect: Dialect) -> Rc<Shape> {
        self.compile_parts(described.parts(), dialect)
    }

    fn compile_parts(&mut self, (schema, definitions): (Value, Map<String, Value>), dialect: Dialect) -> Rc<Shape> {
        self.definitions = Rc::new(definitions);
        self.known = Default::default();
        self.shape(&schema, dialect)
    }

    fn shape(&mut self, schema: &Value, dialect: Dialect) -> Rc<Shape> {
        let outside = self.takes_secrets;
        self.takes_secrets |= schema.as_object().and_then(|object| said(object, "x-secret")).and_then(Value::as_str) == Some("accept");
        let shape = match self.named(schema) {
            Some((name, 1)) => self.known_shape(name, dialect),
            Some((name, _)) => self.marked_shape(name, schema, dialect),
            None => Rc::new(self.inner_shape(schema, dialect)),
        };
        self.takes_secrets = outside;
        shape
    }

    /// The name of the type that a schema refers to, and how many keys the schema has.
    fn named<'s>(&self, schema: &'s Value) -> Option<(&'s str, usize)> {
        let object = schema.as_object()?;
        let name = referred_to(object)?;
        self.definitions.contains_key(name).then_some((name, object.len()))
    }

    /// The shape of a type, which is compiled once.
    fn known_shape(&mut self, name: &str, dialect: Dialect) -> Rc<Shape> {
        let known = usize::from(self.takes_secrets);
        if let Some(shape) = self.known.get(known).and_then(|known| known.get(name)) {
            return Rc::clone(shape);
        }
        let definitions = Rc::clone(&self.definitions);
        let shape = definitions.get(name).map_or_else(|| Rc::new(Shape::anything()), |schema| self.shape(schema, dialect));
        if let Some(known) = self.known.get_mut(known) {
            known.insert(name.to_owned(), Rc::clone(&shape));
        }
        shape
    }

    /// The shape of a type in a place that says more about it: a description, a mark.
    fn marked_shape(&mut self, name: &str, marks: &Value, dialect: Dialect) -> Rc<Shape> {
        let nothing = Map::new();
        let whole = marked(self.definitions.get(name).unwrap_or(&Value::Null), marks.as_object().unwrap_or(&nothing));
        self.shape(&whole, dialect)
    }

    fn inner_shape(&mut self, schema: &Value, dialect: Dialect) -> Shape {
        let Some(object) = schema.as_object() else {
            return Shape {
                accepts: Accepts { anything: true, ..Accepts::default() },
                text: text_of(&Map::new(), dialect),
                ..Shape::default()
            };
        };
        let mut shape = Shape { text: text_of(object, dialect), ..Shape::default() };
        said(object, "description").and_then(Value::as_str).unwrap_or_default().clone_into(&mut shape.about);
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
        if let Some(expected) = said(object, "x-expected").and_then(Value::as_str) {
            shape.expected = Some(expected.to_owned());
        }
        // The marks of an alternative (an optional shell text) hold for the whole place.
        if said(object, "x-text").is_some() || said(object, "x-target").is_some() {
            shape.text = text_of(object, dialect);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            for alternative in said(object, key).and_then(Value::as_array).into_iter().flatten() {
                let definitions = Rc::clone(&self.definitions);
                let alternative = match self.named(alternative) {
                    Some((name, _)) => definitions.get(name).unwrap_or(alternative),
                    None => alternative,
                };
                if let Some(alternative) = alternative.as_object() {
                    // A table's alternatives that only say which of its keys exclude each other are the action's own business.
                    if !(alternative.keys().all(|k| k == "required" || k == "not") && said(object, "properties").is_some()) {
                        self.add(alternative, dialect, shape);
                    }
                }
            }
        }
        let constants: Vec<Value> = match (said(object, "const"), said(object, "enum").and_then(Value::as_array)) {
            (Some(constant), _) => vec![constant.clone()],
            (None, Some(values)) => values.clone(),
            (None, None) => Vec::new(),
        };
        if !constants.is_empty() {
            add_constants(constants, &mut shape.accepts);
            return;
        }
        let kinds: Vec<&str> = match said(object, "type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ if said(object, "properties").is_some() => vec!["object"],
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
            pattern: said(object, "pattern").and_then(Value::as_str).map(|p| self.pattern(p)),
            // Where the decoder compiles it anyway, it is not compiled twice: that is the costliest part of reading a small runbook.
            is_regex: said(object, "format").and_then(Value::as_str) == Some("regex") && said(object, "x-compiled").is_none(),
            one_of: Vec::new(),
            min_length: count(object, "minLength").unwrap_or_default(),
        }
    }

    fn list(&mut self, object: &Map<String, Value>, dialect: Dialect) -> ListRule {
        let item = said(object, "items").map_or_else(|| Rc::new(Shape::anything()), |items| self.shape(items, dialect));
        let takes_when = |t: &TableRule| t.key("when").is_some() || t.key("items").is_some();
        ListRule {
            optional_elements: dialect == Dialect::Action && !item.accepts.tables.iter().any(takes_when),
            item,
            min: count(object, "minItems").unwrap_or_default(),
            max: count(object, "maxItems"),
        }
    }

    fn table(&mut self, object: &Map<String, Value>, dialect: Dialect) -> TableRule {
        let required: Vec<&str> =
            said(object, "required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let keys = said(object, "properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, schema)| KeyRule {
                name: name.clone(),
                shape: self.shape(schema, dialect),
                required: required.contains(&name.as_str()),
                default: schema.as_object().and_then(|schema| said(schema, "default")).filter(|default| !default.is_null()).cloned(),
                proof: schema.as_object().is_some_and(|schema| said(schema, "x-proof").is_some()),
            })
            .collect();
        let patterns = said(object, "patternProperties").and_then(Value::as_object).filter(|p| !p.is_empty());
        let others = if let Some(patterns) = patterns {
            Others::Matching(patterns.iter().map(|(pattern, schema)| (self.pattern(pattern), self.shape(schema, dialect))).collect())
        } else {
            match said(object, "additionalProperties") {
                Some(Value::Bool(false)) => Others::Refused,
                Some(schema) => Others::Any(self.shape(schema, dialect)),
                // A struct that forgot `deny_unknown_fields` is held strictly all the same; a bare map has no properties.
                None if said(object, "properties").is_some() => Others::Refused,
                None => Others::Any(Rc::new(Shape::anything())),
            }
        };
        TableRule { keys, others, min: count(object, "minProperties").unwrap_or_default() }
    }

    fn pattern(&mut self, source: &str) -> Rc<LazyPattern> {
        if let Some(pattern) = self.patterns.get(source) {
            return Rc::clone(pattern);
        }
        let pattern = Rc::new(LazyPattern::new(source));
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

pub(crate) fn text_of(object: &Map<String, Value>, dialect: Dialect) -> Text {
    if let Some(kind) = said(object, "x-target").and_then(Value::as_str) {
        return Text::Target(kind.to_owned());
    }
    match said(object, "x-text").and_then(Value::as_str) {
        Some("expr") => Text::Expr,
        Some("literal") => Text::Literal,
        Some(mark) => Text::Template(TextKind::from_mark(mark).unwrap_or_default()),
        None if dialect == Dialect::Action => Text::Template(TextKind::Plain),
        None => Text::Literal,
    }
}

/// What a schema says under a key. It has a handful of keys, and is asked for each that there may be: to look at them one by one is a fraction of hashing.
fn said<'s>(object: &'s Map<String, Value>, key: &str) -> Option<&'s Value> {
    object.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
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
    let bound = |key: &str| said(object, key).and_then(Value::as_f64);
    NumberRule {
        whole,
        min: bound("minimum").or_else(|| bound("exclusiveMinimum")),
        max: bound("maximum"),
        min_exclusive: said(object, "exclusiveMinimum").is_some(),
        one_of: Vec::new(),
    }
}

fn count(object: &Map<String, Value>, key: &str) -> Option<usize> {
    said(object, key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema as _;

    use super::*;
    use crate::format::RunbookFile;

    #[test]
    fn references_change_nothing() {
        let described = Described::Type(RunbookFile::json_schema);
        let by_name = Compiler::default().compile(described, Dialect::Format);
        let in_one_piece = Compiler::default().compile_parts((described.in_one_piece(), Map::new()), Dialect::Format);
        assert_eq!(format!("{by_name:#?}"), format!("{in_one_piece:#?}"));
    }
}
