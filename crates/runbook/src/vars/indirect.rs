//! Values that stand in a file, or that a command prints.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use runbook_core::diagnostic::{Code, Diagnostic};
use runbook_core::inputs::{Given, GivenValue, Origin};

/// More is no value of a variable.
const MOST: u64 = 1024 * 1024;

/// A variable whose value is to be fetched.
pub(super) struct Indirect {
    pub(super) name: String,
    pub(super) way: Way,
}

/// From where.
pub(super) enum Way {
    /// A file's text.
    File(String),
    /// What a command prints; as it is started, as the operator wrote it, and in which folder where that is not this one.
    Command { argv: Vec<String>, shown: String, dir: Option<PathBuf> },
}

impl Indirect {
    /// Without a value, for a name that is not declared.
    pub(super) fn unread(self) -> Given {
        Given { name: self.name, value: GivenValue::Text(String::new()), origin: Origin::CommandLine }
    }

    /// Fetches it.
    pub(super) fn read(self) -> Result<Given, Box<Diagnostic>> {
        let Self { name, way } = self;
        let fault = |why: String| Box::new(Diagnostic::error(Code::ValueUnreadable, format!("the variable `{name}` has no value: {why}")));
        let (bytes, origin) = match way {
            Way::File(path) => {
                let bytes = File::open(&path).and_then(bounded).map_err(|error| fault(format!("`{path}` cannot be read: {error}")))?;
                (bytes, Origin::Contents { path })
            }
            Way::Command { argv, shown, dir } => {
                let bytes = output(&argv, dir.as_deref()).map_err(|why| fault(format!("`{shown}` {why}")))?;
                (bytes, Origin::Command { command: shown, argv })
            }
        };
        if bytes.len() as u64 > MOST {
            return Err(fault(format!("{origin} gives more than 1 MiB")));
        }
        let mut text = String::from_utf8(bytes).map_err(|_| fault(format!("{origin} gives no UTF-8 text")))?;
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        Ok(Given { name, value: GivenValue::Text(text), origin })
    }
}

fn bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a command prints. Its error output goes where ours goes: a password manager has something to ask or to say.
fn output(argv: &[String], dir: Option<&Path>) -> Result<Vec<u8>, String> {
    let (program, rest) = argv.split_first().ok_or("names no program")?;
    let mut command = Command::new(program);
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    // It has no need of other variables' values, secrets among them.
    let others = std::env::vars_os().map(|(name, _)| name).filter(|name| name.as_encoded_bytes().starts_with(b"RUNBOOK_VAR_"));
    for name in others {
        command.env_remove(name);
    }
    let mut child =
        command.args(rest).stdin(Stdio::inherit()).stdout(Stdio::piped()).spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let printed = child.stdout.take().map_or_else(|| Ok(Vec::new()), bounded);
    let status = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
    match (printed, status.success(), status.code()) {
        (Ok(bytes), true, _) => Ok(bytes),
        (_, false, Some(code)) => Err(format!("ended with exit code {code}")),
        (_, false, None) => Err("was ended by a signal".to_owned()),
        (Err(error), true, _) => Err(format!("gives nothing that can be read: {error}")),
    }
}
