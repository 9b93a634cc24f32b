//! Going on with a run, undoing it later, giving it up.

use snapbox::str;

use crate::sandbox::Sandbox;

/// The second step fails until there is a file `mended`.
const FAILS: &str = r#"
format = 1
name = "upgrade"

[[step]]
id = "one"
title = "Change the first file"
file.write = { path = "one.txt", text = "new one", overwrite = true }
undo = [{ file.put_back = { path = "one.txt", kept = "{{before.kept}}" } }]

[[step]]
id = "two"
title = "Do what fails at first"
shell.script = { text = "echo tried >> tries.txt; test -e mended" }
leaves = "a line in a file"

[[step]]
id = "three"
title = "Make the third file"
file.copy = { from = "one.txt", to = "three.txt" }
undo = [{ file.put_back = { path = "three.txt", kept = "{{before.kept}}" } }]
"#;

fn failed() -> Sandbox {
    let sandbox = Sandbox::new().file("a.toml", FAILS).file("one.txt", "old one");
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(1);
    sandbox
}

/// A step that nobody can say of whether it was done: its program is killed with everything that is ours.
fn in_doubt() -> Sandbox {
    let text = r#"
format = 1
name = "doubtful"

[[step]]
id = "one"
shell.run = { argv = ["touch", "one"] }
undo = [{ shell.run = { argv = ["rm", "-f", "one"] } }]

[[step]]
id = "send"
shell.run = { argv = ["sh", "-c", "echo sent >> sent.txt; touch begun; test -e quick || exec sleep 600"] }
undo = [{ shell.run = { argv = ["rm", "-f", "sent.txt"] } }]

[[step]]
id = "last"
shell.run = { argv = ["touch", "last"] }
leaves = "a file"
"#;
    let sandbox = Sandbox::new().file("a.toml", text);
    let mut child = sandbox.spawn(["exec", "a.toml", "--output", "quiet"]);
    sandbox.wait_for("begun");
    child.kill().expect("a kill");
    drop((child.stdout.take(), child.stderr.take()));
    child.wait().expect("its end");
    sandbox.end_marked();
    std::fs::write(sandbox.path("quick"), "").expect("a file");
    sandbox
}

#[test]
fn a_failed_run_goes_on_where_it_stopped() {
    let sandbox = Sandbox::new().file("a.toml", FAILS).file("one.txt", "old one");
    sandbox
        .run(["exec", "a.toml", "--output", "quiet"])
        .stderr(str![[r#"

error[RB506]: `two` failed: `bash` exited with 1, expected 0
  --> a.toml:14:1
   |
12 | id = "two"
   |      -----
13 | title = "Do what fails at first"
14 | shell.script = { text = "echo tried >> tries.txt; test -e mended" }
   | ^^^^^^^^^^^^

stopped at `two`; nothing was rolled back (run [RUN])
  changed     one: Change the first file (undo: file.put_back)
  perhaps     two: Do what fails at first, which failed (stays: a line in a file)
  as it was   1 step not done or without a change: three
  go on       runbook resume [RUN] --state-dir [DIR]/state
  roll back   runbook rollback [RUN] --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(1);
    std::fs::write(sandbox.path("mended"), "").expect("a file");
    sandbox
        .run(["resume", "--last", "--answer", "two=not-done"])
        .stdout(str![[r#"
[CLOCK] resumed by [USER] on [HOST]
[CLOCK] step two: looking whether it was done: the run goes on here
[CLOCK] step two: IN DOUBT: this action cannot ask whether it was done
[CLOCK] `two`: not-done, says --answer
[CLOCK] step two: begins: Do what fails at first
[CLOCK] step two: done ([TOOK])
[CLOCK] step three: begins: Make the third file
[CLOCK] step three: done ([TOOK])

"#]])
        .stderr(str![[r#"

done in [TOOK] (run [RUN])

"#]])
        .code(0);
    assert_eq!(sandbox.read("tries.txt"), "tried\ntried\n");
    assert_eq!(sandbox.read("three.txt"), "new one");
    // There is nothing left to do, and that is no fault.
    sandbox
        .run(["resume", "--last"])
        .stderr(str![[r#"
run [RUN] is at its end: done; there is nothing to go on with
help: what it has done can be undone: `runbook rollback [RUN] --state-dir [DIR]/state`

"#]])
        .code(0);
}

#[test]
fn a_failed_run_is_undone_later_and_looked_at_before() {
    let sandbox = failed();
    sandbox
        .run(["rollback", "--last", "--dry-run"])
        .stdout(str![[r#"
1 step would be undone, in this order:
  1. one: Change the first file (took [TOOK])
         file.put_back
`two` stays: a line in a file

"#]])
        .stderr(str![[r#"
nothing was changed; to undo it: `runbook rollback [RUN] --state-dir [DIR]/state`

"#]])
        .code(0);
    assert_eq!(sandbox.read("one.txt"), "new one");
    sandbox
        .run(["rollback", "--last"])
        .stdout(str![[r#"
[CLOCK] rollback begun by [USER] on [HOST]
[CLOCK] rolling back 1 step
[CLOCK] undo one: begins: Take back: Change the first file
[CLOCK] undo one: done ([TOOK])

"#]])
        .stderr(str![[r#"

rolled back: everything that was begun is undone (run [RUN])
  perhaps     two: Do what fails at first, which failed (stays: a line in a file)
  taken back  one: Change the first file
  as it was   1 step not done or without a change: three
  again       runbook exec [DIR]/a.toml --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(0);
    assert_eq!(sandbox.read("one.txt"), "old one");
    sandbox
        .run(["rollback", "--last"])
        .stderr(str![[r#"
run [RUN] is at its end: rolled back; there is nothing to undo

"#]])
        .code(0);
    sandbox
        .run(["resume", "--last"])
        .stderr(str![[r#"
run [RUN] is at its end: rolled back; there is nothing to go on with

"#]])
        .code(0);
}

#[test]
fn a_run_that_is_done_can_be_undone() {
    let sandbox = Sandbox::new().file("a.toml", FAILS).file("one.txt", "old one").file("mended", "");
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(0);
    sandbox
        .run(["resume", "--last"])
        .stderr(str![[r#"
run [RUN] is at its end: done; there is nothing to go on with
help: what it has done can be undone: `runbook rollback [RUN] --state-dir [DIR]/state`

"#]])
        .code(0);
    sandbox.run(["rollback", "--last", "--output", "quiet"]).only_code(0);
    assert_eq!(sandbox.read("one.txt"), "old one");
    assert!(!sandbox.path("three.txt").exists());
}

#[test]
fn what_nobody_can_say_is_asked_and_the_card_has_the_answers() {
    let sandbox = in_doubt();
    sandbox
        .run(["resume", "--last", "--no-input", "--output", "quiet"])
        .stderr(str![[r#"

a person is needed: it is not known whether a step was done (run [RUN])
  changed     one (undo: shell.run)
  in doubt    send (undo: shell.run)
  as it was   1 step not done or without a change: last
  go on       runbook resume [RUN] --state-dir [DIR]/state
  or answer   runbook resume [RUN] --answer send=done --state-dir [DIR]/state
              runbook resume [RUN] --answer send=not-done --state-dir [DIR]/state
  roll back   runbook rollback [RUN] --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(6);
    sandbox
        .run(["resume", "--last", "--no-input", "--answer", "sned=done"])
        .stderr(str![[r#"
error[RB473]: `--answer sned=done` names no step of run [RUN]
 |
 = help: did you mean `send`?

nothing was run: 1 error

"#]])
        .code(3);
    sandbox
        .run(["resume", "--last", "--no-input", "--answer", "send=done"])
        .stdout(str![[r#"
[CLOCK] resumed by [USER] on [HOST]
[CLOCK] step send: looking whether it was done: its run broke off
[CLOCK] step send: IN DOUBT: this action cannot ask whether it was done
[CLOCK] `send`: done, says --answer
[CLOCK] step last: begins
[CLOCK] step last: done ([TOOK])

"#]])
        .stderr(str![[r#"

done in [TOOK] (run [RUN])

"#]])
        .code(0);
    assert_eq!(sandbox.read("sent.txt"), "sent\n", "it was not done again");
}

#[test]
fn what_was_not_done_after_all_is_done_again() {
    let sandbox = in_doubt();
    sandbox.run(["resume", "--last", "--answer", "send=not-done", "--output", "quiet"]).only_code(0);
    assert_eq!(sandbox.read("sent.txt"), "sent\nsent\n");
}

#[test]
fn what_is_in_doubt_is_undone_without_a_question() {
    let sandbox = in_doubt();
    sandbox.run(["rollback", "--last", "--no-input", "--output", "quiet"]).only_code(0);
    assert!(!sandbox.path("sent.txt").exists() && !sandbox.path("one").exists());
}

#[test]
fn what_still_works_is_not_repeated_and_not_undone() {
    let sandbox = in_doubt();
    // An orphan of the killed run: what carries its mark is found.
    let _ = std::fs::remove_file(sandbox.path("quick"));
    let sandbox2 = Sandbox::new().file("a.toml", sandbox.read("a.toml"));
    let mut child = sandbox2.spawn(["exec", "a.toml", "--output", "quiet"]);
    sandbox2.wait_for("begun");
    child.kill().expect("a kill");
    drop((child.stdout.take(), child.stderr.take()));
    child.wait().expect("its end");
    // It is ended, since its class allows that, and then nobody can say how far it came.
    let (_, stderr) = sandbox2.run(["resume", "--last", "--no-input", "--output", "quiet"]).only_code(6);
    assert!(stderr.contains("it is not known whether a step was done"), "{stderr}");
    assert_eq!(sandbox2.read("sent.txt"), "sent\n");
}

#[test]
fn a_changed_runbook_is_refused_with_the_difference() {
    let sandbox = failed();
    let mended = FAILS.replace("test -e mended", "true");
    std::fs::write(sandbox.path("a.toml"), &mended).expect("a file");
    sandbox
        .run(["resume", "--last", "--answer", "two=not-done"])
        .stderr(str![[r#"
error[RB470]: `[DIR]/a.toml` was changed since run [RUN] began
 |
 = help: this is what changed:
         @@ -12,5 +12,5 @@
          id = "two"
          title = "Do what fails at first"
         -shell.script = { text = "echo tried >> tries.txt; test -e mended" }
         +shell.script = { text = "echo tried >> tries.txt; true" }
          leaves = "a line in a file"
          
 = help: to go on with the changed runbook: `runbook resume [RUN] --accept-changes --state-dir [DIR]/state`
 = help: to go on with the runbook as it was when the run began: `runbook resume [RUN] --as-begun --state-dir [DIR]/state`

nothing was run: 1 error

"#]])
        .code(3);
    assert_eq!(sandbox.read("tries.txt"), "tried\n", "nothing was run");
    // Backwards nothing is asked: what was begun is undone as it was begun.
    sandbox.run(["rollback", "--last", "--dry-run"]).only_code(0);
    // The run's own copy still fails.
    sandbox.run(["resume", "--last", "--as-begun", "--answer", "two=not-done", "--output", "quiet"]).only_code(1);
    let (stdout, _) = sandbox.run(["resume", "--last", "--accept-changes", "--answer", "two=not-done"]).only_code(0);
    assert!(stdout.contains("the runbook was changed: [DIR]/a.toml"), "{stdout}");
    assert_eq!(sandbox.read("three.txt"), "new one");
    // What is told of the run is told by the changed one.
    let (shown, _) = sandbox.run(["runs", "show", "--last"]).only_code(0);
    assert!(shown.contains("done in"), "{shown}");
}

#[test]
fn a_changed_script_that_cannot_be_read_is_not_gone_on_with() {
    let sandbox = failed();
    std::fs::write(sandbox.path("a.toml"), FAILS.replace("test -e mended", "if true; then")).expect("a file");
    let (_, stderr) = sandbox.run(["resume", "--last", "--accept-changes", "--answer", "two=not-done"]).only_code(3);
    assert!(stderr.contains("error[RB450]: ") && stderr.contains("cannot read this script"), "{stderr}");
    assert_eq!(sandbox.read("tries.txt"), "tried\n", "nothing was run");
    assert!(sandbox.run(["runs", "show", "--last"]).only_code(0).0.contains("resume"), "it can still be gone on with");
}

#[test]
fn a_change_of_what_was_done_is_not_taken_over() {
    let sandbox = failed();
    let other = FAILS.replace("new one", "another one").replace("test -e mended", "true");
    std::fs::write(sandbox.path("a.toml"), other).expect("a file");
    sandbox
        .run(["resume", "--last", "--accept-changes"])
        .stderr(str![[r#"
error[RB472]: `[DIR]/a.toml` cannot take over run [RUN]
 |
 = help: `one` is done or may be, and would be done differently now
 = help: put that back, or go on with the run's own copy: `--as-begun`

nothing was run: 1 error

"#]])
        .code(3);
    let gone = FAILS.replace("id = \"one\"", "id = \"first\"");
    std::fs::write(sandbox.path("a.toml"), gone).expect("a file");
    let (_, stderr) = sandbox.run(["resume", "--last", "--accept-changes"]).only_code(3);
    assert!(stderr.contains("`one` has begun, and is not there any more"), "{stderr}");
    let before =
        FAILS.replacen("[[step]]", "[[step]]\nid = \"zero\"\nshell.run = { argv = [\"true\"] }\nleaves = \"nothing\"\n\n[[step]]", 1);
    std::fs::write(sandbox.path("a.toml"), before).expect("a file");
    let (_, stderr) = sandbox.run(["resume", "--last", "--accept-changes"]).only_code(3);
    assert!(stderr.contains("what was done could not have been done so"), "{stderr}");
}

#[test]
fn an_undo_can_be_mended_under_way() {
    let text = FAILS.replace("file.put_back = { path = \"one.txt\", kept = \"{{before.kept}}\" }", "shell.run = { argv = [\"false\"] }");
    let sandbox = Sandbox::new().file("a.toml", text).file("one.txt", "old one");
    sandbox.run(["exec", "a.toml", "--output", "quiet", "--on-failure", "rollback"]).only_code(6);
    sandbox.run(["resume", "--last", "--output", "quiet"]).only_code(6);
    std::fs::write(sandbox.path("a.toml"), FAILS).expect("a file");
    sandbox.run(["resume", "--last", "--accept-changes", "--output", "quiet"]).only_code(5);
    assert_eq!(sandbox.read("one.txt"), "old one");
}

#[test]
fn the_file_may_be_gone_and_the_folder_another() {
    let sandbox = failed();
    std::fs::remove_file(sandbox.path("a.toml")).expect("a file");
    std::fs::write(sandbox.path("mended"), "").expect("a file");
    let mut command = sandbox.command(["resume", "--last", "--answer", "two=not-done", "--output", "quiet"]);
    let child = command.current_dir("/").spawn().expect("the program");
    sandbox.wait(child).only_code(0);
    assert_eq!(sandbox.read("three.txt"), "new one");
}

#[test]
fn a_run_is_given_up_on_the_record_and_its_locks_are_free() {
    let text = "format = 1\nname = \"locked\"\nlocks = [\"@UNIQUE@\"]\n\n[[step]]\nid = \"ask\"\nmanual.confirm = { text = \"Is it so?\" }\nleaves = \"nothing\"\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    sandbox
        .run(["exec", "a.toml", "--no-input", "--output", "quiet"])
        .stderr(str![[r#"

error[RB512]: `ask` failed: a person is needed here, and nobody can be asked
 --> a.toml:7:1
  |
6 | id = "ask"
  |      -----
7 | manual.confirm = { text = "Is it so?" }
  | ^^^^^^^^^^^^^^
  |
  = help: run it in a terminal, without `--no-input`
    > Is it so?

waiting for a person, and nobody can be asked (run [RUN])
  changed     nothing
  as it was   1 step not done or without a change: ask
  go on       runbook resume [RUN] --state-dir [DIR]/state
  or answer   runbook resume [RUN] --answer ask=yes --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(7);
    sandbox
        .run(["exec", "a.toml", "--no-input"])
        .stderr(str![[r#"
error: `[UNIQUE]` belongs to the unfinished run `[RUN]` of `locked`
help: look at it: `runbook runs show [RUN] --state-dir [DIR]/state`
help: go on with it: `runbook resume [RUN] --state-dir [DIR]/state`
help: or undo it: `runbook rollback [RUN] --state-dir [DIR]/state`
help: or give it up, where it was put right by hand: `runbook abandon [RUN] --state-dir [DIR]/state --reason '…'`

"#]])
        .code(8);
    sandbox.run(["abandon", "--last", "--reason", " "]).only_code(2);
    sandbox
        .run(["abandon", "--last", "--reason", "put right by hand"])
        .stderr(str![[r#"

given up by a person (run [RUN])
  because     put right by hand
  changed     nothing
  as it was   1 step not done or without a change: ask

"#]])
        .code(0);
    sandbox
        .run(["abandon", "--last", "--reason", "again"])
        .stderr(str![[r#"
run [RUN] is at its end already: given up

"#]])
        .code(0);
    sandbox
        .run(["resume", "--last"])
        .stderr(str![[r#"
run [RUN] is at its end: given up; there is nothing to go on with

"#]])
        .code(0);
    sandbox.run(["exec", "a.toml", "--no-input", "--output", "quiet"]).only_code(7);
    sandbox.run(["resume", "--last", "--answer", "ask=yes", "--output", "quiet"]).only_code(0);
}

const SECRET: &str = r#"
format = 1
name = "secret"

[vars.image]
type = "string"

[vars.password]
type = "string"
secret = true

[[step]]
id = "use"
shell.script = { text = "test -e mended", env = { TOKEN = "{{vars.password}}" } }
safety = "idempotent"
leaves = "nothing"

[[step]]
id = "tell"
shell.script = { text = "printf '%s %s' \"$IMAGE\" \"$TOKEN\" > used.txt", env = { TOKEN = "{{vars.password}}", IMAGE = "{{vars.image}}" } }
leaves = "a file"
"#;

#[test]
fn a_secret_is_fetched_again_from_where_it_came_from() {
    for (how, from) in [
        (vec!["--var", "password.file=pw"], "the file"),
        (vec!["--var", "password.command=cat pw"], "the command"),
        (vec!["--var-file", "vars.toml"], "the variable file"),
    ] {
        let sandbox =
            Sandbox::new().file("a.toml", SECRET).file("pw", "correct-horse\n").file("vars.toml", "password = \"correct-horse\"\n");
        let args = ["exec", "a.toml", "--no-input", "--output", "quiet", "--var", "image=a:1"];
        sandbox.run(args.into_iter().chain(how)).only_code(1);
        std::fs::write(sandbox.path("mended"), "").expect("a file");
        // Another folder, and an environment that says something else of a public value.
        let mut command = sandbox.command(["resume", "--last", "--no-input", "--output", "quiet"]);
        let child = command.current_dir("/").env("RUNBOOK_VAR_IMAGE", "b:2").spawn().expect("the program");
        sandbox.wait(child).only_code(0);
        assert_eq!(sandbox.read("used.txt"), "a:1 correct-horse", "{from}");
    }
}

#[test]
fn a_secret_that_was_typed_is_asked_for_and_a_value_stays_what_it_was() {
    let sandbox = Sandbox::new().file("a.toml", SECRET);
    let first = sandbox
        .command(["exec", "a.toml", "--no-input", "--output", "quiet", "--var", "image=a:1"])
        .env("RUNBOOK_VAR_PASSWORD", "correct-horse")
        .spawn();
    sandbox.wait(first.expect("the program")).only_code(1);
    std::fs::write(sandbox.path("mended"), "").expect("a file");
    sandbox
        .run(["resume", "--last", "--no-input"])
        .stderr(str![[r#"
error[RB401]: `password` has no value
 --> [DIR]/a.toml:8:7
  |
8 | [vars.password]
  |       ^^^^^^^^ declared here, without a default
  |
  = help: set `RUNBOOK_VAR_PASSWORD` in the environment, or run it on a terminal to be asked

nothing was run: 1 error

"#]])
        .code(3);
    let other = ["resume", "--last", "--no-input", "--var", "image=b:2", "--var", "password=correct-horse"];
    sandbox
        .run(other)
        .stderr(str![[r#"
error[RB471]: `image` is "b:2", but the run began with "a:1"
 --> [DIR]/a.toml:5:7
  |
5 | [vars.image]
  |       ^^^^^ declared here
  |
  = help: leave it out: the run goes on with its own values; `--accept-changes` takes the new one where nothing that was done depends on it

nothing was run: 1 error

"#]])
        .code(3);
    sandbox.run(other.into_iter().chain(["--accept-changes", "--output", "quiet"])).only_code(0);
    assert_eq!(sandbox.read("used.txt"), "b:2 correct-horse");
}

#[test]
fn a_run_that_is_under_way_is_left_alone() {
    let text = "format = 1\nname = \"long\"\nlocks = [\"@UNIQUE@\"]\n\n[[step]]\nid = \"wait\"\nshell.script = { text = \"touch begun; while test ! -e go; do sleep 0.05; done\" }\nleaves = \"nothing\"\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    let child = sandbox.spawn(["exec", "a.toml", "--output", "quiet"]);
    sandbox.wait_for("begun");
    for command in [vec!["resume", "--last"], vec!["rollback", "--last"], vec!["abandon", "--last", "--reason", "x"]] {
        let (_, stderr) = sandbox.run(command).only_code(8);
        assert!(stderr.contains("is under way by process") && stderr.contains("runbook runs show"), "{stderr}");
    }
    let (_, stderr) = sandbox.run(["exec", "a.toml"]).only_code(8);
    assert!(stderr.contains("help: it is under way; look at it: `runbook runs show [RUN]"), "{stderr}");
    std::fs::write(sandbox.path("go"), "").expect("a file");
    sandbox.wait(child).only_code(0);
}

#[test]
fn a_password_that_was_changed_meanwhile_wants_a_word() {
    let sandbox = Sandbox::new().file("a.toml", SECRET).file("pw", "correct-horse\n").file("mended", "");
    let args = ["exec", "a.toml", "--no-input", "--output", "quiet", "--var", "image=a:1", "--var", "password.file=pw"];
    sandbox.run(args).only_code(0);
    std::fs::write(sandbox.path("pw"), "battery-staple\n").expect("a file");
    sandbox
        .run(["rollback", "--last", "--no-input"])
        .stderr(str![[r#"
error: the secret `password` has another value now than in the session before
help: give the value that the run was begun with; where it was changed on purpose, add `--accept-secret password`

"#]])
        .code(3);
    sandbox.run(["rollback", "--last", "--no-input", "--output", "quiet", "--accept-secret", "password"]).only_code(0);
}

#[test]
fn a_child_that_works_on_without_us_is_waited_for_and_not_repeated() {
    let text = r#"
format = 1
name = "orphan"

[[step]]
id = "init"
title = "What must not be interrupted"
shell.script = { text = "echo begun >> log.txt; touch begun; while test ! -e go; do sleep 0.05; done; echo done >> log.txt" }
interrupt = "never"
probe = { file.read = { path = "log.txt" }, expect = ['contains text "done"'] }
leaves = "lines in a file"
"#;
    let sandbox = Sandbox::new().file("a.toml", text);
    let mut child = sandbox.spawn(["exec", "a.toml", "--output", "quiet"]);
    sandbox.wait_for("begun");
    child.kill().expect("a kill");
    drop((child.stdout.take(), child.stderr.take()));
    child.wait().expect("its end");
    let resumed = sandbox.spawn(["resume", "--last", "--no-input", "--output", "quiet"]);
    sandbox.wait_for_record("recovery_started");
    std::fs::write(sandbox.path("go"), "").expect("a file");
    sandbox.wait(resumed).only_code(0);
    assert_eq!(sandbox.read("log.txt"), "begun\ndone\n");
}

#[test]
fn a_child_that_is_killed_is_a_failure_and_no_end_of_the_run() {
    let text = "format = 1\nname = \"killed\"\n\n[[step]]\nid = \"work\"\nshell.run = { argv = [\"sh\", \"-c\", \"echo $$ > pid; sync; exec sleep 600\"] }\nundo = [{ shell.run = { argv = [\"touch\", \"undone\"] } }]\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    let child = sandbox.spawn(["exec", "a.toml", "--output", "quiet"]);
    sandbox.wait_for("pid");
    let pid = loop {
        if let Ok(pid) = sandbox.read("pid").trim().parse() {
            break rustix::process::Pid::from_raw(pid).expect("a pid");
        }
    };
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a signal");
    let (_, stderr) = sandbox.wait(child).only_code(1);
    assert!(stderr.contains("runbook rollback [RUN]"), "{stderr}");
    sandbox.run(["rollback", "--last", "--no-input", "--output", "quiet"]).only_code(0);
    assert!(sandbox.path("undone").exists());
}

#[test]
fn a_state_directory_that_cannot_be_written_begins_nothing() {
    let sandbox = Sandbox::new().file("a.toml", FAILS).file("one.txt", "old one").file("blocked", "");
    let state = sandbox.path("blocked/state").display().to_string();
    let (_, stderr) = sandbox.run(["exec", "a.toml", "--state-dir", &state]).only_code(8);
    assert!(stderr.contains("help: name another folder with `--state-dir`"), "{stderr}");
    assert_eq!(sandbox.read("one.txt"), "old one");
}

#[test]
fn a_journal_that_was_damaged_is_given_up_and_no_guess_is_made() {
    let sandbox = failed();
    let journal = sandbox.everything_below("state/runs").into_iter().find(|(path, _)| path.ends_with("journal.jsonl")).expect("a journal");
    let mut bytes = journal.1;
    let at = bytes.len() - 10;
    bytes[at] ^= 1;
    std::fs::write(&journal.0, bytes).expect("a journal");
    let (_, stderr) = sandbox.run(["resume", "--last"]).only_code(8);
    assert!(stderr.contains("is damaged, and it is the last: what it began is not known"), "{stderr}");
    for help in ["`runbook runs show [RUN]", "`tail --lines=1 [DIR]/state/runs/[RUN]/journal.jsonl`", "`runbook abandon [RUN]"] {
        assert!(stderr.contains(help), "{help}: {stderr}");
    }
    // What is shown does not promise what is refused.
    let (shown, _) = sandbox.run(["runs", "show", "--last"]).only_code(0);
    assert!(shown.contains("damaged: line ") && shown.contains("  when done   runbook abandon [RUN]"), "{shown}");
    assert!(!shown.contains("runbook resume") && !shown.contains("runbook rollback"), "{shown}");
    sandbox.run(["abandon", "--last", "--reason", "looked at by hand"]).only_code(0);
}

#[test]
fn values_stay_what_they_were_and_their_secrets_are_read_again() {
    let text = r#"
format = 1
name = "values"

[values.conf]
yaml = { path = "conf.yaml" }
secret = ["password"]

[[step]]
id = "change"
file.write = { path = "conf.yaml", text = "port: 2\npassword: correct-horse\n", overwrite = true }
leaves = "a file"

[[step]]
id = "wait"
manual.confirm = { text = "Is it so?" }
leaves = "nothing"

[[step]]
id = "tell"
shell.run = { argv = ["sh", "-c", "printf '%s %s' \"$PORT\" \"$TOKEN\" > used.txt"], env = { PORT = "{{values.conf.port}}", TOKEN = "{{values.conf.password}}" } }
leaves = "a file"
"#;
    let sandbox = Sandbox::new().file("a.toml", text).file("conf.yaml", "port: 1\npassword: correct-horse\n");
    sandbox.run(["exec", "a.toml", "--no-input", "--output", "quiet"]).only_code(7);
    sandbox.run(["resume", "--last", "--answer", "wait=yes", "--no-input", "--output", "quiet"]).only_code(0);
    assert_eq!(sandbox.read("used.txt"), "1 correct-horse");
}

/// A run's folder as the first version of the journal's format has it, written in November 2026: it is read, shown and gone on with as long as there is this
/// program. It is never made anew.
#[test]
fn a_run_that_an_earlier_version_began_is_gone_on_with() {
    const RUN: &str = "20261125-231627-my5f";
    let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/format-1").join(RUN);
    let mut sandbox = Sandbox::new();
    for name in ["journal.jsonl", "sources/runbook.toml", "sources/plan.json"] {
        let content = std::fs::read(kept.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        sandbox = sandbox.file(&format!("state/runs/{RUN}/{name}"), content);
    }
    let (shown, _) = sandbox.run(["runs", "show", "20261125"]).only_code(0);
    assert!(shown.contains("state     waiting for a person") && shown.contains("step each[a]: done"), "{shown}");
    let answers = ["--answer", "each[b]=yes", "--answer", "last=yes"];
    sandbox.run(["resume", "20261125", "--no-input", "--output", "quiet"].into_iter().chain(answers)).only_code(0);
    let (shown, _) = sandbox.run(["runs", "show", "20261125"]).only_code(0);
    assert!(shown.contains("state     done"), "{shown}");
    assert_eq!(shown.matches("step each[a]: done").count(), 1, "{shown}");
}
