//! Lists as sets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::argument::{any, list};
use super::compare::{numeric, same, whole};
use super::{Arg, Family, HelperError, eager, exactly};
use crate::template::eval::kind_of;

pub(super) const FAMILY: Family = Family {
    title: "Sets",
    about: "Lists whose order and repetitions do not matter.",
    helpers: &[
        eager(
            "in",
            "in VALUE LIST",
            exactly(2),
            "Whether the value is in the list. A number looked for in a list of texts (or the reverse) is an error.",
            ("in \"b\" [\"a\",\"b\"]", "true"),
            |a| {
                let (value, list) = (any(a, 0)?, list(a, 1)?);
                comparable(value, list)?;
                Ok(list.iter().any(|element| same(value, element)).into())
            },
        ),
        eager(
            "same_set",
            "same_set A B",
            exactly(2),
            "Whether both lists have the same elements.",
            ("same_set [1,2,2] [2,1]", "true"),
            |a| Ok((keys(a, 0)? == keys(a, 1)?).into()),
        ),
        eager("subset", "subset A B", exactly(2), "Whether every element of A is in B.", ("subset [1] [2,1]", "true"), |a| {
            Ok(keys(a, 0)?.is_subset(&keys(a, 1)?).into())
        }),
        eager("union", "union A B", exactly(2), "What is in A or B, each once, in order.", ("union [1,2] [2,3]", "[1,2,3]"), |a| {
            Ok(distinct(list(a, 0)?.iter().chain(list(a, 1)?)))
        }),
        eager("difference", "difference A B", exactly(2), "What is in A and not in B.", ("difference [1,2] [2,3]", "[1]"), |a| {
            let without = keys(a, 1)?;
            Ok(list(a, 0)?.iter().filter(|v| !without.contains(&key(v))).cloned().collect())
        }),
        eager("distinct", "distinct LIST", exactly(1), "Each element once, in order.", ("distinct [1,2,1]", "[1,2]"), |a| {
            Ok(distinct(list(a, 0)?.iter()))
        }),
        eager("sort", "sort LIST", exactly(1), "Texts or numbers in rising order.", ("sort [3,1,2]", "[1,2,3]"), sort),
    ],
};

/// A text that is the same for values that are the same: numbers by value, maps whatever the order of their members.
fn key(value: &Value) -> String {
    match value {
        Value::Number(n) => match (whole(n), n.as_f64()) {
            (None, Some(float)) if float.fract() == 0.0 => format!("{float:.0}"),
            _ => n.to_string(),
        },
        Value::Array(list) => format!("[{}]", list.iter().map(key).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let members: BTreeMap<&String, String> = map.iter().map(|(k, v)| (k, key(v))).collect();
            let members: Vec<String> = members.into_iter().map(|(k, v)| format!("{}:{v}", Value::from(k.as_str()))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.to_string(),
    }
}

fn keys(args: &[Arg<'_>], at: usize) -> Result<BTreeSet<String>, HelperError> {
    Ok(list(args, at)?.iter().map(key).collect())
}

fn distinct<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    let mut seen = BTreeSet::new();
    values.filter(|v| seen.insert(key(v))).cloned().collect()
}

/// Refuses to look for a value among others of which none can be the same by type.
fn comparable(value: &Value, list: &[Value]) -> Result<(), HelperError> {
    let stranger = list
        .iter()
        .find(|element| !value.is_null() && !element.is_null() && std::mem::discriminant(value) != std::mem::discriminant(element));
    let Some(stranger) = stranger else { return Ok(()) };
    let error = HelperError::of(1, format!("{} is looked for in a list with {} in it", kind_of(value), kind_of(stranger)));
    Err(if stranger.is_object() { error.help("take one member of each: `in VALUE (pluck LIST \"KEY\")`") } else { error })
}

fn sort(args: &[Arg<'_>]) -> Result<Value, HelperError> {
    let list = list(args, 0)?;
    let mut sorted = list.to_vec();
    if list.iter().all(Value::is_string) {
        sorted.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    } else if list.iter().all(Value::is_number) {
        sorted.sort_by(|a, b| match (a, b) {
            (Value::Number(a), Value::Number(b)) => numeric(a, b),
            _ => std::cmp::Ordering::Equal,
        });
    } else {
        return Err(HelperError::of(0, "only texts or only numbers can be sorted"));
    }
    Ok(Value::Array(sorted))
}
