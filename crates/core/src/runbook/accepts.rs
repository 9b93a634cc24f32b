//! Whether a value may be a variable's.

use serde_json::Value;

use super::{Var, VarType};
use crate::shape::quoted;
use crate::value::{ByteSize, Duration, Timestamp};

impl Var {
    /// Holds a value against the type and all rules of the variable; the error is for "expected …".
    pub fn accepts(&self, value: &Value) -> Result<(), String> {
        if !self.kind.fits(value) {
            return Err(self.kind.expectation().to_owned());
        }
        if let Some(text) = value.as_str() {
            if text.is_empty() && !self.allow_empty {
                return Err("a text that is not empty, or `allow_empty = true`".to_owned());
            }
            if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == text) {
                return Err(format!("one of {}", quoted(&self.choices)));
            }
            if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
                let written = pattern.as_str().trim_start_matches(r"\A(?:").trim_end_matches(r")\z");
                return Err(format!("a text that matches `{written}` as a whole"));
            }
        }
        if let Some(number) = value.as_i64() {
            if let Some(min) = self.min.filter(|min| number < *min) {
                return Err(format!("a whole number of at least {min}"));
            }
            if let Some(max) = self.max.filter(|max| number > *max) {
                return Err(format!("a whole number of at most {max}"));
            }
        }
        Ok(())
    }
}

impl VarType {
    /// Whether a value has the type.
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::String | Self::Path | Self::Enum => value.is_string(),
            Self::Int => value.is_i64(),
            Self::Bool => value.is_boolean(),
            Self::Port => value.as_i64().is_some_and(|port| (1..=65535).contains(&port)),
            Self::Duration => value.as_str().is_some_and(|text| Duration::parse(text).is_ok()),
            Self::Size => value.as_str().is_some_and(|text| ByteSize::parse(text).is_ok()) || value.as_u64().is_some(),
            Self::Time => value.as_str().is_some_and(|text| Timestamp::parse(text).is_ok()),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
        }
    }

    /// For "expected …".
    pub const fn expectation(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Path => "a path",
            Self::Enum => "one of the choices",
            Self::Int => "a whole number",
            Self::Bool => "`true` or `false`",
            Self::Port => crate::value::Port::EXPECTED,
            Self::Duration => Duration::EXPECTED,
            Self::Size => ByteSize::EXPECTED,
            Self::Time => Timestamp::EXPECTED,
            Self::List => "a list",
            Self::Map => "a map",
        }
    }
}
