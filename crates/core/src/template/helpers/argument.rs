//! Taking arguments by their type.

use serde_json::{Map, Number, Value};

use super::{Arg, HelperError};
use crate::template::eval::kind_of;

/// The argument at `at`.
pub(super) fn any<'a>(args: &'a [Arg<'_>], at: usize) -> Result<&'a Value, HelperError> {
    args.get(at).map(AsRef::as_ref).ok_or_else(|| HelperError::new(format!("argument {} is missing", at + 1)))
}

/// A text.
pub(super) fn text<'a>(args: &'a [Arg<'_>], at: usize) -> Result<&'a str, HelperError> {
    match any(args, at)? {
        Value::String(text) => Ok(text),
        other => Err(unfit(at, "a text", other)),
    }
}

/// A list.
pub(super) fn list<'a>(args: &'a [Arg<'_>], at: usize) -> Result<&'a [Value], HelperError> {
    match any(args, at)? {
        Value::Array(list) => Ok(list),
        other => Err(unfit(at, "a list", other)),
    }
}

/// A map.
pub(super) fn map<'a>(args: &'a [Arg<'_>], at: usize) -> Result<&'a Map<String, Value>, HelperError> {
    match any(args, at)? {
        Value::Object(map) => Ok(map),
        other => Err(unfit(at, "a map", other)),
    }
}

/// A number of any kind.
pub(super) fn number<'a>(args: &'a [Arg<'_>], at: usize) -> Result<&'a Number, HelperError> {
    match any(args, at)? {
        Value::Number(number) => Ok(number),
        other => {
            let error = unfit(at, "a number", other);
            Err(if other.is_string() { error.help("a text of digits becomes a number with `int TEXT`") } else { error })
        }
    }
}

/// A whole number.
pub(super) fn int(args: &[Arg<'_>], at: usize) -> Result<i64, HelperError> {
    let number = number(args, at)?;
    number.as_i64().ok_or_else(|| HelperError::of(at, format!("a whole number is wanted, and this is {number}")))
}

/// A whole number that is not negative and fits a length.
pub(super) fn index(args: &[Arg<'_>], at: usize) -> Result<usize, HelperError> {
    let number = int(args, at)?;
    usize::try_from(number).map_err(|_| HelperError::of(at, format!("a number from 0 is wanted, and this is {number}")))
}

/// The error for a value of another type than `wanted`.
pub(super) fn unfit(at: usize, wanted: &str, got: &Value) -> HelperError {
    HelperError::of(at, format!("{wanted} is wanted, and this is {}", kind_of(got)))
}
