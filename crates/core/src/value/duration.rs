//! Spans of time: `30s`, `1h 30m`, `2d`, `500ms`, `PT5M`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ValueFault;

/// A span of time, never negative, exact to a millisecond. A day is 24 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

/// One or more numbers with units, or ISO 8601 without years, months and weeks, whose length nobody knows.
pub(super) const PATTERN: &str = "^([0-9]{1,9}(ms|s|m|h|d)( ?[0-9]{1,9}(ms|s|m|h|d))*\
     |P[0-9]{1,9}D\
     |P([0-9]{1,9}D)?T([0-9]{1,9}H([0-9]{1,9}M)?([0-9]{1,9}S)?|[0-9]{1,9}M([0-9]{1,9}S)?|[0-9]{1,9}S))$";

/// What a number may be, so that no sum overflows.
const MOST_DIGITS: usize = 9;

impl Duration {
    /// What a diagnostic says was expected.
    pub const EXPECTED: &'static str = "a duration such as `30s`, `10m`, `1h 30m` or `PT5M`";

    /// Wraps a span of the standard library.
    pub const fn new(duration: std::time::Duration) -> Self {
        Self(duration)
    }

    /// The span as the standard library's type.
    pub const fn get(self) -> std::time::Duration {
        self.0
    }

    /// Reads `30s`, `1h 30m`, `2d`, `500ms` or `PT5M`.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let millis = match text.strip_prefix('P') {
            Some(rest) => iso(rest),
            None => friendly(text),
        };
        millis.map(|ms| Self(std::time::Duration::from_millis(ms))).ok_or_else(|| ValueFault::new(text, Self::EXPECTED))
    }
}

/// Takes a number of at most [`MOST_DIGITS`] digits off the front.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 || end > MOST_DIGITS {
        return None;
    }
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

/// In milliseconds.
fn friendly(text: &str) -> Option<u64> {
    // `ms` stands before `m`, which is its beginning.
    const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let mut rest = text;
    let mut total = 0_u64;
    loop {
        let (count, after) = number(rest)?;
        let (name, millis) = UNITS.iter().find(|(name, _)| after.starts_with(name))?;
        total = total.checked_add(count * millis)?;
        rest = after.get(name.len()..)?;
        if rest.is_empty() {
            return Some(total);
        }
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
}

/// In milliseconds, what stands behind the `P`.
fn iso(text: &str) -> Option<u64> {
    let (days, time) = match text.split_once('T') {
        Some((days, time)) if !time.is_empty() => (days, time),
        Some(_) => return None,
        None if text.is_empty() => return None,
        None => (text, ""),
    };
    let total = units(days, &[('D', 86_400_000)])?;
    total.checked_add(units(time, &[('H', 3_600_000), ('M', 60_000), ('S', 1_000)])?)
}

/// Numbers with units, each unit at most once and in this order; in milliseconds.
fn units(mut rest: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut total = 0_u64;
    for (name, millis) in units {
        if let Some((count, after)) = number(rest)
            && let Some(after) = after.strip_prefix(*name)
        {
            total = total.checked_add(count * millis)?;
            rest = after;
        }
    }
    rest.is_empty().then_some(total)
}

/// The form in which it is shown and journaled: `1h 30m`, `45s`, `500ms`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u128); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        let mut first = true;
        for (name, millis) in UNITS {
            let count = rest / millis;
            if count > 0 {
                write!(f, "{}{count}{name}", if first { "" } else { " " })?;
                first = false;
            }
            rest %= millis;
        }
        Ok(())
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": PATTERN, "x-expected": Self::EXPECTED })
    }
}
