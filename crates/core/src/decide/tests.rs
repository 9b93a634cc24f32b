//! Stories: what is decided when, told record by record.

mod bench;
mod forwards;
mod garbage;
mod people;
mod recovery;
mod repeats;
mod rollback;
mod watch;
