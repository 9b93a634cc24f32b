//! How many connections work side by side.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};

/// The most.
const MOST: u8 = 32;
/// Where nothing is said.
const USUAL: u8 = 4;

/// A number of connections, from 1 to 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sql) struct Connections(u8);

impl Connections {
    pub(in crate::sql) fn get(self) -> u8 {
        self.0
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self(USUAL)
    }
}

impl<'de> Deserialize<'de> for Connections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        u8::try_from(number)
            .ok()
            .filter(|number| (1..=MOST).contains(number))
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("{number} is no number of connections from 1 to {MOST}")))
    }
}

impl JsonSchema for Connections {
    fn schema_name() -> Cow<'static, str> {
        "Connections".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MOST })
    }
}
