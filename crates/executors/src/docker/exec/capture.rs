//! The end of an output, for `steps.ID.stdout`: closing lines say how a program ended, so the tail is what is kept.

/// The last bytes of a stream.
pub(super) struct Tail {
    kept: Vec<u8>,
    most: usize,
    total: u64,
}

impl Tail {
    /// Keeps so many bytes at most.
    pub(super) const fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most, total: 0 }
    }

    /// Takes a piece; memory stays below twice what is kept, whatever comes.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.total += piece.len() as u64;
        let piece = &piece[piece.len().saturating_sub(self.most)..];
        if self.kept.len() + piece.len() > 2 * self.most {
            self.kept.drain(..self.kept.len() - self.most.min(self.kept.len()));
        }
        self.kept.extend_from_slice(piece);
    }

    /// Whether something at the beginning was not kept.
    pub(super) const fn truncated(&self) -> bool {
        self.total > self.most as u64
    }

    /// The text without terminal sequences (a program that colours its words should still be matched by them) and without the line break at its end.
    pub(super) fn text(&self) -> String {
        let mut tail = &self.kept[self.kept.len().saturating_sub(self.most)..];
        if self.truncated() {
            // Not in the middle of a character.
            while tail.first().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
                tail = &tail[1..];
            }
        }
        let text = without_sequences(&String::from_utf8_lossy(tail));
        text.trim_end_matches(['\n', '\r']).to_owned()
    }
}

/// Where in a text with terminal sequences one is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Text,
    /// Behind an ESC.
    Escape,
    /// In a colour or cursor movement, which a letter ends.
    Control,
    /// In a title, which BEL or ESC and a backslash end.
    Title,
}

/// Drops what begins with ESC: colours and cursor movements, titles, and sequences of two characters.
fn without_sequences(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut at = At::Text;
    for c in text.chars() {
        at = match (at, c) {
            (_, '\u{1b}') => At::Escape,
            (At::Escape, '[') => At::Control,
            (At::Escape, ']') => At::Title,
            (At::Control, '@'..='~') | (At::Title, '\u{7}') | (At::Escape, _) => At::Text,
            (At::Control | At::Title, _) => at,
            (At::Text, c) => {
                plain.push(c);
                At::Text
            }
        };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_the_beginning_is_counted() {
        let mut tail = Tail::new(8);
        for piece in [&b"0123456789"[..], b"abc", b"def\n"] {
            tail.push(piece);
        }
        assert_eq!(tail.text(), "9abcdef");
        assert!(tail.truncated());
        let mut small = Tail::new(8);
        small.push(b"all\n");
        assert_eq!(small.text(), "all");
        assert!(!small.truncated());
    }

    #[test]
    fn a_character_cut_in_two_is_left_out() {
        let mut tail = Tail::new(4);
        tail.push("äöü".as_bytes());
        assert_eq!(tail.text(), "öü");
        tail.push(b"!");
        assert_eq!(tail.text(), "ü!");
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut tail = Tail::new(1024);
        for _ in 0..10_000 {
            tail.push(&[b'x'; 700]);
        }
        assert!(tail.kept.capacity() < 8 * 1024);
        assert_eq!(tail.text().len(), 1024);
    }

    #[test]
    fn colours_and_titles_are_no_part_of_the_text() {
        assert_eq!(without_sequences("\u{1b}[1;32m【结束】\u{1b}[0m全部"), "【结束】全部");
        assert_eq!(without_sequences("\u{1b}]0;title\u{7}a\u{1b}]0;t\u{1b}\\b\u{1b}=c"), "abc");
        assert_eq!(without_sequences("\u{1b}"), "");
        assert_eq!(without_sequences("\u{1b}[12"), "");
    }
}
