//! One pass over the text with a stack of quoting states.

use super::flow::{Flow, Source};
use super::heredoc::Heredoc;
use super::judge::Pipeline;
use super::words::{Command, EXPANSION, HOLE, Redirect, Word};
use super::{PlaceFault, Quoting, ShellPlace};

pub(super) const BY_ENV: &str = "give it to the step as `env = { NAME = \"{{…}}\" }` and write \"$NAME\" here";

/// What a piece of text is made of: characters, and holes between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Char(char),
    Hole(usize),
}

/// What `(` or `$(` interrupted; taken up again behind `)`.
struct Interrupted {
    command: Command,
    word: Word,
    double: bool,
    pipeline: Pipeline,
    /// How much had been seen before.
    seen: (usize, usize),
}

pub(super) struct Lexer {
    units: Vec<Unit>,
    pub(super) at: usize,
    places: Vec<Option<ShellPlace>>,
    faults: Vec<PlaceFault>,
    open: Vec<Interrupted>,
    pub(super) command: Command,
    pub(super) word: Word,
    pub(super) pipeline: Pipeline,
    pub(super) flow: Flow,
    /// All values and variables so far, in the order of the text.
    seen: Source,
    /// Inside double quotes.
    double: bool,
    pub(super) heredocs: Vec<Heredoc>,
    /// The variables that each here-document's body expands.
    pub(super) documents: Vec<Vec<String>>,
    /// Those that a command reads which runs what it reads.
    pub(super) code_documents: Vec<usize>,
    /// Those that a compound command reads.
    pub(super) compound_documents: Vec<usize>,
    /// Whether any command runs what it reads.
    pub(super) runs_input: bool,
    /// Whether a compound command reads a pipe.
    pub(super) piped_compound: bool,
    /// Why no value at all may stand in this text.
    hopeless: Option<String>,
}

impl Lexer {
    pub(super) fn new(texts: &[&str]) -> Self {
        let mut units = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                units.push(Unit::Hole(at - 1));
            }
            units.extend(text.chars().map(Unit::Char));
        }
        Self {
            units,
            at: 0,
            places: vec![None; texts.len().saturating_sub(1)],
            faults: Vec::new(),
            open: Vec::new(),
            command: Command::default(),
            word: Word::default(),
            pipeline: Pipeline::default(),
            flow: Flow::default(),
            seen: Source::default(),
            double: false,
            heredocs: Vec::new(),
            documents: Vec::new(),
            code_documents: Vec::new(),
            compound_documents: Vec::new(),
            runs_input: false,
            piped_compound: false,
            hopeless: None,
        }
    }

    pub(super) fn run(mut self) -> Result<Vec<ShellPlace>, Vec<PlaceFault>> {
        if self.places.is_empty() {
            return Ok(Vec::new());
        }
        while let Some(unit) = self.next() {
            self.step(unit);
            if self.hopeless.is_some() {
                break;
            }
        }
        self.end_command(false);
        if self.hopeless.is_none() && (self.double || !self.open.is_empty()) {
            self.hopeless = Some("a quote or a bracket of this script is never closed".to_owned());
        }
        if !self.heredocs.is_empty() {
            self.give_up("a here-document of this script never ends");
        }
        if let Some(why) = self.hopeless.take() {
            return Err((0..self.places.len()).map(|hole| fault(hole, &why, BY_ENV)).collect());
        }
        self.inputs();
        let flow = std::mem::take(&mut self.flow);
        self.faults.extend(flow.faults());
        for hole in flow.options() {
            if let Some(Some(place)) = self.places.get_mut(hole) {
                place.may_be_option = true;
            }
        }
        self.verdict()
    }

    /// What is read by commands that run what they read, where that is known only at the end.
    fn inputs(&mut self) {
        let mut read: Vec<usize> = std::mem::take(&mut self.code_documents);
        if self.runs_input {
            read.extend(&self.compound_documents);
        }
        for number in read {
            let names = self.documents.get(number).cloned().unwrap_or_default();
            self.flow.refuse(Source { holes: Vec::new(), names }, "a command may execute this here-document", BY_ENV);
        }
        if self.runs_input && self.piped_compound {
            let everything = self.everything();
            self.flow.refuse(everything, "a command behind a pipe may execute what it reads", BY_ENV);
        }
    }

    fn verdict(mut self) -> Result<Vec<ShellPlace>, Vec<PlaceFault>> {
        let mut places = Vec::new();
        for (hole, place) in self.places.iter().enumerate() {
            match place {
                Some(place) => places.push(*place),
                None if self.faults.iter().any(|f| f.hole == hole) => {}
                None => self.faults.push(fault(hole, "no value may stand here", BY_ENV)),
            }
        }
        if self.faults.is_empty() {
            Ok(places)
        } else {
            self.faults.sort_by_key(|f| f.hole);
            self.faults.dedup_by_key(|f| f.hole);
            Err(self.faults)
        }
    }

    /// Every value of the script.
    pub(super) fn everything(&self) -> Source {
        Source { holes: (0..self.places.len()).collect(), names: Vec::new() }
    }

    pub(super) fn next(&mut self) -> Option<Unit> {
        let unit = self.peek();
        self.at += 1;
        unit
    }

    pub(super) fn peek(&self) -> Option<Unit> {
        self.units.get(self.at).copied()
    }

    pub(super) fn peek_is(&self, c: char) -> bool {
        self.peek() == Some(Unit::Char(c))
    }

    pub(super) fn refuse(&mut self, hole: usize, message: &str, help: &str) {
        self.faults.push(fault(hole, message, help));
    }

    pub(super) fn give_up(&mut self, why: &str) {
        self.hopeless.get_or_insert_with(|| why.to_owned());
    }

    pub(super) const fn in_double(&self) -> bool {
        self.double
    }

    pub(super) const fn is_hopeless(&self) -> bool {
        self.hopeless.is_some()
    }

    fn step(&mut self, unit: Unit) {
        match unit {
            Unit::Hole(hole) => {
                let quoting = if self.double { Quoting::InDouble } else { Quoting::Word };
                self.hole(hole, quoting);
            }
            Unit::Char('\\') => self.backslash(),
            Unit::Char('$') => self.dollar(),
            Unit::Char('`') => self.give_up("back-quotes are not understood well enough to place a value in this script: write `$(…)`"),
            Unit::Char('"') => {
                self.double = !self.double;
                self.word.begun = true;
                self.word.quoted = true;
            }
            Unit::Char(c) if self.double => self.word.text.push(c),
            Unit::Char('\'') => self.single(),
            Unit::Char(c) => self.bare(c),
        }
    }

    pub(super) fn hole(&mut self, hole: usize, quoting: Quoting) {
        self.word.begun = true;
        self.word.text.push(HOLE);
        self.word.holes.push(hole);
        self.word.source.holes.push(hole);
        self.seen.holes.push(hole);
        if let Some(slot) = self.places.get_mut(hole) {
            *slot = Some(ShellPlace { quoting, may_be_option: false, ends_path: false });
        }
    }

    /// An empty value here would leave the folder before it.
    pub(super) fn ends_path(&mut self, hole: usize) {
        if let Some(Some(place)) = self.places.get_mut(hole) {
            place.ends_path = true;
        }
    }

    /// The word expands a variable; without a name, a special parameter.
    pub(super) fn expands(&mut self, name: &str) {
        self.word.begun = true;
        self.word.text.push(EXPANSION);
        if !name.is_empty() {
            self.word.source.names.push(name.to_owned());
            self.seen.names.push(name.to_owned());
        }
    }

    fn backslash(&mut self) {
        match self.next() {
            Some(Unit::Hole(hole)) => self.refuse(hole, "a value may not stand behind a backslash", "remove the backslash"),
            Some(Unit::Char('\n')) | None => {}
            Some(Unit::Char(c)) => {
                self.word.begun = true;
                self.word.quoted = true;
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
            ';' => {
                if matches!(self.peek(), Some(Unit::Char(';' | '&'))) {
                    self.give_up("`case` is not understood well enough to place a value in this script");
                }
                self.end_command(false);
            }
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
            _ => {
                self.word.begun = true;
                self.word.text.push(c);
            }
        }
    }

    fn ampersand(&mut self) {
        if self.command.redirect.is_some() && !self.word.begun {
            // `>&2`
            self.word.begun = true;
            self.word.text.push('&');
        } else if self.peek_is('>') {
            self.end_word();
        } else {
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
        if self.peek_is('(') {
            self.give_up("this script calculates (`((…))`), which executes text in a value that is no number");
        } else if self.word.begun {
            self.give_up(if self.word.text.ends_with('=') {
                "arrays are not understood well enough to place a value in this script"
            } else {
                "a value may not be given to a function of the script itself, which may execute it"
            });
        } else if self.command.name.is_some() || self.command.redirect.is_some() {
            self.give_up("a bracket stands where this script's reading does not expect one");
        } else {
            self.command.compound = true;
            self.enter();
        }
    }

    /// Begins a command inside `(` or `$(`.
    pub(super) fn enter(&mut self) {
        let interrupted = Interrupted {
            command: std::mem::take(&mut self.command),
            word: std::mem::take(&mut self.word),
            double: std::mem::take(&mut self.double),
            pipeline: std::mem::take(&mut self.pipeline),
            seen: (self.seen.holes.len(), self.seen.names.len()),
        };
        self.open.push(interrupted);
    }

    fn leave(&mut self) {
        self.end_command(false);
        let Some(before) = self.open.pop() else {
            self.give_up("`)` without `(`: `case` and functions are not understood well enough to place a value in this script");
            return;
        };
        self.command = before.command;
        self.word = before.word;
        self.double = before.double;
        self.pipeline = before.pipeline;
        if self.word.begun {
            let inside = Source {
                holes: self.seen.holes.get(before.seen.0..).unwrap_or_default().to_vec(),
                names: self.seen.names.get(before.seen.1..).unwrap_or_default().to_vec(),
            };
            self.word.source.extend(&inside);
        }
    }

    fn redirection(&mut self, c: char) {
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
                self.command.redirect = Some(Redirect::Text);
            } else {
                self.heredoc();
            }
            return;
        }
        while matches!(self.peek(), Some(Unit::Char('>' | '|' | '&'))) {
            self.at += 1;
        }
        if self.peek_is('(') {
            self.give_up("process substitution is not understood well enough to place a value in this script");
        }
        self.command.redirect = Some(Redirect::File);
    }
}

pub(super) fn fault(hole: usize, message: &str, help: &str) -> PlaceFault {
    PlaceFault { hole, message: message.to_owned(), help: help.to_owned() }
}
