//! The `sql` executor: OceanBase, MySQL and MariaDB over MySQL's protocol.
//!
//! Every statement goes as text, one a packet, behind a comment with the effect's mark; sessions speak utf8mb4 and UTC.

pub mod backup;
mod compare;
mod dump;
mod execute;
mod failure;
mod leases;
mod manifest;
mod outfile;
mod query;
mod quote;
mod recreate;
mod restore;
mod script;
mod session;
mod settle;
mod statements;
mod target;
mod value;
mod verify_backup;
mod wait;

pub use session::Flavour;

use runbook_core::action::{ActionSpec, Executor, TargetSpec};

/// The executor.
pub struct Sql;

impl Executor for Sql {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn about(&self) -> &'static str {
        "Databases that speak MySQL's protocol: OceanBase, MySQL, MariaDB."
    }

    fn actions(&self) -> &'static [ActionSpec] {
        &[
            query::SPEC,
            execute::SPEC,
            script::SPEC,
            dump::SPEC,
            restore::SPEC,
            manifest::SPEC,
            recreate::SPEC,
            verify_backup::SPEC,
            compare::SPEC,
            wait::SPEC,
        ]
    }

    fn targets(&self) -> &'static [TargetSpec] {
        &[TargetSpec {
            kind: "mysql",
            about: "A server that speaks MySQL's protocol: OceanBase (also through its proxy), MySQL or MariaDB.",
            schema: runbook_core::described!(target::Mysql, "target.mysql"),
            leases: Some(leases::build),
        }]
    }
}
