//! Where a place inside a decoded string stands in the file.

use crate::source::{Source, Span};

/// The span in the file of a range of a decoded string's bytes. `value` is the span of the string with its quotes; where that is no string, or
/// the range does not fit, the whole value is returned.
pub fn place_in_string(source: &Source, value: Span, inner: Span) -> Span {
    let raw = source.slice(value);
    find(raw, inner).map_or(value, |found| Span::new(value.start + found.start, value.start + found.end))
}

fn find(raw: &str, inner: Span) -> Option<Span> {
    let quote = raw.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let multi = raw.len() >= 6 && raw.chars().take(3).all(|c| c == quote);
    let mut start = if multi { 3 } else { 1 };
    let end = raw.len().checked_sub(start)?;
    if multi && raw.get(start..)?.starts_with('\n') {
        start += 1;
    }
    let content = raw.get(start..end)?;
    if quote == '\'' || !content.contains('\\') {
        return (inner.end <= content.len()).then(|| Span::new(start + inner.start, start + inner.end));
    }
    let map = Walk { content, at: 0, decoded: 0 };
    let mut from = None;
    let mut last = Span::default();
    for piece in map {
        if from.is_none() && piece.decoded_end > inner.start {
            from = Some(piece.raw.start);
        }
        last = piece.raw;
        if piece.decoded_end >= inner.end && from.is_some() {
            break;
        }
    }
    let from = from.unwrap_or(last.end);
    Some(Span::new(start + from, start + last.end.max(from)))
}

/// A character of the decoded string and what was written for it.
struct Piece {
    raw: Span,
    decoded_end: usize,
}

/// Goes over the content of a string in double quotes.
struct Walk<'a> {
    content: &'a str,
    at: usize,
    decoded: usize,
}

impl Iterator for Walk<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            let start = self.at;
            let rest = self.content.get(start..)?;
            let c = rest.chars().next()?;
            if c != '\\' {
                self.at += c.len_utf8();
                self.decoded += c.len_utf8();
                return Some(Piece { raw: Span::new(start, self.at), decoded_end: self.decoded });
            }
            let after = rest.get(1..)?;
            let digits = match after.chars().next()? {
                'u' => 4,
                'U' => 8,
                // The end of a line that goes on: nothing is written for it, nor for the white space after it.
                ' ' | '\t' | '\n' => {
                    let skipped = after.len() - after.trim_start_matches([' ', '\t', '\n']).len();
                    self.at += 1 + skipped;
                    continue;
                }
                _ => {
                    self.at += 2;
                    self.decoded += 1;
                    return Some(Piece { raw: Span::new(start, self.at), decoded_end: self.decoded });
                }
            };
            let number = u32::from_str_radix(after.get(1..=digits)?, 16).ok()?;
            self.at += 2 + digits;
            self.decoded += char::from_u32(number)?.len_utf8();
            return Some(Piece { raw: Span::new(start, self.at), decoded_end: self.decoded });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the file shows under the place of `needle` in the decoded string.
    fn shown(toml: &str, needle: &str) -> String {
        let table: toml::Table = toml.parse().unwrap();
        let decoded = table["a"].as_str().unwrap();
        let at = decoded.find(needle).unwrap();
        let source = Source::new("x", toml);
        let value = Span::new(toml.find(['"', '\'']).unwrap(), toml.trim_end().len());
        source.slice(place_in_string(&source, value, Span::new(at, at + needle.len()))).to_owned()
    }

    #[test]
    fn places_survive_escapes_and_line_continuations() {
        for (toml, needle, raw) in [
            ("a = \"x {{vars.y}}\"", "{{vars.y}}", "{{vars.y}}"),
            ("a = 'x {{vars.y}}'", "vars.y", "vars.y"),
            ("a = \"\\u00e9\\t\\\"{{vars.y}}\"", "vars.y", "vars.y"),
            ("a = \"\"\"\nline one \\\n     {{vars.y}}\n\"\"\"", "vars.y", "vars.y"),
            ("a = '''\n{{vars.y}}'''", "{{", "{{"),
            ("a = \"\"\"\"q\" {{vars.y}} é\"\"\"", "é", "é"),
            ("a = \"a\\\\b\\U0001F600c\"", "c", "c"),
            ("a = \"a\\tb\"", "\t", "\\t"),
        ] {
            assert_eq!(shown(toml, needle), raw, "{toml}");
        }
    }

    #[test]
    fn what_is_no_string_is_marked_whole() {
        let source = Source::new("x", "a = 12");
        assert_eq!(place_in_string(&source, Span::new(4, 6), Span::new(0, 9)), Span::new(4, 6));
    }
}
