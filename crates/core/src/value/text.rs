//! Texts with a form: names, paths, addresses, patterns, times.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::ValueFault;

/// A newtype over a text: what it accepts, its schema's pattern, and what a diagnostic says was expected, in one place.
macro_rules! text {
    ($(#[$about:meta])* $name:ident, pattern = $pattern:literal, expected = $expected:literal, accepts = $accepts:expr) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What a diagnostic says was expected.
            pub const EXPECTED: &'static str = $expected;
            pub(super) const PATTERN: &'static str = $pattern;

            /// Wraps a text that has the form.
            pub fn parse(text: &str) -> Result<Self, ValueFault> {
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(text) { Ok(Self(text.to_owned())) } else { Err(ValueFault::new(text, Self::EXPECTED)) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": Self::PATTERN, "x-expected": Self::EXPECTED })
            }
        }
    };
}

text! {
    /// A text that is not empty. Has no `Debug`: it may be a secret.
    NonEmpty,
    pattern = r"^[\s\S]+$",
    expected = "a text that is not empty",
    accepts = |text| !text.is_empty()
}

text! {
    /// The name of a step, a variable or a target.
    Name,
    pattern = "^[a-z][a-z0-9_-]*$",
    expected = "a name of lower-case letters, digits, `-` and `_` that begins with a letter",
    accepts = |text| text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

text! {
    /// The name of an environment variable.
    EnvName,
    pattern = "^[A-Za-z_][A-Za-z0-9_]*$",
    expected = "the name of an environment variable such as `DATABASE_HOST`",
    accepts = |text| text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

text! {
    /// An HTTP or HTTPS address without user and password, which would be shown wherever the address is.
    HttpUrl,
    pattern = r"^https?://[^\s/?#@]+([/?#]\S*)?$",
    expected = "an address such as `http://127.0.0.1:8989/api/v1/info`, without user and password",
    accepts = |text| {
        let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else { return false };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !host.contains('@') && !text.contains(char::is_whitespace)
    }
}

text! {
    /// A path from the root.
    AbsolutePath,
    pattern = r"^/[^\u0000]*$",
    expected = "an absolute path such as `/var/data/odc`",
    accepts = |text| text.starts_with('/') && !text.contains('\0')
}

/// A regular expression; it is searched for, so anchor it where the whole text must match.
#[derive(Clone, Debug)]
pub struct Pattern(regex::Regex);

impl Pattern {
    /// The compiled expression.
    pub const fn get(&self) -> &regex::Regex {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        regex::Regex::new(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "regex", "x-expected": "a regular expression" })
    }
}

/// A moment, written in RFC 3339 with its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// What a diagnostic says was expected.
    pub const EXPECTED: &'static str = "a time such as `2026-11-21T03:00:00Z`";

    /// The moment.
    pub const fn get(self) -> jiff::Timestamp {
        self.0
    }

    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        text.parse().map(Self).map_err(|_| ValueFault::new(text, Self::EXPECTED))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
            "x-expected": Self::EXPECTED
        })
    }
}
