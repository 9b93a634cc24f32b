//! Finds the tags of a template and the words in them, by their places.
//!
//! The grammar crate keeps a place for some elements only and none for what stands inside them. This scan says where everything is, reports what
//! is refused with its exact place, and makes sure that only balanced text of bounded depth reaches the grammar.

use super::fault::TemplateFault;
use crate::diagnostic::Code;
use crate::source::Span;

/// Blocks in blocks, and parentheses in parentheses, at most so many: nobody reads more, and the grammar's parser is recursive.
const MAX_DEPTH: usize = 24;

/// What a tag does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagKind {
    /// `{{x}}`.
    Value,
    /// `{{#x}}`.
    Open,
    /// `{{else}}` and `{{^}}`.
    Else,
    /// `{{else if x}}`.
    ElseIf,
    /// `{{/x}}`.
    Close,
    /// `{{! … }}`.
    Comment,
}

/// A tag.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    /// From the first brace to the last.
    pub(super) span: Span,
    /// Without braces, `~` and the sign.
    pub(super) inner: Span,
    /// What it does.
    pub(super) kind: TagKind,
    /// The words in it: names, paths and literals that are no text.
    pub(super) words: Vec<Span>,
}

/// All tags in order, or what is refused.
pub(super) fn scan(text: &str) -> Result<Vec<Tag>, Vec<TemplateFault>> {
    let mut scanner = Scan { text, tags: Vec::new(), faults: Vec::new(), open: Vec::new() };
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("{{")) {
        let start = at + found;
        at = scanner.tag(start);
    }
    for open in std::mem::take(&mut scanner.open) {
        let name = scanner.name_of(open);
        let span = scanner.tags.get(open).map_or(Span::default(), |t| t.span);
        scanner.faults.push(
            TemplateFault::new(Code::TemplateSyntax, span, format!("`{{{{#{name}}}}}` is never closed"))
                .help(format!("write `{{{{/{name}}}}}` where it ends")),
        );
    }
    if scanner.faults.is_empty() { Ok(scanner.tags) } else { Err(scanner.faults) }
}

/// The words of a bare expression.
pub(super) fn scan_expression(text: &str) -> Result<Vec<Span>, Vec<TemplateFault>> {
    let mut scanner = Scan { text, tags: Vec::new(), faults: Vec::new(), open: Vec::new() };
    let inner = scanner.inside(0, Ends::WithText);
    if let Some(at) = inner.extra_close {
        scanner.faults.push(TemplateFault::new(Code::TemplateSyntax, Span::new(at, at + 1), "a `)` without its `(`"));
    }
    scanner.judge_words(&inner.words);
    if scanner.faults.is_empty() { Ok(inner.words) } else { Err(scanner.faults) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    AtBraces,
    WithText,
}

struct Inside {
    words: Vec<Span>,
    /// Where `}}` begins, or the end of the text.
    end: usize,
    closed: bool,
    unclosed_quote: bool,
    extra_close: Option<usize>,
}

struct Scan<'a> {
    text: &'a str,
    tags: Vec<Tag>,
    faults: Vec<TemplateFault>,
    /// Indices of opening tags that wait for their end.
    open: Vec<usize>,
}

impl Scan<'_> {
    /// Reads the tag whose braces begin at `start`; gives where to go on.
    fn tag(&mut self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let backslashes = bytes.get(..start).unwrap_or_default().iter().rev().take_while(|b| **b == b'\\').count();
        if backslashes == 1 {
            // `\{{` is two braces, `\{{{{` is four.
            return if self.text.get(start..).is_some_and(|t| t.starts_with("{{{{")) { start + 4 } else { start + 2 };
        }
        if self.text.get(start..).is_some_and(|t| t.starts_with("{{!")) {
            return self.comment(start);
        }
        if self.text.get(start..).is_some_and(|t| t.starts_with("{{{{")) {
            return self.refuse(start, "a raw block `{{{{…}}}}`", "to write braces as they are, put a backslash before them: `\\{{`");
        }
        let mut at = start + 2;
        while bytes.get(at).is_some_and(|b| b.is_ascii_whitespace() || *b == b'~') {
            at += 1;
        }
        match bytes.get(at) {
            Some(b'{') => return self.refuse(start, "`{{{…}}}`", "write `{{…}}`: nothing is HTML-escaped here"),
            Some(b'&') => return self.refuse(start, "`{{&…}}`", "write `{{…}}`: nothing is HTML-escaped here"),
            Some(b'>') => return self.refuse(start, "a partial `{{>…}}`", "write the text where it is needed"),
            Some(b'*') => return self.refuse(start, "a decorator `{{*…}}`", "write the text where it is needed"),
            _ => {}
        }
        let (kind, inner_start) = self.kind_at(at);
        if kind == TagKind::Open && matches!(bytes.get(inner_start), Some(b'>' | b'*')) {
            return self.refuse(start, "a partial or decorator block", "write the text where it is needed");
        }
        let inside = self.inside(inner_start, Ends::AtBraces);
        if inside.unclosed_quote {
            return self.text.len();
        }
        if !inside.closed {
            self.faults.push(
                TemplateFault::new(Code::TemplateSyntax, Span::new(start, start + 2), "this `{{` is never closed")
                    .help("end it with `}}`, or write `\\{{` for the two braces themselves"),
            );
            return self.text.len();
        }
        let end = inside.end + 2;
        let mut inner_end = inside.end;
        if inner_end > inner_start && bytes.get(inner_end - 1) == Some(&b'~') {
            inner_end -= 1;
        }
        if let Some(at) = inside.extra_close {
            self.faults.push(TemplateFault::new(Code::TemplateSyntax, Span::new(at, at + 1), "a `)` without its `(`"));
        }
        self.judge_words(&inside.words);
        let tag = Tag { span: Span::new(start, end), inner: Span::new(inner_start, inner_end), kind, words: inside.words };
        if tag.words.is_empty() && self.text.get(tag.inner.range()).unwrap_or_default().trim().is_empty() {
            match kind {
                TagKind::Else | TagKind::Close => {}
                TagKind::Value | TagKind::Open | TagKind::ElseIf | TagKind::Comment => {
                    self.faults.push(TemplateFault::new(Code::TemplateSyntax, tag.span, "a tag with nothing in it"));
                }
            }
        }
        self.balance(tag);
        end
    }

    fn kind_at(&self, at: usize) -> (TagKind, usize) {
        let rest = self.text.get(at..).unwrap_or_default();
        if rest.starts_with('#') {
            return (TagKind::Open, at + 1);
        }
        if rest.starts_with('/') {
            return (TagKind::Close, at + 1);
        }
        let after = if let Some(after) = rest.strip_prefix('^') {
            after
        } else if let Some(after) =
            rest.strip_prefix("else").filter(|after| after.starts_with(|c: char| c.is_whitespace() || c == '}' || c == '~'))
        {
            after
        } else {
            return (TagKind::Value, at);
        };
        let inner = at + rest.len() - after.len();
        let plain = after.trim_start();
        if plain.starts_with('}') || plain.starts_with('~') { (TagKind::Else, inner) } else { (TagKind::ElseIf, inner) }
    }

    fn comment(&mut self, start: usize) -> usize {
        let rest = self.text.get(start..).unwrap_or_default();
        let end = if rest.starts_with("{{!--") { rest.find("--}}").map(|at| at + 4) } else { rest.find("}}").map(|at| at + 2) };
        let Some(length) = end else {
            self.faults.push(
                TemplateFault::new(Code::TemplateSyntax, Span::new(start, start + 3), "this comment is never closed")
                    .help(if rest.starts_with("{{!--") { "end it with `--}}`" } else { "end it with `}}`" }),
            );
            return self.text.len();
        };
        let span = Span::new(start, start + length);
        self.tags.push(Tag { span, inner: span, kind: TagKind::Comment, words: Vec::new() });
        start + length
    }

    /// Goes through the inside of a tag: names words, jumps over quoted text, counts parentheses and the braces of written-out maps.
    fn inside(&mut self, start: usize, ends: Ends) -> Inside {
        let bytes = self.text.as_bytes();
        let mut inside =
            Inside { words: Vec::new(), end: self.text.len(), closed: ends == Ends::WithText, unclosed_quote: false, extra_close: None };
        let (mut at, mut parens, mut braces) = (start, Vec::new(), 0_usize);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' | b'\'' => {
                    let Some(end) = self.quoted(at) else {
                        self.faults.push(TemplateFault::new(Code::TemplateSyntax, Span::new(at, at + 1), "this quote is never closed"));
                        return Inside { unclosed_quote: true, ..inside };
                    };
                    at = end;
                }
                b'}' if braces > 0 => {
                    braces -= 1;
                    at += 1;
                }
                b'}' if ends == Ends::AtBraces && bytes.get(at + 1) == Some(&b'}') => {
                    inside.end = at;
                    inside.closed = true;
                    break;
                }
                b'{' => {
                    braces += 1;
                    at += 1;
                }
                b'(' => {
                    parens.push(at);
                    if parens.len() == MAX_DEPTH + 1 {
                        self.faults.push(TemplateFault::new(
                            Code::TemplateSyntax,
                            Span::new(at, at + 1),
                            format!("more than {MAX_DEPTH} parentheses inside one another"),
                        ));
                    }
                    at += 1;
                }
                b')' => {
                    if parens.pop().is_none() {
                        inside.extra_close.get_or_insert(at);
                    }
                    at += 1;
                }
                b' ' | b'\t' | b'\n' | b'\r' | b'~' | b'|' | b'=' | b',' | b'}' => at += 1,
                _ => {
                    let end = self.word(at);
                    inside.words.push(Span::new(at, end));
                    at = end;
                }
            }
        }
        if inside.closed {
            // Who opened too many is told so already; twenty thousand faults would hide it.
            for open in parens.into_iter().take(MAX_DEPTH) {
                self.faults.push(
                    TemplateFault::new(Code::TemplateSyntax, Span::new(open, open + 1), "this `(` is never closed").help("add a `)`"),
                );
            }
        }
        inside
    }

    /// The end of the quoted text that begins at `at`.
    fn quoted(&self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let quote = bytes.get(at)?;
        let mut end = at + 1;
        loop {
            match bytes.get(end)? {
                b'\\' => end += 2,
                byte if byte == quote => return Some(end + 1),
                _ => end += 1,
            }
        }
    }

    /// The end of the word that begins at `at`; `[…]` in a path may hold anything but `]`.
    fn word(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let mut bracket = false;
        for (offset, c) in rest.char_indices() {
            match c {
                ']' if bracket => bracket = false,
                _ if bracket => {}
                '[' if offset > 0 => bracket = true,
                ' ' | '\t' | '\n' | '\r' | '(' | ')' | '{' | '}' | '"' | '\'' | '=' | '|' | '~' | ',' if offset > 0 => return at + offset,
                _ => {}
            }
        }
        self.text.len()
    }

    /// Refuses words that another program's template language would have: `.Names`.
    fn judge_words(&mut self, words: &[Span]) {
        for span in words {
            let word = self.text.get(span.range()).unwrap_or_default();
            let mut chars = word.chars();
            let go = chars.next() == Some('.') && chars.next().is_none_or(|c| c.is_alphabetic() || c == '_');
            if go {
                self.faults.push(
                    TemplateFault::new(Code::TemplateSyntax, *span, format!("`{word}` is no name of this runbook"))
                        .help("to hand `{{…}}` on to another program as it is (docker's `--format`), write `\\{{…}}`, or `\\\\{{…}}` in a \"…\" string of TOML"),
                );
            }
        }
    }

    fn refuse(&mut self, start: usize, what: &str, help: &str) -> usize {
        let rest = self.text.get(start..).unwrap_or_default();
        let length =
            rest.find("}}").map_or(rest.len(), |at| rest.get(at..).unwrap_or_default().bytes().take_while(|b| *b == b'}').count() + at);
        self.faults
            .push(TemplateFault::new(Code::TemplateRefused, Span::new(start, start + length), format!("{what} is not allowed")).help(help));
        start + length
    }

    fn name_of(&self, tag: usize) -> String {
        let Some(tag) = self.tags.get(tag) else { return String::new() };
        tag.words.first().map(|w| self.text.get(w.range()).unwrap_or_default().to_owned()).unwrap_or_default()
    }

    fn balance(&mut self, tag: Tag) {
        let (kind, span) = (tag.kind, tag.span);
        let name = tag.words.first().map(|w| self.text.get(w.range()).unwrap_or_default().to_owned()).unwrap_or_default();
        self.tags.push(tag);
        match kind {
            TagKind::Open => {
                self.open.push(self.tags.len() - 1);
                if self.open.len() == MAX_DEPTH + 1 {
                    self.faults.push(TemplateFault::new(
                        Code::TemplateSyntax,
                        span,
                        format!("more than {MAX_DEPTH} blocks inside one another"),
                    ));
                }
            }
            TagKind::Close => match self.open.pop() {
                None => self.faults.push(TemplateFault::new(Code::TemplateSyntax, span, format!("`{{{{/{name}}}}}` closes nothing"))),
                Some(open) => {
                    let opened = self.name_of(open);
                    if opened != name {
                        self.faults.push(
                            TemplateFault::new(
                                Code::TemplateSyntax,
                                span,
                                format!("`{{{{/{name}}}}}` stands where `{{{{#{opened}}}}}` ends"),
                            )
                            .help(format!("write `{{{{/{opened}}}}}`")),
                        );
                    }
                }
            },
            TagKind::Else | TagKind::ElseIf => {
                if self.open.is_empty() {
                    self.faults.push(TemplateFault::new(Code::TemplateSyntax, span, "`{{else}}` outside of a block"));
                }
            }
            TagKind::Value | TagKind::Comment => {}
        }
    }
}
