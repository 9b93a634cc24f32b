//! Named locks: no second run on the same thing, whatever state directory it uses.
//!
//! A lock is a file in a folder of the host, held with `flock` while a session lives. Its content says who holds it, and stays when a session ends
//! without closing its run: an unfinished run keeps others away until it is finished, rolled back or given up.
//!
//! Where the runbook names a place for it (`[lock_store]`), it is a row there as well, which all hosts see, with a lease that is renewed while the session
//! lives.

mod folder;
mod keeper;
mod leases;
mod named;

pub use folder::LockFolder;
pub(crate) use keeper::Keeper;
pub use leases::Leasing;
pub(crate) use leases::{Had, Place, Wanted, give_free, take};
pub use named::{LockError, NamedLocks, Owner, acquire, release};
