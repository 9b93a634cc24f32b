//! The real dispatcher, journal and view, driven by runbooks whose actions do what the runbook tells them, under paused time.

mod bench;
mod deeds;

mod clocks;
mod crashes;
mod disks;
mod ends;
mod order;
mod people;
mod retries;
mod rollback;
mod secrets;
mod stops;
mod watch;
