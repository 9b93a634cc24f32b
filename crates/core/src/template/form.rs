//! How the author wants a value written, where the place alone does not decide it.

/// `{{x}}`, or one of the helpers that say how it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As its place wants it.
    #[default]
    Plain,
    /// `allow_empty`.
    AllowEmpty,
    /// `words`.
    Words,
    /// `sh`.
    Sh,
    /// `like`.
    Like,
    /// `raw`.
    Raw,
}

impl Form {
    /// The helper's name; empty for a plain value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::AllowEmpty => "allow_empty",
            Self::Words => "words",
            Self::Sh => "sh",
            Self::Like => "like",
            Self::Raw => "raw",
        }
    }
}
