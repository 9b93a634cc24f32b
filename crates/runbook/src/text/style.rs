//! Colours, where the stream is a terminal that wants them.

use std::fmt;

/// A way to set text off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Of weight.
    Bold,
    /// By the way.
    Dim,
    /// Went well.
    Green,
    /// Went wrong.
    Red,
    /// Wants a look.
    Yellow,
    /// A name, a command to type.
    Cyan,
}

/// Whether to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint(pub(crate) bool);

/// A text with a style.
pub(crate) struct Painted<'a> {
    text: &'a str,
    style: Option<Style>,
}

impl Paint {
    /// The text in this style, or as it is.
    pub(crate) fn apply(self, style: Style, text: &str) -> Painted<'_> {
        Painted { text, style: self.0.then_some(style) }
    }
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self.style {
            None => return f.write_str(self.text),
            Some(Style::Bold) => "1",
            Some(Style::Dim) => "2",
            Some(Style::Green) => "32",
            Some(Style::Red) => "1;31",
            Some(Style::Yellow) => "33",
            Some(Style::Cyan) => "36",
        };
        write!(f, "\u{1b}[{code}m{}\u{1b}[0m", self.text)
    }
}
