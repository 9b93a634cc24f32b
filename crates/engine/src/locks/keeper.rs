//! Keeping the locks that hold on all hosts, for as long as a session lives.

use std::sync::Arc;
use std::time::Duration;

use runbook_core::action::{Failure, Hold, Holding, Leaving, Renewed};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::leases::{Had, leave, too_slow};
use super::{LockError, Place};
use crate::events::{Event, EventSender};
use crate::signals::StopSender;

/// A lease is renewed when a third of it has passed, so that two renewals may fail.
const RENEWALS: u32 = 3;
/// After one that failed it is tried again so often within a lease.
const TRIES: u32 = 12;

/// Renews leases in the background until it is told to end, or dropped. What it cannot keep stops the session.
pub(crate) struct Keeper {
    place: Arc<Place>,
    hold: Hold,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Begins.
    pub(crate) fn start(place: Place, had: Had, stop: StopSender, events: EventSender) -> Self {
        let place = Arc::new(place);
        let Had { hold, asked, .. } = had;
        let renewing = Renewing { place: Arc::clone(&place), hold: hold.clone(), asked, events };
        let task = tokio::spawn(async move {
            let lost = renewing.until_lost().await;
            stop.lost_lock(lost);
        });
        Self { place, hold, task }
    }

    /// Ends the hold.
    pub(crate) async fn leave(self, how: Leaving) -> Result<(), LockError> {
        self.task.abort();
        leave(&self.place, &self.hold, how).await
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Renewing {
    place: Arc<Place>,
    hold: Hold,
    /// A moment before the leases began.
    asked: Instant,
    events: EventSender,
}

impl Renewing {
    /// Renews until that is not possible any more; says why.
    ///
    /// The lease ends by the server's clock. Here it is counted from before the request was sent, so that it ends here first.
    async fn until_lost(&self) -> String {
        let time = self.hold.time;
        let mut good = self.asked;
        let mut next = good + time / RENEWALS;
        let mut told = false;
        loop {
            sleep_until(next).await;
            let asked = Instant::now();
            // One that hangs must leave time for another.
            let limit = (good + time).saturating_duration_since(asked).min(time / RENEWALS);
            let failure = match timeout(limit, self.place.store.renew(&self.hold)).await {
                Ok(Ok(Renewed::All)) => {
                    if told {
                        self.warn(format!("the locks at {} are renewed again", self.place.name));
                    }
                    (good, told) = (asked, false);
                    next = good + time / RENEWALS;
                    continue;
                }
                Ok(Ok(Renewed::Lost { name, by })) => {
                    return format!("the lock `{name}` at {} {}", self.place.name, taken_by(by.as_deref()));
                }
                Ok(Err(failure)) => self.place.shown(failure),
                Err(_) => too_slow(),
            };
            let end = good + time;
            if Instant::now() >= end {
                return self.lapsed(&failure);
            }
            if !told {
                told = true;
                let seconds = end.saturating_duration_since(Instant::now()).as_secs();
                self.warn(format!(
                    "the locks at {} could not be renewed ({failure}); it is tried again, and the run stops where that does not work within {seconds} s",
                    self.place.name
                ));
            }
            next = (Instant::now() + pause(time)).min(end);
        }
    }

    fn lapsed(&self, failure: &Failure) -> String {
        let names: Vec<String> = self.hold.leases.iter().map(|lease| format!("`{}`", lease.name)).collect();
        let what = if names.len() == 1 { "the lock" } else { "the locks" };
        format!("{what} {} at {} could not be renewed in time, and another run may take it: {failure}", names.join(", "), self.place.name)
    }

    fn warn(&self, text: String) {
        self.events.send(Event::Warning { text });
    }
}

fn pause(time: Duration) -> Duration {
    time / TRIES
}

fn taken_by(by: Option<&Holding>) -> String {
    match by {
        Some(by) => format!("was taken by run `{}` on host `{}` (user `{}`)", by.holder.run, by.holder.host, by.holder.user),
        None => "is not there any more".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use runbook_core::action::{BoxFuture, Claim, FailureKind, Lease, LeaseStore, Taken};

    use super::*;
    use crate::events::{self, EventReceiver};
    use crate::signals::{Stop, Stops};

    const MINUTE: Duration = Duration::from_mins(1);

    /// What a renewal meets.
    #[derive(Clone, Copy)]
    enum Server {
        Answers,
        Refuses,
        Hangs,
        ForgotIt,
    }

    /// A server that goes through what is written, and stays at the last.
    struct Scripted {
        script: Vec<Server>,
        renewals: Mutex<Vec<Duration>>,
        began: Instant,
    }

    impl LeaseStore for Scripted {
        fn place(&self) -> String {
            "there".to_owned()
        }

        fn take<'a>(&'a self, _: &'a [String], _: &'a Claim) -> BoxFuture<'a, Result<Taken, Failure>> {
            Box::pin(std::future::pending())
        }

        fn renew<'a>(&'a self, _: &'a Hold) -> BoxFuture<'a, Result<Renewed, Failure>> {
            let mut renewals = self.renewals.lock().unwrap();
            let now = self.script.get(renewals.len()).or(self.script.last()).copied().unwrap();
            renewals.push(self.began.elapsed());
            Box::pin(async move {
                match now {
                    Server::Answers => Ok(Renewed::All),
                    Server::Refuses => Err(Failure::new(FailureKind::Unreachable, "cannot connect")),
                    Server::Hangs => std::future::pending().await,
                    Server::ForgotIt => Ok(Renewed::Lost { name: "x".into(), by: None }),
                }
            })
        }

        fn leave<'a>(&'a self, _: &'a Hold, _: Leaving) -> BoxFuture<'a, Result<(), Failure>> {
            Box::pin(async { Ok(()) })
        }
    }

    struct Bench {
        server: Arc<Scripted>,
        keeper: Keeper,
        stops: Stops,
        watching: EventReceiver,
    }

    fn keep(script: &[Server]) -> Bench {
        let server = Arc::new(Scripted { script: script.to_vec(), renewals: Mutex::default(), began: Instant::now() });
        let place = Place::scripted(Arc::clone(&server) as Arc<dyn LeaseStore>, MINUTE);
        let hold = Hold { run: "r1".into(), leases: vec![Lease { name: "x".into(), fence: 1 }], time: MINUTE };
        let (stop, stops) = Stops::manual();
        let (events, watching) = events::channel();
        let keeper = Keeper::start(place, Had { hold, asked: Instant::now(), taken: Vec::new() }, stop, events);
        Bench { server, keeper, stops, watching }
    }

    impl Bench {
        fn renewals(&self) -> Vec<u64> {
            self.server.renewals.lock().unwrap().iter().map(Duration::as_secs).collect()
        }

        fn warnings(&mut self) -> Vec<String> {
            let warning = |event| if let Event::Warning { text } = event { Some(text) } else { None };
            std::iter::from_fn(|| self.watching.try_recv()).filter_map(warning).collect()
        }

        /// When it asks for a stop, and why; none where it does not within ten minutes.
        async fn stopped(&mut self) -> Option<(u64, String)> {
            match timeout(MINUTE * 10, self.stops.next()).await {
                Ok(Stop::LostLock(why)) => Some((self.server.began.elapsed().as_secs(), why)),
                Ok(Stop::Signal(signal)) => panic!("signal {signal}"),
                Err(_) => None,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_at_a_third_of_it() {
        let mut bench = keep(&[Server::Answers]);
        assert_eq!(bench.stopped().await, None);
        assert_eq!(bench.renewals()[..4], [20, 40, 60, 80]);
        assert!(bench.warnings().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_for_less_than_a_lease_is_told_and_stops_nothing() {
        let mut bench = keep(&[Server::Answers, Server::Refuses, Server::Hangs, Server::Answers]);
        assert_eq!(bench.stopped().await, None);
        assert_eq!(bench.renewals()[..4], [20, 40, 45, 70]);
        let mut bench = keep(&[Server::Refuses, Server::Refuses, Server::Answers]);
        assert_eq!(bench.stopped().await, None);
        assert_eq!(bench.renewals()[..4], [20, 25, 30, 50]);
        let warnings = bench.warnings();
        assert!(warnings[0].contains("cannot connect") && warnings[0].contains("within 40 s"), "{warnings:?}");
        assert_eq!(warnings[1..], ["the locks at `db` (there) are renewed again"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_gone_or_hangs_stops_the_run_before_the_lease_ends() {
        for server in [Server::Refuses, Server::Hangs] {
            let mut bench = keep(&[Server::Answers, server]);
            let (when, why) = bench.stopped().await.unwrap();
            assert_eq!(when, 80, "a minute after the last renewal was asked for");
            assert!(why.starts_with("the lock `x` at `db` (there) could not be renewed in time"), "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_that_somebody_took_stops_the_run_at_once() {
        let mut bench = keep(&[Server::ForgotIt]);
        let (when, why) = bench.stopped().await.unwrap();
        assert_eq!((when, why.as_str()), (20, "the lock `x` at `db` (there) is not there any more"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_keeper_that_left_renews_no_more() {
        let bench = keep(&[Server::Answers]);
        let server = Arc::clone(&bench.server);
        bench.keeper.leave(Leaving::Free).await.unwrap();
        tokio::time::sleep(MINUTE * 5).await;
        assert!(server.renewals.lock().unwrap().is_empty());
    }
}
