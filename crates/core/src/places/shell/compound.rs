//! `case`, `[[ ]]`, functions, arrays.

use super::Role;
use super::flow::Source;
use super::lexer::{BY_ENV, Lexer, Open, Unit};
use super::words::{Word, assigned_name, is_name};

/// Operators of `[[ ]]` that calculate with what stands on both sides.
const CALCULATING: &[&str] = &["-eq", "-ne", "-lt", "-le", "-gt", "-ge"];

const fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
}

impl Lexer<'_> {
    /// Behind `case`: its word, `in`, and the first pattern.
    pub(super) fn case(&mut self) {
        self.piped_compound |= self.command.piped;
        self.blanks(true);
        let word = self.read_word(ends_word);
        self.role(&word, Role::CaseWord);
        self.blanks(true);
        if !word.begun || !self.read_word(ends_word).is("in") {
            return self.give_up("a `case` of this script is not understood: write `case WORD in`");
        }
        self.open.push(Open::Case);
        self.pattern();
    }

    /// Behind `;` of `;;`, `;&` or `;;&`: the next pattern.
    pub(super) fn next_pattern(&mut self) {
        if self.take(";&") || self.take("&") {
            self.bash_only("`;&` and `;;&`");
        } else {
            self.take(";");
        }
        if matches!(self.open.last(), Some(Open::Case)) {
            self.pattern();
        } else {
            self.give_up("a `;;` of this script does not belong to a `case`");
        }
    }

    /// A pattern with its `)`, or `esac`.
    fn pattern(&mut self) {
        self.blanks(true);
        let bracket = self.take("(");
        loop {
            self.blanks(false);
            let word = self.read_word(ends_word);
            if word.is("esac") && !bracket {
                return self.end_case();
            }
            self.role(&word, Role::CasePattern);
            self.blanks(false);
            if !word.begun || self.is_hopeless() {
                return self.give_up("a pattern of a `case` of this script is not understood");
            }
            if self.take(")") {
                return;
            }
            if !self.take("|") {
                return self.give_up("a pattern of a `case` of this script is not understood");
            }
        }
    }

    /// At `esac`.
    pub(super) fn end_case(&mut self) {
        if !matches!(self.open.pop(), Some(Open::Case)) {
            return self.give_up("an `esac` of this script stands where its reading does not expect one");
        }
        self.command.compound = true;
        self.command.name = Some(Word { text: "esac".to_owned(), quoted: true, ..Word::default() });
    }

    /// Behind `[[`, up to `]]`.
    pub(super) fn conditional(&mut self) {
        self.bash_only("`[[ ]]`");
        let mut words: Vec<Word> = Vec::new();
        loop {
            self.blanks(true);
            if ["&&", "||", "(", ")", "<", ">"].iter().any(|operator| self.take(operator)) {
                words.push(Word { text: "&&".to_owned(), begun: true, ..Word::default() });
                continue;
            }
            let regex = words.last().is_some_and(|word| word.is("=~"));
            let word = if regex { self.regex() } else { self.read_word(ends_word) };
            if self.is_hopeless() {
                return;
            }
            if word.is("]]") {
                break;
            }
            if !word.begun {
                return self.give_up("a `[[` of this script is not understood");
            }
            self.role(&word, Role::Condition);
            words.push(word);
        }
        self.judge_conditional(&words);
        self.command.name = Some(Word { text: "[[".to_owned(), quoted: true, ..Word::default() });
    }

    fn judge_conditional(&mut self, words: &[Word]) {
        for (at, word) in words.iter().enumerate() {
            let (before, after) = (at.checked_sub(1).and_then(|before| words.get(before)), words.get(at + 1));
            let operator = word.literal().filter(|_| !word.quoted).unwrap_or_default();
            if CALCULATING.contains(&operator) {
                for side in [before, after].into_iter().flatten() {
                    let text = side.text.clone();
                    self.calculates(&text, side.source());
                }
            }
            if matches!(operator, "-v" | "-R" | "-t" | "-o")
                && let Some(name) = after
            {
                if name.text.contains('[') {
                    let text = name.text.clone();
                    self.calculates(&text, Source::default());
                }
                self.flow.refuse(
                    name.source(),
                    format!("`[[ {operator} ]]` would take a value for a name, and execute text in it"),
                    BY_ENV,
                );
            }
        }
    }

    /// A regular expression, in which brackets are not the shell's.
    fn regex(&mut self) -> Word {
        let outer = std::mem::take(&mut self.word);
        let mut depth = 0_usize;
        while let Some(unit) = self.peek() {
            if !self.in_double()
                && let Unit::Char(c) = unit
            {
                match c {
                    '(' => depth += 1,
                    ')' | ' ' | '\t' | '\n' if depth == 0 => break,
                    ')' => depth -= 1,
                    _ => {}
                }
            }
            self.at += 1;
            if !self.part(unit)
                && let Unit::Char(c) = unit
            {
                self.push(c);
            }
            if self.is_hopeless() {
                break;
            }
        }
        std::mem::replace(&mut self.word, outer)
    }

    /// At the `(` of `name()`: what follows is its body.
    pub(super) fn function(&mut self) {
        self.blanks(false);
        let word = if self.word.begun { std::mem::take(&mut self.word) } else { self.command.name.take().unwrap_or_default() };
        let alone = self.command.name.is_none() && self.command.redirect.is_none() && self.command.words.is_empty();
        if !alone || word.quoted || !self.take(")") {
            return self.give_up("a bracket stands where this script's reading does not expect one");
        }
        self.define(&word);
    }

    /// Behind `function`.
    pub(super) fn function_keyword(&mut self) {
        self.bash_only("`function`");
        self.blanks(false);
        let word = self.read_word(ends_word);
        self.blanks(false);
        if self.take("(") {
            self.blanks(false);
            self.take(")");
        }
        self.define(&word);
    }

    fn define(&mut self, word: &Word) {
        match word.literal() {
            Some(name) if !name.is_empty() => {
                self.functions.insert(name.to_owned());
            }
            _ => self.give_up("the name of a function of this script is not written out"),
        }
    }

    /// At the `(` of `name=(`: the elements, as a part of the word.
    pub(super) fn array(&mut self) {
        self.bash_only("arrays");
        let name = assigned_name(&self.word.text).map(str::to_owned);
        match name {
            Some(name) => {
                self.arrays.insert(name);
            }
            None => return self.give_up("an array of this script is not understood"),
        }
        let mut all = Source::default();
        loop {
            self.blanks(true);
            if self.take(")") {
                break;
            }
            let word = self.read_word(|c| c.is_ascii_whitespace() || ends_word(c));
            if !word.begun || self.is_hopeless() {
                return self.give_up("an array of this script is not understood");
            }
            if word.text.starts_with('[')
                && let Some(close) = word.text.find("]=")
            {
                // The key of an associative array is a text; whether it is one is not known here.
                self.flow.number(word.source_of(1..close));
            }
            self.role(&word, Role::Element);
            all.extend(&word.source());
        }
        if !all.is_empty() {
            // A number stays a number: each element is a word of its own.
            self.word.parts.push((self.word.text.len(), all));
        }
    }

    /// `for NAME in …`: the only form in which no word behind it is a command.
    pub(super) fn judge_for(&mut self, words: &[Word]) {
        let Some((variable, rest)) = words.split_first() else { return };
        match (variable.literal(), rest.split_first()) {
            (Some(name), Some((word, values))) if word.is("in") && is_name(name) => {
                let name = name.to_owned();
                for value in values {
                    self.role(value, Role::Argument);
                    self.assign_word(&name, value);
                }
            }
            (Some(name), None) if is_name(name) => {
                let name = name.to_owned();
                self.assign(&name, Source::name("@"), false);
            }
            _ => self.give_up("a `for` of this script is not understood: write `for NAME in …; do`"),
        }
    }
}
