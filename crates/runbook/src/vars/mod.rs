//! The values of variables, from where operators keep them.
//!
//! For one variable the first of these that has a value wins:
//!
//! 1. `--var NAME=VALUE`
//! 2. `--var-file FILE`: TOML, `NAME = VALUE`; of several files the last
//! 3. the environment: `RUNBOOK_VAR_NAME`
//! 4. a file: `--var NAME.file=PATH`, `NAME.file = "PATH"` in a variable file, or `RUNBOOK_VAR_NAME_FILE`; its text without the line break at its end
//! 5. a command: `--var NAME.command=COMMAND` (for `sh`) or `NAME.command = ["PROGRAM", "ARGUMENT"]` in a variable file; what it prints, likewise
//! 6. the default in the runbook
//! 7. a question on the terminal, without echo for a secret
//!
//! A file is only read, and a command only run, where nothing before it has a value.

mod again;
mod file;
mod indirect;
mod prompt;

pub(crate) use again::{Past, gather as gather_again};

use std::ffi::OsString;
use std::sync::Arc;

use runbook_core::diagnostic::{Code, Diagnostic, Diagnostics};
use runbook_core::inputs::{self, Given, GivenValue, Inputs, Origin, environment_name};
use runbook_core::runbook::Runbook;

use crate::args::VarArgs;
pub(crate) use file::json;
use indirect::{Indirect, Way};

/// Why there are no values.
pub(crate) enum Fault {
    /// The command line is wrong: a message that shows no value.
    Usage(String),
    /// A value is missing or wrong.
    Invalid(Diagnostics),
}

/// Where values are looked for.
pub(crate) struct Sources<'a> {
    /// What the command line says.
    pub(crate) args: &'a VarArgs,
    /// The environment.
    pub(crate) env: &'a dyn Fn(&str) -> Option<OsString>,
    /// Whether a person may be asked.
    pub(crate) ask: bool,
}

/// What was found, before it is held against the declarations.
#[derive(Default)]
struct Found {
    direct: Vec<Given>,
    indirect: Vec<Indirect>,
}

/// Finds the value of every variable.
pub(crate) fn gather(runbook: &Arc<Runbook>, sources: &Sources<'_>) -> Result<Inputs, Fault> {
    let mut found = Found::default();
    let mut faults = Diagnostics::new();
    command_line(&sources.args.vars, &mut found).map_err(Fault::Usage)?;
    for path in &sources.args.var_files {
        file::read(path, &mut found, &mut faults);
    }
    for given in found.direct.iter().filter(|given| given.origin == Origin::CommandLine) {
        if runbook.vars.iter().any(|var| var.secret && var.name == given.name) {
            faults.push(
                Diagnostic::error(
                    Code::SecretRefused,
                    format!("the secret `{}` stands on the command line, where others can read it", given.name),
                )
                .help(format!(
                    "give it in the environment variable `{0}`, or in a file that `{0}_FILE` names",
                    environment_name(&given.name)
                )),
            );
        }
    }
    environment(runbook, sources.env, &mut found, &mut faults);
    let Found { mut direct, indirect } = found;
    let declared = |name: &str| runbook.vars.iter().any(|var| var.name == name);
    for indirect in indirect {
        if !declared(&indirect.name) {
            // An unknown name is told of below, without running anything for it.
            direct.push(indirect.unread());
        } else if !direct.iter().any(|given| given.name == indirect.name) {
            match indirect.read() {
                Ok(given) => direct.push(given),
                Err(fault) => faults.push(*fault),
            }
        }
    }
    if !faults.has_errors() && sources.ask {
        let missing: Vec<_> = inputs::missing(runbook, &direct).into_iter().collect();
        let answers = prompt::ask(&missing);
        direct.extend(answers);
    }
    if faults.has_errors() {
        return Err(Fault::Invalid(faults));
    }
    inputs::resolve(runbook, direct).map_err(Fault::Invalid)
}

fn command_line(pairs: &[String], found: &mut Found) -> Result<(), String> {
    for pair in pairs {
        // The text is not shown: it may be a secret.
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => (name, value.to_owned()),
            Some(_) | None => {
                return Err("the value of a `--var` is not of the form NAME=VALUE (it is not shown: it may be a secret)".to_owned());
            }
        };
        match name.split_once('.') {
            None => found.direct.push(Given { name: name.to_owned(), value: GivenValue::Text(value), origin: Origin::CommandLine }),
            Some((name, "file")) => found.indirect.push(Indirect { name: name.to_owned(), way: Way::File(value) }),
            Some((name, "command")) => {
                let argv = vec!["sh".to_owned(), "-c".to_owned(), value.clone()];
                found.indirect.push(Indirect { name: name.to_owned(), way: Way::Command { argv, shown: value, dir: None } });
            }
            Some((name, way)) => {
                return Err(format!("`{name}.{way}` is no way to give a variable: write `{name}`, `{name}.file` or `{name}.command`"));
            }
        }
    }
    Ok(())
}

fn environment(runbook: &Runbook, env: &dyn Fn(&str) -> Option<OsString>, found: &mut Found, faults: &mut Diagnostics) {
    for var in &runbook.vars {
        let name = environment_name(&var.name);
        if let Some(value) = env(&name) {
            match value.into_string() {
                Ok(text) => found.direct.push(Given {
                    name: var.name.clone(),
                    value: GivenValue::Text(text),
                    origin: Origin::Environment { name: name.clone() },
                }),
                Err(_) => faults.push(
                    Diagnostic::error(Code::ValueUnreadable, format!("the environment variable `{name}` is not UTF-8 text"))
                        .help(format!("set it to text, or leave it out: `unset {name}`")),
                ),
            }
        }
        let file = format!("{name}_FILE");
        // A variable may be called `x_file` itself.
        if runbook.vars.iter().all(|other| environment_name(&other.name) != file)
            && let Some(path) = env(&file)
        {
            found.indirect.push(Indirect { name: var.name.clone(), way: Way::File(path.to_string_lossy().into_owned()) });
        }
    }
}
