//! What `run` and `script` have in common: how a child is started, and what its end means.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use runbook_core::action::{Cx, Exit, Failure, FailureKind, FieldFault, Outcome, Outputs, ProcessSpec, Residue, Settled, Sink, Stdin};
use runbook_core::value::OctalMode;
use serde_json::Value;

/// Kept of the standard output for `steps.ID.stdout`; the step's log has more.
const STDOUT_KEPT: usize = 32 * 1024;
/// Kept of the error output for `steps.ID.stderr`.
const STDERR_KEPT: usize = 16 * 1024;
/// After SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(10);
/// Lines of the error output that a failure shows.
const DETAIL_LINES: usize = 10;

/// Where a child starts and what it is given.
pub(super) struct Surroundings<'a> {
    pub(super) env: BTreeMap<String, String>,
    pub(super) cwd: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) umask: Option<OctalMode>,
    pub(super) stdin: Option<&'a str>,
    pub(super) stdin_file: Option<&'a str>,
    pub(super) stdout_file: Option<&'a str>,
    pub(super) exit_codes: &'a [u8],
}

impl Surroundings<'_> {
    /// Faults that no schema can say.
    pub(super) fn validate(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if self.stdin.is_some() && self.stdin_file.is_some() {
            faults.push(FieldFault::new("stdin_file", "`stdin` and `stdin_file` exclude each other").help("keep one of them"));
        }
        for name in self.env.keys() {
            if name.is_empty() || name.contains(['=', '\0']) {
                faults.push(FieldFault::new("env", format!("`{name}` cannot be the name of an environment variable")));
            }
        }
        for (name, _) in self.env.iter().filter(|(_, value)| value.contains('\0')) {
            faults.push(FieldFault::new(format!("env.{name}"), "a variable of the environment cannot hold a NUL character"));
        }
        for (field, path) in [("cwd", self.cwd), ("stdin_file", self.stdin_file), ("stdout_file", self.stdout_file)] {
            if path.is_some_and(|path| path.contains('\0')) {
                faults.push(FieldFault::new(field, "a path cannot contain a NUL character"));
            }
        }
        faults
    }

    /// Starts `program` and says how it ended.
    pub(super) async fn run(&self, cx: Cx<'_>, program: String, args: Vec<String>) -> Outcome {
        let name = program.clone();
        let spec = ProcessSpec {
            program,
            args,
            env: self.env.clone(),
            cwd: self.cwd.map(|path| cx.base_dir().join(path)),
            user: self.user.map(str::to_owned),
            umask: self.umask.map(OctalMode::get),
            stdin: match (self.stdin, self.stdin_file) {
                (Some(text), _) => Stdin::Bytes(text.as_bytes().to_vec()),
                (None, Some(path)) => Stdin::File(cx.base_dir().join(path)),
                (None, None) => Stdin::Null,
            },
            stdout: self.stdout_file.map_or(Sink::Capture(STDOUT_KEPT), |path| Sink::File(base(cx, path))),
            stderr: Sink::Capture(STDERR_KEPT),
            grace: GRACE,
        };
        match cx.processes().run(cx, spec).await {
            Ok(exit) => self.outcome(&name, &exit),
            // Nothing was started.
            Err(failure) => Outcome::failed(failure, Residue::None),
        }
    }

    fn outcome(&self, program: &str, exit: &Exit) -> Outcome {
        if exit.cancelled {
            return Outcome::Cancelled { residue: Residue::Unknown };
        }
        let outputs = outputs(exit);
        let accepted = |code: i32| u8::try_from(code).is_ok_and(|code| self.exit_codes.contains(&code));
        let message = match (exit.code, exit.signal) {
            (Some(code), _) if accepted(code) => return Outcome::changed(outputs),
            (Some(code), _) => format!("`{program}` exited with {code}, expected {}", list(self.exit_codes)),
            (None, Some(signal)) => format!("`{program}` was ended by signal {signal}"),
            (None, None) => format!("`{program}` ended without an exit code"),
        };
        let mut failure = Failure::new(FailureKind::Failed, message);
        let stderr = String::from_utf8_lossy(&exit.stderr);
        let lines: Vec<&str> = stderr.lines().collect();
        failure.detail = lines.iter().skip(lines.len().saturating_sub(DETAIL_LINES)).map(|line| (*line).to_owned()).collect();
        Outcome::Failed { failure, residue: Residue::Unknown, outputs }
    }
}

fn base(cx: Cx<'_>, path: &str) -> PathBuf {
    cx.base_dir().join(path)
}

fn outputs(exit: &Exit) -> Outputs {
    let code = exit.code.or_else(|| exit.signal.map(|signal| 128 + signal));
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        Value::from(text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text)))
    };
    Outputs::from_iter([
        ("exit_code".to_owned(), code.map_or(Value::Null, Value::from)),
        ("stdout".to_owned(), text(&exit.stdout)),
        ("stderr".to_owned(), text(&exit.stderr)),
        ("truncated".to_owned(), Value::from(exit.truncated)),
    ])
}

fn list(codes: &[u8]) -> String {
    codes.iter().map(u8::to_string).collect::<Vec<_>>().join(" or ")
}

/// The default of `exit_codes`.
pub(super) fn zero() -> Vec<u8> {
    vec![0]
}

/// Ends what an interrupted run of this effect left behind, or waits for it where it may not be interrupted.
pub(super) async fn settle(cx: Cx<'_>) -> Settled {
    let mut left = cx.processes().settle(cx.mark(), cx.interruptible(), GRACE).await;
    while !left.is_empty() && !cx.interruptible() && cx.cancel_requested().is_none() {
        left = cx.processes().settle(cx.mark(), false, GRACE).await;
    }
    if left.is_empty() {
        return Settled::AtRest;
    }
    let pids = left.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    Settled::Moving { why: format!("{} of it still running: {pids}", if left.len() == 1 { "a process" } else { "processes" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: Option<i32>, signal: Option<i32>, stderr: &str) -> Exit {
        Exit {
            code,
            signal,
            stdout: b"out\n".to_vec(),
            stderr: stderr.as_bytes().to_vec(),
            truncated: false,
            cancelled: false,
            left_behind: false,
        }
    }

    fn surroundings(exit_codes: &[u8]) -> Surroundings<'_> {
        Surroundings {
            env: BTreeMap::new(),
            cwd: None,
            user: None,
            umask: None,
            stdin: None,
            stdin_file: None,
            stdout_file: None,
            exit_codes,
        }
    }

    #[test]
    fn an_expected_code_is_a_success_and_output_loses_its_last_line_break() {
        let Outcome::Succeeded { outputs, changed } = surroundings(&[0, 3]).outcome("prog", &exit(Some(3), None, "")) else {
            panic!("failed")
        };
        assert!(changed);
        assert_eq!(serde_json::to_string(&outputs).unwrap(), r#"{"exit_code":3,"stdout":"out","stderr":"","truncated":false}"#);
    }

    #[test]
    fn another_code_fails_with_the_last_lines_of_stderr() {
        let text = "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\nline 9\nline 10\nline 11\nline 12\n";
        let Outcome::Failed { failure, residue, outputs } = surroundings(&[0, 3]).outcome("prog", &exit(Some(1), None, text)) else {
            panic!("ok")
        };
        assert_eq!(failure.message, "`prog` exited with 1, expected 0 or 3");
        assert_eq!(failure.detail.first().map(String::as_str), Some("line 3"));
        assert_eq!(failure.detail.len(), 10);
        assert_eq!((residue, &outputs["exit_code"]), (Residue::Unknown, &Value::from(1)));
    }

    #[test]
    fn a_signal_is_named_and_gives_the_shells_code() {
        let Outcome::Failed { failure, outputs, .. } = surroundings(&[0]).outcome("prog", &exit(None, Some(9), "")) else { panic!("ok") };
        assert_eq!(failure.message, "`prog` was ended by signal 9");
        assert_eq!(outputs["exit_code"], Value::from(137));
    }
}
