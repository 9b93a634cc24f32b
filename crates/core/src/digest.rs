//! Digests of configurations and values: canonical JSON under SHA-256, with the recipe's version in front.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

mod canonical;

/// A digest as it is printed and compared, such as `spec1:9f86d081…` (64 hexadecimal digits).
///
/// The prefix names the recipe and its version: two digests with different prefixes say nothing about each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of `value` under the recipe `prefix` (such as `spec1`). The order of keys in maps does not matter.
    pub fn of_json(prefix: &str, value: &Value) -> Self {
        Self::of(prefix, value)
    }

    /// The digest of what `value` is as JSON, the same as [`Self::of_json`] of it.
    ///
    /// Something that has no JSON form (keys that are no texts) has the digest of `null`.
    pub fn of(prefix: &str, value: &impl Serialize) -> Self {
        let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
        Self::of_bytes(prefix, canonical::sorted(&text).as_bytes())
    }

    /// The digest of raw bytes under the recipe `prefix`.
    pub fn of_bytes(prefix: &str, bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let mut text = String::with_capacity(prefix.len() + 1 + 64);
        text.push_str(prefix);
        text.push(':');
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
        text.extend(hash.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
        Self(text)
    }

    /// The whole text, with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_everything_else_does() {
        let a = Digest::of_json("t1", &json!({ "a": 1, "b": [true, { "x": null, "y": "é\n" }] }));
        let b = Digest::of_json("t1", &json!({ "b": [true, { "y": "é\n", "x": null }], "a": 1 }));
        assert_eq!(a, b);
        assert_ne!(a, Digest::of_json("t1", &json!({ "a": "1", "b": [true, { "x": null, "y": "é\n" }] })));
        assert_ne!(a, Digest::of_json("t2", &json!({ "a": 1, "b": [true, { "x": null, "y": "é\n" }] })));
    }

    #[test]
    fn the_recipe_stands_in_front() {
        assert_eq!(Digest::of_bytes("spec1", b"test").as_str(), "spec1:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    }
}
