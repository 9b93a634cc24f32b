//! Walks over bytes with two automata side by side: one for forms that stand as they are, one for encodings, which does not see white space.
//!
//! Encoders break lines after 60, 64 or 76 characters, wherever that falls in a secret; a pattern for each place where it could be would be thousands.

use std::collections::HashMap;
use std::sync::Arc;

use aho_corasick::automaton::{Automaton, StateID};

use super::automaton::{Machine, longest_match};

/// All patterns of one kind.
pub(super) struct Patterns {
    machine: Machine,
    start: StateID,
    /// How many of the last bytes a state remembers.
    depth: HashMap<StateID, usize>,
    /// The replacement for each pattern.
    tokens: Vec<Arc<str>>,
}

/// Both kinds.
pub(super) struct Finder {
    plain: Patterns,
    coded: Patterns,
}

/// Where in both a walk is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    plain: StateID,
    coded: StateID,
}

/// Something found: where it ends in the bytes that were given, how many bytes it has there, and what stands for it.
pub(super) struct Hit<'a> {
    pub(super) end: usize,
    pub(super) length: usize,
    pub(super) token: &'a Arc<str>,
}

/// What stands between the characters of an encoding and is not part of it.
const fn is_between(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b' ')
}

/// So little of an encoding says next to nothing, and is not held back at the end of a line: otherwise many a line would be shown late.
const SHORT: usize = 4;

impl Patterns {
    /// None where there are too many for any machine.
    pub(super) fn new(patterns: Vec<(Vec<u8>, Arc<str>)>) -> Option<Self> {
        let (patterns, tokens): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let machine = Machine::new(&patterns)?;
        let start = machine.start()?;
        let mut depth = HashMap::new();
        for pattern in &patterns {
            let mut state = start;
            for (at, byte) in pattern.iter().enumerate() {
                state = machine.next(state, *byte);
                depth.insert(state, at + 1);
            }
        }
        Some(Self { machine, start, depth, tokens })
    }
}

impl Finder {
    pub(super) const fn new(plain: Patterns, coded: Patterns) -> Self {
        Self { plain, coded }
    }

    /// Where every walk begins.
    pub(super) const fn start(&self) -> Place {
        Place { plain: self.plain.start, coded: self.coded.start }
    }

    /// Walks over `bytes` from the offset `from`; what stands before that was walked over already.
    pub(super) fn walk<'a>(&'a self, place: Place, bytes: &[u8], from: usize, hit: impl FnMut(Hit<'a>)) -> Place {
        match (&self.plain.machine, &self.coded.machine) {
            (Machine::Table(plain), Machine::Table(coded)) => self.walk_with((plain, coded), place, (bytes, from), hit),
            (Machine::Table(plain), Machine::Compact(coded)) => self.walk_with((plain, coded), place, (bytes, from), hit),
            (Machine::Compact(plain), Machine::Table(coded)) => self.walk_with((plain, coded), place, (bytes, from), hit),
            (Machine::Compact(plain), Machine::Compact(coded)) => self.walk_with((plain, coded), place, (bytes, from), hit),
        }
    }

    fn walk_with<'a>(
        &'a self,
        (plain, coded): (&impl Automaton, &impl Automaton),
        mut place: Place,
        (bytes, from): (&[u8], usize),
        mut hit: impl FnMut(Hit<'a>),
    ) -> Place {
        for (at, byte) in bytes.iter().enumerate().skip(from) {
            place.plain = plain.next_state(aho_corasick::Anchored::No, place.plain, *byte);
            if plain.is_special(place.plain)
                && let Some((pattern, length)) = longest_match(plain, place.plain)
                && let Some(token) = self.plain.tokens.get(pattern)
            {
                hit(Hit { end: at + 1, length, token });
            }
            if is_between(*byte) {
                continue;
            }
            place.coded = coded.next_state(aho_corasick::Anchored::No, place.coded, *byte);
            if coded.is_special(place.coded)
                && let Some((pattern, length)) = longest_match(coded, place.coded)
                && let Some(token) = self.coded.tokens.get(pattern)
            {
                hit(Hit { end: at + 1, length: stretched(bytes.get(..=at).unwrap_or_default(), length), token });
            }
        }
        place
    }

    /// How many of the last bytes may be the beginning of a secret.
    pub(super) fn open(&self, place: Place, bytes: &[u8]) -> usize {
        let plain = self.plain.depth.get(&place.plain).copied().unwrap_or_default();
        let coded = self.coded.depth.get(&place.coded).copied().unwrap_or_default();
        let line_ends = bytes.last().is_some_and(|byte| is_between(*byte));
        if coded == 0 || (coded < SHORT && line_ends) { plain } else { plain.max(stretched(bytes, coded)) }
    }
}

/// How many of the last bytes hold so many that are part of an encoding.
fn stretched(bytes: &[u8], length: usize) -> usize {
    let mut left = length;
    for (passed, byte) in bytes.iter().rev().enumerate() {
        if !is_between(*byte) {
            left -= 1;
            if left == 0 {
                return passed + 1;
            }
        }
    }
    bytes.len()
}
