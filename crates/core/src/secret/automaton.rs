//! The automaton that finds all patterns at once.
//!
//! A table with a row for each state is the fastest, and takes up to a kilobyte for each byte of pattern: right for passwords. For a secret of many
//! kilobytes (a private key with all its forms) a compact automaton takes a hundredth of that, at a fraction of the speed.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

/// Up to here all patterns together have a table.
const LARGEST_TABLE: usize = 8 << 10;

/// Finds all patterns at once.
pub(super) enum Machine {
    /// A table.
    Table(DFA),
    /// Compact.
    Compact(NFA),
    /// The patterns are too many for any automaton: everything is taken for a secret.
    Blind,
}

/// Where in the patterns the machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct State(StateID);

impl Machine {
    /// The machine and the state in which it starts.
    pub(super) fn new(patterns: &[Vec<u8>]) -> (Self, State) {
        let bytes: usize = patterns.iter().map(Vec::len).sum();
        let machine = if bytes <= LARGEST_TABLE {
            DFA::builder().match_kind(MatchKind::Standard).build(patterns).map(Self::Table)
        } else {
            NFA::builder().match_kind(MatchKind::Standard).build(patterns).map(Self::Compact)
        };
        let machine = machine.unwrap_or(Self::Blind);
        let start = match &machine {
            Self::Table(dfa) => dfa.start_state(Anchored::No).ok(),
            Self::Compact(nfa) => nfa.start_state(Anchored::No).ok(),
            Self::Blind => Some(StateID::default()),
        };
        match start {
            Some(start) => (machine, State(start)),
            None => (Self::Blind, State(StateID::default())),
        }
    }

    /// The state after one more byte.
    pub(super) fn next(&self, state: State, byte: u8) -> State {
        match self {
            Self::Table(dfa) => State(dfa.next_state(Anchored::No, state.0, byte)),
            Self::Compact(nfa) => State(nfa.next_state(Anchored::No, state.0, byte)),
            Self::Blind => state,
        }
    }

    /// The longest pattern that ends here: its number and its length.
    pub(super) fn longest_match(&self, state: State) -> Option<(usize, usize)> {
        match self {
            Self::Table(dfa) => longest(dfa, state.0),
            Self::Compact(nfa) => longest(nfa, state.0),
            Self::Blind => Some((0, usize::MAX)),
        }
    }
}

fn longest(automaton: &impl Automaton, state: StateID) -> Option<(usize, usize)> {
    if !automaton.is_special(state) || !automaton.is_match(state) {
        return None;
    }
    let found = (0..automaton.match_len(state)).map(|n| {
        let pattern = automaton.match_pattern(state, n);
        (pattern.as_usize(), automaton.pattern_len(pattern))
    });
    found.max_by_key(|(_, length)| *length)
}
