//! Sizes and durations.

use std::cmp::Ordering;

use serde_json::Value;

use super::argument::{any, unfit};
use super::{Arg, Family, HelperError, eager, exactly};
use crate::value::{ByteSize, Duration};

pub(super) const FAMILY: Family = Family {
    title: "Sizes and durations",
    about: "A size is a text such as `512MiB` or `10GB`, or a number of bytes; a duration is a text such as `30s` or `1h 30m`, or a number of seconds.",
    helpers: &[
        eager("bytes", "bytes SIZE", exactly(1), "A size as a number of bytes.", ("bytes \"1KiB\"", "1024"), |a| Ok(size(a, 0)?.into())),
        eager("size_eq", "size_eq A B", exactly(2), "Whether both sizes are the same.", ("size_eq \"1KiB\" 1024", "true"), |a| {
            sizes(a, Ordering::is_eq)
        }),
        eager("size_lt", "size_lt A B", exactly(2), "Whether A is smaller than B.", ("size_lt \"1GB\" \"1GiB\"", "true"), |a| {
            sizes(a, Ordering::is_lt)
        }),
        eager("size_le", "size_le A B", exactly(2), "Whether A is at most B.", ("size_le \"1GB\" \"1GiB\"", "true"), |a| {
            sizes(a, Ordering::is_le)
        }),
        eager("size_gt", "size_gt A B", exactly(2), "Whether A is greater than B.", ("size_gt \"2GiB\" \"1GiB\"", "true"), |a| {
            sizes(a, Ordering::is_gt)
        }),
        eager("size_ge", "size_ge A B", exactly(2), "Whether A is at least B.", ("size_ge \"1GiB\" \"2GiB\"", "false"), |a| {
            sizes(a, Ordering::is_ge)
        }),
        eager("seconds", "seconds DURATION", exactly(1), "A duration in whole seconds.", ("seconds \"1h 30m\"", "5400"), |a| {
            Ok((millis(a, 0)? / 1_000).into())
        }),
        eager("minutes", "minutes DURATION", exactly(1), "A duration in whole minutes.", ("minutes \"1h 30m\"", "90"), |a| {
            Ok((millis(a, 0)? / 60_000).into())
        }),
        eager("duration", "duration SECONDS", exactly(1), "A number of seconds as a duration.", ("duration 5400", "\"1h 30m\""), |a| {
            Ok(Duration::new(std::time::Duration::from_millis(millis(a, 0)?)).to_string().into())
        }),
        eager("duration_lt", "duration_lt A B", exactly(2), "Whether A is shorter than B.", ("duration_lt \"90s\" \"2m\"", "true"), |a| {
            durations(a, Ordering::is_lt)
        }),
        eager(
            "duration_le",
            "duration_le A B",
            exactly(2),
            "Whether A is at most as long as B.",
            ("duration_le \"60s\" \"1m\"", "true"),
            |a| durations(a, Ordering::is_le),
        ),
        eager("duration_gt", "duration_gt A B", exactly(2), "Whether A is longer than B.", ("duration_gt \"90s\" \"2m\"", "false"), |a| {
            durations(a, Ordering::is_gt)
        }),
        eager(
            "duration_ge",
            "duration_ge A B",
            exactly(2),
            "Whether A is at least as long as B.",
            ("duration_ge \"60s\" \"1m\"", "true"),
            |a| durations(a, Ordering::is_ge),
        ),
    ],
};

/// A size in bytes.
fn size(args: &[Arg<'_>], at: usize) -> Result<u64, HelperError> {
    match any(args, at)? {
        Value::Number(n) => n.as_u64().ok_or_else(|| HelperError::of(at, format!("{n} is no number of bytes"))),
        Value::String(text) => ByteSize::parse(text).map(ByteSize::get).map_err(|fault| HelperError::of(at, fault.to_string())),
        other => Err(unfit(at, "a size", other)),
    }
}

/// A duration in milliseconds.
pub(super) fn millis(args: &[Arg<'_>], at: usize) -> Result<u64, HelperError> {
    let too_long = || HelperError::of(at, "the duration is too long");
    match any(args, at)? {
        Value::Number(n) => match n.as_u64() {
            Some(seconds) => seconds.checked_mul(1_000).ok_or_else(too_long),
            None => Err(HelperError::of(at, format!("{n} is no whole number of seconds"))),
        },
        Value::String(text) => {
            let duration = Duration::parse(text).map_err(|fault| HelperError::of(at, fault.to_string()))?;
            u64::try_from(duration.get().as_millis()).map_err(|_| too_long())
        }
        other => Err(unfit(at, "a duration", other)),
    }
}

fn sizes(args: &[Arg<'_>], holds: fn(Ordering) -> bool) -> Result<Value, HelperError> {
    Ok(holds(size(args, 0)?.cmp(&size(args, 1)?)).into())
}

fn durations(args: &[Arg<'_>], holds: fn(Ordering) -> bool) -> Result<Value, HelperError> {
    Ok(holds(millis(args, 0)?.cmp(&millis(args, 1)?)).into())
}
