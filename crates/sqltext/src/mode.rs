//! How a session reads texts.

/// The parts of `sql_mode` that change how a text is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// `NO_BACKSLASH_ESCAPES`: a backslash in a literal is a backslash.
    pub no_backslash_escapes: bool,
    /// `ANSI_QUOTES`: `"x"` is a name, not a text.
    pub ansi_quotes: bool,
}

impl Mode {
    /// Reads `@@sql_mode`.
    pub fn parse(sql_mode: &str) -> Self {
        let has = |name: &str| sql_mode.split(',').any(|mode| mode.trim().eq_ignore_ascii_case(name));
        Self { no_backslash_escapes: has("NO_BACKSLASH_ESCAPES"), ansi_quotes: has("ANSI_QUOTES") || has("ANSI") }
    }
}
