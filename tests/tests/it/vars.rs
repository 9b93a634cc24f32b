//! Where the values of variables come from.

use snapbox::str;

use crate::sandbox::Sandbox;

const TEXT: &str = r#"
format = 1
name = "vars"

[vars.what]
type = "string"
example = "this"
description = "What to say"

[vars.port]
type = "port"
default = 8989

[[step]]
id = "say"
shell.run = { argv = ["echo", "{{vars.what}} {{vars.port}}"] }
leaves = "nothing"
"#;

fn said(sandbox: &Sandbox, args: &[&str]) -> String {
    let (stdout, _) = sandbox.run(["exec", "a.toml"].into_iter().chain(args.iter().copied())).only_code(0);
    stdout.lines().find_map(|line| line.trim().strip_prefix("say| ")).map(str::to_owned).unwrap_or_default()
}

#[test]
fn the_nearest_source_wins() {
    let sandbox = Sandbox::new()
        .file("a.toml", TEXT)
        .file("site.toml", "what = \"file\"\nport = 1\n")
        .file("other.toml", "what = \"other file\"\n")
        .file("what.txt", "contents\n")
        .env("RUNBOOK_VAR_WHAT_FILE", "what.txt");
    assert_eq!(said(&sandbox, &[]), "contents 8989");
    let sandbox = sandbox.env("RUNBOOK_VAR_WHAT", "environment");
    assert_eq!(said(&sandbox, &[]), "environment 8989");
    assert_eq!(said(&sandbox, &["--var-file", "site.toml"]), "file 1");
    assert_eq!(said(&sandbox, &["--var-file", "site.toml", "--var-file", "other.toml"]), "other file 1");
    assert_eq!(said(&sandbox, &["--var-file", "site.toml", "--var", "what=command line", "--var", "port=2"]), "command line 2");
}

#[test]
fn a_value_can_come_from_a_file_or_a_command() {
    let sandbox = Sandbox::new()
        .file("a.toml", TEXT)
        .file("secrets/what.txt", "from a file\n")
        .file("site/vars.toml", "what.file = \"../secrets/what.txt\"\n")
        .file("command.toml", "what.command = [\"echo\", \"from a command\"]\n");
    assert_eq!(said(&sandbox, &["--var", "what.file=secrets/what.txt"]), "from a file 8989");
    assert_eq!(said(&sandbox, &["--var-file", "site/vars.toml"]), "from a file 8989");
    assert_eq!(said(&sandbox, &["--var", "what.command=echo from a shell"]), "from a shell 8989");
    assert_eq!(said(&sandbox, &["--var-file", "command.toml"]), "from a command 8989");
}

#[test]
fn a_missing_value_is_told_with_an_example() {
    Sandbox::new()
        .file("a.toml", TEXT)
        .run(["exec", "a.toml"])
        .stderr(str![[r#"
error[RB401]: `what` has no value
 --> a.toml:5:7
  |
5 | [vars.what]
  |       ^^^^ What to say
  |
  = help: add `--var what=this`, write it into a variable file, or set `RUNBOOK_VAR_WHAT`

nothing was run: 1 error

"#]])
        .code(3);
}

#[test]
fn every_wrong_value_is_told_at_once() {
    let sandbox = Sandbox::new().file("a.toml", TEXT).file("site.toml", "port = \"high\"\nwaht = 1\n");
    sandbox
        .run(["exec", "a.toml", "--var-file", "site.toml"])
        .stderr(str![[r#"
error[RB402]: `waht` from site.toml:2 is not a variable of this runbook
 --> a.toml:5:7
  |
5 | [vars.what]
  |       ^^^^ declared here
  |
  = help: did you mean `what`?

error[RB401]: `what` has no value
 --> a.toml:5:7
  |
5 | [vars.what]
  |       ^^^^ What to say
  |
  = help: add `--var what=this`, write it into a variable file, or set `RUNBOOK_VAR_WHAT`

error[RB403]: `port` from site.toml:1 is "high", which is not accepted
  --> a.toml:10:7
   |
10 | [vars.port]
   |       ^^^^ expected a port, 1 to 65535

nothing was run: 3 errors

"#]])
        .code(3);
}

#[test]
fn a_variable_file_with_faults_is_shown() {
    let sandbox = Sandbox::new().file("a.toml", TEXT).file("site.toml", "what = \nport = 1 2\n");
    sandbox
        .run(["exec", "a.toml", "--var-file", "site.toml", "--var-file", "nowhere.toml"])
        .stderr(str![[r#"
error[RB101]: a value is missing
 --> site.toml:1:8
  |
1 | what = 
  |        ^ expected a value

error[RB101]: `1 2` is not a value
 --> site.toml:2:8
  |
2 | port = 1 2
  |        ^^^ expected a text in quotes, a number, `true` or `false`
  |
  = help: write `"1 2"`

error[RB100]: `nowhere.toml` cannot be read: there is no such file

nothing was run: 3 errors

"#]])
        .code(3);
}

#[test]
fn a_command_that_fails_gives_no_value() {
    Sandbox::new()
        .file("a.toml", TEXT)
        .run(["exec", "a.toml", "--var", "what.command=exit 4"])
        .stderr(str![[r#"
error[RB420]: the variable `what` has no value: `exit 4` ended with exit code 4

nothing was run: 1 error

"#]])
        .code(3);
}

#[test]
fn a_value_on_the_command_line_is_never_shown() {
    Sandbox::new()
        .file("a.toml", TEXT)
        .run(["exec", "a.toml", "--var", "s3cret"])
        .stderr(str![[r#"
error: the value of a `--var` is not of the form NAME=VALUE (it is not shown: it may be a secret)

"#]])
        .code(2);
}

#[test]
fn the_command_to_type_again_has_the_values_and_what_was_wished() {
    let text = "format = 1\nname = \"again\"\n\n[vars.one]\ntype = \"string\"\n\n[vars.two]\ntype = \"string\"\n\n[[check]]\nid = \"there\"\nfile.assert = { path = \"{{vars.one}}{{vars.two}}\" }\n\n[[step]]\nid = \"go\"\nshell.run = { argv = [\"true\"] }\nleaves = \"nothing\"\n";
    let sandbox = Sandbox::new().file("a.toml", text).file("site.toml", "one = \"no\"\n");
    let said = ["exec", "a.toml", "--var", "two=such file", "--skip", "go", "--var-file", "site.toml", "--on-failure", "rollback"];
    let (_, stderr) = sandbox.run(said).only_code(9);
    let again = "runbook exec a.toml --var-file site.toml --var 'two=such file' --skip go --on-failure rollback --state-dir [DIR]/state\n";
    assert!(stderr.contains(&format!("  again       {again}")), "{stderr}");
}
