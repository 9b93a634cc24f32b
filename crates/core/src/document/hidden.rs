//! Characters that a reviewer does not see, or that make a line read otherwise than it works.

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Source, Span};

/// A file that has more of them is no text; they are not listed further.
const MOST: usize = 20;

/// Whether a character has no shape of its own or turns the reading direction. Tab and line feed are neither.
pub(crate) const fn is_hidden(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        _ => turns_direction(c) || has_no_width(c),
    }
}

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Zero width space, word joiner, byte order mark; line and paragraph separators.
const fn has_no_width(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// What a reader would call it.
const fn name(c: char) -> &'static str {
    match c {
        '\0' => "a NUL character",
        '\u{1b}' => "an ESC character",
        '\r' => "a carriage return",
        '\u{1}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "a control character",
        '\u{200b}' | '\u{2060}' | '\u{feff}' => "a character without width",
        '\u{2028}' | '\u{2029}' => "a line separator that is no line end",
        _ => "a character that turns the reading direction",
    }
}

/// All hidden characters of the text, as errors: what is reviewed must be what runs. The places are returned as well.
pub(super) fn find(source: &Arc<Source>, faults: &mut Diagnostics) -> Vec<Span> {
    let text = source.text();
    let mut places = Vec::new();
    // Every hidden character is a control byte or begins with one of three bytes; a plain text is passed over quickly.
    if !text.bytes().any(|b| (b < b' ' && b != b'\n' && b != b'\t') || b == 0x7f || matches!(b, 0xc2 | 0xd8 | 0xe2 | 0xef)) {
        return places;
    }
    for (at, c) in text.char_indices() {
        // One byte order mark at the beginning is usual on some systems.
        if !is_hidden(c) || (at == 0 && c == '\u{feff}') {
            continue;
        }
        let span = Span::new(at, at + c.len_utf8());
        places.push(span);
        let (what, number) = (name(c), u32::from(c));
        faults.push(
            Diagnostic::error(Code::HiddenCharacter, format!("{what} (U+{number:04X}) stands in the file"))
                .at(source, span, "a reader does not see it")
                .help(format!("remove it, or write `\\u{number:04x}` inside a string in double quotes")),
        );
        if places.len() == MOST {
            break;
        }
    }
    places
}
