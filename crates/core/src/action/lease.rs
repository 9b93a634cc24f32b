//! Locks that hold on all hosts: a place where every host can see who has one, and until when.
//!
//! A lock is *leased*: whoever has it renews it, and by the clock of the place, not of any host, everybody sees when it ends. A lease that has ended says
//! that its owner is silent, not that its work is done; so it passes to nobody but its own run, until a person has said that this is right.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BoxFuture, Failure, FieldFault};

/// Builds the place from a target's rendered settings and the name of a database.
pub type BuildLeases = fn(serde_json::Value, &str) -> Result<Box<dyn LeaseStore>, Vec<FieldFault>>;

/// Who has a lock, or wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run's id.
    pub run: String,
    /// The runbook's name.
    pub runbook: String,
    /// The host's name.
    pub host: String,
    /// The kernel's boot id: the one thing that tells two machines with the same name apart. Empty where it could not be read.
    pub boot_id: String,
    /// The process.
    pub pid: u32,
    /// The user who started it.
    pub user: String,
    /// Where the run is kept on its host.
    pub state_dir: String,
}

/// Who has a lock, by what the place says. All times are of the place's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Who.
    pub holder: Holder,
    /// Since when.
    pub since: Timestamp,
    /// When the lease ends, or ended.
    pub ends: Timestamp,
    /// Whether it has ended.
    pub over: bool,
}

/// A lock that is had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The lock's name.
    pub name: String,
    /// Higher each time that the lock is taken, whoever takes it.
    pub fence: u64,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Claim {
    /// For whom.
    pub holder: Holder,
    /// For how long, unless it is renewed.
    pub time: Duration,
    /// Runs whose leases may be taken where they have ended: what they left was looked at.
    pub past: Vec<String>,
}

/// All locks of a run.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The run's id.
    pub run: String,
    /// In the order of their names.
    pub leases: Vec<Lease>,
    /// How long they last, unless they are renewed.
    pub time: Duration,
}

/// What became of a claim.
#[derive(Clone, Debug)]
pub enum Taken {
    /// All of them are had.
    All {
        /// In the order of their names.
        leases: Vec<Lease>,
        /// Those that another run had, with who that was.
        before: Vec<(String, Holder)>,
    },
    /// Somebody else has one of them; none was taken.
    Held {
        /// Which.
        name: String,
        /// Who.
        by: Box<Holding>,
    },
}

/// What became of a renewal.
#[derive(Clone, Debug)]
pub enum Renewed {
    /// All of them are still had, for the whole time again.
    All,
    /// One of them is not had any more.
    Lost {
        /// Which.
        name: String,
        /// Who has it; none where nobody does.
        by: Option<Box<Holding>>,
    },
}

/// How a session leaves its locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Nothing is left to do: others may have them.
    Free,
    /// The run is not finished: they stay its own, and their lease ends now.
    Unfinished,
}

/// The place. Each call may fail, or hang where a server does: the caller has its own limits.
pub trait LeaseStore: Send + Sync {
    /// Where it is, for people: `host:port/database`.
    fn place(&self) -> String;

    /// Takes all of `names`, or none: what is free, what is the same run's (on the same machine, or where that lease has ended), and what the claim says.
    fn take<'a>(&'a self, names: &'a [String], claim: &'a Claim) -> BoxFuture<'a, Result<Taken, Failure>>;

    /// Makes the leases last for their whole time from now on.
    fn renew<'a>(&'a self, hold: &'a Hold) -> BoxFuture<'a, Result<Renewed, Failure>>;

    /// Ends the hold. What others have by now is left alone.
    fn leave<'a>(&'a self, hold: &'a Hold, how: Leaving) -> BoxFuture<'a, Result<(), Failure>>;
}
