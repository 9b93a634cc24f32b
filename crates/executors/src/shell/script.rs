//! `shell.script`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use runbook_core::action::{Action, Before, BoxFuture, Cx, Failure, FailureKind, FieldFault, Outcome, Residue, Settled, ShellText};
use runbook_core::value::OctalMode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::child::{self, Surroundings};

/// Runs a script that stands in a file of its own. bash and sh stop at the first command that fails and at a variable that is not set (bash: also
/// at a failure inside a pipe).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    /// The script for bash or sh. A value in it becomes a quoted environment variable; a place where no value is safe is refused.
    #[schemars(extend("x-secret" = "accept", "x-text" = "shell"))]
    text: Option<ShellText>,
    /// A script for another interpreter, taken as it is, without templates; values reach it through `env`.
    #[schemars(extend("x-text" = "verbatim"))]
    verbatim: Option<String>,
    /// `bash`, `sh`, or with `verbatim` any program that takes a script's path.
    #[serde(default = "bash")]
    #[schemars(extend("x-text" = "argv"))]
    interpreter: String,
    /// Environment variables beside the inherited ones.
    #[serde(default)]
    #[schemars(extend("x-secret" = "accept"))]
    env: BTreeMap<String, String>,
    /// The folder it starts in; the runbook's own by default.
    #[schemars(extend("x-text" = "path"))]
    cwd: Option<String>,
    /// Runs as this user, by name or number; only root may.
    #[schemars(extend("x-text" = "name"))]
    user: Option<String>,
    /// The mask of modes of files that it makes.
    umask: Option<OctalMode>,
    /// Text for its standard input; nothing by default.
    #[schemars(extend("x-secret" = "accept"))]
    stdin: Option<String>,
    /// A file for its standard input.
    #[schemars(extend("x-text" = "path"))]
    stdin_file: Option<String>,
    /// A new file for its standard output, which is then not shown.
    #[schemars(extend("x-text" = "path"))]
    stdout_file: Option<String>,
    /// The exit codes that are a success.
    #[serde(default = "child::zero")]
    #[schemars(length(min = 1))]
    exit_codes: Vec<u8>,
}

fn bash() -> String {
    "bash".to_owned()
}

impl Script {
    fn surroundings(&self) -> Surroundings<'_> {
        let mut env = self.env.clone();
        if let Some(text) = &self.text {
            env.extend(text.env.clone());
        }
        Surroundings {
            env,
            cwd: self.cwd.as_deref(),
            user: self.user.as_deref(),
            umask: self.umask,
            stdin: self.stdin.as_deref(),
            stdin_file: self.stdin_file.as_deref(),
            stdout_file: self.stdout_file.as_deref(),
            exit_codes: &self.exit_codes,
        }
    }

    fn script(&self) -> Cow<'_, str> {
        match (&self.text, &self.verbatim) {
            (Some(text), _) => Cow::Owned(text.guarded()),
            (None, verbatim) => Cow::Borrowed(verbatim.as_deref().unwrap_or_default()),
        }
    }

    /// What stands between the interpreter and the script's path.
    fn flags(&self) -> Vec<String> {
        let flags: &[&str] = match Path::new(&self.interpreter).file_name().and_then(|name| name.to_str()) {
            Some("bash") => &["-eu", "-o", "pipefail"],
            Some("sh" | "dash") => &["-eu"],
            _ => &[],
        };
        flags.iter().map(|flag| (*flag).to_owned()).collect()
    }

    /// Writes the script where its reader can open it. It holds no value: those are in the environment. The run's folder belongs to whoever runs
    /// the runbook; for another user it is a folder of its own that everybody may read.
    fn place(&self, cx: Cx<'_>) -> std::io::Result<Placed> {
        let name: String = cx.effect().to_string().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let (folder, folder_mode, mode, own) = match self.user {
            None => (cx.run_dir().join("tmp"), 0o700, 0o600, false),
            Some(_) => (std::env::temp_dir().join(format!("runbook-{}-{name}", cx.run_id())), 0o755, 0o644, true),
        };
        let path = folder.join(&name);
        // One that is there from an attempt before a crash is ours only in the run's own folder.
        match std::fs::DirBuilder::new().mode(folder_mode).create(&folder) {
            Err(error) if !own && error.kind() == std::io::ErrorKind::AlreadyExists => {}
            done => done?,
        }
        let placed = Placed { path, folder: own.then_some(folder) };
        if !own && placed.path.exists() {
            std::fs::remove_file(&placed.path)?;
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&placed.path)?;
        file.write_all(self.script().as_bytes())?;
        Ok(placed)
    }
}

/// A script's file; gone when this is dropped, as it is only of use while its interpreter reads it.
struct Placed {
    path: PathBuf,
    folder: Option<PathBuf>,
}

impl Drop for Placed {
    fn drop(&mut self) {
        // What cannot be removed does no harm: it holds no value.
        let _ = std::fs::remove_file(&self.path);
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

impl Action for Script {
    fn validate(&self) -> Vec<FieldFault> {
        let mut faults = self.surroundings().validate();
        let shell = matches!(self.interpreter.as_str(), "bash" | "sh");
        match (&self.text, &self.verbatim) {
            (Some(_), Some(_)) => {
                faults.push(FieldFault::new("verbatim", "`text` and `verbatim` exclude each other").help("keep one of them"));
            }
            (None, None) => faults.push(FieldFault::new("", "the script is missing").help("write it as `text = \"\"\"…\"\"\"`")),
            (Some(_), None) if !shell => faults.push(
                FieldFault::new("interpreter", format!("`text` is for bash and sh, not for `{}`", self.interpreter))
                    .help("name the field `verbatim`: it takes no templates, and values reach the script through `env`"),
            ),
            (Some(ShellText { bash_only: Some(what), .. }), None) if self.interpreter == "sh" => faults.push(
                FieldFault::new("text", format!("this script for `sh` has {what}, which only bash knows"))
                    .help("write `interpreter = \"bash\"`, or the same as POSIX has it"),
            ),
            (Some(_), None) | (None, Some(_)) => {}
        }
        faults
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let placed = match self.place(cx) {
                Ok(placed) => placed,
                Err(error) => {
                    let failure = Failure::new(FailureKind::Exhausted, format!("the script's file cannot be written: {error}"));
                    return Outcome::failed(failure, Residue::None);
                }
            };
            let mut args = self.flags();
            args.push(placed.path.to_string_lossy().into_owned());
            self.surroundings().run(cx, self.interpreter.clone(), args).await
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [serde_json::Value]) -> BoxFuture<'a, Settled> {
        Box::pin(child::settle(cx))
    }
}
