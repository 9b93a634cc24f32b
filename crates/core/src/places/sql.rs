//! Places in SQL texts of MySQL's dialect.
//!
//! The session's mode is not known when a runbook is checked. A backslash and a double quote mean different things in different modes, `--` and
//! `/*!` different things to different servers: a text in which that would make a difference for a place is refused.

use super::PlaceFault;
use crate::action::SqlPlace;

const BEHIND: &str = "put the value on its own, without quotes: {{…}} becomes a whole literal";

/// Words that begin a statement whose text is a text itself, or that change how the client cuts statements.
const TEXTS: &[&str] = &["prepare", "execute", "delimiter"];

/// What a `set` statement may name that decides how a value must be quoted.
const MODES: &[&str] = &[
    "names",
    "character",
    "charset",
    "sql_mode",
    "character_set_client",
    "character_set_connection",
    "character_set_results",
    "collation_connection",
];

/// How the author wrote a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `{{x}}`.
    #[default]
    Value,
    /// `{{like x}}`: a part of a pattern that stands for itself.
    Like,
    /// `{{raw x reason="…"}}`: text.
    Raw,
}

/// The modes of a session that decide how a text is read.
#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    /// `NO_BACKSLASH_ESCAPES`.
    no_backslash_escapes: bool,
    /// `ANSI_QUOTES`.
    ansi_quotes: bool,
}

/// The place of each value; `texts` are the pieces around them, one more than there are values.
///
/// # Errors
///
/// Every value that may not stand where it stands.
pub fn places(texts: &[&str]) -> Result<Vec<SqlPlace>, Vec<PlaceFault>> {
    analyse(texts, &[])
}

/// The same, with the form of each value.
///
/// # Errors
///
/// Every value that may not stand where it stands.
pub fn analyse(texts: &[&str], forms: &[Form]) -> Result<Vec<SqlPlace>, Vec<PlaceFault>> {
    let holes = texts.len().saturating_sub(1);
    if holes == 0 {
        return Ok(Vec::new());
    }
    let mut first = None;
    for (no_backslash_escapes, ansi_quotes) in [(false, false), (false, true), (true, false), (true, true)] {
        let read = read(texts, forms, Mode { no_backslash_escapes, ansi_quotes });
        match &first {
            None => first = Some(read),
            Some(first) if *first == read => {}
            Some(_) => {
                let message = "a backslash or a double quote of this text means different things in different server modes, so that its quotes are not certain";
                return Err((0..holes).map(|hole| PlaceFault { hole, message: message.to_owned(), help: APART.to_owned() }).collect());
            }
        }
    }
    first.unwrap_or_else(|| Ok(Vec::new()))
}

const APART: &str = "write that part as a statement of its own, in a step without values in its text";

fn read(texts: &[&str], forms: &[Form], mode: Mode) -> Result<Vec<SqlPlace>, Vec<PlaceFault>> {
    let mut lexer = Lexer { mode, ..Lexer::default() };
    for (at, text) in texts.iter().enumerate() {
        if let Some(hole) = at.checked_sub(1) {
            let form = forms.get(hole).copied().unwrap_or_default();
            let previous = texts.get(hole).and_then(|t| t.chars().next_back());
            match form {
                Form::Raw => lexer.raw(),
                Form::Value | Form::Like => lexer.hole(hole, previous, text),
            }
            if form == Form::Like && !escapes(texts.get(at..).unwrap_or_default()) {
                let help = "write `escape '|'` behind the pattern: like '{{like …}}%' escape '|'";
                lexer.faults.push(PlaceFault {
                    hole,
                    message: "`like` escapes with `|`, and the statement does not say so".to_owned(),
                    help: help.to_owned(),
                });
            }
        }
        for c in text.chars() {
            lexer.char(c);
        }
    }
    lexer.end(texts.len().saturating_sub(1))
}

/// Whether the rest of the statement says `escape '|'`.
fn escapes(rest: &[&str]) -> bool {
    let rest = rest.join("\u{fffc}").to_lowercase();
    let statement = rest.split(';').next().unwrap_or_default();
    statement.split("escape").skip(1).any(|after| after.trim_start().starts_with("'|'"))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    Single,
    Double,
    Backtick,
    /// Behind `--`: a comment only if white space follows.
    Dashes,
    LineComment,
    /// Behind `/*`: an optimizer's hint, a text that is executed, or a comment.
    Slashes,
    BlockComment,
    Hint,
}

#[derive(Default)]
struct Lexer {
    state: State,
    /// The last character, for what is made of two.
    previous: char,
    /// The word at hand, or the one that ended last, in lower case.
    word: String,
    /// Whether the word at hand goes on.
    in_word: bool,
    /// The first word of the statement.
    first: String,
    places: Vec<SqlPlace>,
    faults: Vec<PlaceFault>,
    /// Why no value may stand in this text.
    hopeless: Option<&'static str>,
    mode: Mode,
    /// Whether a backslash has just taken the meaning of the next character.
    escaped: bool,
    /// Whether the last thing was `in (`.
    in_list: bool,
}

impl Lexer {
    fn give_up(&mut self, why: &'static str) {
        self.hopeless.get_or_insert(why);
    }

    fn char(&mut self, c: char) {
        let two = [self.previous, c];
        self.previous = c;
        match self.state {
            State::Plain => self.plain(c, two),
            State::Single => self.literal(c, '\''),
            State::Double => self.literal(c, '"'),
            State::Backtick if c == '`' => self.state = State::Plain,
            State::Dashes => {
                if !c.is_ascii_whitespace() {
                    self.give_up("`--` without a space behind it is a comment to some servers and two minus signs to others");
                }
                self.state = if c == '\n' { State::Plain } else { State::LineComment };
            }
            State::LineComment if c == '\n' => self.state = State::Plain,
            State::Slashes => {
                self.state = match c {
                    '!' | 'M' => {
                        self.give_up("`/*! … */` is executed by some servers and skipped by others");
                        State::BlockComment
                    }
                    '+' => State::Hint,
                    _ => State::BlockComment,
                };
            }
            State::Hint if matches!(c, '\'' | '"' | '`') => {
                self.give_up("a hint with quotes in it is not understood well enough to place a value in this text");
            }
            State::BlockComment | State::Hint if two == ['*', '/'] => {
                self.state = State::Plain;
                self.previous = ' ';
            }
            State::Backtick | State::LineComment | State::BlockComment | State::Hint => {}
        }
    }

    fn literal(&mut self, c: char, quote: char) {
        let escapes = !(self.mode.no_backslash_escapes || quote == '"' && self.mode.ansi_quotes);
        if std::mem::take(&mut self.escaped) {
            // It stands for itself, or for what the server makes of it.
        } else if c == quote {
            self.state = State::Plain;
        } else if c == '\\' {
            self.escaped = escapes;
        }
    }

    /// Text that is not known yet; it is looked at when it is.
    fn raw(&mut self) {
        self.end_word();
        self.word.clear();
        self.in_list = false;
        self.previous = '\u{fffe}';
        self.places.push(SqlPlace::Raw);
    }

    fn plain(&mut self, c: char, two: [char; 2]) {
        if is_word(c) {
            if !self.in_word {
                self.word.clear();
                self.in_word = true;
                self.in_list = false;
            }
            self.word.extend(c.to_lowercase());
            return;
        }
        let touches = self.in_word;
        self.end_word();
        if !c.is_whitespace() {
            self.in_list = c == '(' && self.word == "in";
        }
        match c {
            '\'' | '"' => {
                let prefix = touches && matches!(self.word.as_str(), "x" | "b" | "n");
                if prefix || self.introduced() {
                    self.give_up("`x'…'`, `b'…'`, `n'…'` and texts with a character set before them are not understood well enough to place a value in this text");
                }
                self.state = if c == '\'' { State::Single } else { State::Double };
            }
            '`' => self.state = State::Backtick,
            '#' => self.state = State::LineComment,
            '-' if two == ['-', '-'] => self.state = State::Dashes,
            '*' if two == ['/', '*'] => self.state = State::Slashes,
            '\\' => self.give_up("a backslash outside quotes is not understood"),
            ';' => self.first.clear(),
            _ => {}
        }
        if !c.is_whitespace() {
            self.word.clear();
        }
    }

    /// Whether a character set stands before: `_utf8 'x'`.
    fn introduced(&self) -> bool {
        self.word.starts_with('_')
    }

    fn end_word(&mut self) {
        if !std::mem::take(&mut self.in_word) {
            return;
        }
        if self.first.is_empty() {
            self.first.clone_from(&self.word);
        }
        let word = self.word.trim_start_matches('@');
        if TEXTS.contains(&word) {
            self.give_up("a text with `prepare`, `execute` or `delimiter` takes no values: its statements are texts themselves");
        } else if self.first == "set" && MODES.contains(&word) {
            self.give_up("a text that changes the session's mode or character set takes no values: they decide how a value is quoted");
        }
    }

    fn hole(&mut self, hole: usize, before: Option<char>, rest: &str) {
        let after = rest.chars().next();
        let glued = |c: Option<char>| c.is_some_and(|c| is_word(c) || "'\"`\\.".contains(c));
        let list = self.in_list && rest.trim_start().starts_with(')');
        let touches = glued(before) || glued(after) || before == Some('-') || before == Some('/') || after == Some('*');
        self.end_word();
        let place = match self.state {
            State::Plain if touches => Err(("a value on its own may not touch a word, a quote, a dot or an operator", BEHIND)),
            State::Plain if self.introduced() => Err(("a value may not stand behind the name of a character set", BEHIND)),
            State::Plain if list => Ok(SqlPlace::List),
            State::Plain => Ok(SqlPlace::Value),
            _ if self.escaped => Err(("a value may not stand behind a backslash", "remove the backslash")),
            State::Single => Ok(SqlPlace::Quoted),
            State::Backtick => Ok(SqlPlace::Identifier),
            State::Double => Err((
                "a value may not stand inside `\"…\"`, which is a text or a name depending on the server's mode",
                "use single quotes for a text, back-quotes for a name",
            )),
            State::Hint if touches => Err(("a number in a hint may not touch a word or a quote", "put it in brackets: parallel({{…}})")),
            State::Hint => Ok(SqlPlace::Number),
            State::Dashes | State::LineComment | State::Slashes | State::BlockComment => {
                Err(("a value may not stand in a comment", "remove it, or remove the comment signs"))
            }
        };
        match place {
            Ok(place) => self.places.push(place),
            Err((message, help)) => self.faults.push(PlaceFault { hole, message: message.to_owned(), help: help.to_owned() }),
        }
        self.word.clear();
        self.in_list = false;
        self.escaped = false;
        self.previous = '\u{fffc}';
    }

    fn end(mut self, holes: usize) -> Result<Vec<SqlPlace>, Vec<PlaceFault>> {
        self.end_word();
        match self.state {
            State::Single | State::Double | State::Backtick => self.give_up("a quote of this text is never closed"),
            State::Slashes | State::BlockComment | State::Hint => self.give_up("a comment of this text is never closed"),
            State::Plain | State::LineComment | State::Dashes => {}
        }
        if let Some(why) = self.hopeless {
            return Err((0..holes).map(|hole| PlaceFault { hole, message: why.to_owned(), help: APART.to_owned() }).collect());
        }
        if self.faults.is_empty() { Ok(self.places) } else { Err(self.faults) }
    }
}

/// What a word is made of; `@` begins the name of a variable, `$` may stand in names.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '@' | '$')
}

#[cfg(test)]
mod tests;
