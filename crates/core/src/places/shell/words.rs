//! Words, and the command that is being read.

use super::commands::{BEFORE_COMMANDS, COMPOUND, is_obeyed};
use super::flow::Source;
use super::lexer::{BY_ENV, Lexer};

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
    /// All that it is made of, `$(…)` in it included.
    pub(super) source: Source,
    /// Whether it has begun.
    pub(super) begun: bool,
}

impl Word {
    /// Its text, if nothing of it is known only later.
    pub(super) fn literal(&self) -> Option<&str> {
        (!self.text.contains([HOLE, EXPANSION])).then_some(self.text.as_str())
    }

    /// What may be at its beginning: a value, or what an expansion gives.
    pub(super) fn beginning(&self) -> Source {
        match self.text.chars().next() {
            Some(HOLE) => Source { holes: self.holes.first().copied().into_iter().collect(), names: Vec::new() },
            Some(EXPANSION) => self.source.clone(),
            Some(_) | None => Source::default(),
        }
    }

    /// Whether it is this reserved word or operator, unquoted.
    pub(super) fn is(&self, text: &str) -> bool {
        !self.quoted && self.text == text
    }
}

impl Lexer {
    pub(super) fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if !word.begun {
            return;
        }
        self.paths(&word);
        match self.command.redirect.take() {
            Some(Redirect::File) => {}
            Some(Redirect::Text) => self.command.input.extend(&word.source),
            None if self.command.name.is_some() => self.command.words.push(word),
            None => self.first_word(word),
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
        if let Some(name) = assigned_name(&word.text) {
            let name = name.to_owned();
            self.assign(&name, word.source);
            return;
        }
        if word.text.split_once('=').is_some_and(|(before, _)| before.contains('[')) {
            self.give_up("arrays are not understood well enough to place a value in this script");
        }
        self.flow.refuse(word.source.clone(), "a value may not be the command itself", "use `shell.run` with `argv = [\"{{…}}\", …]`");
        if !word.quoted {
            match word.text.as_str() {
                text if BEFORE_COMMANDS.contains(&text) => {
                    self.command.compound |= COMPOUND.contains(&text);
                    return;
                }
                "[[" | "case" | "esac" | "function" | "select" | "coproc" => {
                    self.give_up(&format!("`{}` is not understood well enough to place a value in this script", word.text));
                }
                "let" | "eval" | "declare" | "typeset" => {
                    self.give_up(&format!("this script uses `{}`, which can execute text in a value", word.text));
                }
                text => self.command.compound |= COMPOUND.contains(&text),
            }
        }
        self.command.name = Some(word);
    }

    /// A variable gets a value.
    pub(super) fn assign(&mut self, name: &str, source: Source) {
        if is_obeyed(name) {
            self.flow.refuse(
                source.clone(),
                format!("a value may not be assigned to `{name}`, which the shell itself or the loader obeys"),
                BY_ENV,
            );
        }
        self.flow.assign(name, source);
    }
}

/// `NAME` of `NAME=…` and `NAME+=…`.
pub(super) fn assigned_name(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    is_name(name).then_some(name)
}

/// Whether it can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
