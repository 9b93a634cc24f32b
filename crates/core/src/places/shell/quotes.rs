//! Quotes and expansions.

use super::Quoting;
use super::lexer::{BY_ENV, Lexer, Unit};

impl Lexer {
    pub(super) fn dollar(&mut self) {
        match self.peek() {
            Some(Unit::Char('(')) => {
                self.at += 1;
                if self.peek_is('(') {
                    self.give_up("this script calculates (`$((…))`), which executes text in a value that is no number");
                    return;
                }
                self.expands("");
                self.enter();
            }
            Some(Unit::Char('{')) => {
                self.at += 1;
                self.braces();
            }
            Some(Unit::Char('\'')) if !self.in_double() => {
                self.at += 1;
                self.ansi_c();
            }
            Some(Unit::Char('"')) if !self.in_double() => {}
            Some(Unit::Char('[')) => self.give_up("this script calculates (`$[…]`), which executes text in a value that is no number"),
            Some(Unit::Hole(hole)) => {
                self.at += 1;
                self.refuse(hole, "a value may not be the name of a variable", BY_ENV);
            }
            Some(Unit::Char(_)) | None => {
                let name = self.variable();
                self.expands(&name);
            }
        }
    }

    /// The name at hand, passed over; empty for a special parameter or none.
    fn variable(&mut self) -> String {
        let mut name = String::new();
        while let Some(Unit::Char(c)) = self.peek() {
            let first = name.is_empty();
            if !(c.is_ascii_alphabetic() || c == '_' || (!first && c.is_ascii_digit())) {
                break;
            }
            name.push(c);
            self.at += 1;
        }
        name
    }

    /// `${…}`: the body is passed over; a value or another bracket in it is refused.
    fn braces(&mut self) {
        let length = self.peek_is('#');
        self.at += usize::from(length);
        let name = self.variable();
        self.expands(&name);
        let mut first = name.is_empty();
        while let Some(unit) = self.next() {
            match unit {
                Unit::Hole(hole) => self.refuse(hole, "a value may not stand inside `${…}`", BY_ENV),
                Unit::Char('}') => return,
                Unit::Char('!') if first => self.give_up("this script uses a variable as a name (`${!…}`), which executes text in a value"),
                Unit::Char('[' | '@') => self.give_up("this script uses an index or `@` inside `${…}`, which can execute text in a value"),
                Unit::Char(':') if !matches!(self.peek(), Some(Unit::Char('-' | '=' | '?' | '+'))) => {
                    self.give_up("this script cuts a text by numbers (`${x:n}`), which executes text in a value that is no number");
                }
                Unit::Char('$' | '`' | '\'' | '"' | '\\' | '{' | '(') => {
                    self.give_up("`${…}` with quotes, brackets or another expansion in it is not understood well enough to place a value in this script");
                }
                Unit::Char(_) => {}
            }
            first = false;
            if self.is_hopeless() {
                return;
            }
        }
        self.give_up("a `${` of this script is never closed");
    }

    pub(super) fn single(&mut self) {
        self.word.begun = true;
        self.word.quoted = true;
        while let Some(unit) = self.next() {
            match unit {
                Unit::Char('\'') => return,
                Unit::Char(c) => self.word.text.push(c),
                Unit::Hole(hole) => self.hole(hole, Quoting::InSingle),
            }
        }
        self.give_up("a single quote of this script is never closed");
    }

    /// `$'…'` is bash only; other shells read it otherwise, so no value stands in it. What its escapes stand for is not known here.
    fn ansi_c(&mut self) {
        self.expands("");
        self.word.quoted = true;
        while let Some(unit) = self.next() {
            match unit {
                Unit::Char('\'') => return,
                Unit::Char('\\') => {
                    self.at += usize::from(matches!(self.peek(), Some(Unit::Char(_))));
                }
                Unit::Char(_) => {}
                Unit::Hole(hole) => {
                    self.refuse(hole, "a value may not stand inside `$'…'`", "write it behind the closing quote: $'…'{{…}}");
                }
            }
        }
        self.give_up("a `$'` of this script is never closed");
    }
}
