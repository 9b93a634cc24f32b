//! A row as a dump reads it: its text, the server's checksum of that text, and beside it the values that stand in it by their own checksum only.
//!
//! The text is the values of the columns with the byte [`END`] between them; a null is the byte [`NULL`]. Neither stands in a UTF-8 text, in a number or
//! in a time.

use crate::find::{equal, find};
use crate::kind::Kind;

/// Between two values.
pub const END: u8 = 0xFF;
/// In place of a value.
pub const NULL: u8 = 0xFE;

/// A row that came as the server's checksum of it says.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    pub(crate) text: &'r [u8],
    /// The CRC-32 of its text.
    pub crc: u32,
    pub(crate) beside: &'r dyn Fn(usize) -> Option<&'r [u8]>,
}

/// Why a row cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// The server gave no text or no checksum: nothing would prove the row.
    NoChecksum,
    /// The text is not what its checksum says.
    Changed,
    /// Not as many values as columns: where a text is not what its character set allows, a value may look like two.
    Ambiguous,
    /// The value of the column at this place is not UTF-8.
    NotText(usize),
}

impl<'r> Row<'r> {
    #[inline(never)]
    /// A row's text and checksum as they came, and what gives the values beside it by their place there.
    pub fn new(text: Option<&'r [u8]>, crc: Option<&[u8]>, beside: &'r dyn Fn(usize) -> Option<&'r [u8]>) -> Result<Self, RowFault> {
        let (Some(text), Some(crc)) = (text, crc.and_then(decimal)) else { return Err(RowFault::NoChecksum) };
        if crc32fast::hash(text) == crc { Ok(Self { text, crc, beside }) } else { Err(RowFault::Changed) }
    }

    /// The values in the order of the columns, bytes or null.
    pub fn values(&self, kinds: &[Kind]) -> Result<Vec<Option<&'r [u8]>>, RowFault> {
        let mut rest = Some(self.text);
        let mut beside = 0..;
        let mut values = Vec::with_capacity(kinds.len());
        for kind in kinds {
            let (text, behind) = cut(rest.ok_or(RowFault::Ambiguous)?);
            rest = behind;
            values.push(if kind.is_inside() {
                Some(text).filter(|text| *text != [NULL])
            } else {
                beside.next().and_then(|at| (self.beside)(at))
            });
        }
        if rest.is_some() && !kinds.is_empty() { Err(RowFault::Ambiguous) } else { Ok(values) }
    }
}

/// The first value of a text, and what comes behind its end; none where it is the last.
#[inline]
pub(crate) fn cut(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let end = find(text, |word| equal(word, END));
    (text.get(..end).unwrap_or_default(), text.get(end + 1..))
}

fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 { None } else { number.checked_mul(10)?.checked_add(u32::from(digit)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: &dyn Fn(usize) -> Option<&'static [u8]> = &|_| None;

    fn crc(text: &[u8]) -> Vec<u8> {
        crc32fast::hash(text).to_string().into_bytes()
    }

    #[test]
    fn values_come_from_the_text_and_from_beside_it() {
        let kinds = [Kind::Exact, Kind::Bytes, Kind::Text, Kind::LongText];
        let text = b"7\xFF123\xFF\xFF\xFE";
        let beside = |at: usize| [Some(b"\xFF\x00".as_slice()), None][at];
        let row = Row::new(Some(text), Some(&crc(text)), &beside).unwrap();
        assert_eq!(row.values(&kinds).unwrap(), [Some(b"7".as_slice()), Some(b"\xFF\x00"), Some(b""), None]);
        let text = b"\xFE\xFF\xFE\xFF\xFE\xFF9";
        let beside = |at: usize| [None, Some(b"x".as_slice())][at];
        let row = Row::new(Some(text), Some(&crc(text)), &beside).unwrap();
        assert_eq!(row.values(&kinds).unwrap(), [None, None, None, Some(b"x".as_slice())]);
    }

    #[test]
    fn a_row_that_is_not_what_its_checksum_says_is_refused() {
        fn fault(text: Option<&[u8]>, crc: Option<&[u8]>) -> RowFault {
            Row::new(text, crc, &|_| None).map(|row| row.crc).unwrap_err()
        }
        assert_eq!(fault(Some(b"7"), Some(&crc(b"8"))), RowFault::Changed);
        assert_eq!(fault(None, None), RowFault::NoChecksum);
        for no_number in ["", "-1", "+1", "1x", "4294967296"] {
            assert_eq!(fault(Some(b"7"), Some(no_number.as_bytes())), RowFault::NoChecksum, "{no_number}");
        }
        assert_eq!(decimal(b"4294967295"), Some(u32::MAX));
    }

    #[test]
    fn more_or_fewer_values_than_columns_are_no_row() {
        for text in [b"x\xFFy\xFF1".as_slice(), b"x"] {
            let row = Row::new(Some(text), Some(&crc(text)), NOTHING).map(|row| row.values(&[Kind::Text, Kind::Exact]));
            assert_eq!(row, Ok(Err(RowFault::Ambiguous)));
        }
    }
}
