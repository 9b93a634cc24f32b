//! SQL as bytes: what is done for each row and each byte of a dump and of a restore.
//!
//! A dump takes the values out of a row's [text](row) and writes them as `INSERT` statements ([`Inserts`]); a restore cuts files into statements
//! ([`Splitter`]). Nothing here reads or writes a file, waits, or knows the driver of a database.
//!
//! The program is built for size and this crate for speed. So nothing that it offers for each row or byte is generic or inlined: it would be compiled
//! where it is used, and for size.

mod find;
mod inserts;
mod kind;
mod literal;
mod mode;
pub mod row;
mod split;
mod sum;

pub use inserts::Inserts;
pub use kind::Kind;
pub use literal::{push_bytes, push_text};
pub use mode::Mode;
pub use row::{Row, RowFault};
pub use split::{SplitFault, Splitter, Statement, head, split};
pub use sum::Sum;
