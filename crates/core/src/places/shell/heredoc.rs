//! Here-documents: passed over, without values in them.

use super::lexer::{BY_ENV, Lexer, Unit};
use super::words::is_name;

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

impl Lexer {
    /// Behind `<<`: the delimiter.
    pub(super) fn heredoc(&mut self) {
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
        if delimiter.is_empty() || delimiter.contains(['$', '`']) || matches!(self.peek(), Some(Unit::Hole(_))) {
            self.give_up("the delimiter of a here-document of this script is not understood");
        }
        let number = self.documents.len();
        self.documents.push(Vec::new());
        self.command.documents.push(number);
        self.heredocs.push(Heredoc { number, delimiter, verbatim, strip });
    }

    /// Behind a line end: the bodies.
    pub(super) fn bodies(&mut self) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            loop {
                let (line, ended) = self.line();
                let body = if heredoc.strip { line.trim_start_matches('\t') } else { &line };
                if body == heredoc.delimiter {
                    break;
                }
                if ended {
                    self.give_up("a here-document of this script never ends");
                    return;
                }
                if heredoc.verbatim {
                    continue;
                }
                if line.contains(['`', '\\']) || line.contains("$(") || line.contains("$[") {
                    self.give_up(
                        "a here-document with `$(…)` or a backslash in it is not understood well enough to place a value in this script",
                    );
                }
                let names = expanded(&line);
                if let Some(document) = self.documents.get_mut(heredoc.number) {
                    document.extend(names);
                }
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
                Unit::Hole(hole) => {
                    let help = format!("pipe it: printf '%s\\n' {{{{…}}}} | …; or {BY_ENV}");
                    self.refuse(hole, "a value may not stand in a here-document", &help);
                }
            }
        }
        (line, true)
    }
}

/// The variables that a line expands.
fn expanded(line: &str) -> impl Iterator<Item = String> {
    line.split('$').skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let rest = rest.strip_prefix(['!', '#']).unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        is_name(name).then(|| name.to_owned())
    })
}
