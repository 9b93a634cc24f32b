//! A TOML file as a tree in which every key and value knows its place.
//!
//! Bytes become a [`Source`](crate::source::Source) (`read`), a source becomes a tree (`parse`), and a place inside a decoded string is found
//! again in the file (`place_in_string`).

mod hidden;
mod node;
mod parse;
mod pieces;
mod place;
mod read;
mod strings;
mod syntax;
mod toml_1_1;
mod unclosed;

pub use node::{Entry, Node, NodeKind, Table};
pub use parse::parse;
pub use place::place_in_string;
pub use read::{MAX_BYTES, read};

pub(crate) use hidden::is_hidden;
