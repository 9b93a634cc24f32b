//! What stays of a run's memory.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::sandbox::{Sandbox, binary};

/// Whether what a shell becomes leaves a core, where the system writes any. `ready` is the file that says it is under way.
fn leaves_a_core(sandbox: &Sandbox, line: &str, ready: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -c unlimited 2>/dev/null; {line}"), "sh"]).arg(binary()).current_dir(sandbox.path("."));
    // What the sandbox knows its children by.
    let home = sandbox.path(ready).parent().map(std::path::Path::to_owned).expect("the folder");
    shell.env("HOME", home).env("RUNBOOK_STATE_DIR", sandbox.path("state"));
    let mut child = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell");
    sandbox.wait_for(ready);
    Sandbox::signal(&child, Signal::ABORT);
    child.wait().expect("its end").core_dumped()
}

#[test]
fn a_run_that_is_aborted_leaves_no_secrets_in_a_core() {
    let text =
        "format = 1\nname = \"long\"\n\n[[step]]\nid = \"one\"\nleaves = \"a file\"\nshell.script = { text = \"touch begun; sleep 60\" }\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    // On a system that writes no cores at all this proves nothing; the message says so.
    let control = leaves_a_core(&sandbox, "touch ready; exec sleep 60", "ready");
    assert!(!leaves_a_core(&sandbox, "exec \"$1\" exec a.toml", "begun"), "its memory was written out (another program's: {control})");
    sandbox.end_marked();
}
