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

#[test]
fn a_backup_without_a_manifest_is_none() {
    Sandbox::new()
        .file("backup/data.sql", "")
        .run(["backup", "verify", "backup"])
        .stderr(str![[r#"
error: cannot read `backup/manifest.json`: No such file or directory (os error 2)
help: without a manifest there is no backup

"#]])
        .code(9);
}

#[test]
fn the_programs_own_log_is_on_request() {
    let text = "format = 1\nname = \"a\"\n\n[[check]]\nid = \"here\"\nfile.assert = { path = \".\" }\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    let (_, quiet) = sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(0);
    assert_eq!(quiet, "");
    let sandbox = sandbox.env("RUNBOOK_LOG", "trace");
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(0);
}

#[test]
fn every_command_has_an_example() {
    for command in ["exec", "check", "plan", "explain", "completions", "man"] {
        let (help, _) = Sandbox::new().run([command, "--help"]).only_code(0);
        assert!(help.contains("Example"), "{command}: {help}");
    }
    for command in [["runs", "list"], ["runs", "show"], ["runs", "log"], ["backup", "list"], ["backup", "show"], ["backup", "verify"]] {
        let (help, _) = Sandbox::new().run([command[0], command[1], "--help"]).only_code(0);
        assert!(help.contains("Example"), "{command:?}: {help}");
    }
}
