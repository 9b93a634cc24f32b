//! Numbers.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::argument::{any, number, unfit};
use super::compare::{numeric, whole};
use super::{Arg, Family, HelperError, eager, exactly};

/// Up to here every whole number is exact in floating point: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) const FAMILY: Family = Family {
    title: "Numbers",
    about: "Whole numbers stay whole and exact; a result that does not fit 64 bits is an error, never a wrong number.",
    helpers: &[
        eager("add", "add A B …", (2, None), "The sum.", ("add 1 2 3", "6"), |a| fold(a, i128::checked_add, |a, b| a + b)),
        eager("sub", "sub A B", exactly(2), "A less B.", ("sub 5 7", "-2"), |a| fold(a, i128::checked_sub, |a, b| a - b)),
        eager("mul", "mul A B …", (2, None), "The product.", ("mul 2 3 4", "24"), |a| fold(a, i128::checked_mul, |a, b| a * b)),
        eager(
            "div",
            "div A B",
            exactly(2),
            "A divided by B; of two whole numbers the whole part of it. Dividing by 0 is an error.",
            ("div 7 2", "3"),
            |a| {
                not_zero(a)?;
                fold(a, i128::checked_div, |a, b| a / b)
            },
        ),
        eager("mod", "mod A B", exactly(2), "What is left when A is divided by B, never negative.", ("mod 7 2", "1"), |a| {
            not_zero(a)?;
            fold(a, i128::checked_rem_euclid, f64::rem_euclid)
        }),
        eager("min", "min A B …", (1, None), "The least; also of one list.", ("min 3 1 2", "1"), |a| extreme(a, Ordering::is_lt)),
        eager("max", "max A B …", (1, None), "The greatest; also of one list.", ("max 3 1 2", "3"), |a| extreme(a, Ordering::is_gt)),
        eager("round", "round A", exactly(1), "The nearest whole number; halves away from zero.", ("round 2.5", "3"), |a| {
            let n = number(a, 0)?;
            if whole(n).is_some() { Ok(Value::Number(n.clone())) } else { from_float(n.as_f64().unwrap_or(f64::NAN).round()) }
        }),
        eager(
            "int",
            "int A",
            exactly(1),
            "A text of digits, or a number without a fraction, as a whole number; anything else is an error.",
            ("int \"8989\"", "8989"),
            int,
        ),
        eager("text", "text A", exactly(1), "A number or a boolean as text.", ("text 8989", "\"8989\""), |a| match any(a, 0)? {
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(Value::String(value.to_string())),
            Value::String(text) => Ok(Value::String(text.clone())),
            other => Err(unfit(0, "a number, a boolean or a text", other).help("a list or a map becomes text with `json`")),
        }),
    ],
};

fn overflow() -> HelperError {
    HelperError::new("the result does not fit 64 bits")
}

fn from_whole(number: i128) -> Result<Value, HelperError> {
    i64::try_from(number).map(Value::from).or_else(|_| u64::try_from(number).map(Value::from)).map_err(|_| overflow())
}

/// A floating-point result; a whole one becomes a whole number where that is exact.
fn from_float(number: f64) -> Result<Value, HelperError> {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        return Ok(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number).ok_or_else(|| HelperError::new("the result is no number"))
}

/// From left to right; exact where all are whole.
fn fold(args: &[Arg<'_>], exact: fn(i128, i128) -> Option<i128>, float: fn(f64, f64) -> f64) -> Result<Value, HelperError> {
    let numbers = (0..args.len()).map(|at| number(args, at)).collect::<Result<Vec<_>, _>>()?;
    let wholes: Option<Vec<i128>> = numbers.iter().map(|n| whole(n)).collect();
    if let Some(wholes) = wholes {
        let total = wholes.into_iter().map(Some).reduce(|a, b| exact(a?, b?)).flatten();
        return total.map_or_else(|| Err(overflow()), from_whole);
    }
    let total = numbers.iter().map(|n| n.as_f64().unwrap_or(f64::NAN)).reduce(float).unwrap_or(f64::NAN);
    Number::from_f64(total).map(Value::Number).ok_or_else(|| HelperError::new("the result is no number"))
}

fn not_zero(args: &[Arg<'_>]) -> Result<(), HelperError> {
    if number(args, 1)?.as_f64() == Some(0.0) { Err(HelperError::of(1, "division by 0")) } else { Ok(()) }
}

fn extreme(args: &[Arg<'_>], better: fn(Ordering) -> bool) -> Result<Value, HelperError> {
    let values: Vec<(usize, &Value)> = match args {
        [one] if one.is_array() => one.as_array().into_iter().flatten().map(|value| (0, value)).collect(),
        many => many.iter().map(AsRef::as_ref).enumerate().collect(),
    };
    let mut best: Option<&Number> = None;
    for (at, value) in values {
        let Value::Number(n) = value else { return Err(unfit(at, "a number", value)) };
        if best.is_none_or(|best| better(numeric(n, best))) {
            best = Some(n);
        }
    }
    best.map(|n| Value::Number(n.clone())).ok_or_else(|| HelperError::of(0, "an empty list has no least and no greatest"))
}

fn int(args: &[Arg<'_>]) -> Result<Value, HelperError> {
    match any(args, 0)? {
        Value::Number(n) if whole(n).is_some() => Ok(Value::Number(n.clone())),
        Value::Number(n) => match from_float(n.as_f64().unwrap_or(f64::NAN))? {
            Value::Number(n) if whole(&n).is_some() => Ok(Value::Number(n)),
            _ => Err(HelperError::of(0, format!("{n} is no whole number")).help("write `round A` to lose the fraction")),
        },
        Value::String(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let parsed = if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) { text.parse::<i128>().ok() } else { None };
            parsed.map_or_else(|| Err(HelperError::of(0, format!("`{text}` is no whole number"))), from_whole)
        }
        other => Err(unfit(0, "a number or a text of digits", other)),
    }
}
