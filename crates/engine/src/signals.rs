//! Signals that ask the program to stop.

use std::io;

use runbook_core::action::CancelKind;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// SIGHUP.
const HANGUP: i32 = 1;

/// A stream of requests to stop.
pub struct Stops(mpsc::UnboundedReceiver<i32>);

/// Sends requests to stop; for tests, and for whoever embeds the engine.
#[derive(Clone)]
pub struct StopSender(mpsc::UnboundedSender<i32>);

impl StopSender {
    /// Asks the session to stop as the signal with this number would.
    pub fn stop(&self, signal: i32) {
        // Where nobody listens, the session is over.
        let _ = self.0.send(signal);
    }
}

impl Stops {
    /// Requests that come from the program itself.
    pub fn manual() -> (StopSender, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (StopSender(sender), Self(receiver))
    }

    /// Listens to SIGINT, SIGTERM and SIGHUP for as long as the program lives. From the first call on none of them ends the program by itself.
    pub fn listen() -> io::Result<Self> {
        let (StopSender(sender), stops) = Self::manual();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let mut stream = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    if sender.send(kind.as_raw_value()).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(stops)
    }

    /// The next signal's number. Never ends where nobody can ask any more.
    pub(crate) async fn next(&mut self) -> i32 {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

/// What a signal means after those that came before it: the first asks for a stop in good order, the second for one at once, more say nothing new.
///
/// A closed terminal may send SIGHUP more than once, and it means only that nobody watches: it never forces anything.
pub(crate) fn urgency(signal: i32, before: Option<CancelKind>) -> Option<CancelKind> {
    match before {
        None => Some(CancelKind::Graceful),
        Some(CancelKind::Graceful) if signal != HANGUP => Some(CancelKind::Kill),
        Some(CancelKind::Graceful | CancelKind::Kill) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_forces_but_a_closed_terminal_never_does() {
        let graceful = Some(CancelKind::Graceful);
        assert_eq!(urgency(2, None), graceful);
        assert_eq!(urgency(HANGUP, None), graceful);
        assert_eq!(urgency(15, graceful), Some(CancelKind::Kill));
        assert_eq!(urgency(HANGUP, graceful), None);
        assert_eq!(urgency(2, Some(CancelKind::Kill)), None);
    }
}
