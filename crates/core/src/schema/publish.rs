//! The JSON Schema of a runbook, draft-07, which is what editors and TOML language servers read.

use serde_json::{Map, Value, json};

use crate::action::{Executor, Registry};
use crate::described::Described;
use crate::format::{PROBE, RUNBOOK};
use crate::shape::{Dialect, Text, text_of};

/// The schema of a whole runbook file with the executors' actions and targets in it.
pub fn runbook_schema(registry: &Registry) -> Value {
    let publisher = Publisher { registry };
    let mut root = publisher.of(RUNBOOK);
    let mut definitions = Map::new();
    for executor in registry.executors() {
        definitions.insert(executor.name().to_owned(), publisher.executor(executor));
    }
    if let Some(object) = root.as_object_mut() {
        object.shift_insert(0, "$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        object.insert("title".to_owned(), json!("runbook"));
        object.insert("definitions".to_owned(), Value::Object(definitions));
    }
    root
}

struct Publisher<'a> {
    registry: &'a Registry,
}

/// A text that is nothing but one template, where a value of another type may stand.
const SINGLE: &str = r"^\{\{[\s\S]*\}\}$";

/// A text with a template somewhere in it.
const SOME: &str = r"\{\{";

impl Publisher<'_> {
    /// One of the format's own types.
    fn of(&self, described: Described) -> Value {
        self.tidy(described.in_one_piece(), Dialect::Format)
    }

    fn executor(&self, executor: &dyn Executor) -> Value {
        let mut actions = Map::new();
        for spec in executor.actions() {
            let mut schema = self.plain(spec.schema.in_one_piece(), Dialect::Action);
            if let Some(object) = schema.as_object_mut() {
                let mut about = object.get("description").and_then(Value::as_str).unwrap_or(spec.about).to_owned();
                if !spec.outputs.is_empty() {
                    let outputs: Vec<String> = spec.outputs.iter().map(|output| format!("`{}`", output.name)).collect();
                    about = format!("{about}\n\nOutputs: {}.", outputs.join(", "));
                }
                object.insert("description".to_owned(), json!(about));
                object.remove("title");
            }
            actions.insert(spec.name.to_owned(), schema);
        }
        json!({
            "description": executor.about(),
            "type": "object",
            "properties": actions,
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
        })
    }

    /// Makes a type's schema one that an editor can use: no null, no marks, templates where they may stand, actions and targets filled in.
    fn tidy(&self, schema: Value, dialect: Dialect) -> Value {
        let Value::Object(object) = schema else { return schema };
        let text = text_of(&object, dialect);
        if object.contains_key("x-proof") {
            let mut proof = self.of(PROBE);
            if let (Some(proof), Some(about)) = (proof.as_object_mut(), object.get("description")) {
                proof.insert("description".to_owned(), about.clone());
            }
            return proof;
        }
        let holds_actions = object.contains_key("x-actions");
        let holds_targets = object.contains_key("x-targets");
        let mut tidied = Map::new();
        for (key, value) in object {
            if let Some(value) = self.keyword(&key, value, dialect) {
                tidied.insert(key, value);
            }
        }
        merge_single_alternative(&mut tidied);
        if holds_actions {
            self.add_actions(&mut tidied);
        }
        if holds_targets {
            self.add_targets(&mut tidied);
        }
        with_templates(tidied, &text)
    }

    /// One keyword of a schema; none where it is left out.
    fn keyword(&self, key: &str, value: Value, dialect: Dialect) -> Option<Value> {
        match (key, value) {
            // Rust's widths of numbers are no formats that a validator knows; the bounds stand beside them.
            ("format", Value::String(format)) => (format == "regex").then_some(Value::String(format)),
            ("type", Value::Array(kinds)) => {
                let mut kinds: Vec<Value> = kinds.into_iter().filter(|kind| kind != "null").collect();
                Some(if kinds.len() == 1 { kinds.swap_remove(0) } else { Value::Array(kinds) })
            }
            ("enum", Value::Array(values)) => Some(Value::Array(values.into_iter().filter(|value| !value.is_null()).collect())),
            ("default", Value::Null) => None,
            ("anyOf" | "oneOf" | "allOf", Value::Array(alternatives)) => {
                let kept = alternatives.into_iter().filter(|schema| *schema != json!({ "type": "null" }));
                Some(Value::Array(kept.map(|schema| self.plain(schema, dialect)).collect()))
            }
            ("properties" | "patternProperties", Value::Object(properties)) => {
                Some(Value::Object(properties.into_iter().map(|(name, schema)| (name, self.tidy(schema, dialect))).collect()))
            }
            ("items", schema) => Some(self.items(schema, dialect)),
            ("additionalProperties", schema) => Some(self.tidy(schema, dialect)),
            (key, _) if key.starts_with("x-") => None,
            (_, value) => Some(value),
        }
    }

    /// A schema in whose place no template may stand: the whole of an action, or an alternative, around all of which templates are added once.
    fn plain(&self, schema: Value, dialect: Dialect) -> Value {
        let mut schema = schema;
        if let Some(object) = schema.as_object_mut() {
            object.insert("x-text".to_owned(), json!("verbatim"));
        }
        self.tidy(schema, dialect)
    }

    fn items(&self, schema: Value, dialect: Dialect) -> Value {
        let takes = |key: &str| schema.get("properties").is_some_and(|properties| properties.get(key).is_some());
        let optional = dialect == Dialect::Action && !takes("when") && !takes("items");
        let item = self.tidy(schema, dialect);
        if !optional {
            return item;
        }
        let group = json!({
            "description": "Elements that are there only where a condition holds.",
            "type": "object",
            "required": ["when", "items"],
            "properties": { "when": { "type": "string" }, "items": { "type": "array", "items": item } },
            "additionalProperties": false,
        });
        json!({ "anyOf": [item, group] })
    }

    fn add_actions(&self, holder: &mut Map<String, Value>) {
        let mut one_of = Vec::new();
        for executor in self.registry.executors() {
            one_of.push(json!({ "required": [executor.name()] }));
            if let Some(properties) = holder.get_mut("properties").and_then(Value::as_object_mut) {
                properties.insert(executor.name().to_owned(), json!({ "$ref": format!("#/definitions/{}", executor.name()) }));
            }
        }
        holder.insert("oneOf".to_owned(), Value::Array(one_of));
    }

    fn add_targets(&self, holder: &mut Map<String, Value>) {
        let mut kinds = Map::new();
        for target in self.registry.executors().flat_map(Executor::targets) {
            let mut schema = self.plain(target.schema.in_one_piece(), Dialect::Action);
            if let Some(object) = schema.as_object_mut() {
                object.insert("description".to_owned(), json!(target.about));
                object.remove("title");
            }
            kinds.insert(target.kind.to_owned(), schema);
        }
        holder.insert("properties".to_owned(), Value::Object(kinds));
        holder.insert("minProperties".to_owned(), json!(1));
        holder.insert("maxProperties".to_owned(), json!(1));
    }
}

/// `anyOf` with one alternative left is that alternative.
fn merge_single_alternative(object: &mut Map<String, Value>) {
    for key in ["anyOf", "oneOf"] {
        if let Some(Value::Array(alternatives)) = object.get(key)
            && let [Value::Object(only)] = &alternatives[..]
        {
            let only = only.clone();
            object.remove(key);
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}

/// Adds the alternative of a template where one may stand.
fn with_templates(object: Map<String, Value>, text: &Text) -> Value {
    let takes_template = matches!(text, Text::Template(kind) if *kind != crate::template::TextKind::Verbatim);
    if !takes_template || !is_rule(&object) {
        return Value::Object(object);
    }
    let alternatives = ["anyOf", "oneOf"].iter().filter_map(|key| object.get(*key)).flat_map(|list| list.as_array().into_iter().flatten());
    let takes_text = std::iter::once(&Value::Object(object.clone())).chain(alternatives).any(is_text);
    let pattern = if takes_text { SOME } else { SINGLE };
    // What is said about the place stays outside, where editors look for it.
    let mut outside = Map::new();
    let mut inside = object;
    for key in ["title", "description", "default"] {
        if let Some(value) = inside.shift_remove(key) {
            outside.insert(key.to_owned(), value);
        }
    }
    outside.insert("anyOf".to_owned(), json!([inside, { "type": "string", "pattern": pattern }]));
    Value::Object(outside)
}

/// Whether a schema says more than "any text" or "anything".
fn is_rule(object: &Map<String, Value>) -> bool {
    const PROSE: [&str; 3] = ["title", "description", "default"];
    let says_nothing = |key: &str, value: &Value| PROSE.contains(&key) || (key == "type" && value == "string");
    !object.iter().all(|(key, value)| says_nothing(key, value))
}

fn is_text(schema: &Value) -> bool {
    let of_type = match schema.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    };
    let constant = schema.get("const").is_some_and(Value::is_string);
    let listed = schema.get("enum").and_then(Value::as_array).is_some_and(|values| values.iter().any(Value::is_string));
    of_type || constant || listed
}
