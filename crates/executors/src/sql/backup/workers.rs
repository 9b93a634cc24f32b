//! Several pieces of work side by side, on a connection each: all are awaited, and the first fault stops the others.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;

use crate::sql::failure::{Fault, Sql};
use crate::sql::session::Dialer;

/// Awaits all of `work`. After a fault, `queue` hands nothing out any more, the server is told to stop what it still does for the others (over
/// `dialer`, whose connections they use), and the fault that came first is returned.
pub(super) async fn side_by_side<T, J: Send>(
    dialer: Option<&Dialer<'_>>,
    queue: &Queue<J>,
    work: Vec<BoxFuture<'_, Sql<T>>>,
) -> Sql<Vec<T>> {
    let mut running: FuturesUnordered<_> = work.into_iter().collect();
    let mut done = Vec::new();
    while let Some(result) = running.next().await {
        match result {
            Ok(value) => done.push(value),
            Err(fault) => {
                queue.halt();
                let others = async { while running.next().await.is_some() {} };
                match dialer {
                    Some(dialer) => tokio::select! {
                        biased;
                        () = others => {}
                        () = dialer.stop() => {}
                    },
                    None => others.await,
                }
                return Err(fault);
            }
        }
    }
    Ok(done)
}

/// Jobs that workers take, and to which they may add.
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    /// Something was added, or the end has come.
    changed: Notify,
    halted: AtomicBool,
}

struct State<J> {
    jobs: VecDeque<J>,
    /// Workers that carry out a job, and may add more.
    busy: usize,
}

impl<J> Queue<J> {
    /// Hands out `jobs` in their order.
    pub(super) fn new(jobs: impl IntoIterator<Item = J>) -> Self {
        let state = State { jobs: jobs.into_iter().collect(), busy: 0 };
        Self { state: Mutex::new(state), changed: Notify::new(), halted: AtomicBool::new(false) }
    }

    /// The next job. None when there is none and no worker is left that could add one. Each job that was handed out has to be [`done`](Self::done).
    pub(super) async fn next(&self) -> Sql<Option<J>> {
        loop {
            let changed = self.changed.notified();
            self.check()?;
            {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(job) = state.jobs.pop_front() {
                    state.busy += 1;
                    return Ok(Some(job));
                }
                if state.busy == 0 {
                    return Ok(None);
                }
            }
            changed.await;
        }
    }

    /// Adds a job; it comes before those that wait, since it is a part of something that was begun.
    pub(super) fn add(&self, job: J) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).jobs.push_front(job);
        self.changed.notify_waiters();
    }

    /// A job was carried out.
    pub(super) fn done(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).busy -= 1;
        self.changed.notify_waiters();
    }

    /// A fault where the work is to end because other work failed.
    pub(super) fn check(&self) -> Sql<()> {
        if self.halted.load(Ordering::Relaxed) { Err(Fault::cancelled()) } else { Ok(()) }
    }

    fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_waits_for_what_others_may_add() {
        let queue = Queue::new([3_u32]);
        let work = || async {
            let mut seen = Vec::new();
            while let Some(job) = queue.next().await? {
                if job > 0 {
                    queue.add(job - 1);
                }
                tokio::task::yield_now().await;
                seen.push(job);
                queue.done();
            }
            Sql::Ok(seen)
        };
        let (one, other) = tokio::join!(work(), work());
        let mut all = [one.unwrap(), other.unwrap()].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
    }

    #[tokio::test]
    async fn after_a_fault_nothing_is_handed_out() {
        let queue = Queue::new([1, 2]);
        assert_eq!(queue.next().await.unwrap(), Some(1));
        queue.halt();
        assert!(queue.next().await.unwrap_err().cancelled);
        assert!(queue.check().is_err());
    }
}
