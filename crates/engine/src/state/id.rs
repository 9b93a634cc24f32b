//! The name of a run.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Letters and digits that cannot be taken for each other (Crockford's base 32, lower case).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `YYYYMMDD-HHMMSS-xxxx`: the time of the start in UTC, and four random letters. Ids sort by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that is no run's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a run")]
pub struct RunIdFault(pub String);

impl RunId {
    /// An id for a run that starts at `now`; `random` are two random bytes or more.
    pub fn new(now: Timestamp, random: u32) -> Self {
        let time = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S").to_string();
        let letters = (0..4).map(|at| {
            let letter = usize::try_from((random >> (5 * at)) & 31).unwrap_or_default();
            char::from(ALPHABET.get(letter).copied().unwrap_or(b'0'))
        });
        Self(format!("{time}-{}", letters.collect::<String>()))
    }

    /// The time of the start, to the second; none where the digits are no time.
    pub fn started(&self) -> Option<Timestamp> {
        let time = jiff::civil::DateTime::strptime("%Y%m%d-%H%M%S", self.0.get(..15)?).ok()?;
        time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    }

    /// As it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = RunIdFault;

    fn from_str(text: &str) -> Result<Self, RunIdFault> {
        let fits = text.len() == 20
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 15 => byte == b'-',
                0..15 => byte.is_ascii_digit(),
                _ => ALPHABET.contains(&byte),
            });
        if fits { Ok(Self(text.to_owned())) } else { Err(RunIdFault(text.to_owned())) }
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdFault;

    fn try_from(text: String) -> Result<Self, RunIdFault> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}
