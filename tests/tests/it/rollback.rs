//! Undo on failure, with files as the world.

use snapbox::str;

use crate::sandbox::Sandbox;

fn runbook(middle: &str) -> String {
    format!(
        r#"
format = 1
name = "changes"
on_failure = "rollback"

[[step]]
id = "one"
title = "Change the first file"
file.write = {{ path = "one.txt", text = "new one", overwrite = true }}
undo = [{{ file.put_back = {{ path = "one.txt", kept = "{{{{before.kept}}}}" }} }}]

{middle}
[[step]]
id = "two"
title = "Make the second file"
file.copy = {{ from = "one.txt", to = "two.txt" }}
undo = [{{ file.put_back = {{ path = "two.txt", kept = "{{{{before.kept}}}}" }} }}]

[[step]]
id = "break"
title = "Break"
shell.run = {{ argv = ["false"] }}
undo = [{{ shell.run = {{ argv = ["true"] }} }}]
"#
    )
}

#[test]
fn everything_that_was_begun_is_undone_in_reverse_order() {
    let sandbox = Sandbox::new().file("a.toml", runbook("")).file("one.txt", "old one");
    sandbox
        .run(["exec", "a.toml"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of changes
[CLOCK] step one: begins: Change the first file
[CLOCK] step one: done ([TOOK])
[CLOCK] step two: begins: Make the second file
[CLOCK] step two: done ([TOOK])
[CLOCK] step break: begins: Break
[CLOCK] step break: FAILED: `false` exited with 1, expected 0 ([TOOK])
[CLOCK] rolling back 3 steps
[CLOCK] undo break: begins: Take back: Break
[CLOCK] undo break: done ([TOOK])
[CLOCK] undo two: begins: Take back: Make the second file
[CLOCK] undo two: done ([TOOK])
[CLOCK] undo one: begins: Take back: Change the first file
[CLOCK] undo one: done ([TOOK])

"#]])
        .stderr(str![[r#"

error[RB506]: `break` failed: `false` exited with 1, expected 0
  --> a.toml:22:1
   |
20 | id = "break"
   |      -------
21 | title = "Break"
22 | shell.run = { argv = ["false"] }
   | ^^^^^^^^^

failed, and everything was rolled back (run [RUN])
  changed     nothing
  taken back  break: Break
              two: Make the second file
              one: Change the first file
  again       runbook exec a.toml --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(5);
    assert_eq!(sandbox.read("one.txt"), "old one");
    assert!(!sandbox.path("two.txt").exists());
}

#[test]
fn what_cannot_be_undone_is_a_barrier() {
    let barrier = "[[step]]\nid = \"gone\"\ntitle = \"Send it\"\nshell.run = { argv = [\"true\"] }\nirreversible = \"it was sent\"\n";
    let sandbox = Sandbox::new().file("a.toml", runbook(barrier)).file("one.txt", "old one");
    sandbox
        .run(["exec", "a.toml"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of changes
[CLOCK] step one: begins: Change the first file
[CLOCK] step one: done ([TOOK])
[CLOCK] step gone: begins: Send it
[CLOCK] step gone: done ([TOOK])
[CLOCK] step two: begins: Make the second file
[CLOCK] step two: done ([TOOK])
[CLOCK] step break: begins: Break
[CLOCK] step break: FAILED: `false` exited with 1, expected 0 ([TOOK])
[CLOCK] rolling back 2 steps; `gone` cannot be undone, nor what came before it
[CLOCK] undo break: begins: Take back: Break
[CLOCK] undo break: done ([TOOK])
[CLOCK] undo two: begins: Take back: Make the second file
[CLOCK] undo two: done ([TOOK])

"#]])
        .stderr(str![[r#"

error[RB506]: `break` failed: `false` exited with 1, expected 0
  --> a.toml:27:1
   |
25 | id = "break"
   |      -------
26 | title = "Break"
27 | shell.run = { argv = ["false"] }
   | ^^^^^^^^^

a person is needed: the rollback met a change that cannot be undone (run [RUN])
  changed     one: Change the first file (undo: file.put_back)
              gone: Send it (cannot be undone: it was sent)
  taken back  break: Break
              two: Make the second file
  barrier     `gone` cannot be undone, nor what came before it
  when done   runbook abandon [RUN] --reason 'put right by hand: …' --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(6);
    assert_eq!(sandbox.read("one.txt"), "new one", "nothing before the barrier is undone");
    assert!(!sandbox.path("two.txt").exists(), "what came after it is");
}

#[test]
fn an_undo_that_fails_wants_a_person() {
    let text = r#"
format = 1
name = "stuck"
on_failure = "rollback"

[[step]]
id = "one"
shell.run = { argv = ["true"] }
undo = [{ shell.run = { argv = ["sh", "-c", "echo no way back >&2; exit 1"] } }]

[[step]]
id = "break"
shell.run = { argv = ["false"] }
leaves = "nothing"
"#;
    let sandbox = Sandbox::new().file("a.toml", text);
    sandbox
        .run(["exec", "a.toml", "--output", "quiet"])
        .stderr(str![[r#"

error[RB506]: `break` failed: `false` exited with 1, expected 0
  --> a.toml:13:1
   |
12 | id = "break"
   |      -------
13 | shell.run = { argv = ["false"] }
   | ^^^^^^^^^

error[RB506]: the undo of `one` failed: `sh` exited with 1, expected 0
 --> a.toml:9:11
  |
7 | id = "one"
  |      -----
8 | shell.run = { argv = ["true"] }
9 | undo = [{ shell.run = { argv = ["sh", "-c", "echo no way back >&2; exit 1"] } }]
  |           ^^^^^^^^^
    > no way back

a person is needed: an undo failed (run [RUN])
  changed     one (undo: shell.run)
  perhaps     break, which failed (stays: nothing)
  go on       runbook resume [RUN] --state-dir [DIR]/state
  or by hand  runbook abandon [RUN] --reason 'put right by hand: …' --state-dir [DIR]/state
  look        runbook runs log [RUN] --step one --state-dir [DIR]/state
              runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(6);
    // What is in doubt then is the undo: "done" means that it was taken back.
    let (_, told) = sandbox.run(["resume", "--last", "--no-input", "--output", "quiet"]).only_code(6);
    assert!(told.contains("a person is needed: it is not known whether an undo was done"), "{told}");
    assert!(told.contains("\n  in doubt    one, whether its undo was done (undo: shell.run)\n"), "{told}");
}

#[test]
fn the_command_line_has_the_last_word_on_a_failure() {
    let sandbox = Sandbox::new().file("a.toml", runbook("")).file("one.txt", "old one");
    sandbox.run(["exec", "a.toml", "--on-failure", "stop"]).only_code(1);
    assert_eq!(sandbox.read("one.txt"), "new one");
}

#[test]
fn an_undo_that_is_not_needed_is_skipped() {
    let text = r#"
format = 1
name = "when"
on_failure = "rollback"

[[step]]
id = "one"
file.write = { path = "one.txt", text = "new" }
undo = [
  { shell.run = { argv = ["touch", "undone"] }, when = "before.existed" },
  { file.put_back = { path = "one.txt", kept = "{{before.kept}}" } },
]

[[step]]
id = "break"
shell.run = { argv = ["false"] }
leaves = "nothing"
"#;
    let sandbox = Sandbox::new().file("a.toml", text);
    let (stdout, _) = sandbox.run(["exec", "a.toml"]).only_code(5);
    assert!(stdout.contains("undo one: skipped: `before.existed` does not hold"), "{stdout}");
    assert!(!sandbox.path("undone").exists() && !sandbox.path("one.txt").exists());
}

#[test]
fn a_run_that_was_given_up_is_not_said_to_have_nothing_to_undo() {
    let sandbox = Sandbox::new().file("a.toml", runbook("")).file("one.txt", "old one");
    sandbox.run(["exec", "a.toml", "--on-failure", "stop", "--output", "quiet"]).only_code(1);
    sandbox.run(["abandon", "--last", "--reason", "looked at tomorrow"]).only_code(0);
    sandbox
        .run(["rollback", "--last"])
        .stderr(str![[r#"
error: run [RUN] is at its end: given up; what it changed is undone by hand
help: what that is, and why it was given up: `runbook runs show [RUN] --state-dir [DIR]/state`

"#]])
        .code(6);
}
