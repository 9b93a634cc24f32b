//! Whole-program tests: the built binary, in a folder of its own, with exact output.
//!
//! A test says what a user would see. `SNAPSHOTS=overwrite cargo test -p runbook-tests` writes what was seen into the sources, to be reviewed.
#![allow(clippy::needless_raw_string_hashes, reason = "snapbox writes its snapshots with them")]
#![allow(clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

mod answers;
mod backup;
mod backup_kill;
mod backup_prune;
mod calls;
mod chaos;
mod check;
mod command_line;
mod docs;
mod engine_stop;
mod exec;
mod faults;
mod files;
mod hostile;
mod http;
mod lab;
mod lab_calls;
mod lab_failures;
mod lab_foreign;
mod lab_monitor;
mod lab_odc;
mod lab_oms;
mod leases;
mod memory;
mod monitor;
mod namespaces;
mod oms;
mod oms_failures;
mod own_engine;
mod own_server;
mod plan;
mod planted;
mod report;
mod resume;
mod rollback;
mod runs;
mod sandbox;
mod scripts;
mod secrets;
mod server_kill;
mod shipped;
mod signals;
mod terminal;
mod there_and_back;
mod values;
mod vars;
mod way;
