//! What asks a session to stop: signals, and the loss of a lock.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use runbook_core::action::CancelKind;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// SIGHUP.
const HANGUP: i32 = 1;

/// Whether a session listens. There is one for the process, as there is one thing that a process does at a signal.
static LISTENS: AtomicBool = AtomicBool::new(false);

/// Why a session is asked to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A signal, by its number.
    Signal(i32),
    /// A lock is not had any more: which, and why.
    LostLock(String),
}

/// A stream of requests to stop.
pub struct Stops {
    sender: mpsc::UnboundedSender<Stop>,
    receiver: mpsc::UnboundedReceiver<Stop>,
}

/// Sends requests to stop; for tests, and for whoever embeds the engine.
#[derive(Clone)]
pub struct StopSender(mpsc::UnboundedSender<Stop>);

impl StopSender {
    /// Asks the session to stop as the signal with this number would.
    pub fn stop(&self, signal: i32) {
        // Where nobody listens, the session is over.
        let _ = self.0.send(Stop::Signal(signal));
    }

    /// Asks the session to stop because it does not have a lock any more.
    pub(crate) fn lost_lock(&self, what: String) {
        let _ = self.0.send(Stop::LostLock(what));
    }
}

impl Stops {
    /// Requests that come from the program itself.
    pub fn manual() -> (StopSender, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (StopSender(sender.clone()), Self { sender, receiver })
    }

    /// Asks for a stop from inside of the session.
    pub(crate) fn sender(&self) -> StopSender {
        StopSender(self.sender.clone())
    }

    /// Listens to SIGINT, SIGTERM and SIGHUP for as long as the program lives. From the first call on none of them ends the program by itself.
    pub fn listen() -> io::Result<Self> {
        LISTENS.store(true, Ordering::SeqCst);
        let (StopSender(sender), stops) = Self::manual();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let mut stream = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    if sender.send(Stop::Signal(kind.as_raw_value())).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(stops)
    }

    /// Calls `act` with the number of each SIGTERM and SIGHUP that comes before a session listens. From here on they do not end the program by themselves,
    /// so that `act` has to.
    pub fn before_a_session(act: impl Fn(i32) + Send + 'static) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let [mut terminate, mut hangup] = {
            let _inside = runtime.enter();
            [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async move {
                loop {
                    let kind = tokio::select! {
                        Some(()) = terminate.recv() => SignalKind::terminate(),
                        Some(()) = hangup.recv() => SignalKind::hangup(),
                        else => return,
                    };
                    if !LISTENS.load(Ordering::SeqCst) {
                        act(kind.as_raw_value());
                    }
                }
            });
        })?;
        Ok(())
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Stop {
        match self.receiver.recv().await {
            Some(stop) => stop,
            // It has a sender of its own, so that this does not happen.
            None => std::future::pending().await,
        }
    }
}

/// What a request means after those that came before it: the first asks for a stop in good order, the second for one at once, more say nothing new.
///
/// A closed terminal may send SIGHUP more than once, and it means only that nobody watches: it never forces anything, nor does the loss of a lock.
pub(crate) fn urgency(stop: &Stop, before: Option<CancelKind>) -> Option<CancelKind> {
    let forces = match stop {
        Stop::Signal(signal) => *signal != HANGUP,
        Stop::LostLock(_) => false,
    };
    match before {
        None => Some(CancelKind::Graceful),
        Some(CancelKind::Graceful) if forces => Some(CancelKind::Kill),
        Some(CancelKind::Graceful | CancelKind::Kill) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_forces_but_a_closed_terminal_and_a_lost_lock_never_do() {
        let graceful = Some(CancelKind::Graceful);
        let urgency = |signal, before| urgency(&Stop::Signal(signal), before);
        assert_eq!(urgency(2, None), graceful);
        assert_eq!(urgency(HANGUP, None), graceful);
        assert_eq!(urgency(15, graceful), Some(CancelKind::Kill));
        assert_eq!(urgency(HANGUP, graceful), None);
        assert_eq!(urgency(2, Some(CancelKind::Kill)), None);
        let lost = Stop::LostLock("`x`".into());
        assert_eq!(super::urgency(&lost, None), graceful);
        assert_eq!(super::urgency(&lost, graceful), None);
    }
}
