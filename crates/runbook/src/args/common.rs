//! What several commands take.

use std::path::PathBuf;

use clap::Args;

/// Where variables come from.
#[derive(Args)]
pub(crate) struct VarArgs {
    /// Set a variable; NAME.file=PATH reads it from a file, NAME.command=COMMAND from a command's output
    #[arg(long = "var", value_name = "NAME=VALUE", help_heading = "Variables")]
    pub(crate) vars: Vec<String>,

    /// Set variables from a TOML file; of several the last wins
    #[arg(long = "var-file", value_name = "FILE", help_heading = "Variables")]
    pub(crate) var_files: Vec<PathBuf>,
}
