//! Numbers with bounds: ports and file modes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::ValueFault;

/// A TCP or UDP port, 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Port(u16);

impl Port {
    /// What a diagnostic says was expected.
    pub const EXPECTED: &'static str = "a port, 1 to 65535";

    /// None for 0, which is no port to connect to.
    pub const fn new(port: u16) -> Option<Self> {
        if port == 0 { None } else { Some(Self(port)) }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        let port = u16::try_from(number).ok().and_then(Self::new);
        port.ok_or_else(|| serde::de::Error::custom(ValueFault::new(&number.to_string(), Self::EXPECTED)))
    }
}

impl JsonSchema for Port {
    fn schema_name() -> Cow<'static, str> {
        "Port".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 65535, "x-expected": Self::EXPECTED })
    }
}

/// A file mode or mask in octal, written as text: as a number `640` would be read as decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OctalMode(u32);

impl OctalMode {
    /// What a diagnostic says was expected.
    pub const EXPECTED: &'static str = "a file mode in octal such as `\"0640\"`";

    /// The mode's bits, at most `0o7777`.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Reads `640`, `0640` or `1777`.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let fits = matches!(text.len(), 3 | 4) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        let mode = if fits { u32::from_str_radix(text, 8).ok() } else { None };
        mode.map(Self).ok_or_else(|| ValueFault::new(text, Self::EXPECTED))
    }
}

impl fmt::Display for OctalMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl<'de> Deserialize<'de> for OctalMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Serialize for OctalMode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for OctalMode {
    fn schema_name() -> Cow<'static, str> {
        "OctalMode".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-7]{3,4}$", "x-expected": Self::EXPECTED })
    }
}
