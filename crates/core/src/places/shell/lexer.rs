//! One pass over the text with a stack of quoting states.

use super::words::{Command, Word};
use super::{PlaceFault, ShellPlace};

pub(super) const BY_ENV: &str = "give it to the step as `env = { NAME = \"{{…}}\" }` and write \"$NAME\" here";

/// What a piece of text is made of: characters, and holes between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Char(char),
    Hole(usize),
}

/// What has been opened and not yet closed, apart from quotes.
#[derive(Clone, Debug)]
enum Open {
    /// `$(` or `(`; what it interrupted is taken up again behind `)`.
    Paren(Command, Word, bool),
}

pub(super) struct Lexer {
    units: Vec<Unit>,
    at: usize,
    places: Vec<Option<ShellPlace>>,
    faults: Vec<PlaceFault>,
    open: Vec<Open>,
    pub(super) command: Command,
    pub(super) word: Word,
    /// Inside double quotes.
    double: bool,
    /// Here-documents whose bodies begin behind the next line end: delimiter, whether its body is taken as it is, whether tabs are stripped.
    heredocs: Vec<(String, bool, bool)>,
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
            double: false,
            heredocs: Vec::new(),
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
        self.end_command();
        if self.hopeless.is_none() && (self.double || !self.open.is_empty()) {
            self.hopeless = Some("a quote or a bracket of this script is never closed".to_owned());
        }
        if let Some(why) = self.hopeless.take() {
            return Err((0..self.places.len()).map(|hole| fault(hole, &why, BY_ENV)).collect());
        }
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

    fn next(&mut self) -> Option<Unit> {
        let unit = self.units.get(self.at).copied();
        self.at += 1;
        unit
    }

    fn peek(&self) -> Option<Unit> {
        self.units.get(self.at).copied()
    }

    fn peek_is(&self, c: char) -> bool {
        self.peek() == Some(Unit::Char(c))
    }

    pub(super) fn refuse(&mut self, hole: usize, message: &str, help: &str) {
        self.faults.push(fault(hole, message, help));
    }

    pub(super) fn give_up(&mut self, why: &str) {
        self.hopeless.get_or_insert_with(|| why.to_owned());
    }

    fn step(&mut self, unit: Unit) {
        match unit {
            Unit::Hole(hole) => {
                let place = if self.double { ShellPlace::InDouble } else { ShellPlace::Word };
                self.hole(hole, place);
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

    fn hole(&mut self, hole: usize, place: ShellPlace) {
        self.word.begun = true;
        self.word.text.push('\u{fffc}');
        self.word.holes.push(hole);
        if let Some(slot) = self.places.get_mut(hole) {
            *slot = Some(place);
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

    fn dollar(&mut self) {
        self.word.begun = true;
        match self.peek() {
            Some(Unit::Char('(')) => {
                self.at += 1;
                if self.peek_is('(') {
                    self.give_up("this script calculates (`$((…))`), which executes text in a value that is no number");
                    return;
                }
                self.word.text.push('\u{fffd}');
                self.enter();
            }
            Some(Unit::Char('{')) => {
                self.at += 1;
                self.braces();
            }
            Some(Unit::Char('\'')) if !self.double => {
                self.at += 1;
                self.ansi_c();
            }
            Some(Unit::Char('"')) if !self.double => {}
            Some(Unit::Char('[')) => self.give_up("this script calculates (`$[…]`), which executes text in a value that is no number"),
            Some(Unit::Hole(hole)) => {
                self.at += 1;
                self.refuse(hole, "a value may not be the name of a variable", BY_ENV);
            }
            _ => self.word.text.push('\u{fffd}'),
        }
    }

    /// `${…}`: the body is passed over; a value or another bracket in it is refused.
    fn braces(&mut self) {
        self.word.text.push('\u{fffd}');
        let mut first = true;
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
            if self.hopeless.is_some() {
                return;
            }
        }
        self.give_up("a `${` of this script is never closed");
    }

    fn single(&mut self) {
        self.word.begun = true;
        self.word.quoted = true;
        while let Some(unit) = self.next() {
            match unit {
                Unit::Char('\'') => return,
                Unit::Char(c) => self.word.text.push(c),
                Unit::Hole(hole) => self.hole(hole, ShellPlace::InSingle),
            }
        }
        self.give_up("a single quote of this script is never closed");
    }

    /// `$'…'` is bash only; other shells read it otherwise, so no value stands in it.
    fn ansi_c(&mut self) {
        self.word.quoted = true;
        while let Some(unit) = self.next() {
            match unit {
                Unit::Char('\'') => return,
                Unit::Char('\\') => {
                    self.at += usize::from(matches!(self.peek(), Some(Unit::Char(_))));
                }
                Unit::Char(c) => self.word.text.push(c),
                Unit::Hole(hole) => {
                    self.refuse(hole, "a value may not stand inside `$'…'`", "write it behind the closing quote: $'…'{{…}}");
                }
            }
        }
        self.give_up("a `$'` of this script is never closed");
    }

    fn bare(&mut self, c: char) {
        match c {
            '#' if !self.word.begun => self.comment(),
            ' ' | '\t' => self.end_word(),
            '\n' => {
                self.end_command();
                self.bodies();
            }
            ';' | '&' => {
                if c == '&' && self.word.text.is_empty() && self.command.redirect {
                    // `>&2`
                    self.word.begun = true;
                    self.word.text.push(c);
                } else if c == '&' && self.peek_is('>') {
                    self.end_word();
                } else {
                    if c == ';' && self.peek_is(';') {
                        self.give_up("`case` is not understood well enough to place a value in this script");
                    }
                    self.end_command();
                }
            }
            '|' => {
                self.end_command();
                if self.peek_is('&') {
                    self.at += 1;
                }
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
        } else if self.command.name.is_some() || self.command.redirect {
            self.give_up("a bracket stands where this script's reading does not expect one");
        } else {
            self.enter();
        }
    }

    fn enter(&mut self) {
        let (command, word) = (std::mem::take(&mut self.command), std::mem::take(&mut self.word));
        self.open.push(Open::Paren(command, word, self.double));
        self.double = false;
    }

    fn leave(&mut self) {
        self.end_command();
        match self.open.pop() {
            Some(Open::Paren(command, word, double)) => {
                self.command = command;
                self.word = word;
                self.double = double;
            }
            None => self.give_up("`)` without `(`: `case` and functions are not understood well enough to place a value in this script"),
        }
    }

    fn redirection(&mut self, c: char) {
        // A number before it is a file descriptor.
        if self.word.text.chars().all(|c| c.is_ascii_digit()) && !self.word.quoted {
            self.word = Word::default();
        } else {
            self.end_word();
        }
        if c == '<' && self.peek_is('<') {
            self.at += 1;
            if self.peek_is('<') {
                self.at += 1;
                self.command.redirect = true;
            } else {
                self.heredoc();
            }
            return;
        }
        if self.peek_is('(') {
            self.give_up("process substitution is not understood well enough to place a value in this script");
            return;
        }
        while matches!(self.peek(), Some(Unit::Char('>' | '|' | '&'))) {
            self.at += 1;
        }
        self.command.redirect = true;
    }

    fn heredoc(&mut self) {
        let strip = self.peek_is('-');
        self.at += usize::from(strip);
        while matches!(self.peek(), Some(Unit::Char(' ' | '\t'))) {
            self.at += 1;
        }
        let (mut delimiter, mut verbatim) = (String::new(), false);
        while let Some(Unit::Char(c)) = self.peek() {
            if c.is_whitespace() || ";&|<>()".contains(c) {
                break;
            }
            if "'\"\\".contains(c) {
                verbatim = true;
            } else {
                delimiter.push(c);
            }
            self.at += 1;
        }
        if delimiter.is_empty() {
            self.give_up("a here-document of this script has no delimiter");
        }
        self.heredocs.push((delimiter, verbatim, strip));
    }

    /// The bodies of here-documents: passed over, without values in them.
    fn bodies(&mut self) {
        for (delimiter, verbatim, strip) in std::mem::take(&mut self.heredocs) {
            loop {
                let mut line = String::new();
                let mut ended = true;
                while let Some(unit) = self.next() {
                    match unit {
                        Unit::Char('\n') => {
                            ended = false;
                            break;
                        }
                        Unit::Char(c) => line.push(c),
                        Unit::Hole(hole) => {
                            self.refuse(hole, "a value may not stand in a here-document", "pipe it: printf '%s\\n' {{…}} | …");
                        }
                    }
                }
                let body = if strip { line.trim_start_matches('\t') } else { &line };
                if body == delimiter {
                    break;
                }
                if !verbatim && (line.contains("$(") || line.contains('`')) {
                    self.give_up("a here-document with `$(…)` in it is not understood well enough to place a value in this script");
                }
                if ended {
                    self.give_up("a here-document of this script never ends");
                    return;
                }
            }
        }
    }
}

fn fault(hole: usize, message: &str, help: &str) -> PlaceFault {
    PlaceFault { hole, message: message.to_owned(), help: help.to_owned() }
}
