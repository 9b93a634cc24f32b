//! Maps, and JSON.

use serde_json::Value;

use super::argument::{any, map, text, unfit};
use super::{Arg, Family, HelperError, eager, exactly};

pub(super) const FAMILY: Family = Family {
    title: "Maps and JSON",
    about: "A member whose name is written out is shorter as a path: `body.data.version`, `labels.[a b]`.",
    helpers: &[
        eager("json", "json A", exactly(1), "Any value as JSON, in one line.", ("json [1,\"a\"]", "\"[1,\\\"a\\\"]\""), |a| {
            Ok(any(a, 0)?.to_string().into())
        }),
        eager("parse_json", "parse_json TEXT", exactly(1), "The value that a JSON text stands for.", ("parse_json \"[1]\"", "[1]"), |a| {
            serde_json::from_str(text(a, 0)?).map_err(|error| HelperError::of(0, format!("this text is no JSON: {error}")))
        }),
        eager(
            "get",
            "get A KEY B",
            (2, Some(3)),
            "The member of a map, or the element of a list; B where it has none, and without B an error.",
            ("get {\"a b\": 1} \"a b\"", "1"),
            get,
        ),
        eager("has", "has MAP KEY", exactly(2), "Whether a map has such a member.", ("has {\"a\": 1} \"b\"", "false"), |a| {
            Ok(map(a, 0)?.contains_key(text(a, 1)?).into())
        }),
        eager("keys", "keys MAP", exactly(1), "The names of its members.", ("keys {\"a\": 1}", "[\"a\"]"), |a| {
            Ok(map(a, 0)?.keys().map(|k| Value::from(k.as_str())).collect())
        }),
        eager("values", "values MAP", exactly(1), "The values of its members.", ("values {\"a\": 1}", "[1]"), |a| {
            Ok(map(a, 0)?.values().cloned().collect())
        }),
    ],
};

fn get(args: &[Arg<'_>]) -> Result<Value, HelperError> {
    let found = match (any(args, 0)?, any(args, 1)?) {
        (Value::Object(map), Value::String(key)) => map.get(key),
        (Value::Array(list), Value::Number(at)) => at.as_u64().and_then(|at| usize::try_from(at).ok()).and_then(|at| list.get(at)),
        (Value::Object(_), other) => return Err(unfit(1, "a text", other)),
        (Value::Array(_), other) => return Err(unfit(1, "a number", other)),
        (other, _) => return Err(unfit(0, "a map or a list", other)),
    };
    match (found, args.get(2)) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(otherwise)) => Ok(otherwise.as_ref().clone()),
        (None, None) => Err(HelperError::of(1, format!("there is no {}", any(args, 1)?)).help("say what to take then: `get A KEY B`")),
    }
}
