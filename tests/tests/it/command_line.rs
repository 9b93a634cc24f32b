//! The command line itself: help, faults of use, explanations.

use snapbox::str;

use crate::sandbox::Sandbox;

#[test]
fn no_command_shows_the_help_and_is_a_fault_of_use() {
    let (stdout, stderr) = Sandbox::new().run([]).only_code(2);
    assert_eq!(stdout, "");
    assert!(stderr.contains("Examples:\n  runbook check runbooks/"), "{stderr}");
}

#[test]
fn an_unknown_command_is_named() {
    Sandbox::new()
        .run(["chek"])
        .stderr(str![[r#"
error: unrecognized subcommand 'chek'

  tip: some similar subcommands exist: 'schema', 'check'

Usage: runbook [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]])
        .code(2);
}

#[test]
fn explain_shows_the_page_of_a_code() {
    let (stdout, stderr) = Sandbox::new().run(["explain", "rb101"]).only_code(0);
    assert!(stdout.starts_with("# RB101"), "{stdout}");
    assert_eq!(stderr, "");
}

#[test]
fn explain_refuses_what_is_no_code() {
    Sandbox::new()
        .run(["explain", "RB\u{1b}[31m"])
        .stderr(str![[r#"
error: there is no code `RB\u{1b}[31m`
help: `runbook explain` lists all codes

"#]])
        .code(2);
}

#[test]
fn completions_and_manual_pages_are_made() {
    let sandbox = Sandbox::new();
    let (script, _) = sandbox.run(["completions", "bash"]).only_code(0);
    assert!(script.contains("_runbook()"), "{script}");
    sandbox.run(["man", "man"]).code(0);
    assert!(sandbox.read("man/runbook-exec.1").contains("runbook-exec"));
}

#[test]
fn a_result_that_cannot_be_written_is_not_a_success() {
    let sandbox = Sandbox::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let child = sandbox.command(["explain"]).stdout(full).spawn().expect("the program");
    sandbox
        .wait(child)
        .stderr(str![[r#"
error: standard output cannot be written: No space left on device (os error 28)

"#]])
        .code(74);
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let sandbox = Sandbox::new();
    let mut child = sandbox.spawn(["explain"]);
    drop(child.stdout.take());
    sandbox.wait(child).code(0);
}
