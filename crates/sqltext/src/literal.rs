//! Values as literals.

use crate::find::{below, equal, find};

/// Appends bytes in hexadecimal. No bytes are `''`, since `0x` alone is none of a server's literals.
pub fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.is_empty() {
        out.extend_from_slice(b"''");
        return;
    }
    out.extend_from_slice(b"0x");
    let begin = out.len();
    out.resize(begin + bytes.len() * 2, 0);
    let digits = out.get_mut(begin..).unwrap_or_default();
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

const fn digit(value: u8) -> u8 {
    // `A` comes seven behind what would follow `9`.
    value + b'0' + if value > 9 { 7 } else { 0 }
}

/// Appends a text in quotes, with backslashes as escapes: files set the mode for it. Line ends are escaped too, so that a row is a line.
pub fn push_text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    out.push(b'\'');
    let mut rest = bytes;
    loop {
        let (plain, special) = rest.split_at(plain(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { break };
        push_special(out, *byte);
        rest = after;
    }
    out.push(b'\'');
}

/// Appends a byte that [`plain`] stops at.
#[inline]
pub(crate) fn push_special(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'\'' => out.extend_from_slice(b"''"),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        0 => out.extend_from_slice(b"\\0"),
        0x1A => out.extend_from_slice(b"\\Z"),
        // A tab, or nothing of a text at all: whoever reads the row finds that out.
        other => out.push(other),
    }
}

/// How many bytes can be copied as they are: up to one that may have to be escaped, or to `0xFF`, which stands in no text but between two of a row.
#[inline]
pub(crate) fn plain(bytes: &[u8]) -> usize {
    find(bytes, |word| below(word, 0x20) | equal(word, b'\'') | equal(word, b'\\') | equal(word, 0xFF))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push_text(&mut out, bytes);
        out
    }

    #[test]
    fn bytes_are_written_in_capitals() {
        let mut out = Vec::new();
        push_bytes(&mut out, b"\x00\x9a\xff");
        push_bytes(&mut out, b"");
        assert_eq!(out, b"0x009AFF''");
    }

    proptest! {
        #[test]
        fn what_is_escaped_does_not_depend_on_where_it_stands(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"'\\\n\r\0\t\x1A\xFF".as_slice())], 0..80)) {
            let mut one_by_one = vec![b'\''];
            for byte in &bytes {
                let alone = text(&[*byte]);
                one_by_one.extend_from_slice(&alone[1..alone.len() - 1]);
            }
            one_by_one.push(b'\'');
            prop_assert_eq!(text(&bytes), one_by_one);
        }
    }

    #[test]
    fn each_special_byte_has_its_escape() {
        assert_eq!(text(b"'\\\n\r\0\x1A\t\xFFx"), b"'''\\\\\\n\\r\\0\\Z\t\xFFx'");
    }
}
