//! Child processes: started in a group of their own with a cleaned environment, streamed with bounds, ended with their whole group, and found again
//! after a crash by the mark that they carry.
//!
//! Nothing here uses `pre_exec`: it makes the standard library fork instead of vfork, which is ten times slower in a large process. Another user and
//! another umask are therefore set by small programs that replace themselves (`setpriv`, `sh`).

mod command;
mod environment;
mod marked;
mod pump;
mod supervisor;
mod syntax;
mod user;

#[cfg(test)]
mod tests;

pub use environment::Environment;
pub(crate) use supervisor::{Supervisor, Traces};
pub use syntax::{Syntax, SyntaxFault, syntax};
pub(crate) use user::name as user_name;
