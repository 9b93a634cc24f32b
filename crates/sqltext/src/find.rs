//! Looking for one of several bytes, eight at a time.
//!
//! What is looked for mostly stands a few bytes on, where a search such as memchr's has not begun yet; and more than three bytes it does not look for.

/// A one in each byte.
pub(crate) const ONES: u64 = u64::MAX / 0xFF;
/// The highest bit of each byte.
const HIGH: u64 = ONES << 7;
const WORD: usize = size_of::<u64>();

/// Marks bytes of eight, given as a little-endian number, by their highest bit. Behind the first byte that is marked others may be marked wrongly.
#[inline]
pub(crate) const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
}

/// The same for bytes that are less than `least`, which is 128 at most.
#[inline]
pub(crate) const fn below(word: u64, least: u8) -> u64 {
    word.wrapping_sub(ONES * least as u64) & !word & HIGH
}

/// How many bytes come before the first that `marks` marks; all of them where none is.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the very bytes that are looked for")]
pub(crate) fn find(bytes: &[u8], marks: impl Fn(u64) -> u64) -> usize {
    let (words, rest) = bytes.as_chunks::<WORD>();
    let mut at = 0;
    for word in words {
        let marked = marks(u64::from_le_bytes(*word));
        if marked != 0 {
            return at + place(marked);
        }
        at += WORD;
    }
    let mut last = 0;
    for byte in rest.iter().rev() {
        last = last << 8 | u64::from(*byte);
    }
    // What stands behind the end may be marked too.
    at + place(marks(last)).min(rest.len())
}

const fn place(marked: u64) -> usize {
    (marked.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::{below, equal, find};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_is_found(bytes in prop::collection::vec(prop::sample::select(b"\x00\x01\x1F\x20\x21\x7F\x80\x81\xFE\xFF".as_slice()), 0..40), which: u8, least in 0_u8..=128) {
            let first = |wanted: &dyn Fn(u8) -> bool| bytes.iter().position(|byte| wanted(*byte)).unwrap_or(bytes.len());
            for which in [which, 0, 0x20, 0x80, 0xFF] {
                prop_assert_eq!(find(&bytes, |word| equal(word, which)), first(&|byte| byte == which));
            }
            prop_assert_eq!(find(&bytes, |word| below(word, least)), first(&|byte| byte < least));
            prop_assert_eq!(find(&bytes, |word| below(word, 0x20) | equal(word, 0xFF)), first(&|byte| byte < 0x20 || byte == 0xFF));
        }
    }
}
