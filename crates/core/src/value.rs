//! Values with bounds and units: what authors write as text and what the tool works with.
//!
//! Each type's `Deserialize` and `JsonSchema` stand side by side and accept the same texts; the mark `x-expected` in the schema is what a
//! diagnostic says was expected.

mod duration;
mod number;
mod size;
mod text;

pub use duration::Duration;
pub use number::{OctalMode, Port};
pub use size::ByteSize;
pub use text::{AbsolutePath, EnvName, HttpUrl, Name, NonEmpty, Pattern, Timestamp};

/// Why a text is not a value of its type: "`5x` is not a duration: expected one such as `30s`".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct ValueFault {
    /// The text that was refused.
    pub text: String,
    /// What was expected, as in "a duration such as `30s`, `10m` or `1h 30m`".
    pub expected: &'static str,
}

impl ValueFault {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.to_owned(), expected }
    }
}

/// The code that decides the same as one of these types' patterns: no automaton is built for what nearly every runbook holds.
pub(crate) fn decides(pattern: &str) -> Option<fn(&str) -> bool> {
    type Form = (&'static str, fn(&str) -> bool);
    const FORMS: [Form; 7] = [
        (NonEmpty::PATTERN, |text| NonEmpty::parse(text).is_ok()),
        (Name::PATTERN, |text| Name::parse(text).is_ok()),
        (EnvName::PATTERN, |text| EnvName::parse(text).is_ok()),
        (HttpUrl::PATTERN, |text| HttpUrl::parse(text).is_ok()),
        (AbsolutePath::PATTERN, |text| AbsolutePath::parse(text).is_ok()),
        (duration::PATTERN, |text| Duration::parse(text).is_ok()),
        (size::PATTERN, |text| ByteSize::parse(text).is_ok()),
    ];
    FORMS.iter().find(|(known, _)| *known == pattern).map(|(_, decides)| *decides)
}

#[cfg(test)]
mod tests;
