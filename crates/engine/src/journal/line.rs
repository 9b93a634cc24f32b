//! One line: how it is written and how it is told from a damaged one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JournalError;

/// The version that this program writes; it reads this one and older ones.
pub const FORMAT: u32 = 1;

/// The largest record, as JSON, in bytes. What is larger goes into a file beside the journal.
pub const MAX_RECORD: usize = 64 * 1024;

/// The longest line that a reader accepts, in bytes: far above what a writer makes, low enough that a damaged file cannot fill the memory.
pub const MAX_LINE: usize = 64 * 1024 * 1024;

/// `{"crc":"` + 8 digits + `",`.
const HEAD: usize = 18;

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It does not begin as a line of a journal does.
    #[error("it is not a line of a journal")]
    Shape,
    /// The checksum does not fit.
    #[error("its checksum does not fit")]
    Checksum,
    /// The checksum fits, the content is none that this version knows.
    #[error("its records cannot be read")]
    Content,
    /// A line is missing before it, or stands there twice.
    #[error("it is out of order")]
    Order,
    /// Longer than any line can be.
    #[error("it is too long")]
    Length,
}

/// A line's content.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Line<R> {
    /// The version of the format.
    pub v: u32,
    /// The line's number, from 0.
    pub n: u64,
    /// The number of bad lines that stand directly before this one and were there when it was written.
    #[serde(default)]
    pub after_bad: u64,
    /// The batch.
    pub records: Vec<R>,
}

/// The version alone, to tell "newer" from "unreadable".
#[derive(serde::Deserialize)]
struct Version {
    v: u32,
}

/// A line that could not be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// Damaged.
    Fault(LineFault),
    /// Of a later version.
    Newer(u32),
}

/// Writes a line with its newline. A record over [`MAX_RECORD`] is refused before anything is written.
pub(super) fn encode<R: Serialize>(n: u64, after_bad: u64, records: &[R]) -> Result<Vec<u8>, JournalError> {
    let mut line = Vec::with_capacity(256 * records.len().max(1));
    line.extend_from_slice(b"{\"crc\":\"00000000\",");
    line.extend_from_slice(format!("\"v\":{FORMAT},\"n\":{n},").as_bytes());
    if after_bad > 0 {
        line.extend_from_slice(format!("\"after_bad\":{after_bad},").as_bytes());
    }
    line.extend_from_slice(b"\"records\":[");
    for (at, record) in records.iter().enumerate() {
        if at > 0 {
            line.push(b',');
        }
        let start = line.len();
        serde_json::to_writer(&mut line, record).map_err(JournalError::Encode)?;
        let bytes = line.len() - start;
        if bytes > MAX_RECORD {
            return Err(JournalError::TooLarge { bytes });
        }
    }
    line.extend_from_slice(b"]}");
    let crc = format!("{:08x}", crc32fast::hash(line.get(HEAD..).unwrap_or_default()));
    for (place, digit) in line.iter_mut().skip(8).zip(crc.bytes()) {
        *place = digit;
    }
    line.push(b'\n');
    Ok(line)
}

/// Takes a line apart (without its newline).
pub(super) fn decode<R: DeserializeOwned>(line: &[u8]) -> Result<Line<R>, Rejected> {
    let shape = Rejected::Fault(LineFault::Shape);
    let (Some(head), Some(body)) = (line.get(..HEAD), line.get(HEAD..)) else { return Err(shape) };
    let Some(crc) = head.strip_prefix(b"{\"crc\":\"").and_then(|rest| rest.strip_suffix(b"\",")) else { return Err(shape) };
    // Only what `encode` writes: eight digits in lower case, so that every flipped bit is noticed.
    if crc != format!("{:08x}", crc32fast::hash(body)).as_bytes() {
        return Err(Rejected::Fault(LineFault::Checksum));
    }
    // One look at the whole line is faster than one at each text in it.
    let Ok(body) = std::str::from_utf8(body) else { return Err(Rejected::Fault(LineFault::Content)) };
    let json = ["{", body].concat();
    match serde_json::from_str::<Line<R>>(&json) {
        Ok(line) if line.v > FORMAT => Err(Rejected::Newer(line.v)),
        Ok(line) => Ok(line),
        Err(_) => match serde_json::from_str::<Version>(&json) {
            Ok(Version { v }) if v > FORMAT => Err(Rejected::Newer(v)),
            _ => Err(Rejected::Fault(LineFault::Content)),
        },
    }
}
