//! Characters that a terminal would obey, or that change how a line reads, are made visible.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line of text from outside. Controls become their pictures (`␛`), the rest of what is invisible or turns the direction of reading becomes
/// `<U+202E>`. A tab becomes four spaces, since nobody knows where it would jump to.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.chars().any(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => shown.push_str("    "),
            '\u{0}'..='\u{1f}' => shown.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            '\u{7f}' => shown.push('\u{2421}'),
            c if hidden(c) => {
                let _ = write!(shown, "<U+{:04X}>", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// The same for several lines; line breaks stay.
pub(crate) fn visible_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            shown.push('\n');
        }
        shown.push_str(&visible(line.strip_suffix('\r').unwrap_or(line)));
    }
    shown
}

/// Controls, marks of direction, and what takes no room.
fn hidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(visible("\u{1b}[31mred\u{1b}]0;title\u{7}"), "␛[31mred␛]0;title␇");
        assert_eq!(visible("a\u{202e}b\u{9b}2J"), "a<U+202E>b<U+009B>2J");
        assert_eq!(visible("a\tb\u{7f}"), "a    b␡");
        assert!(matches!(visible("plain"), Cow::Borrowed("plain")));
        assert!(matches!(visible("升级 ODC"), Cow::Borrowed("升级 ODC")));
        assert_eq!(visible_lines("a\r\nb\u{1b}"), "a\nb␛");
    }
}
