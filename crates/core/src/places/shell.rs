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

/// How a value is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Outside quotes: a word or a part of one.
    Word,
    /// Inside `"…"`.
    InDouble,
    /// Inside `'…'`: the quotes are closed and opened again.
    InSingle,
}

/// A place in which a value is exact, and what its value must not be all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShellPlace {
    /// How the value is quoted.
    pub quoting: Quoting,
    /// Whether a value that begins with `-` would be taken for an option: it begins an argument, and no `--` stands before.
    pub may_be_option: bool,
    /// Whether an empty value would leave the folder instead of something in it: `/data/{{…}}`.
    pub ends_path: bool,
}

impl ShellPlace {
    /// The text that stands for the value of the environment variable `name`; a missing variable ends the script.
    pub fn expansion(self, name: &str) -> String {
        match self.quoting {
            Quoting::Word => format!("\"${{{name}?}}\""),
            Quoting::InDouble => format!("${{{name}?}}"),
            Quoting::InSingle => format!("'\"${{{name}?}}\"'"),
        }
    }

    /// What is wrong with a value in this place, and what to write instead.
    pub fn objection(self, value: &str) -> Option<(&'static str, &'static str)> {
        if self.may_be_option && value.starts_with('-') {
            return Some((
                "begins with `-`, and the command would take it for an option",
                "write `--` before it, `--option={{…}}` in one word, or `./{{…}}` for a path",
            ));
        }
        if self.ends_path && value.is_empty() {
            return Some((
                "is empty, and the path would be that of the whole folder",
                "make sure that it has a value, or write the path in one variable",
            ));
        }
        None
    }
}

/// The place of each value; `texts` are the pieces around them, one more than there are values. Reports every value that may not stand where it stands.
pub fn places(texts: &[&str]) -> Result<Vec<ShellPlace>, Vec<PlaceFault>> {
    lexer::Lexer::new(texts).run()
}

#[cfg(test)]
mod tests;
