//! The automaton that finds all patterns at once.
//!
//! A table with a row for each state is the fastest, and takes up to a kilobyte for each byte of pattern: right for passwords. For a secret of many
//! kilobytes (a private key with all its forms) a compact automaton takes a hundredth of that, at a fraction of the speed.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

/// Up to here all patterns together have a table.
const LARGEST_TABLE: usize = 48 << 10;

/// Finds all patterns at once.
pub(super) enum Machine {
    /// A table.
    Table(DFA),
    /// Compact.
    Compact(NFA),
}

impl Machine {
    /// The machine for these patterns; none where they are too many for any.
    pub(super) fn new(patterns: &[Vec<u8>]) -> Option<Self> {
        let bytes: usize = patterns.iter().map(Vec::len).sum();
        if bytes <= LARGEST_TABLE {
            DFA::builder().match_kind(MatchKind::Standard).build(patterns).ok().map(Self::Table)
        } else {
            NFA::builder().match_kind(MatchKind::Standard).build(patterns).ok().map(Self::Compact)
        }
    }

    /// The state in which it starts.
    pub(super) fn start(&self) -> Option<StateID> {
        match self {
            Self::Table(dfa) => dfa.start_state(Anchored::No).ok(),
            Self::Compact(nfa) => nfa.start_state(Anchored::No).ok(),
        }
    }

    /// The state after one more byte.
    pub(super) fn next(&self, state: StateID, byte: u8) -> StateID {
        match self {
            Self::Table(dfa) => dfa.next_state(Anchored::No, state, byte),
            Self::Compact(nfa) => nfa.next_state(Anchored::No, state, byte),
        }
    }
}

/// The longest pattern that ends here: its number and its length.
pub(super) fn longest_match(automaton: &impl Automaton, state: StateID) -> Option<(usize, usize)> {
    if !automaton.is_special(state) || !automaton.is_match(state) {
        return None;
    }
    let found = (0..automaton.match_len(state)).map(|n| {
        let pattern = automaton.match_pattern(state, n);
        (pattern.as_usize(), automaton.pattern_len(pattern))
    });
    found.max_by_key(|(_, length)| *length)
}
