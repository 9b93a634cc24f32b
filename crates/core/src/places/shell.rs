//! Places in shell scripts (POSIX sh, bash).
//!
//! A value never enters the text: each place becomes the expansion of an environment variable, quoted as its context wants. Accepted are words of simple commands,
//! assignments and redirections, also inside double and single quotes; what executes its arguments, evaluates them as numbers or takes them as names is refused.

use super::PlaceFault;

mod commands;
mod flow;
mod heredoc;
mod judge;
mod lexer;
mod quotes;
mod words;

/// A context in which a value is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellPlace {
    /// Outside quotes: a word or a part of one.
    Word,
    /// Inside `"…"`.
    InDouble,
    /// Inside `'…'`: the quotes are closed and opened again.
    InSingle,
}

impl ShellPlace {
    /// The text that stands for the value of the environment variable `name`; a missing variable ends the script.
    pub fn expansion(self, name: &str) -> String {
        match self {
            Self::Word => format!("\"${{{name}?}}\""),
            Self::InDouble => format!("${{{name}?}}"),
            Self::InSingle => format!("'\"${{{name}?}}\"'"),
        }
    }
}

/// The place of each value; `texts` are the pieces around them, one more than there are values. Reports every value that may not stand where it stands.
pub fn places(texts: &[&str]) -> Result<Vec<ShellPlace>, Vec<PlaceFault>> {
    lexer::Lexer::new(texts).run()
}

#[cfg(test)]
mod tests;
