//! Where a value stands in a text that another program interprets, decided from the text alone.
//!
//! The lexers are ours and small on purpose: what they do not know they refuse. A text is given as its literal pieces; between two pieces stands a value ("hole").

pub mod shell;
pub mod sql;
pub mod url;

/// Why a value may not stand where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceFault {
    /// Which of the text's values, from 0.
    pub hole: usize,
    /// A fragment in lower case.
    pub message: String,
    /// What to write instead.
    pub help: String,
}
