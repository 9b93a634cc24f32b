//! What can go wrong in a task, and how it ends: 9 where something is missing on this machine (nothing was changed), 2 for a wrong
//! command line, 1 for everything else.

use std::fmt::Display;
use std::path::Path;

/// The end of a task that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// Something that the task needs is not here.
    #[error("{what}")]
    Missing {
        /// What is missing, or refused.
        what: String,
        /// What a person can do about it.
        help: Vec<String>,
    },
    /// A command that was run ended badly; its own output stands above.
    #[error("{0}")]
    Failed(String),
    /// The words on the command line mean nothing.
    #[error("{0}")]
    Usage(String),
}

impl TaskError {
    /// Something is missing; `help` says what to do.
    pub(crate) fn missing(what: impl Into<String>, help: &[&str]) -> Self {
        Self::Missing { what: what.into(), help: help.iter().map(|&line| line.to_owned()).collect() }
    }

    /// A task failed.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::Failed(what.into())
    }

    /// A wrong command line.
    pub(crate) fn usage(text: &str) -> Self {
        Self::Usage(text.to_owned())
    }

    /// An operation on a file failed: `verb` and the path, then the cause.
    pub(crate) fn file(verb: &str, path: &Path, cause: impl Display) -> Self {
        Self::Failed(format!("cannot {verb} `{}`: {cause}", path.display()))
    }

    /// Lines that say what to do.
    pub(crate) fn help(&self) -> &[String] {
        match self {
            Self::Missing { help, .. } => help,
            Self::Failed(_) | Self::Usage(_) => &[],
        }
    }

    /// The exit code, in the sense of the product's own.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Missing { .. } => 9,
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
        }
    }
}
