//! What `runbook` can do: one folder per executor, all of the same shape, and one plain list of them.
//!
//! A folder has `mod.rs` (the [`Executor`](runbook_core::action::Executor) and its list of actions), the connection or target, and one file per
//! action. Executors print nothing, read no signals, write no journal, and know neither the engine nor each other.

pub mod docker;
pub mod file;
pub mod http;
pub mod manual;
pub mod net;
pub mod shell;
pub mod sql;

use runbook_core::action::Registry;

/// All executors, in the order of the reference.
pub fn registry() -> Registry {
    Registry::new(vec![
        Box::new(docker::Docker),
        Box::new(sql::Sql),
        Box::new(shell::Shell),
        Box::new(http::Http),
        Box::new(file::Files),
        Box::new(net::Net),
        Box::new(manual::Manual),
        Box::new(runbook_core::call::Calls),
    ])
}
