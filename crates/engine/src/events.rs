//! What a run tells whoever watches it: records, which are never lost, and output and progress, which may be.
//!
//! Sending never waits. A watcher that stalls loses output (it is in the step's file all the same), and learns how much; it never holds up the run.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runbook_core::action::{Progress, Stream};
use runbook_core::effect::EffectId;
use runbook_core::record::Stamped;
use tokio::sync::Notify;

/// So much output waits for the watcher, in bytes; beyond it the oldest is dropped.
const OUTPUT_KEPT: usize = 4 * 1024 * 1024;

/// So many lossy events wait at most.
const EVENTS_KEPT: usize = 16 * 1024;

/// Something that happened. Output is masked already; control characters are still in it.
#[derive(Clone, Debug)]
pub enum Event {
    /// A record, on disk by now.
    Record(Arc<Stamped>),
    /// A piece of output.
    Output {
        /// Whose.
        effect: Arc<EffectId>,
        /// From where.
        stream: Stream,
        /// Not necessarily whole lines, nor UTF-8.
        bytes: Vec<u8>,
    },
    /// How far an effect is.
    Progress {
        /// Which.
        effect: Arc<EffectId>,
        /// How far.
        progress: Progress,
    },
    /// What a person should know of the run as such.
    Warning {
        /// A fragment in lower case.
        text: String,
    },
    /// The watcher was too slow: so many bytes of output were not shown.
    Lost {
        /// Bytes.
        bytes: u64,
    },
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    /// Bytes of output in `events`.
    output: usize,
    /// Lossy events in `events`.
    lossy: usize,
    lost: u64,
    closed: bool,
    /// Whether anybody still listens.
    deaf: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    woken: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A watcher that panicked must not end the run.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine's end.
#[derive(Clone)]
pub struct EventSender(Arc<Closer>);

/// Closes the queue when the last sender is gone.
struct Closer(Arc<Shared>);

/// The watcher's end.
pub struct EventReceiver(Arc<Shared>);

/// A queue between a run and its one watcher.
pub fn channel() -> (EventSender, EventReceiver) {
    let shared = Arc::new(Shared::default());
    (EventSender(Arc::new(Closer(Arc::clone(&shared)))), EventReceiver(shared))
}

impl EventSender {
    /// Sends without waiting.
    pub(crate) fn send(&self, event: Event) {
        let shared = &self.0.0;
        let mut queue = shared.lock();
        if queue.deaf {
            return;
        }
        queue.push(event);
        drop(queue);
        shared.woken.notify_one();
    }
}

impl Queue {
    fn push(&mut self, event: Event) {
        if let Some(size) = lossy(&event) {
            self.output += size;
            self.lossy += 1;
        }
        self.events.push_back(event);
        while self.output > OUTPUT_KEPT || self.lossy > EVENTS_KEPT {
            self.drop_oldest();
        }
    }

    /// Drops the oldest event that may be lost.
    fn drop_oldest(&mut self) {
        let found = self.events.iter().position(|event| lossy(event).is_some());
        if let Some(event) = found.and_then(|at| self.events.remove(at)) {
            let size = self.forget(&event);
            self.lost += u64::try_from(size).unwrap_or(u64::MAX);
        } else {
            // Cannot be: the counts say that there is one.
            (self.output, self.lossy) = (0, 0);
        }
    }

    fn forget(&mut self, event: &Event) -> usize {
        let Some(size) = lossy(event) else { return 0 };
        self.output = self.output.saturating_sub(size);
        self.lossy = self.lossy.saturating_sub(1);
        size
    }

    fn pop(&mut self) -> Option<Event> {
        if self.lost > 0 {
            return Some(Event::Lost { bytes: std::mem::take(&mut self.lost) });
        }
        let event = self.events.pop_front()?;
        self.forget(&event);
        Some(event)
    }
}

/// The size of an event that may be lost.
fn lossy(event: &Event) -> Option<usize> {
    match event {
        Event::Output { bytes, .. } => Some(bytes.len()),
        Event::Progress { .. } => Some(0),
        Event::Record(_) | Event::Warning { .. } | Event::Lost { .. } => None,
    }
}

impl EventReceiver {
    /// The next event; nothing when the run is over. Can be dropped and called again.
    pub async fn recv(&mut self) -> Option<Event> {
        loop {
            {
                let mut queue = self.0.lock();
                if let Some(event) = queue.pop() {
                    return Some(event);
                }
                if queue.closed {
                    return None;
                }
            }
            self.0.woken.notified().await;
        }
    }

    /// The next event, where one is there already.
    pub fn try_recv(&mut self) -> Option<Event> {
        self.0.lock().pop()
    }
}

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.woken.notify_one();
    }
}

impl Drop for EventReceiver {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.deaf = true;
        queue.events = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use runbook_core::effect::Role;

    use super::*;

    fn output(bytes: usize) -> Event {
        Event::Output { effect: Arc::new(EffectId::first("a", Role::Do)), stream: Stream::Stdout, bytes: vec![b'x'; bytes] }
    }

    fn warning(text: &str) -> Event {
        Event::Warning { text: text.to_owned() }
    }

    #[tokio::test]
    async fn a_slow_watcher_loses_output_and_is_told_and_loses_nothing_else() {
        let (sender, mut receiver) = channel();
        sender.send(warning("first"));
        for _ in 0..5 {
            sender.send(output(1024 * 1024));
        }
        sender.send(warning("last"));
        drop(sender);

        let mut seen = Vec::new();
        let mut bytes = 0;
        while let Some(event) = receiver.recv().await {
            match event {
                Event::Warning { text } => seen.push(text),
                Event::Output { bytes: piece, .. } => bytes += piece.len(),
                Event::Lost { bytes } => seen.push(format!("lost {bytes}")),
                Event::Record(_) | Event::Progress { .. } => {}
            }
        }
        assert_eq!(seen, ["lost 1048576", "first", "last"]);
        assert_eq!(bytes, OUTPUT_KEPT);
    }

    #[tokio::test]
    async fn a_watcher_that_left_costs_nothing() {
        let (sender, receiver) = channel();
        drop(receiver);
        sender.send(output(10));
        assert_eq!(sender.0.0.lock().events.len(), 0);
    }
}
