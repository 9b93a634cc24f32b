//! Work with files off the event loop, which ends when the action is told to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runbook_core::action::{CancelKind, Cx, Failure, FailureKind};

use crate::sql::failure::{Fault, Sql};

/// Runs `work` on a thread for blocking work. It is handed a question to ask from time to time: whether to end.
pub(in crate::sql) async fn blocking<T: Send + 'static>(
    cx: Cx<'_>,
    work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, Failure> + Send + 'static,
) -> Sql<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let mut task = tokio::task::spawn_blocking(move || work(&|| seen.load(Ordering::Relaxed)));
    let joined = tokio::select! {
        biased;
        joined = &mut task => joined,
        () = cx.cancelled(CancelKind::Graceful) => {
            stop.store(true, Ordering::Relaxed);
            task.await
        }
    };
    match joined {
        Ok(_) if stop.load(Ordering::Relaxed) => Err(Fault::cancelled()),
        Ok(result) => Ok(result?),
        Err(error) => Err(Failure::new(FailureKind::Internal, format!("a thread ended early: {error}")).into()),
    }
}
