//! Here-documents.

use super::Role;
use super::lexer::{BY_ENV, Lexer, Unit};
use super::words::Word;

/// A here-document whose body begins behind the next line end.
#[derive(Clone, Debug)]
pub(super) struct Heredoc {
    number: usize,
    delimiter: String,
    /// A part of the delimiter was quoted: the body is taken as it is.
    verbatim: bool,
    /// `<<-`.
    strip: bool,
}

impl Lexer<'_> {
    /// Behind `<<`: the delimiter.
    pub(super) fn heredoc(&mut self) {
        let strip = self.take("-");
        self.blanks(false);
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
        if delimiter.is_empty() || delimiter.contains(['$', '`']) || matches!(self.peek(), Some(Unit::Hole(_))) {
            self.give_up("the delimiter of a here-document of this script is not understood");
        }
        let number = self.documents.len();
        self.documents.push(Word::default());
        self.command.documents.push(number);
        self.heredocs.push(Heredoc { number, delimiter, verbatim, strip });
    }

    /// Behind a line end: the bodies.
    pub(super) fn bodies(&mut self) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            let Some((end, next)) = self.extent(&heredoc) else {
                return self.give_up("a here-document of this script never ends");
            };
            if heredoc.verbatim {
                self.verbatim_body(end);
            } else {
                let body = self.body(end);
                if let Some(document) = self.documents.get_mut(heredoc.number) {
                    *document = body;
                }
            }
            self.at = next;
            if self.is_hopeless() {
                return;
            }
        }
    }

    /// Where the body ends, and where the text goes on.
    fn extent(&mut self, heredoc: &Heredoc) -> Option<(usize, usize)> {
        let from = self.at;
        loop {
            let begin = self.at;
            let (line, ended) = self.line();
            let bare = if heredoc.strip { line.trim_start_matches('\t') } else { &line };
            if bare == heredoc.delimiter {
                let next = self.at;
                self.at = from;
                return Some((begin, next));
            }
            if ended {
                return None;
            }
            if !heredoc.verbatim && line.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
                self.give_up(
                    "a here-document with a backslash at the end of a line is not understood well enough to place a value in this script",
                );
            }
        }
    }

    /// The rest of the line, and whether the text ends with it.
    fn line(&mut self) -> (String, bool) {
        let mut line = String::new();
        while let Some(unit) = self.next() {
            match unit {
                Unit::Char('\n') => return (line, false),
                Unit::Char(c) => line.push(c),
                Unit::Hole(_) => line.push(super::words::HOLE),
            }
        }
        (line, true)
    }

    fn verbatim_body(&mut self, end: usize) {
        while self.at < end {
            if let Some(Unit::Hole(hole)) = self.next() {
                let help =
                    format!("write the delimiter without quotes, or {BY_ENV} (os.environ[\"NAME\"] in Python, ENVIRON[\"NAME\"] in awk)");
                self.refuse(hole, "a value may not stand in a here-document whose delimiter is quoted", &help);
            }
        }
    }

    /// A body in which values and expansions stand, read as inside double quotes.
    fn body(&mut self, end: usize) -> Word {
        let outer = std::mem::take(&mut self.word);
        let limit = std::mem::replace(&mut self.limit, end);
        let (double, body) = (std::mem::replace(&mut self.double, true), std::mem::replace(&mut self.body, true));
        while let Some(unit) = self.next() {
            self.part(unit);
            if self.is_hopeless() {
                break;
            }
        }
        (self.double, self.body) = (double, body);
        self.limit = limit;
        let word = std::mem::replace(&mut self.word, outer);
        self.role(&word, Role::HereDocument);
        word
    }
}
