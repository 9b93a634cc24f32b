//! The `sql` executor against a real OceanBase and a real MariaDB.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod support;

#[path = "sql/backups.rs"]
mod backups;
#[path = "sql/corpus.rs"]
mod corpus;
#[path = "sql/lab.rs"]
mod lab;
#[path = "sql/leases.rs"]
mod leases;
#[path = "sql/oracle.rs"]
mod oracle;
#[path = "sql/pieces.rs"]
mod pieces;
#[path = "sql/proofs.rs"]
mod proofs;
#[path = "sql/restores.rs"]
mod restores;
#[path = "sql/statements.rs"]
mod statements;
#[path = "sql/wide.rs"]
mod wide;
