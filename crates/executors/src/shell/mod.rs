//! Child processes: a program with its arguments, or a script.

mod child;
mod run;
mod script;

use runbook_core::action::{ActionSpec, Class, Executor, OutputKind, OutputSpec};

/// `shell.*`.
pub struct Shell;

const OUTPUTS: &[OutputSpec] = &[
    OutputSpec::new("exit_code", OutputKind::Int, "the exit code; 128 and the signal's number where a signal ended it"),
    OutputSpec::new("stdout", OutputKind::String, "what it wrote to its output, without the line break at the end; at most 32 KiB"),
    OutputSpec::new("stderr", OutputKind::String, "what it wrote to its error output, without the line break at the end; at most 16 KiB"),
    OutputSpec::new("truncated", OutputKind::Bool, "whether some of the output is only in the step's log"),
];

static ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        outputs: OUTPUTS,
        example: r#"shell.run = { argv = ["systemctl", "is-active", "nginx"], exit_codes = [0, 3] }"#,
        schema: runbook_core::described!(run::Run, "shell.run"),
        ..ActionSpec::of::<run::Run>("run", Class::ONCE, "runs a program with its arguments; no shell sees them")
    },
    ActionSpec {
        outputs: OUTPUTS,
        example: r#"shell.script = { text = "df --output=avail / | tail -n 1" }"#,
        schema: runbook_core::described!(script::Script, "shell.script"),
        ..ActionSpec::of::<script::Script>(
            "script",
            Class::ONCE,
            "runs a script that stands in a file of its own; it stops at the first command that fails",
        )
    },
];

impl Executor for Shell {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn about(&self) -> &'static str {
        "programs and scripts on the host where runbook runs"
    }

    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }
}
