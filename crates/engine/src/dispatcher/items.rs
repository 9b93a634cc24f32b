//! From the value of a `for_each` to the items of the loop.

use std::collections::BTreeSet;

use runbook_core::action::{Failure, FailureKind};
use runbook_core::record::ItemKey;
use serde_json::{Value, json};

use super::oversize;

/// The items of a loop: the key of a map's item is its key; of a list's it is the value where that is a text or a number, else its index.
pub(super) fn of(value: Value) -> Result<Vec<ItemKey>, Failure> {
    let items: Vec<ItemKey> = match value {
        Value::Object(map) => map.into_iter().map(|(key, value)| ItemKey { value: json!({ "key": key, "value": value }), key }).collect(),
        Value::Array(list) => list
            .into_iter()
            .enumerate()
            .map(|(at, value)| {
                let key = match &value {
                    Value::String(text) if !text.is_empty() => text.clone(),
                    Value::Number(number) => number.to_string(),
                    Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => at.to_string(),
                };
                ItemKey { key, value }
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(Failure::new(FailureKind::Invalid, "a loop goes over a list or a map"));
        }
    };
    let mut seen = BTreeSet::new();
    match items.iter().find(|item| !seen.insert(item.key.as_str())) {
        Some(twice) => Err(Failure::new(FailureKind::Invalid, format!("the item `{}` is there twice", twice.key))),
        None if items.iter().all(|item| oversize::fits(&item.value)) && oversize::fits(&keys(&items)) => Ok(items),
        None => Err(Failure::new(FailureKind::Invalid, "the items of the loop are too large to be recorded")
            .help("loop over names, and look the rest up by name within the step")),
    }
}

/// All items as one value.
fn keys(items: &[ItemKey]) -> Value {
    items.iter().map(|item| Value::Array(vec![Value::String(item.key.clone()), item.value.clone()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(value: Value) -> Result<Vec<String>, String> {
        of(value).map(|items| items.into_iter().map(|item| item.key).collect()).map_err(|failure| failure.message)
    }

    #[test]
    fn keys_are_values_indices_or_a_maps_own_keys() {
        assert_eq!(keys_of(json!(["n1", 7, { "a": 1 }, ""])).unwrap(), ["n1", "7", "2", "3"]);
        assert_eq!(keys_of(json!({ "b": 1, "a": 2 })).unwrap(), ["b", "a"]);
        assert_eq!(of(json!({ "b": 1 })).unwrap()[0].value, json!({ "key": "b", "value": 1 }));
        assert!(keys_of(json!([])).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_told_apart_or_recorded_is_refused() {
        assert_eq!(keys_of(json!(["n1", "n1"])).unwrap_err(), "the item `n1` is there twice");
        assert_eq!(keys_of(json!("n1")).unwrap_err(), "a loop goes over a list or a map");
        assert_eq!(keys_of(json!(["x".repeat(60_000)])).unwrap_err(), "the items of the loop are too large to be recorded");
    }
}
