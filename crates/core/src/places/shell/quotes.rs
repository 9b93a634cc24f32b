//! Quotes, and what begins with `$`.

use super::Quoting;
use super::flow::Source;
use super::lexer::{BY_ENV, Lexer, Unit};

impl Lexer<'_> {
    pub(super) fn dollar(&mut self) {
        match self.peek() {
            Some(Unit::Char('(')) => {
                self.at += 1;
                if self.take("(") {
                    // What comes of it is a number.
                    self.arithmetic();
                    self.expands(Source::default());
                } else {
                    let inside = self.nested(false);
                    self.expands(inside);
                }
            }
            Some(Unit::Char('{')) => {
                self.at += 1;
                self.parameter();
            }
            Some(Unit::Char('\'')) if !self.in_double() => {
                self.at += 1;
                self.bash_only("`$'…'`");
                self.ansi_c();
            }
            Some(Unit::Char('"')) if !self.in_double() => self.bash_only("`$\"…\"`"),
            Some(Unit::Char('[')) => self.give_up("`$[…]` is an old way to calculate: write `$((…))`"),
            Some(Unit::Hole(hole)) => {
                self.at += 1;
                self.refuse(hole, "a value may not be the name of a variable", BY_ENV);
            }
            Some(Unit::Char(_)) | None => match self.variable() {
                Some(name) => self.expands(Source::name(name)),
                None => match self.peek() {
                    Some(Unit::Char('#' | '?' | '$' | '!' | '-')) => {
                        self.at += 1;
                        self.expands(Source::default());
                    }
                    _ => self.push('$'),
                },
            },
        }
    }

    /// The variable at hand, passed over; `@` for a positional parameter.
    pub(super) fn variable(&mut self) -> Option<String> {
        if let Some(Unit::Char(c @ ('@' | '*' | '0'..='9'))) = self.peek() {
            self.at += 1;
            return Some(if c == '0' { "0".to_owned() } else { "@".to_owned() });
        }
        let mut name = String::new();
        while let Some(Unit::Char(c)) = self.peek() {
            let first = name.is_empty();
            if !(c.is_ascii_alphabetic() || c == '_' || (!first && c.is_ascii_digit())) {
                break;
            }
            name.push(c);
            self.at += 1;
        }
        (!name.is_empty()).then_some(name)
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

    /// `$'…'` is bash only. What its escapes stand for is not known here, so what it gives is no literal.
    fn ansi_c(&mut self) {
        self.expands(Source::default());
        self.word.quoted = true;
        while let Some(unit) = self.next() {
            match unit {
                Unit::Char('\'') => return,
                Unit::Char('\\') => match self.next() {
                    Some(Unit::Hole(hole)) => self.refuse(hole, "a value may not stand behind a backslash", "remove the backslash"),
                    Some(Unit::Char(_)) | None => {}
                },
                Unit::Char(_) => {}
                Unit::Hole(hole) => self.hole(hole, Quoting::InAnsiC),
            }
        }
        self.give_up("a `$'` of this script is never closed");
    }
}
