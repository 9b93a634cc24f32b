//! Definitions, as OceanBase takes them: it may want one sent again, because another has changed definitions at the same time, and seekdb now and then
//! carries one out twice by itself, and says that there is already what it has just made.

use std::time::Duration;

use runbook_core::action::{CancelKind, Cx};

use crate::sql::failure::{Fault, Sql};
use crate::sql::session::{Flavour, Session};

/// The first pause before a statement is sent again; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a statement is sent at most, with 6 s of pauses. Before the server answers so it has tried by itself for as long as it thought right.
const SENT: u32 = 8;

/// Whose a database is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It was made empty by this restore, and a comparison comes after it: what stands there under a name that is made only once is one's own work.
    Own,
    /// Others may make the same.
    Open,
}

/// Carries out a definition, again where the server wishes so: a statement that stands in no transaction.
pub(super) async fn define(cx: Cx<'_>, session: &mut Session<'_>, sql: &[u8], place: Place) -> Sql<()> {
    let mut pause = PAUSE;
    let mut sent = 0;
    loop {
        sent += 1;
        let Err(fault) = session.run_bytes(sql).await else { return Ok(()) };
        if session.flavour != Flavour::OceanBase {
            return Err(fault);
        }
        if place == Place::Own && fault.is_there_already() {
            return Ok(());
        }
        if !fault.wants_again() || sent >= SENT || cx.remaining().is_some_and(|remaining| remaining <= pause) {
            return Err(fault);
        }
        tokio::select! {
            biased;
            () = cx.cancelled(CancelKind::Graceful) => return Err(Fault::cancelled()),
            () = cx.sleep(pause) => pause *= 2,
        }
    }
}
