//! `[lock_store]`.

use schemars::JsonSchema;

use crate::value::{Duration, Name, NonEmpty};

/// Where `locks` hold on all hosts: a row each in the table `runbook_locks`, which says who has the lock and until when, by the server's clock.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct LockStoreDecl {
    /// The target with the server that all hosts see.
    target: Name,
    /// The database with the table; both are made where they are missing. `runbook` by default. Not one that a step restores or drops.
    database: Option<NonEmpty>,
    /// How long a lock lasts when its run falls silent, from `1s` to `1d`; `1m` by default. It is renewed at a third of it.
    lease: Option<Duration>,
}
