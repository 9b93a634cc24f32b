//! `shell.run`.

use std::collections::BTreeMap;

use runbook_core::action::{Action, Before, BoxFuture, Cx, FieldFault, Outcome, Settled};
use runbook_core::value::OctalMode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::child::{self, Surroundings};

/// Runs a program with its arguments; no shell sees them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// The program, then its arguments, each as it is: no globbing, no quoting.
    #[schemars(length(min = 1))]
    argv: Vec<Argument>,
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

/// One word of a command line; every user of the host can see it.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("x-text" = "argv"))]
struct Argument(String);

impl Run {
    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            env: self.env.clone(),
            cwd: self.cwd.as_deref(),
            user: self.user.as_deref(),
            umask: self.umask,
            stdin: self.stdin.as_deref(),
            stdin_file: self.stdin_file.as_deref(),
            stdout_file: self.stdout_file.as_deref(),
            exit_codes: &self.exit_codes,
        }
    }
}

impl Action for Run {
    fn validate(&self) -> Vec<FieldFault> {
        let mut faults = self.surroundings().validate();
        if self.argv.first().is_none_or(|program| program.0.is_empty()) {
            faults.push(
                FieldFault::new("argv", "the program's name is empty")
                    .help("write the program first: `argv = [\"systemctl\", \"stop\", \"nginx\"]`"),
            );
        }
        for (at, argument) in self.argv.iter().enumerate() {
            if argument.0.contains('\0') {
                faults.push(FieldFault::new(format!("argv[{at}]"), "an argument cannot contain a NUL character"));
            }
        }
        faults
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mut argv = self.argv.iter().map(|argument| argument.0.clone());
            let program = argv.next().unwrap_or_default();
            self.surroundings().run(cx, program, argv.collect()).await
        })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, _evidence: &'a [serde_json::Value]) -> BoxFuture<'a, Settled> {
        Box::pin(child::settle(cx))
    }
}
