//! Secrets: values that may be used and never shown.
//!
//! Two lines of defence. What is *known* to come from a secret is a reference from the start (`‹vars.metadb_password›` in plans, the journal and digests). What comes
//! back from outside, a child's output or a server's message, is searched for every registered secret in each form in which tools print one, and masked.

mod automaton;
mod digest;
mod finder;
mod forms;
mod mask;
mod text;

pub use digest::DigestKey;
pub use mask::{Masker, StreamMasker};
pub use text::Secret;

/// What every [`reference`] begins with.
pub const REFERENCE: char = '‹';

/// How a secret is shown: its name between single guillemets, `‹vars.metadb_password›`.
pub fn reference(name: &str) -> String {
    format!("{REFERENCE}{name}›")
}

/// Below this many bytes a secret cannot be masked without masking half of everything else; a diagnostic says so.
pub const SHORTEST_MASKED: usize = 4;

#[cfg(test)]
mod tests;
