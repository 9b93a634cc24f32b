//! Cuts a stream of SQL text into statements, as the `mysql` client does: `DELIMITER` lines, quotes, back-quotes, comments.
//!
//! Bytes come in pieces of any size; one statement is held at a time. Comments in front of a statement are dropped, except `/*! … */`, `/*M! … */`
//! and `/*+ … */`, which servers execute or read. Text is UTF-8, in which no byte of a longer character looks like one of ASCII's.

use memchr::{memchr, memchr_iter, memchr2};

use crate::find::{ONES, equal, find};
use crate::mode::Mode;

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its bytes, without the delimiter.
    pub sql: Vec<u8>,
    /// Which one it is, from 1.
    pub number: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
}

impl Statement {
    /// As text; what is not UTF-8 is replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.sql)
    }
}

/// Why a text cannot be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitFault {
    /// What is wrong, in a few words.
    pub what: &'static str,
    /// The line on which the open part begins, from 1.
    pub line: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was looked at yet.
    Start,
    Code,
    Quote(u8),
    LineComment,
    BlockComment,
}

/// The largest statement that is taken: four times what servers take by default.
const LARGEST: usize = 64 << 20;

/// Room for the comment that is put in front of a statement, so that a large one need not be copied for it.
const MARK: usize = 256;

/// A cutter of one text.
pub struct Splitter {
    mode: Mode,
    delimiter: Vec<u8>,
    /// What came in and was not given out; `buffer[..start]` is done with.
    buffer: Vec<u8>,
    start: usize,
    /// Up to where `buffer` was looked at.
    at: usize,
    state: State,
    /// Whether something besides blanks and dropped comments stands between `start` and `at`.
    begun: bool,
    /// Whether only blanks stand between the last line's end and `at`; kept while nothing is begun.
    line_start: bool,
    /// The line on which `buffer[counted]` stands. Lines are counted where one is asked for: there is no need to stop at each.
    line: u64,
    counted: usize,
    begun_line: u64,
    /// Where the open quote stands, and on which line the open comment began.
    open: usize,
    open_line: u64,
    number: u64,
    ended: bool,
}

impl Splitter {
    /// A cutter for a session of this mode.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            delimiter: b";".to_vec(),
            buffer: Vec::new(),
            start: 0,
            at: 0,
            state: State::Start,
            begun: false,
            line_start: true,
            line: 1,
            counted: 0,
            begun_line: 1,
            open: 0,
            open_line: 1,
            number: 0,
            ended: false,
        }
    }

    /// From here on the text is read in this mode; to be called between two statements.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Takes the next piece of the text.
    #[inline(never)]
    pub fn push(&mut self, bytes: &[u8]) {
        // What is left is the beginning of one statement: it is moved once, and the buffer never holds more than a statement and a piece.
        if self.start > 0 {
            self.buffer.drain(..self.start);
            for place in [&mut self.at, &mut self.counted, &mut self.open] {
                *place = place.saturating_sub(self.start);
            }
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// There is no more text.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next statement; none where more text is needed, or where the text has ended.
    #[inline(never)]
    pub fn next_statement(&mut self) -> Result<Option<Statement>, SplitFault> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            // Some decisions want to see a few bytes more.
            if rest.is_empty() || (!self.ended && rest.len() < self.delimiter.len().max(4)) {
                return self.out_of_text();
            }
            if self.at - self.start > LARGEST {
                return Err(SplitFault { what: "this statement is larger than 64 MiB", line: self.begun_line });
            }
            match self.state {
                State::Start => {
                    self.state = State::Code;
                    if rest.starts_with(b"\xEF\xBB\xBF") {
                        self.at += 3;
                        self.forget_unless_begun();
                    }
                }
                State::Code => match self.code()? {
                    Step::On => {}
                    Step::Wait => return self.out_of_text(),
                    Step::Out(statement) => return Ok(Some(statement)),
                },
                State::Quote(quote) => {
                    let escapes = !self.mode.no_backslash_escapes && quote != b'`' && !(quote == b'"' && self.mode.ansi_quotes);
                    // A doubled quote closes and opens again, which comes to the same.
                    let mut at = 0;
                    let closed = loop {
                        let inside = rest.get(at..).unwrap_or_default();
                        at += in_quote(inside, quote, escapes);
                        match rest.get(at..) {
                            Some([byte, ..]) if *byte == quote => break true,
                            Some([_, _, ..]) => at += 2,
                            // The end, or what is escaped did not come yet.
                            _ => break false,
                        }
                    };
                    self.at += at;
                    if closed {
                        self.state = State::Code;
                        self.at += 1;
                    } else if at < rest.len() {
                        return self.out_of_text();
                    }
                }
                State::LineComment => {
                    let end = memchr(b'\n', rest);
                    self.at += end.map_or(rest.len(), |end| end + 1);
                    if end.is_some() {
                        self.state = State::Code;
                        self.line_start = true;
                    }
                    self.forget_unless_begun();
                }
                State::BlockComment => {
                    if rest.starts_with(b"*/") {
                        self.state = State::Code;
                        self.at += 2;
                    } else {
                        let after = rest.get(1..).unwrap_or_default();
                        self.at += 1 + memchr(b'*', after).unwrap_or(after.len());
                    }
                    self.forget_unless_begun();
                }
            }
        }
    }

    fn code(&mut self) -> Result<Step, SplitFault> {
        if self.begun {
            // What begins nothing is passed over at once.
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let plain = plain(rest, self.delimiter.first().copied().unwrap_or_default());
            self.at += plain;
            if plain > 0 && rest.len() - plain < 4.max(self.delimiter.len()) {
                return Ok(Step::On);
            }
        }
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let byte = rest.first().copied().unwrap_or_default();
        if self.delimiter.first() == Some(&byte) && rest.starts_with(&self.delimiter) {
            let statement = self.take();
            self.at += self.delimiter.len();
            self.start = self.at;
            self.line_start = false;
            return Ok(statement.map_or(Step::On, Step::Out));
        }
        if self.line_start && !self.begun && byte.eq_ignore_ascii_case(&b'd') {
            if rest.len() < b"delimiter ".len() && !self.ended {
                return Ok(Step::Wait);
            }
            if is_delimiter_line(rest) {
                return self.set_delimiter();
            }
        }
        let executed = rest.starts_with(b"/*!") || rest.starts_with(b"/*M!") || rest.starts_with(b"/*+");
        if rest.starts_with(b"/*") && !executed {
            self.state = State::BlockComment;
            self.count_lines();
            self.open_line = self.line;
            self.at += 2;
            return Ok(Step::On);
        }
        let dashes = rest.starts_with(b"--") && rest.get(2).is_none_or(|next| next.is_ascii_whitespace() || next.is_ascii_control());
        if byte == b'#' || dashes {
            self.state = State::LineComment;
            self.at += 1;
            return Ok(Step::On);
        }
        if !self.begun {
            if byte.is_ascii_whitespace() {
                self.line_start |= byte == b'\n';
                self.at += 1;
                self.forget_unless_begun();
                return Ok(Step::On);
            }
            self.forget_unless_begun();
            self.begun = true;
            self.begun_line = self.line;
        }
        if matches!(byte, b'\'' | b'"' | b'`') {
            self.state = State::Quote(byte);
            self.open = self.at;
        }
        self.at += 1;
        Ok(Step::On)
    }

    fn set_delimiter(&mut self) -> Result<Step, SplitFault> {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let end = match memchr(b'\n', rest) {
            Some(end) => end,
            None if self.ended => rest.len(),
            None => return Ok(Step::Wait),
        };
        let word = rest.get(b"delimiter".len()..end).unwrap_or_default().trim_ascii();
        let word = word.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        if word.is_empty() || word.len() > 15 || word.contains(&b'\\') {
            return Err(SplitFault { what: "`DELIMITER` wants one word of up to 15 characters without a backslash", line: self.line });
        }
        self.delimiter = word.to_vec();
        self.at += end;
        self.forget_unless_begun();
        Ok(Step::On)
    }

    fn out_of_text(&mut self) -> Result<Option<Statement>, SplitFault> {
        if !self.ended {
            return Ok(None);
        }
        match self.state {
            State::Quote(_) => {
                let before = self.buffer.get(self.counted..self.open).unwrap_or_default();
                Err(SplitFault { what: "a quote is not closed", line: self.line + lines(before) })
            }
            State::BlockComment => Err(SplitFault { what: "a comment is not closed", line: self.open_line }),
            State::Start | State::Code | State::LineComment => {
                let last = self.take();
                self.start = self.at;
                Ok(last)
            }
        }
    }

    /// The statement that ends at `at`, if there is one.
    fn take(&mut self) -> Option<Statement> {
        self.count_lines();
        if !std::mem::take(&mut self.begun) {
            return None;
        }
        let text = self.buffer.get(self.start..self.at).unwrap_or_default().trim_ascii_end();
        let mut sql = Vec::with_capacity(text.len() + MARK);
        sql.extend_from_slice(text);
        self.number += 1;
        Some(Statement { sql, number: self.number, line: self.begun_line })
    }

    /// Blanks and comments in front of a statement are not kept.
    fn forget_unless_begun(&mut self) {
        if !self.begun {
            self.count_lines();
            self.start = self.at;
        }
    }

    /// Counts the lines up to `at`.
    fn count_lines(&mut self) {
        self.line += lines(self.buffer.get(self.counted..self.at).unwrap_or_default());
        self.counted = self.at;
    }
}

fn lines(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

/// How many bytes of a quoted text can be passed over: up to what ends it or escapes something.
fn in_quote(text: &[u8], quote: u8, escapes: bool) -> usize {
    /// As much as most texts have.
    const SHORT: usize = 16;
    let escape = if escapes { b'\\' } else { quote };
    let (short, long) = text.split_at(text.len().min(SHORT));
    let found = find(short, |word| equal(word, quote) | equal(word, escape));
    if found < short.len() { found } else { found + memchr2(quote, escape, long).unwrap_or(long.len()) }
}

/// How many bytes of a statement's code can be passed over: up to one with which a text, a comment or the delimiter may begin.
fn plain(code: &[u8], delimiter: u8) -> usize {
    find(code, |word| {
        // `"` and `#` differ in the lowest bit alone, `-` and `/` in the next.
        let pairs = equal(word & !ONES, b'"') | equal(word | (ONES << 1), b'/');
        pairs | equal(word, b'\'') | equal(word, b'`') | equal(word, delimiter)
    })
}

enum Step {
    On,
    Wait,
    Out(Statement),
}

fn is_delimiter_line(rest: &[u8]) -> bool {
    const WORD: &[u8] = b"delimiter";
    rest.get(..WORD.len()).is_some_and(|word| word.eq_ignore_ascii_case(WORD))
        && rest.get(WORD.len()).is_none_or(|next| matches!(next, b' ' | b'\t' | b'\r' | b'\n'))
}

/// All statements of a text.
pub fn split(text: &str, mode: Mode) -> Result<Vec<Statement>, SplitFault> {
    let mut splitter = Splitter::new(mode);
    splitter.push(text.as_bytes());
    splitter.end();
    let mut statements = Vec::new();
    while let Some(statement) = splitter.next_statement()? {
        statements.push(statement);
    }
    Ok(statements)
}

/// The first words of a statement in lower case, comments skipped: what kind of statement it is.
pub fn head(sql: &str, words: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = sql;
    while out.len() < words {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == ';');
        if let Some(comment) = rest.strip_prefix("/*") {
            // What stands in an executed comment counts as code.
            if let Some(code) = comment.strip_prefix('!').or_else(|| comment.strip_prefix("M!")) {
                rest = code.trim_start_matches(|c: char| c.is_ascii_digit());
                continue;
            }
            rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
            continue;
        }
        if rest.starts_with('#') || rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            continue;
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '@' || c == '.')).unwrap_or(rest.len());
        if end == 0 {
            break;
        }
        let (word, after) = rest.split_at(end);
        out.push(word.to_ascii_lowercase());
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<String> {
        split(text, Mode::default()).unwrap().iter().map(|s| s.text().into_owned()).collect()
    }

    #[test]
    fn quotes_and_comments_hide_the_delimiter() {
        assert_eq!(
            texts("select ';', \"a\\\";\", `;` /* ; */ -- ;\n , 1; # ;\n select 2"),
            ["select ';', \"a\\\";\", `;` /* ; */ -- ;\n , 1", "select 2"]
        );
        assert_eq!(texts("select 'it''s;';;; \n;select 2;"), ["select 'it''s;'", "select 2"]);
        assert_eq!(texts("select 5--1; select 2"), ["select 5--1", "select 2"]);
    }

    #[test]
    fn a_backslash_follows_the_mode() {
        let mode = Mode { no_backslash_escapes: true, ansi_quotes: false };
        assert_eq!(split("select '\\'; select 2", mode).unwrap().len(), 2);
        assert_eq!(split("select '\\'; select 2'", Mode::default()).unwrap().len(), 1);
    }

    #[test]
    fn delimiter_lines_are_the_clients_own() {
        let text = "delimiter //\ncreate procedure p() begin select 1; select ';;'; end//\nDELIMITER ;\nselect 3;";
        assert_eq!(texts(text), ["create procedure p() begin select 1; select ';;'; end", "select 3"]);
        assert_eq!(texts("DELIMITER $$\r\nselect 1$$\r\nDELIMITER ;\r\nselect 2;\r\n"), ["select 1", "select 2"]);
        assert_eq!(split("delimiter\n", Mode::default()).unwrap_err().line, 1);
    }

    #[test]
    fn lines_and_numbers_point_at_the_statement() {
        let statements = split("-- head\n\n/* two\nlines */ select 1;\n\nselect\n2;\nselect 'a\nb'; select 4", Mode::default()).unwrap();
        let places: Vec<_> = statements.iter().map(|s| (s.number, s.line)).collect();
        assert_eq!(places, [(1, 4), (2, 6), (3, 8), (4, 9)]);
    }

    #[test]
    fn executed_comments_are_statements() {
        assert_eq!(
            texts("/*!40101 SET NAMES utf8mb4 */;\n/* x */;select /*+ hint */ 1"),
            ["/*!40101 SET NAMES utf8mb4 */", "select /*+ hint */ 1"]
        );
    }

    #[test]
    fn what_is_not_closed_is_told_with_its_line() {
        assert_eq!(split("select 1;\nselect 'a\n", Mode::default()), Err(SplitFault { what: "a quote is not closed", line: 2 }));
        assert_eq!(split("/* a\n", Mode::default()), Err(SplitFault { what: "a comment is not closed", line: 1 }));
        assert_eq!(texts("select 1 -- end"), ["select 1 -- end"]);
    }

    #[test]
    fn the_head_skips_comments() {
        assert_eq!(head("/* a */ -- b\n ( SELECT/**/1", 1), ["select"]);
        assert_eq!(head("/*!50003 create */ trigger", 2), ["create"]);
        assert_eq!(head("create temporary table x", 3), ["create", "temporary", "table"]);
        assert!(head("", 2).is_empty());
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same(text in "[-a-z;'\"`\\\\#/*!\n $]{0,60}|(DELIMITER (//|;)\n|select 1//?;?|'a;'|--? x\n){0,12}", size in 1_usize..9) {
            let whole = split(&text, Mode::default());
            let mut splitter = Splitter::new(Mode::default());
            let mut pieces = Vec::new();
            let mut run = || -> Result<(), SplitFault> {
                for piece in text.as_bytes().chunks(size) {
                    splitter.push(piece);
                    while let Some(statement) = splitter.next_statement()? { pieces.push(statement); }
                }
                splitter.end();
                while let Some(statement) = splitter.next_statement()? { pieces.push(statement); }
                Ok(())
            };
            let result = run().map(|()| pieces.clone());
            prop_assert_eq!(result, whole);
        }
    }
}
