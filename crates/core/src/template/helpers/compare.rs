//! Comparing values of the same type.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::argument::{any, number, unfit};
use super::{Arg, Family, HelperError, eager, exactly};
use crate::template::eval::kind_of;

pub(super) const FAMILY: Family = Family {
    title: "Comparing",
    about: "Both sides must be of one type: a number is never equal to a text, it is an error to ask. Null can be compared with everything. \
            Versions, sizes, durations and times have helpers of their own.",
    helpers: &[
        eager(
            "eq",
            "eq A B",
            exactly(2),
            "Whether both are the same; numbers by value, lists and maps by content.",
            ("eq 1 1.0", "true"),
            |a| equal(a).map(Value::Bool),
        ),
        eager("ne", "ne A B", exactly(2), "Whether they differ.", ("ne \"a\" \"b\"", "true"), |a| equal(a).map(|same| Value::Bool(!same))),
        eager("lt", "lt A B", exactly(2), "Whether number A is less than number B.", ("lt 9 10", "true"), |a| order(a, Ordering::is_lt)),
        eager("le", "le A B", exactly(2), "Whether number A is at most number B.", ("le 10 10", "true"), |a| order(a, Ordering::is_le)),
        eager("gt", "gt A B", exactly(2), "Whether number A is greater than number B.", ("gt 9 10", "false"), |a| {
            order(a, Ordering::is_gt)
        }),
        eager("ge", "ge A B", exactly(2), "Whether number A is at least number B.", ("ge 10 10", "true"), |a| order(a, Ordering::is_ge)),
    ],
};

fn equal(args: &[Arg<'_>]) -> Result<bool, HelperError> {
    let (a, b) = (any(args, 0)?, any(args, 1)?);
    comparable(a, b)?;
    Ok(same(a, b))
}

/// Refuses two values whose types say already that they are never the same.
fn comparable(a: &Value, b: &Value) -> Result<(), HelperError> {
    if a.is_null() || b.is_null() || std::mem::discriminant(a) == std::mem::discriminant(b) {
        return Ok(());
    }
    let error = HelperError::new(format!("{} is compared with {}", kind_of(a), kind_of(b)));
    Err(match (a, b) {
        (Value::Number(_), Value::String(_)) | (Value::String(_), Value::Number(_)) => error.help("make the text a number: `int TEXT`"),
        (Value::Bool(_), Value::String(_)) | (Value::String(_), Value::Bool(_)) => error.help("write `true` and `false` without quotes"),
        _ => error,
    })
}

/// Whether two values are the same: numbers by value, everything else by content.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => numeric(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b))),
        (a, b) => a == b,
    }
}

/// The order of two numbers: whole ones exactly, others as floating point.
pub(super) fn numeric(a: &Number, b: &Number) -> Ordering {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_f64().unwrap_or(f64::NAN).total_cmp(&b.as_f64().unwrap_or(f64::NAN)),
    }
}

/// A number without a fraction, exactly.
pub(super) fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn order(args: &[Arg<'_>], holds: fn(Ordering) -> bool) -> Result<Value, HelperError> {
    for at in [0, 1] {
        let value = any(args, at)?;
        if value.is_string() {
            let help =
                "texts have no such order: use `version_lt`, `size_lt`, `duration_lt` or `time_before`, or make it a number with `int`";
            return Err(unfit(at, "a number", value).help(help));
        }
    }
    Ok(Value::Bool(holds(numeric(number(args, 0)?, number(args, 1)?))))
}
