//! A value that somebody gave, and who.

use std::fmt;

use serde_json::Value;

use crate::record::VariableSource;

/// A value for a variable, not yet held against the variable's type.
pub struct Given {
    /// The variable's name.
    pub name: String,
    /// The value.
    pub value: GivenValue,
    /// Who gave it.
    pub origin: Origin,
}

/// A value as its source had it. Has no `Debug`: it may be a secret.
pub enum GivenValue {
    /// A text, to be read by the variable's type: from the command line, the environment, a prompt.
    Text(String),
    /// A value with a type of its own: from a TOML file.
    Json(Value),
}

/// Where a value came from. Where there are several for one variable, the source that stands further up here wins; of two of one kind the later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--var NAME=VALUE`.
    CommandLine,
    /// A variable file.
    VarFile {
        /// Its path as the operator named it.
        path: String,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name, `RUNBOOK_VAR_…`.
        name: String,
    },
    /// The contents of a file.
    Contents {
        /// Its path as the operator named it.
        path: String,
    },
    /// What a command printed.
    Command {
        /// The command as the operator wrote it.
        command: String,
        /// The program and its arguments.
        argv: Vec<String>,
    },
    /// A person, asked for it.
    Prompt,
    /// The record of the run that is gone on with.
    Record,
    /// The runbook itself.
    Default,
    /// The call of a called runbook, whose variable it is.
    Call {
        /// The call's id.
        id: String,
    },
}

impl Origin {
    /// Where a value of it can be fetched again, with paths as the operator named them; a command's folder is not known here.
    pub(super) fn source(&self) -> Option<VariableSource> {
        match self {
            Self::VarFile { path, .. } => Some(VariableSource::VarFile { path: path.clone() }),
            Self::Contents { path } => Some(VariableSource::File { path: path.clone() }),
            Self::Command { argv, .. } => Some(VariableSource::Command { argv: argv.clone(), dir: String::new() }),
            Self::CommandLine | Self::Environment { .. } | Self::Prompt | Self::Record | Self::Default | Self::Call { .. } => None,
        }
    }

    /// The lowest wins.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::CommandLine => 0,
            Self::VarFile { .. } => 1,
            Self::Environment { .. } => 2,
            Self::Contents { .. } => 3,
            Self::Command { .. } => 4,
            Self::Prompt => 5,
            Self::Record => 6,
            Self::Default => 7,
            Self::Call { .. } => 8,
        }
    }
}

/// As a person would say it: `--var`, `prod.toml:4`, `RUNBOOK_VAR_IMAGE`, `default`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("--var"),
            Self::VarFile { path, line } => write!(f, "{path}:{line}"),
            Self::Environment { name } => f.write_str(name),
            Self::Contents { path } => write!(f, "the file {path}"),
            Self::Command { command, .. } => write!(f, "the command {command}"),
            Self::Prompt => f.write_str("the prompt"),
            Self::Record => f.write_str("the run's record"),
            Self::Default => f.write_str("default"),
            Self::Call { id } => write!(f, "the call `{id}`"),
        }
    }
}

/// The environment variable that a variable's value is taken from: `metadb-password` → `RUNBOOK_VAR_METADB_PASSWORD`.
pub fn environment_name(variable: &str) -> String {
    let upper: String = variable.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_uppercase() }).collect();
    format!("RUNBOOK_VAR_{upper}")
}
