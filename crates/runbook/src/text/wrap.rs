//! Text that fits the terminal, counted in columns.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns that a text takes; a Chinese character takes two.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to so many columns, with `…` where something is missing.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        cut.push(c);
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// The text in lines of at most so many columns, broken at spaces where there are any; the lines after the first begin with `indent` spaces.
pub(crate) fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
    // On a very narrow terminal a line that is too long reads better than a column of letters.
    let columns = columns.max(indent + 20);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = " ".repeat(if lines.is_empty() { 0 } else { indent });
        let mut empty = true;
        for word in paragraph.split(' ') {
            let mut word = word.to_owned();
            if !empty && width(&line) + 1 + width(&word) > columns {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                empty = true;
            }
            // A word that is longer than a line (a path, Chinese text) is broken anywhere.
            while width(&line) + width(&word) > columns && empty {
                let (head, tail) = split_at_width(&word, columns - width(&line));
                line.push_str(&head);
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                word = tail;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(&word);
            empty = false;
        }
        lines.push(line);
    }
    lines
}

fn split_at_width(text: &str, columns: usize) -> (String, String) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns && at > 0 {
            let (head, tail) = text.split_at(at);
            return (head.to_owned(), tail.to_owned());
        }
    }
    (text.to_owned(), String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_columns_not_by_characters() {
        assert_eq!(fit("升级数据库", 7), "升级数…");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("longer", 5), "long…");
        assert_eq!(fit("x", 0), "");
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three four five", 20, 2), ["one two three four", "  five"]);
        assert_eq!(wrap("aaaaaaaaaaaaaaaaaaaaaaaaa b", 22, 2), ["aaaaaaaaaaaaaaaaaaaaaa", "  aaa b"]);
        assert_eq!(wrap("a\nb", 20, 2), ["a", "  b"]);
    }
}
