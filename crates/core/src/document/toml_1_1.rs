//! What TOML 1.1 adds to 1.0. It is refused: editors, formatters and reviewers' tools read 1.0.

use std::sync::Arc;

use super::strings::string_end;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

fn fault(source: &Arc<Source>, span: Span, what: &str, help: &str) -> Diagnostic {
    Diagnostic::error(Code::TomlOneOne, format!("{what} is TOML 1.1, which many tools do not read"))
        .at(source, span, "not in TOML 1.0")
        .help(help)
}

/// A line end or a comma before the `}` in an outermost inline table. `raw` is its text, `{` to `}`.
pub(super) fn in_inline_table(source: &Arc<Source>, table: Span) -> Option<Diagnostic> {
    let raw = source.slice(table).as_bytes();
    if !raw.contains(&b'\n') && !has_comma_before_brace(raw) {
        return None;
    }
    let (at, what) = scan(raw)?;
    let at = table.start + at;
    Some(match what {
        Found::LineEnd => fault(
            source,
            Span::new(at, at),
            "a line end inside `{ … }`",
            "write the table on one line, or as `[step.EXECUTOR.ACTION]` with one key a line",
        ),
        Found::Comma => fault(source, Span::new(at, at + 1), "a comma before the `}`", "remove the comma"),
    })
}

enum Found {
    LineEnd,
    Comma,
}

/// Whether some `}` follows a comma, strings not considered: cheap, and right in nearly all files.
fn has_comma_before_brace(raw: &[u8]) -> bool {
    let mut comma = false;
    for byte in raw {
        match byte {
            b',' => comma = true,
            b' ' | b'\t' => {}
            b'}' if comma => return true,
            _ => comma = false,
        }
    }
    false
}

/// The first line end whose innermost bracket is `{`, or comma before a `}`, outside strings and comments.
fn scan(raw: &[u8]) -> Option<(usize, Found)> {
    let mut open = Vec::new();
    let mut comma = None;
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        match byte {
            b'"' | b'\'' => {
                at = string_end(raw, at);
                comma = None;
                continue;
            }
            b'#' => {
                at += raw.get(at..)?.iter().position(|b| *b == b'\n')?;
                continue;
            }
            b'\n' if open.last() == Some(&b'{') => return Some((at, Found::LineEnd)),
            b'{' | b'[' => {
                open.push(*byte);
                comma = None;
            }
            b'}' => {
                if let Some(comma) = comma {
                    return Some((comma, Found::Comma));
                }
                open.pop();
            }
            b']' => {
                open.pop();
                comma = None;
            }
            b',' => comma = Some(at),
            b' ' | b'\t' | b'\n' => {}
            _ => comma = None,
        }
        at += 1;
    }
    None
}

/// `\e` or `\xHH` in a string in double quotes.
pub(super) fn in_string(source: &Arc<Source>, string: Span) -> Option<Diagnostic> {
    let raw = source.slice(string).as_bytes();
    if raw.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    while let Some(byte) = raw.get(at) {
        if *byte != b'\\' {
            at += 1;
            continue;
        }
        let span = Span::new(string.start + at, string.start + at + 2);
        match raw.get(at + 1) {
            Some(b'e') => return Some(fault(source, span, "`\\e`", "write `\\u001b`")),
            Some(b'x') => return Some(fault(source, span, "`\\x`", "write `\\u00` and the two digits")),
            _ => at += 2,
        }
    }
    None
}

/// A time without seconds.
pub(super) fn in_time(source: &Arc<Source>, time: Span) -> Diagnostic {
    fault(source, time, "a time without seconds", "write the seconds: `07:32:00`")
}
