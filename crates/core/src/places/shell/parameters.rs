//! `${…}`.

use super::flow::Source;
use super::lexer::{BY_ENV, Lexer, Unit};

const NOT_UNDERSTOOD: &str = "a `${…}` of this script is not understood well enough to place a value in it";
const NEVER_CLOSED: &str = "a `${` of this script is never closed";

impl Lexer<'_> {
    /// Behind `${`.
    pub(super) fn parameter(&mut self) {
        if let Some(Unit::Hole(hole)) = self.peek() {
            self.refuse(hole, "a value may not be the name of a variable", BY_ENV);
            self.at += 1;
        }
        let indirect = self.take("!");
        let length = !indirect && self.peek_is('#') && !matches!(self.peek_at(1), Some(Unit::Char('}'))) && self.take("#");
        let name = match self.variable() {
            Some(name) => {
                // `${10}`
                while name == "@" && matches!(self.peek(), Some(Unit::Char('0'..='9'))) {
                    self.at += 1;
                }
                name
            }
            None if matches!(self.peek(), Some(Unit::Char('#' | '?' | '$' | '!' | '-'))) => {
                self.at += 1;
                String::new()
            }
            None if self.is_hopeless() || !self.faults.is_empty() => String::new(),
            None => return self.give_up(NOT_UNDERSTOOD),
        };
        let mut source = if name.is_empty() { Source::default() } else { Source::name(&name) };
        let all = self.take("[@]") || self.take("[*]");
        if all {
            self.bash_only("arrays");
        } else if self.take("[") {
            self.bash_only("arrays");
            self.calculated_until(']');
        }
        if indirect {
            self.bash_only("`${!…}`");
            // `${!a[@]}` and `${!a*}` are keys and names.
            if !all && !self.take("*") && !self.take("@") {
                self.flow.refuse(
                    source.clone(),
                    "this script uses a variable as the name of another (`${!…}`), which executes text in a value",
                    BY_ENV,
                );
            }
        }
        if length {
            source = Source::default();
        }
        self.operator(&name, &mut source);
        self.expands(source);
    }

    fn operator(&mut self, name: &str, source: &mut Source) {
        let Some(Unit::Char(c)) = self.next() else {
            return self.give_up(NEVER_CLOSED);
        };
        match c {
            '}' => {}
            ':' if matches!(self.peek(), Some(Unit::Char('-' | '=' | '?' | '+'))) => {
                let assigns = self.peek_is('=');
                self.at += 1;
                let inside = self.operand(true);
                self.becomes(name, assigns, &inside, source);
            }
            '-' | '=' | '?' | '+' => {
                let inside = self.operand(true);
                self.becomes(name, c == '=', &inside, source);
            }
            ':' => {
                self.bash_only("`${x:n}`");
                self.calculated_until('}');
            }
            '#' | '%' => {
                self.operand(false);
            }
            '/' => {
                self.bash_only("`${x/…/…}`");
                let inside = self.operand(false);
                source.extend(&inside);
            }
            '^' | ',' => {
                self.bash_only("`${x^}` and `${x,}`");
                self.operand(false);
            }
            '@' => {
                self.bash_only("`${x@…}`");
                if self.peek_is('P') {
                    self.flow.refuse(source.clone(), "`${x@P}` executes text in a value", BY_ENV);
                }
                self.at += 1;
                if !self.take("}") {
                    self.give_up(NOT_UNDERSTOOD);
                }
            }
            _ => self.give_up(NOT_UNDERSTOOD),
        }
    }

    fn becomes(&mut self, name: &str, assigns: bool, inside: &Source, source: &mut Source) {
        if assigns && !name.is_empty() {
            self.assign(name, inside.clone(), true);
        }
        source.extend(inside);
    }

    /// What stands behind the operator, up to the `}` that ends it. `word` says that it is a text and not a pattern: inside double quotes `'` is then a
    /// character like others.
    fn operand(&mut self, word: bool) -> Source {
        let outer = std::mem::take(&mut self.word);
        let (double, body) = (self.double, self.body);
        let mut quoted = false;
        loop {
            let Some(unit) = self.next() else {
                self.give_up(NEVER_CLOSED);
                break;
            };
            match unit {
                Unit::Hole(hole) => self.refuse(hole, "a value may not stand inside `${…}`", "give it a variable first: `x={{…}}`"),
                Unit::Char('}') if !quoted => break,
                Unit::Char('}') if double => self.give_up(NOT_UNDERSTOOD),
                Unit::Char('"') => quoted = !quoted,
                Unit::Char('\'') if double && word => self.give_up(NOT_UNDERSTOOD),
                Unit::Char('\'') if !quoted => {
                    self.single_without_values();
                }
                Unit::Char('\\') => {
                    if let Some(Unit::Hole(hole)) = self.next() {
                        self.refuse(hole, "a value may not stand behind a backslash", "remove the backslash");
                    }
                }
                Unit::Char('$') => {
                    self.double = double || quoted;
                    self.dollar();
                    self.double = double;
                }
                Unit::Char('`') => self.give_up("back-quotes are not understood well enough to place a value in this script: write `$(…)`"),
                Unit::Char('{' | '<' | '>') if !quoted => self.give_up(NOT_UNDERSTOOD),
                Unit::Char(c) => self.push(c),
            }
            if self.is_hopeless() {
                break;
            }
        }
        (self.double, self.body) = (double, body);
        std::mem::replace(&mut self.word, outer).source()
    }

    fn single_without_values(&mut self) {
        loop {
            match self.next() {
                Some(Unit::Char('\'')) => return,
                Some(Unit::Char(_)) => {}
                Some(Unit::Hole(hole)) => {
                    self.refuse(hole, "a value may not stand inside `${…}`", "give it a variable first: `x={{…}}`");
                }
                None => return self.give_up(NEVER_CLOSED),
            }
        }
    }
}
