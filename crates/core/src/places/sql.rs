//! Places in SQL texts of MySQL's dialect.
//!
//! The session's mode is not known when a runbook is checked. A backslash and a double quote mean different things in different modes: a text in which that would make
//! a difference for a place is refused.

use super::PlaceFault;
use crate::action::SqlPlace;

const BEHIND: &str = "put the value on its own, without quotes: {{…}} becomes a whole literal";

/// The place of each value; `texts` are the pieces around them, one more than there are values. Reports every value that may not stand where it stands.
pub fn places(texts: &[&str]) -> Result<Vec<SqlPlace>, Vec<PlaceFault>> {
    let mut lexer = Lexer::default();
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            let previous = texts.get(at - 1).and_then(|t| t.chars().next_back());
            lexer.hole(at - 1, previous, text.chars().next());
        }
        lexer.text(text);
    }
    lexer.end(texts.len().saturating_sub(1))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    Single,
    Double,
    Backtick,
    LineComment,
    BlockComment,
}

#[derive(Default)]
struct Lexer {
    state: State,
    /// The last character, for what is made of two.
    previous: char,
    /// The word that ended just before (`x`, `prepare`, `set`), in lower case.
    word: String,
    places: Vec<SqlPlace>,
    faults: Vec<PlaceFault>,
    /// Why no value may stand in this text.
    hopeless: Option<&'static str>,
    /// Whether a value's quotes depend on the mode: a backslash stood inside a literal.
    backslash: bool,
    names: bool,
}

impl Lexer {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            self.char(c);
        }
    }

    fn char(&mut self, c: char) {
        let two = [self.previous, c];
        self.previous = c;
        match self.state {
            State::Plain => self.plain(c, two),
            State::Single => match c {
                '\'' => self.state = State::Plain,
                '\\' => self.backslash = true,
                _ => {}
            },
            State::Double => match c {
                '"' => self.state = State::Plain,
                '\\' => self.backslash = true,
                _ => {}
            },
            State::Backtick => {
                if c == '`' {
                    self.state = State::Plain;
                }
            }
            State::LineComment => {
                if c == '\n' {
                    self.state = State::Plain;
                }
            }
            State::BlockComment => {
                if two == ['*', '/'] {
                    self.state = State::Plain;
                    self.previous = ' ';
                }
            }
        }
    }

    fn plain(&mut self, c: char, two: [char; 2]) {
        if c.is_alphanumeric() || c == '_' || c == '@' {
            if !(two[0].is_alphanumeric() || two[0] == '_' || two[0] == '@') {
                self.word.clear();
            }
            self.word.extend(c.to_lowercase());
            self.keyword();
            return;
        }
        match c {
            '\'' | '"' if matches!(self.word.as_str(), "x" | "b" | "n") && two[0].is_alphanumeric() => {
                self.state = if c == '\'' { State::Single } else { State::Double };
                self.hopeless.get_or_insert("`x'…'`, `b'…'` and `n'…'` are not understood well enough to place a value in this text");
            }
            '\'' => self.state = State::Single,
            '"' => self.state = State::Double,
            '`' => self.state = State::Backtick,
            '#' => self.state = State::LineComment,
            // MySQL wants white space behind `--`, MariaDB and others do not always: where it matters is not guessed.
            '-' if two == ['-', '-'] => self.state = State::LineComment,
            '*' if two == ['/', '*'] => self.state = State::BlockComment,
            '\\' => {
                self.hopeless.get_or_insert("a backslash outside quotes is not understood");
            }
            _ => {}
        }
    }

    fn keyword(&mut self) {
        match self.word.as_str() {
            "prepare" | "execute" | "delimiter" => {
                self.hopeless
                    .get_or_insert("a text with `prepare`, `execute` or `delimiter` takes no values: its statements are texts themselves");
            }
            "sql_mode" | "names" | "character_set_client" => self.names = true,
            _ => {}
        }
    }

    fn hole(&mut self, hole: usize, before: Option<char>, after: Option<char>) {
        let glued = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "_$@'\"`\\.".contains(c));
        let place = match self.state {
            State::Plain if glued(before) || glued(after) => Err(("a value on its own may not touch a word, a quote or a dot", BEHIND)),
            State::Plain => Ok(SqlPlace::Value),
            State::Single => Ok(SqlPlace::Quoted),
            State::Backtick => Ok(SqlPlace::Identifier),
            State::Double => Err((
                "a value may not stand inside `\"…\"`, which is a text or a name depending on the server's mode",
                "use single quotes for a text, back-quotes for a name",
            )),
            State::LineComment | State::BlockComment => {
                Err(("a value may not stand in a comment", "remove it, or remove the comment signs"))
            }
        };
        match place {
            Ok(place) => self.places.push(place),
            Err((message, help)) => self.faults.push(PlaceFault { hole, message: message.to_owned(), help: help.to_owned() }),
        }
        self.word.clear();
        self.previous = '\u{fffc}';
    }

    fn end(mut self, holes: usize) -> Result<Vec<SqlPlace>, Vec<PlaceFault>> {
        if holes == 0 {
            return Ok(Vec::new());
        }
        if self.hopeless.is_none() {
            self.hopeless = match self.state {
                State::Single | State::Double | State::Backtick => Some("a quote of this text is never closed"),
                State::BlockComment => Some("a comment of this text is never closed"),
                State::Plain | State::LineComment if self.backslash => Some(
                    "a backslash inside a literal means different things in different server modes, so that the text's quotes are not certain",
                ),
                State::Plain | State::LineComment if self.names => {
                    Some("a text that changes the session's mode or character set takes no values: they decide how a value is quoted")
                }
                State::Plain | State::LineComment => None,
            };
        }
        if let Some(why) = self.hopeless {
            let help = "write that part as a statement of its own, in a step without values in its text";
            return Err((0..holes).map(|hole| PlaceFault { hole, message: why.to_owned(), help: help.to_owned() }).collect());
        }
        if self.faults.is_empty() { Ok(self.places) } else { Err(self.faults) }
    }
}

#[cfg(test)]
mod tests;
