//! Named locks: no second run on the same thing, whatever state directory it uses.
//!
//! A lock is a file in a folder of the host, held with `flock` while a session lives. Its content says who holds it, and stays when a session ends
//! without closing its run: an unfinished run keeps others away until it is finished, rolled back or given up.

mod folder;
mod named;

pub use folder::LockFolder;
pub use named::{LockError, NamedLocks, Owner, acquire, release};
