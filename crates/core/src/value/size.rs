//! Amounts of memory and disk: `512MiB`, `8GiB`, `10GB`, or a number of bytes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ValueFault;

/// An amount in bytes. `KiB` and its like count by 1024, `kB` and its like by 1000; a bare number is bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// The digits are bounded so that no product overflows.
pub(super) const PATTERN: &str = r"^([0-9]{1,18}B|[0-9]{1,9}(\.[0-9]{1,3})? ?([kKMG]B|[KMG]iB)|[0-9]{1,6}(\.[0-9]{1,3})? ?(TB|TiB))$";

const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// What a number of bytes may be at most: TOML's and JSON's whole numbers.
const MOST: u64 = i64::MAX.unsigned_abs();

impl ByteSize {
    /// What a diagnostic says was expected.
    pub const EXPECTED: &'static str = "a size such as `512MiB`, `8GiB` or `10GB`, or a number of bytes";

    /// So many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Reads `512MiB`, `1.5GB` or `100B`.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        bytes(text).map(Self).ok_or_else(|| ValueFault::new(text, Self::EXPECTED))
    }
}

fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = match UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit))) {
        Some((number, unit)) => (number.strip_suffix(' ').unwrap_or(number), unit),
        None => return digits(text.strip_suffix('B')?, 18),
    };
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let most = if unit >= 1_000_000_000_000 { 6 } else { 9 };
    let mut total = digits(whole, most)?.checked_mul(unit)?;
    if let Some(fraction) = fraction {
        let thousandths = digits(fraction, 3)? * [0, 100, 10, 1].get(fraction.len())?;
        // Rounded down to a whole byte.
        total += unit / 1_000 * thousandths + unit % 1_000 * thousandths / 1_000;
    }
    Some(total)
}

/// A whole number of at most so many digits.
fn digits(text: &str, most: usize) -> Option<u64> {
    let fits = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// The largest binary unit that loses nothing: `8GiB`, `1500B`.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, unit) in [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 >= unit && self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}B", self.0)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ByteSize::EXPECTED)
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
        if bytes <= MOST { Ok(ByteSize(bytes)) } else { Err(E::invalid_value(de::Unexpected::Unsigned(bytes), &self)) }
    }

    fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
        u64::try_from(bytes).map(ByteSize).map_err(|_| E::invalid_value(de::Unexpected::Signed(bytes), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
        ByteSize::parse(text).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "pattern": PATTERN, "minimum": 0, "x-expected": Self::EXPECTED })
    }
}
