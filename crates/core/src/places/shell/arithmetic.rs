//! Calculations: whatever is no number there is a name, and what a name holds is calculated in turn. `a[$(x)]` executes.

use super::flow::Source;
use super::lexer::{Lexer, Unit};
use super::words::{HOLE, Word};
use super::{Quoting, Role};

impl Lexer<'_> {
    /// Behind `((` or `$((`, up to the `))`.
    pub(super) fn arithmetic(&mut self) {
        let word = self.calculation(None);
        self.calculates(&word.text, word.source());
    }

    /// A subscript or an offset, up to the character that ends it.
    pub(super) fn calculated_until(&mut self, end: char) {
        let word = self.calculation(Some(end));
        self.calculates(&word.text, word.source());
    }

    fn calculation(&mut self, end: Option<char>) -> Word {
        let outer = std::mem::take(&mut self.word);
        let (double, body) = (std::mem::take(&mut self.double), std::mem::take(&mut self.body));
        let mut depth = 0_usize;
        let mut previous = ' ';
        loop {
            let Some(unit) = self.next() else {
                self.give_up("a calculation of this script is never closed");
                break;
            };
            let mut last = ')';
            match unit {
                Unit::Hole(hole) => {
                    let touches = |c: char| c.is_ascii_alphanumeric() || "_#@$[".contains(c);
                    if touches(previous) || matches!(self.peek(), Some(Unit::Char(c)) if touches(c) || c == '[') {
                        self.refuse(
                            hole,
                            "a number in a calculation may not touch a name or another number",
                            "put an operator or a space between them",
                        );
                    }
                    self.hole(hole, Quoting::Number);
                    self.set_role(hole, Role::Calculation);
                }
                Unit::Char(c) if depth == 0 && end == Some(c) => break,
                Unit::Char(')') if depth == 0 => {
                    if end.is_some() || !self.take(")") {
                        self.give_up("`((` of this script does not end with `))`");
                    }
                    break;
                }
                Unit::Char('$') => self.dollar(),
                Unit::Char(c) => {
                    last = c;
                    match c {
                        '(' | '[' => depth += 1,
                        ')' | ']' => depth = depth.saturating_sub(1),
                        '\'' | '`' | '\\' | '{' | '}' => {
                            self.give_up("a calculation with quotes, back-quotes or braces in it is not understood well enough to place a value in this script");
                        }
                        _ => {}
                    }
                    self.push(c);
                }
            }
            previous = last;
            if self.is_hopeless() {
                break;
            }
        }
        (self.double, self.body) = (double, body);
        std::mem::replace(&mut self.word, outer)
    }

    /// The text is calculated: all names in it, and all that it is made of, must be numbers.
    pub(super) fn calculates(&mut self, text: &str, mut source: Source) {
        for name in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                source.names.push(name.to_owned());
            }
        }
        // A value beside a letter or digit would be a part of a name.
        let mut previous = ' ';
        let mut holes = source.holes.clone().into_iter();
        for c in text.chars() {
            if c == HOLE
                && let Some(hole) = holes.next()
                && (previous.is_ascii_alphanumeric() || previous == '_')
            {
                self.refuse(
                    hole,
                    "a number in a calculation may not touch a name or another number",
                    "put an operator or a space between them",
                );
            }
            previous = c;
        }
        self.flow.number(source);
    }
}
