//! Words, and the command that is being read.

use std::ops::Range;

use super::commands::{BEFORE_COMMANDS, COMPOUND, is_obeyed};
use super::flow::Source;
use super::lexer::{BY_ENV, Lexer};
use super::{Form, Role};

/// Stands for a value in a word's text.
pub(super) const HOLE: char = '\u{fffc}';
/// Stands for an expansion in a word's text.
pub(super) const EXPANSION: char = '\u{fffd}';

/// What the next word is to the command, other than an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// A file's path.
    File,
    /// The command's input, of `<<<`.
    Text,
}

/// The command that is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Command {
    /// Its name, once its word is complete; none while only assignments were seen.
    pub(super) name: Option<Word>,
    /// What follows the name.
    pub(super) words: Vec<Word>,
    /// What the next word is.
    pub(super) redirect: Option<Redirect>,
    /// What it reads, of `<<<`.
    pub(super) input: Source,
    /// The here-documents that it reads, by their numbers.
    pub(super) documents: Vec<usize>,
    /// Whether it reads what the command before it prints.
    pub(super) piped: bool,
    /// Whether it is, begins or ends a compound command, or is in brackets.
    pub(super) compound: bool,
}

/// A word.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    /// Its text without quotes; a value is [`HOLE`], an expansion [`EXPANSION`].
    pub(super) text: String,
    /// Whether any part of it was quoted.
    pub(super) quoted: bool,
    /// The values that stand in it itself.
    pub(super) holes: Vec<usize>,
    /// What each [`HOLE`] and [`EXPANSION`] of the text is made of, by its place in the text.
    pub(super) parts: Vec<(usize, Source)>,
    /// Whether it has begun.
    pub(super) begun: bool,
}

impl Word {
    /// Its text, if nothing of it is known only later.
    pub(super) fn literal(&self) -> Option<&str> {
        (!self.text.contains([HOLE, EXPANSION])).then_some(self.text.as_str())
    }

    /// All that it is made of, `$(…)` in it included.
    pub(super) fn source(&self) -> Source {
        self.source_of(0..usize::MAX)
    }

    /// What a part of its text is made of.
    pub(super) fn source_of(&self, range: Range<usize>) -> Source {
        let mut source = Source::default();
        for (_, part) in self.parts.iter().filter(|(at, _)| range.contains(at)) {
            source.extend(part);
        }
        source
    }

    /// What may be at its beginning: a value, or what an expansion gives.
    pub(super) fn beginning(&self) -> Source {
        self.source_of(0..1)
    }

    /// Whether it is this reserved word or operator, unquoted.
    pub(super) fn is(&self, text: &str) -> bool {
        !self.quoted && self.text == text
    }

    /// Whether it is nothing but values and expansions: if all of them are empty, so is it.
    pub(super) fn may_be_nothing(&self) -> bool {
        !self.text.is_empty() && self.text.chars().all(|c| matches!(c, HOLE | EXPANSION))
    }

    /// What it is made of, if that is all of it.
    pub(super) fn if_nothing_else(&self) -> Source {
        if self.may_be_nothing() { self.source() } else { Source::default() }
    }

    /// Whether a number in it stays a number: no other text makes a name of it.
    fn keeps_numbers(&self, from: usize) -> bool {
        let text = self.text.get(from..).unwrap_or_default();
        text.chars().all(|c| matches!(c, HOLE | EXPANSION | '-' | '+')) && text.matches([HOLE, EXPANSION]).count() <= 1
    }
}

impl Lexer<'_> {
    /// One word, up to an unquoted character that ends it, which is not taken.
    pub(super) fn read_word(&mut self, ends: impl Fn(char) -> bool) -> Word {
        let outer = std::mem::take(&mut self.word);
        while let Some(unit) = self.peek() {
            if let super::lexer::Unit::Char(c) = unit
                && !self.in_double()
                && ends(c)
            {
                break;
            }
            self.at += 1;
            if !self.part(unit)
                && let super::lexer::Unit::Char(c) = unit
            {
                self.push(c);
            }
            if self.is_hopeless() {
                break;
            }
        }
        std::mem::replace(&mut self.word, outer)
    }

    pub(super) fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if !word.begun {
            return;
        }
        match self.command.redirect.take() {
            Some(redirect) => {
                self.paths(&word);
                self.role(&word, Role::Redirection);
                if redirect == Redirect::Text {
                    self.command.input.extend(&word.source());
                } else {
                    self.flow.must_not_be_empty(word.if_nothing_else());
                }
            }
            None if self.command.name.is_some() => {
                self.paths(&word);
                self.command.words.push(word);
            }
            None => {
                self.paths(&word);
                self.first_word(word);
            }
        }
    }

    /// Says what the values of a word are to the script.
    pub(super) fn role(&mut self, word: &Word, role: Role) {
        let alone = word.text.chars().count() == 1 && !word.quoted && matches!(role, Role::Argument | Role::Element);
        for hole in &word.holes {
            if self.form(*hole) == Form::Words && !alone {
                self.refuse(
                    *hole,
                    "a list stands here on its own, outside quotes: each of its elements becomes a word",
                    "write one of its elements, or `{{join x \" \"}}`",
                );
            }
            self.set_role(*hole, role);
        }
    }

    /// Values that are the last part of a path, or a part of their own: `/data/{{…}}`, `/data/{{…}}/x`. What `printf` prints is no path.
    fn paths(&mut self, word: &Word) {
        let printed = self.command.name.as_ref().is_some_and(|name| matches!(name.literal(), Some("printf" | "echo" | "test" | "[")));
        if printed {
            return;
        }
        let (mut holes, mut before) = (word.holes.iter(), None);
        let mut chars = word.text.chars().peekable();
        while let Some(c) = chars.next() {
            if c == HOLE
                && let Some(hole) = holes.next()
                && before == Some('/')
                && chars.peek().is_none_or(|next| *next == '/')
            {
                self.ends_path(*hole);
            }
            before = Some(c);
        }
    }

    /// An assignment, a reserved word, or the command's own name.
    fn first_word(&mut self, word: Word) {
        if self.assignment(&word) {
            return;
        }
        if !word.quoted && self.reserved(&word.text) {
            return;
        }
        let prefix = word.text.split('[').next().unwrap_or_default();
        if prefix.len() < word.text.len() && is_name(prefix) {
            self.give_up("a subscript of this script is not understood: write it without spaces");
        }
        self.flow.refuse(word.source(), "a value may not be the command itself", "use `shell.run` with `argv = [\"{{…}}\", …]`");
        self.command.name = Some(word);
    }

    /// Whether it is a reserved word that was dealt with: what follows is a command again, or the whole construct was read.
    fn reserved(&mut self, text: &str) -> bool {
        self.command.compound |= COMPOUND.contains(&text);
        match text {
            _ if BEFORE_COMMANDS.contains(&text) => true,
            "case" => {
                self.case();
                true
            }
            "esac" => {
                self.end_case();
                true
            }
            "[[" => {
                self.conditional();
                true
            }
            "function" => {
                self.function_keyword();
                true
            }
            "select" | "coproc" => {
                self.give_up(&format!("`{text}` is not understood well enough to place a value in this script"));
                true
            }
            _ => false,
        }
    }

    /// `NAME=…`, `NAME+=…`, `NAME[…]=…`; false where the word is none of them.
    pub(super) fn assignment(&mut self, word: &Word) -> bool {
        if let Some(name) = assigned_name(&word.text) {
            let name = name.to_owned();
            self.role(word, Role::Assignment);
            self.assign_word(&name, word);
            return true;
        }
        let Some((name, subscript, value)) = subscripted(&word.text) else { return false };
        self.bash_only("arrays");
        let text = word.text.get(subscript.clone()).unwrap_or_default().to_owned();
        self.calculates(&text, word.source_of(subscript));
        self.role(word, Role::Element);
        self.arrays.insert(name.to_owned());
        let name = name.to_owned();
        self.assign(&name, word.source_of(value..usize::MAX), !word.keeps_numbers(value + 1));
        true
    }

    /// A variable gets what stands behind `=` in a word.
    pub(super) fn assign_word(&mut self, name: &str, word: &Word) {
        let from = word.text.find('=').map_or(0, |at| at + 1);
        self.assign(name, word.source(), !word.keeps_numbers(from));
    }

    /// A variable gets a value.
    pub(super) fn assign(&mut self, name: &str, source: Source, mixed: bool) {
        if is_obeyed(name) {
            self.flow.refuse(
                source.clone(),
                format!("a value may not be assigned to `{name}`, which the shell itself or the loader obeys"),
                BY_ENV,
            );
        }
        self.flow.assign(name, source, mixed);
    }
}

/// `NAME` of `NAME=…` and `NAME+=…`.
pub(super) fn assigned_name(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    is_name(name).then_some(name)
}

/// `NAME[SUBSCRIPT]=…`: the name, where the subscript stands, and where the value begins.
fn subscripted(word: &str) -> Option<(&str, Range<usize>, usize)> {
    let open = word.find('[')?;
    let name = word.get(..open)?;
    let close = open + word.get(open..)?.find("]=").or_else(|| word.get(open..)?.find("]+="))?;
    is_name(name).then(|| (name, open + 1..close, close + 1))
}

/// Whether it can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
