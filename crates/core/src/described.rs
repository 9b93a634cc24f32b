//! Where the schema of a type comes from: what its fields are called, what they take, and what is said about them.
//!
//! The types are the truth, and a schema can be made of each of them. In the program it is read from a text that was made so: what makes it is code for
//! every field of every type, half a megabyte of it, and has to run before the first line of a runbook can be looked at.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

/// Where definitions stand in a schema, and how it refers to one.
const DEFINITIONS: &str = "definitions";
const REFERENCE: &str = "#/definitions/";

/// The schema of a type, draft-07.
#[derive(Clone, Copy, Debug)]
pub enum Described {
    /// Made of the type.
    Type(fn(&mut SchemaGenerator) -> Schema),
    /// A text that was made of it: a file of `schemas/types`.
    Text(&'static str),
}

impl Described {
    /// The whole schema, in which each type that it needs is described once, under `definitions`.
    pub fn whole(self) -> Value {
        let (mut schema, definitions) = self.parts();
        if let Some(object) = schema.as_object_mut().filter(|_| !definitions.is_empty()) {
            object.insert(DEFINITIONS.to_owned(), Value::Object(definitions));
        }
        schema
    }

    /// The schema, and what it refers to by name.
    pub(crate) fn parts(self) -> (Value, Map<String, Value>) {
        match self {
            Self::Type(schema) => {
                let mut generator = SchemaSettings::draft07().with(|settings| settings.meta_schema = None).into_generator();
                let schema = schema(&mut generator);
                (schema.to_value(), generator.take_definitions(false))
            }
            Self::Text(text) => {
                // A test reads all of them.
                let mut schema: Value = serde_json::from_str(text).unwrap_or_default();
                let definitions = schema.as_object_mut().and_then(|object| object.remove(DEFINITIONS));
                (schema, if let Some(Value::Object(definitions)) = definitions { definitions } else { Map::new() })
            }
        }
    }

    /// The schema in one piece, without references.
    pub(crate) fn in_one_piece(self) -> Value {
        let (schema, definitions) = self.parts();
        in_place(schema, &definitions)
    }

    /// The same for the same type.
    pub(crate) fn key(self) -> usize {
        match self {
            Self::Type(schema) => schema as usize,
            Self::Text(text) => text.as_ptr() as usize,
        }
    }
}

/// The name of the definition that a schema refers to.
pub(crate) fn referred_to(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(REFERENCE)
}

/// A definition in a place that says more about it: a description, a mark.
pub(crate) fn marked(definition: &Value, place: &Map<String, Value>) -> Value {
    let mut whole = definition.clone();
    if let Some(whole) = whole.as_object_mut() {
        whole.extend(place.iter().filter(|(key, _)| *key != "$ref").map(|(key, mark)| (key.clone(), mark.clone())));
    }
    whole
}

/// Puts what is referred to where it is referred to. No type of ours holds itself.
fn in_place(schema: Value, definitions: &Map<String, Value>) -> Value {
    match schema {
        Value::Object(object) => match referred_to(&object).and_then(|name| definitions.get(name)) {
            Some(definition) => in_place(marked(definition, &object), definitions),
            None => Value::Object(object.into_iter().map(|(key, value)| (key, in_place(value, definitions))).collect()),
        },
        Value::Array(items) => items.into_iter().map(|item| in_place(item, definitions)).collect(),
        other => other,
    }
}

/// The [`Described`] of a type, by the type and the name of its file in `schemas/types`.
///
/// Where the feature `generate` of the crate that names it is on, as in what writes those files, it is made of the type.
#[macro_export]
macro_rules! described {
    ($type:ty, $name:expr) => {
        const {
            #[cfg(feature = "generate")]
            let described = $crate::Described::Type(<$type as ::schemars::JsonSchema>::json_schema);
            #[cfg(not(feature = "generate"))]
            let described =
                $crate::Described::Text(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/types/", $name, ".json")));
            described
        }
    };
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;

    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Outer {
        /// The first of two.
        #[schemars(extend("x-text" = "plain"))]
        one: Inner,
        many: Vec<Inner>,
    }

    /// What stands inside.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        text: String,
    }

    #[test]
    fn a_text_says_what_the_type_says() {
        let of_type = Described::Type(Outer::json_schema);
        let text: &'static str = of_type.whole().to_string().leak();
        let of_text = Described::Text(text);
        assert_eq!(of_text.parts(), of_type.parts());
        assert_eq!(of_text.in_one_piece(), of_type.in_one_piece());
        assert_ne!(of_text.key(), of_type.key());
    }

    #[test]
    fn a_place_says_more_about_what_it_refers_to() {
        let schema = Described::Type(Outer::json_schema).in_one_piece();
        let properties = &schema["properties"];
        assert_eq!(properties["one"]["description"], "The first of two.");
        assert_eq!(properties["one"]["x-text"], "plain");
        assert_eq!(properties["one"]["properties"]["text"]["type"], "string");
        assert_eq!(properties["many"]["items"]["description"], "What stands inside.");
        assert!(!schema.to_string().contains("$ref"), "{schema}");
    }
}
