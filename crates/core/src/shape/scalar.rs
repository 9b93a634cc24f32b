//! Whether a literal fits.

use serde_json::Value;

use super::model::{NumberRule, TextRule};
use crate::pattern::Pattern;

impl TextRule {
    /// Whether a text without templates is what is wanted.
    pub(super) fn accepts(&self, text: &str) -> bool {
        (self.one_of.is_empty() || self.one_of.iter().any(|known| known == text))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
            && (self.min_length == 0 || text.chars().count() >= self.min_length)
            && (!self.is_regex || Pattern::anywhere(text).is_ok())
    }
}

impl NumberRule {
    /// Whether a number is what is wanted.
    pub(super) fn accepts(&self, value: &Value) -> bool {
        let Some(number) = value.as_f64() else { return false };
        let above = self.min.is_none_or(|min| if self.min_exclusive { number > min } else { number >= min });
        above && self.max.is_none_or(|max| number <= max) && (self.one_of.is_empty() || self.one_of.contains(value))
    }
}
