//! One pass over the text with a stack of what is open.

use std::collections::BTreeSet;

use super::flow::{Flow, Source};
use super::heredoc::Heredoc;
use super::judge::Pipeline;
use super::words::{Command, EXPANSION, HOLE, Redirect, Word};
use super::{Form, PlaceFault, Quoting, Role, Script, ShellPlace};

pub(super) const BY_ENV: &str = "give it to the step as `env = { NAME = \"{{…}}\" }` and write \"$NAME\" here";

/// How deep brackets, substitutions and scripts in scripts may stand inside one another.
const DEEPEST: usize = 40;

/// What a piece of text is made of: characters, and holes between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Char(char),
    Hole(usize),
}

/// What is open, to be closed by `)` or `esac`.
pub(super) enum Open {
    /// `(`, `$(`, `<(`.
    Bracket(Box<Interrupted>),
    /// `case … in`.
    Case,
}

/// What `(` or `$(` interrupted; taken up again behind `)`.
pub(super) struct Interrupted {
    command: Command,
    word: Word,
    double: bool,
    body: bool,
    pipeline: Pipeline,
}

#[expect(clippy::struct_excessive_bools, reason = "two of where it reads, two of what the script has")]
pub(super) struct Lexer<'a> {
    units: Vec<Unit>,
    pub(super) at: usize,
    /// Nothing is read from here on: the end of a here-document.
    pub(super) limit: usize,
    pub(super) places: Vec<Option<ShellPlace>>,
    forms: &'a [Form],
    pub(super) faults: Vec<PlaceFault>,
    pub(super) open: Vec<Open>,
    /// How many scripts this one is inside of.
    pub(super) depth: usize,
    pub(super) command: Command,
    pub(super) word: Word,
    pub(super) pipeline: Pipeline,
    pub(super) flow: Flow,
    /// All values and variables so far, in the order of the text.
    seen: Source,
    /// Inside double quotes or a here-document.
    pub(super) double: bool,
    /// Inside a here-document, where `"` is a character like others.
    pub(super) body: bool,
    pub(super) heredocs: Vec<Heredoc>,
    /// What each here-document's body is made of.
    pub(super) documents: Vec<Word>,
    /// Those that a command reads which runs what it reads.
    pub(super) code_documents: Vec<(usize, bool)>,
    /// Those that a compound command reads.
    pub(super) compound_documents: Vec<usize>,
    /// Whether any command runs what it reads.
    pub(super) runs_input: bool,
    /// Whether a compound command reads a pipe.
    pub(super) piped_compound: bool,
    /// The functions that the script defines; complete only when it was read once.
    pub(super) functions: BTreeSet<String>,
    /// The variables that are arrays, or may be.
    pub(super) arrays: BTreeSet<String>,
    /// What `declare` is given, by name: judged when all arrays are known.
    pub(super) declared: Vec<(String, Source)>,
    /// Values that were found in their right place in a script inside of this one.
    pub(super) inner: BTreeSet<usize>,
    /// The first thing that only bash knows.
    pub(super) bash: Option<&'static str>,
    /// Why no value at all may stand in this text.
    pub(super) hopeless: Option<String>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(script: &Script<'a>, functions: BTreeSet<String>) -> Self {
        let mut units = Vec::with_capacity(script.texts.iter().map(|text| text.len()).sum());
        let mut places = vec![None; script.texts.len().saturating_sub(1)];
        for (at, text) in script.texts.iter().enumerate() {
            if let Some(hole) = at.checked_sub(1) {
                if script.forms.get(hole) == Some(&Form::Raw) {
                    // What it will be is looked at when it is known.
                    if let Some(place) = places.get_mut(hole) {
                        *place = Some(ShellPlace { role: Role::Text, ..place_of(Quoting::Raw, Form::Raw) });
                    }
                    units.push(Unit::Char('\u{fffe}'));
                } else {
                    units.push(Unit::Hole(hole));
                }
            }
            units.extend(text.chars().map(Unit::Char));
        }
        Self {
            limit: units.len(),
            units,
            at: 0,
            places,
            forms: script.forms,
            faults: Vec::new(),
            open: Vec::new(),
            depth: 0,
            command: Command::default(),
            word: Word::default(),
            pipeline: Pipeline::default(),
            flow: Flow::default(),
            seen: Source::default(),
            double: false,
            body: false,
            heredocs: Vec::new(),
            documents: Vec::new(),
            code_documents: Vec::new(),
            compound_documents: Vec::new(),
            runs_input: false,
            piped_compound: false,
            functions,
            arrays: BTreeSet::new(),
            declared: Vec::new(),
            inner: BTreeSet::new(),
            bash: None,
            hopeless: None,
        }
    }

    /// Reads the whole text.
    pub(super) fn read(&mut self) {
        while let Some(unit) = self.next() {
            self.step(unit);
            if self.is_hopeless() {
                return;
            }
        }
        self.end_command(false);
        if self.double || !self.open.is_empty() {
            self.give_up("a quote, a bracket or a `case` of this script is never closed");
        }
        if !self.heredocs.is_empty() {
            self.give_up("a here-document of this script never ends");
        }
    }

    /// Every value of the script.
    pub(super) fn everything(&self) -> Source {
        Source { holes: (0..self.places.len()).collect(), names: Vec::new() }
    }

    pub(super) fn form(&self, hole: usize) -> Form {
        self.forms.get(hole).copied().unwrap_or_default()
    }

    pub(super) fn next(&mut self) -> Option<Unit> {
        let unit = self.peek()?;
        self.at += 1;
        Some(unit)
    }

    pub(super) fn peek(&self) -> Option<Unit> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<Unit> {
        let at = self.at + ahead;
        if at < self.limit { self.units.get(at).copied() } else { None }
    }

    pub(super) fn peek_is(&self, c: char) -> bool {
        self.peek() == Some(Unit::Char(c))
    }

    /// Takes the text if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(ahead, c)| self.peek_at(ahead) == Some(Unit::Char(c)));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    /// Passes over spaces, tabs, line continuations, and line ends where `lines`.
    pub(super) fn blanks(&mut self, lines: bool) {
        loop {
            match self.peek() {
                Some(Unit::Char(' ' | '\t')) => self.at += 1,
                Some(Unit::Char('\n')) if lines && self.heredocs.is_empty() => self.at += 1,
                Some(Unit::Char('\\')) if self.peek_at(1) == Some(Unit::Char('\n')) => self.at += 2,
                Some(Unit::Char('#')) if lines => self.comment(),
                _ => return,
            }
        }
    }

    pub(super) fn refuse(&mut self, hole: usize, message: &str, help: &str) {
        self.faults.push(fault(hole, message, help));
    }

    pub(super) fn give_up(&mut self, why: &str) {
        self.hopeless.get_or_insert_with(|| why.to_owned());
    }

    /// Other shells than bash read this otherwise.
    pub(super) fn bash_only(&mut self, what: &'static str) {
        self.bash.get_or_insert(what);
    }

    pub(super) const fn in_double(&self) -> bool {
        self.double
    }

    pub(super) const fn is_hopeless(&self) -> bool {
        self.hopeless.is_some()
    }

    fn step(&mut self, unit: Unit) {
        if !self.part(unit)
            && let Unit::Char(c) = unit
        {
            self.bare(c);
        }
    }

    /// A value, a quote, an expansion, or a character inside double quotes; false for a character outside of them.
    pub(super) fn part(&mut self, unit: Unit) -> bool {
        match unit {
            Unit::Hole(hole) => {
                let quoting = if self.double { Quoting::InDouble } else { Quoting::Word };
                self.hole(hole, quoting);
            }
            Unit::Char('\\') => self.backslash(),
            Unit::Char('$') => self.dollar(),
            Unit::Char('`') => self.give_up("back-quotes are not understood well enough to place a value in this script: write `$(…)`"),
            Unit::Char('"') if !self.body => {
                self.double = !self.double;
                self.word.begun = true;
                self.word.quoted = true;
            }
            Unit::Char(c) if self.double => self.word.text.push(c),
            Unit::Char('\'') => self.single(),
            Unit::Char(_) => return false,
        }
        true
    }

    pub(super) fn push(&mut self, c: char) {
        self.word.begun = true;
        self.word.text.push(c);
    }

    pub(super) fn hole(&mut self, hole: usize, quoting: Quoting) {
        self.word.begun = true;
        let source = Source { holes: vec![hole], names: Vec::new() };
        self.word.parts.push((self.word.text.len(), source));
        self.word.text.push(HOLE);
        self.word.holes.push(hole);
        self.seen.holes.push(hole);
        let form = self.form(hole);
        if let Some(slot) = self.places.get_mut(hole) {
            *slot = Some(place_of(quoting, form));
        }
    }

    pub(super) fn set_role(&mut self, hole: usize, role: Role) {
        if let Some(Some(place)) = self.places.get_mut(hole) {
            place.role = role;
        }
    }

    /// An empty value here would leave the folder before it.
    pub(super) fn ends_path(&mut self, hole: usize) {
        if let Some(Some(place)) = self.places.get_mut(hole) {
            place.ends_path = true;
        }
    }

    /// The word expands something that is made of this.
    pub(super) fn expands(&mut self, source: Source) {
        self.word.begun = true;
        self.seen.names.extend(source.names.iter().cloned());
        self.word.parts.push((self.word.text.len(), source));
        self.word.text.push(EXPANSION);
    }

    fn backslash(&mut self) {
        match self.next() {
            Some(Unit::Hole(hole)) => self.refuse(hole, "a value may not stand behind a backslash", "remove the backslash"),
            Some(Unit::Char('\n')) | None => {}
            Some(Unit::Char(c)) => {
                self.word.begun = true;
                self.word.quoted = true;
                if self.double && !"$`\"\\".contains(c) || self.body && c == '"' {
                    self.word.text.push('\\');
                }
                self.word.text.push(c);
            }
        }
    }

    fn bare(&mut self, c: char) {
        match c {
            '#' if !self.word.begun => self.comment(),
            ' ' | '\t' => self.end_word(),
            '\n' => {
                self.end_command(false);
                self.bodies();
            }
            ';' if matches!(self.peek(), Some(Unit::Char(';' | '&'))) => {
                self.end_command(false);
                self.next_pattern();
            }
            ';' => self.end_command(false),
            '&' => self.ampersand(),
            '|' if self.peek_is('|') => {
                self.at += 1;
                self.end_command(false);
            }
            '|' => {
                self.at += usize::from(self.peek_is('&'));
                self.end_command(true);
            }
            '(' => self.parenthesis(),
            ')' => self.leave(),
            '<' | '>' => self.redirection(c),
            _ => self.push(c),
        }
    }

    fn ampersand(&mut self) {
        if self.command.redirect.is_some() && !self.word.begun {
            // `>&2`
            self.push('&');
        } else if self.peek_is('>') {
            self.bash_only("`&>`");
            self.end_word();
        } else {
            self.at += usize::from(self.peek_is('&'));
            self.end_command(false);
        }
    }

    fn comment(&mut self) {
        while let Some(unit) = self.peek() {
            match unit {
                Unit::Char('\n') => return,
                Unit::Char(_) => {}
                Unit::Hole(hole) => self.refuse(hole, "a value in a comment does nothing", "remove it"),
            }
            self.at += 1;
        }
    }

    fn parenthesis(&mut self) {
        if !self.word.begun
            && self.command.words.is_empty()
            && self.command.name.as_ref().is_some_and(|name| name.is("for"))
            && self.take("(")
        {
            self.bash_only("`for ((…))`");
            self.arithmetic();
        } else if self.word.begun {
            if self.word.text.ends_with('=') {
                self.array();
            } else {
                self.function();
            }
        } else if self.command.name.is_some() && self.command.words.is_empty() && self.command.redirect.is_none() {
            self.function();
        } else if self.command.name.is_some() || self.command.redirect.is_some() {
            self.give_up("a bracket stands where this script's reading does not expect one");
        } else if self.peek_is('(') {
            self.at += 1;
            self.bash_only("`((…))`");
            self.arithmetic();
            self.command.compound = true;
            self.command.name = Some(Word { text: "((".to_owned(), quoted: true, ..Word::default() });
        } else {
            self.command.compound = true;
            self.enter();
        }
    }

    /// Begins a command inside `(` or `$(`.
    fn enter(&mut self) {
        if self.open.len() + self.depth * 8 > DEEPEST {
            self.give_up("brackets stand too deep inside one another to place a value in this script");
        }
        let interrupted = Interrupted {
            command: std::mem::take(&mut self.command),
            word: std::mem::take(&mut self.word),
            double: std::mem::take(&mut self.double),
            body: std::mem::take(&mut self.body),
            pipeline: std::mem::take(&mut self.pipeline),
        };
        self.open.push(Open::Bracket(Box::new(interrupted)));
    }

    /// The commands up to the `)` that ends them; gives all that was seen in them.
    pub(super) fn nested(&mut self, piped: bool) -> Source {
        let seen = (self.seen.holes.len(), self.seen.names.len());
        let pending = std::mem::take(&mut self.heredocs);
        let from = self.at;
        self.enter();
        let depth = self.open.len();
        if piped {
            // `>(…)`: it reads what somebody writes.
            self.command.piped = true;
            self.pipeline.anything = true;
        }
        while self.open.len() >= depth && !self.is_hopeless() {
            match self.next() {
                Some(unit) => self.step(unit),
                None => self.give_up("a `$(` of this script is never closed"),
            }
        }
        if !pending.is_empty() && self.units.get(from..self.at).is_some_and(|units| units.contains(&Unit::Char('\n'))) {
            self.give_up("a here-document of this script begins behind a `$(…)` of several lines");
        }
        self.heredocs = pending;
        Source {
            holes: self.seen.holes.get(seen.0..).unwrap_or_default().to_vec(),
            names: self.seen.names.get(seen.1..).unwrap_or_default().to_vec(),
        }
    }

    fn leave(&mut self) {
        self.end_command(false);
        if !self.heredocs.is_empty() {
            self.give_up("a here-document of this script begins behind the bracket that it belongs to");
        }
        match self.open.pop() {
            Some(Open::Bracket(before)) => {
                self.command = before.command;
                self.word = before.word;
                self.double = before.double;
                self.body = before.body;
                self.pipeline = before.pipeline;
            }
            Some(Open::Case) | None => self.give_up("a `)` of this script stands where its reading does not expect one"),
        }
    }

    fn redirection(&mut self, c: char) {
        if self.peek_is('(') {
            self.at += 1;
            self.bash_only("process substitution");
            let inside = self.nested(c == '>');
            self.word.begun = true;
            self.word.text.push_str("/dev/fd/");
            self.expands(inside);
            return;
        }
        // A number before it is a file descriptor.
        if self.word.begun && !self.word.quoted && self.word.text.chars().all(|c| c.is_ascii_digit()) {
            self.word = Word::default();
        } else {
            self.end_word();
        }
        if c == '<' && self.peek_is('<') {
            self.at += 1;
            if self.peek_is('<') {
                self.at += 1;
                self.bash_only("`<<<`");
                self.command.redirect = Some(Redirect::Text);
            } else {
                self.heredoc();
            }
            return;
        }
        while matches!(self.peek(), Some(Unit::Char('>' | '|' | '&'))) {
            self.at += 1;
        }
        self.command.redirect = Some(Redirect::File);
        self.blanks(false);
    }
}

const fn place_of(quoting: Quoting, form: Form) -> ShellPlace {
    ShellPlace { quoting, form, role: Role::Argument, may_be_option: false, ends_path: false, whole_argument: false, number: false }
}

pub(super) fn fault(hole: usize, message: &str, help: &str) -> PlaceFault {
    PlaceFault { hole, message: message.to_owned(), help: help.to_owned() }
}
