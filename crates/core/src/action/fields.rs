//! Reading an action from its rendered fields, so that a fault names the field that it is in.
//!
//! The reader knows which key and which item it is at, so the path is put together where something is wrong and nowhere else. A table is taken only
//! where a table belongs: `serde_json` would also take a list for it, whose reading doubles the code of some hundred types.

use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer as _, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::FieldFault;

/// Reads `T` from rendered fields.
///
/// # Errors
///
/// The first field that does not fit, by its path (`mounts[1].source`).
pub fn from_fields<T: DeserializeOwned>(fields: Value) -> Result<T, FieldFault> {
    T::deserialize(Field(fields)).map_err(|misfit| FieldFault::new(misfit.path, misfit.message))
}

/// A value that does not fit, and where it stands.
#[derive(Debug)]
struct Misfit {
    path: String,
    message: String,
}

impl Misfit {
    /// The same, seen from one level further out.
    fn below(mut self, step: &str) -> Self {
        if !self.path.is_empty() && !self.path.starts_with('[') {
            self.path.insert(0, '.');
        }
        self.path.insert_str(0, step);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

impl Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: String::new(), message: message.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => Self::custom(format_args!("invalid type: null, expected {expected}")),
            found => Self::custom(format_args!("invalid type: {found}, expected {expected}")),
        }
    }
}

/// One value.
struct Field(Value);

impl Field {
    fn unfit(&self, expected: &dyn Expected) -> Misfit {
        let found = match &self.0 {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => Unexpected::Unsigned(value),
                (None, Some(value)) => Unexpected::Signed(value),
                (None, None) => Unexpected::Float(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        };
        Misfit::invalid_type(found, expected)
    }
}

impl<'de> Deserializer<'de> for Field {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.into_iter(), at: 0 }),
            Value::Object(entries) => visitor.visit_map(Entries::of(entries)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items { items: items.into_iter(), at: 0 }),
            _ => Err(self.unfit(&visitor)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Object(entries) => visitor.visit_map(Entries::of(entries)),
            _ => Err(self.unfit(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Variant { name, content: Value::Null }),
            Value::Object(entries) if entries.len() == 1 => match entries.into_iter().next() {
                Some((name, content)) => visitor.visit_enum(Variant { name, content }),
                None => Err(Misfit::custom("a variant is missing")),
            },
            _ => Err(self.unfit(&visitor)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// A table's entries.
struct Entries {
    entries: serde_json::map::IntoIter,
    /// The entry whose key was given out last.
    open: Option<(String, Value)>,
}

impl Entries {
    fn of(entries: Map<String, Value>) -> Self {
        Self { entries: entries.into_iter(), open: None }
    }
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let name: StringDeserializer<Misfit> = key.clone().into_deserializer();
        let read = seed.deserialize(name).map_err(|misfit| misfit.below(&key))?;
        self.open = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let Some((key, value)) = self.open.take() else { return Err(Misfit::custom("a value without a key")) };
        seed.deserialize(Field(value)).map_err(|misfit| misfit.below(&key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A list's items.
struct Items {
    items: std::vec::IntoIter<Value>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(Field(item)).map(Some).map_err(|misfit| misfit.below(&format!("[{at}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// One of several kinds: a name alone, or a table of one entry.
struct Variant {
    name: String,
    content: Value,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Misfit;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content), Misfit> {
        let name: StringDeserializer<Misfit> = self.name.clone().into_deserializer();
        Ok((seed.deserialize(name)?, Content { name: self.name, content: self.content }))
    }
}

/// What a variant holds.
struct Content {
    name: String,
    content: Value,
}

impl<'de> VariantAccess<'de> for Content {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.content {
            Value::Null => Ok(()),
            _ => Err(Misfit::custom("this takes nothing more").below(&self.name)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        seed.deserialize(Field(self.content)).map_err(|misfit| misfit.below(&self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        Field(self.content).deserialize_seq(visitor).map_err(|misfit| misfit.below(&self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        Field(self.content).deserialize_map(visitor).map_err(|misfit| misfit.below(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::value::ByteSize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Run {
        image: String,
        #[serde(default)]
        ports: Vec<Port>,
        #[serde(default)]
        labels: BTreeMap<String, String>,
        memory: Option<ByteSize>,
        #[serde(default)]
        pull: Pull,
        any: Option<Value>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Port {
        host: u16,
        share: Option<f64>,
        offset: Option<i8>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Pull {
        #[default]
        Never,
        From(String),
        With {
            retries: u8,
        },
    }

    fn read(fields: Value) -> Result<Run, String> {
        from_fields(fields).map_err(|fault: FieldFault| format!("{}: {}", fault.path, fault.message))
    }

    fn with(key: &str, value: Value) -> Result<Run, String> {
        let mut fields = json!({ "image": "odc" });
        fields[key] = value;
        read(fields)
    }

    #[test]
    fn every_kind_of_value_is_read_as_what_it_is() {
        let run = read(json!({
            "image": "odc", "ports": [{ "host": 80, "share": 0.5, "offset": -3 }, { "host": 81, "share": 2 }], "labels": { "a.b": "c" }, "memory": "2GiB",
            "any": { "x": [null, true, 18_446_744_073_709_551_615_u64] },
        }));
        let run = run.unwrap();
        assert_eq!(run.ports[0], Port { host: 80, share: Some(0.5), offset: Some(-3) });
        assert_eq!(run.ports[1], Port { host: 81, share: Some(2.0), offset: None });
        assert_eq!((run.labels["a.b"].as_str(), run.memory.unwrap().get()), ("c", 2 << 30));
        assert_eq!(run.any.unwrap(), json!({ "x": [null, true, 18_446_744_073_709_551_615_u64] }));
        assert_eq!(with("memory", Value::Null).unwrap().memory, None);
        assert_eq!(with("pull", json!("never")).unwrap().pull, Pull::Never);
        assert_eq!(with("pull", json!({ "from": "hub" })).unwrap().pull, Pull::From("hub".to_owned()));
        assert_eq!(with("pull", json!({ "with": { "retries": 3 } })).unwrap().pull, Pull::With { retries: 3 });
    }

    #[test]
    fn a_fault_names_its_field_from_the_outermost_in() {
        for (key, value, fault) in [
            ("ports", json!([{ "host": 1 }, { "host": 70000 }]), "ports[1].host: invalid value: integer `70000`, expected u16"),
            ("ports", json!([{ "host": 1, "hots": 2 }]), "ports[0].hots: unknown field `hots`, expected one of `host`, `share`, `offset`"),
            ("ports", json!([{}]), "ports[0]: missing field `host`"),
            ("ports", json!([[80, 0.5, 1]]), "ports[0]: invalid type: sequence, expected struct Port"),
            ("ports", json!({}), "ports: invalid type: map, expected a sequence"),
            ("ports", json!("80"), "ports: invalid type: string \"80\", expected a sequence"),
            ("labels", json!({ "a": 1.5 }), "labels.a: invalid type: floating point `1.5`, expected a string"),
            ("labels", json!([]), "labels: invalid type: sequence, expected a map"),
            ("image", Value::Null, "image: invalid type: null, expected a string"),
            ("image", json!(true), "image: invalid type: boolean `true`, expected a string"),
            ("pull", json!("always"), "pull: unknown variant `always`, expected one of `never`, `from`, `with`"),
            ("pull", json!({ "never": 1 }), "pull.never: this takes nothing more"),
            ("pull", json!({ "from": 1 }), "pull.from: invalid type: integer `1`, expected a string"),
            ("pull", json!({ "with": { "retries": -1 } }), "pull.with.retries: invalid value: integer `-1`, expected u8"),
            ("pull", json!([]), "pull: invalid type: sequence, expected enum Pull"),
        ] {
            assert_eq!(with(key, value).unwrap_err(), fault);
        }
        assert_eq!(read(json!({})).unwrap_err(), ": missing field `image`");
        assert_eq!(read(json!([])).unwrap_err(), ": invalid type: sequence, expected struct Run");
    }
}
