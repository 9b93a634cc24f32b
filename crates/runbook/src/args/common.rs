//! What several commands take.

use std::path::PathBuf;

use clap::Args;

/// Where variables come from.
#[derive(Args)]
#[command(next_help_heading = "Variables")]
pub(crate) struct VarArgs {
    /// Set a variable; NAME.file=PATH reads it from a file, NAME.command=COMMAND from a command's output
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = given_pair)]
    pub(crate) vars: Vec<(String, String)>,

    /// Set variables from a TOML file; of several the last wins
    #[arg(long = "var-file", value_name = "FILE")]
    pub(crate) var_files: Vec<PathBuf>,
}

/// `NAME=VALUE` in its parts. The message never shows the value: it may be a secret.
pub(crate) fn given_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) => Err("the name before `=` is missing".to_owned()),
        None => Err("expected NAME=VALUE".to_owned()),
    }
}
