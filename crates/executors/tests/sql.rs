//! The sql executor against a real OceanBase and a real MariaDB.

mod support;

#[path = "sql/lab.rs"]
mod lab;
#[path = "sql/statements.rs"]
mod statements;
