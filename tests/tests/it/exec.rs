//! `runbook exec`: what it tells, and its exit codes.

use snapbox::str;

use crate::sandbox::Sandbox;

/// A check, a change that stays, and a verification.
const GREET: &str = r#"
format = 1
name = "greet"
title = "Greet {{vars.whom}}"

[vars.whom]
type = "string"
default = "world"

[[check]]
id = "place"
title = "There is a folder for it"
file.assert = { path = ".", kind = "dir" }

[[step]]
id = "write"
title = "Write the greeting"
file.write = { path = "greeting.txt", text = "hello, {{vars.whom}}\n" }
leaves = "a small file"

[[verify]]
id = "read"
file.read = { path = "greeting.txt" }
expect = ["contains text vars.whom"]
"#;

/// One step with this action and these further lines.
fn one_step(lines: &str) -> String {
    format!("format = 1\nname = \"one\"\n\n[[step]]\nid = \"only\"\nleaves = \"nothing\"\n{lines}\n")
}

#[test]
fn a_run_that_goes_well_is_told_in_plain_lines() {
    let sandbox = Sandbox::new().file("greet.toml", GREET);
    sandbox
        .run(["exec", "greet.toml"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of greet: Greet world
[CLOCK] check place: begins: There is a folder for it
[CLOCK] check place: done ([TOOK])
[CLOCK] step write: begins: Write the greeting
[CLOCK] step write: done ([TOOK])
[CLOCK] verify read: begins
[CLOCK] verify read: done ([TOOK])

"#]])
        .stderr(str![[r#"

done in [TOOK] (run [RUN])

"#]])
        .code(0);
    assert_eq!(sandbox.read("greeting.txt"), "hello, world\n");
}

#[test]
fn quiet_says_nothing_of_what_goes_well() {
    Sandbox::new().file("greet.toml", GREET).run(["exec", "greet.toml", "--output", "quiet"]).stderr(str![""]).code(0);
}

#[test]
fn a_second_run_finds_nothing_to_change() {
    let sandbox = Sandbox::new().file("greet.toml", GREET);
    sandbox.run(["exec", "greet.toml", "--output", "quiet"]).only_code(0);
    let (stdout, _) = sandbox.run(["exec", "greet.toml"]).only_code(0);
    assert!(stdout.contains("step write: done, nothing had to be changed"), "{stdout}");
}

#[test]
fn jsonl_is_one_object_a_line_with_the_records_of_the_journal() {
    let sandbox = Sandbox::new().file("greet.toml", GREET);
    let (stdout, _) = sandbox.run(["exec", "greet.toml", "--output", "jsonl"]).only_code(0);
    let lines: Vec<serde_json::Value> = stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let types: Vec<&str> =
        lines.iter().filter(|line| line["event"] == "record").filter_map(|line| line["record"]["type"].as_str()).collect();
    assert_eq!(
        types,
        ["run_opened", "session_opened", "started", "ended", "started", "ended", "started", "ended", "run_closed", "session_ended"]
    );
    assert!(lines.iter().enumerate().all(|(at, line)| line["seq"] == at + 1), "no record is missing");
}

#[test]
fn output_of_a_step_is_shown_with_its_name() {
    let text = one_step(r#"shell.script = { text = "echo one; echo two >&2; printf three" }"#);
    let (stdout, _) = Sandbox::new().file("a.toml", text).run(["exec", "a.toml"]).only_code(0);
    for line in ["         only| one", "         only| two", "         only| three"] {
        assert!(stdout.contains(line), "{stdout}");
    }
}

#[test]
fn a_failed_step_ends_with_the_line_responsible_and_the_card() {
    let text = r#"
format = 1
name = "stops"

[[step]]
id = "first"
title = "Write a file"
file.write = { path = "out.txt", text = "x" }
undo = [{ file.put_back = { path = "out.txt", kept = "{{before.kept}}" } }]

[[step]]
id = "second"
title = "Break"
shell.run = { argv = ["sh", "-c", "echo cannot >&2; exit 3"] }
leaves = "nothing"

[[step]]
id = "third"
shell.run = { argv = ["true"] }
leaves = "nothing"
"#;
    let sandbox = Sandbox::new().file("stops.toml", text);
    sandbox
        .run(["exec", "stops.toml"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of stops
[CLOCK] step first: begins: Write a file
[CLOCK] step first: done ([TOOK])
[CLOCK] step second: begins: Break
         second| cannot
[CLOCK] step second: FAILED: `sh` exited with 3, expected 0 ([TOOK])

"#]])
        .stderr(str![[r#"

error[RB506]: `second` failed: `sh` exited with 3, expected 0
  --> stops.toml:14:1
   |
12 | id = "second"
   |      --------
13 | title = "Break"
14 | shell.run = { argv = ["sh", "-c", "echo cannot >&2; exit 3"] }
   | ^^^^^^^^^
    > cannot

stopped at `second`; nothing was rolled back (run [RUN])
  changed     first: Write a file (undo: file.put_back)
  perhaps     second: Break, which failed (stays: nothing)
  as it was   1 step not done or without a change: third
  go on       runbook resume [RUN] --state-dir [DIR]/state
  roll back   runbook rollback [RUN] --state-dir [DIR]/state
  look        runbook runs log [RUN] --step second --state-dir [DIR]/state
              runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(1);
    assert_eq!(sandbox.read("out.txt"), "x", "nothing was rolled back");
}

#[test]
fn a_broken_expectation_shows_what_was_found() {
    let text = one_step("shell.run = { argv = [\"echo\", \"7\"] }\nexpect = [\"eq stdout '8'\"]");
    Sandbox::new()
        .file("a.toml", text)
        .run(["exec", "a.toml", "--output", "quiet"])
        .stderr(str![[r#"

error[RB507]: `only` failed: `eq stdout '8'` does not hold
 --> a.toml:8:11
  |
5 | id = "only"
  |      ------
...
8 | expect = ["eq stdout '8'"]
  |           ^^^^^^^^^^^^^^^ stdout is "7"

stopped at `only`; nothing was rolled back (run [RUN])
  changed     only (stays: nothing)
  go on       runbook resume [RUN] --state-dir [DIR]/state
  look        runbook runs log [RUN] --step only --state-dir [DIR]/state
              runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(1);
}

#[test]
fn a_broken_warning_only_warns() {
    let text = one_step("shell.run = { argv = [\"echo\", \"7\"] }\nwarn = [\"eq stdout '8'\"]");
    Sandbox::new()
        .file("a.toml", text)
        .run(["exec", "a.toml"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of one
[CLOCK] step only: begins
         only| 7
[CLOCK] step only: done ([TOOK])
[CLOCK] step only: warning: `eq stdout '8'` does not hold: stdout is "7"

"#]])
        .stderr(str![[r#"

done in [TOOK] (run [RUN])

"#]])
        .code(0);
}

#[test]
fn failed_checks_are_told_together_and_nothing_is_changed() {
    let text = r#"
format = 1
name = "checks"

[[check]]
id = "one"
file.assert = { path = "nowhere" }

[[check]]
id = "two"
file.disk_free = { path = ".", at_least = "900000TiB" }

[[step]]
id = "write"
file.write = { path = "out.txt", text = "x" }
leaves = "a file"
"#;
    let sandbox = Sandbox::new().file("checks.toml", text);
    let (_, stderr) = sandbox.run(["exec", "checks.toml"]).only_code(9);
    assert!(stderr.contains("error[RB504]: `one` failed: `[DIR]/nowhere` is not there"), "{stderr}");
    assert!(stderr.contains("error[RB510]: `two` failed:"), "{stderr}");
    assert!(stderr.contains("the checks do not hold; nothing was changed"), "{stderr}");
    assert!(!sandbox.path("out.txt").exists());
}

#[test]
fn checks_only_changes_nothing() {
    let sandbox = Sandbox::new().file("greet.toml", GREET);
    sandbox
        .run(["exec", "greet.toml", "--checks-only"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of greet: Greet world
[CLOCK] check place: begins: There is a folder for it
[CLOCK] check place: done ([TOOK])

"#]])
        .stderr(str![[r#"

the checks hold; nothing was changed

"#]])
        .code(0);
    assert!(!sandbox.path("greeting.txt").exists());
}

#[test]
fn a_service_that_is_not_there_is_named() {
    let text = "format = 1\nname = \"web\"\n\n[[check]]\nid = \"up\"\nhttp.get = { url = \"http://127.0.0.1:1/\" }\n";
    Sandbox::new()
        .file("web.toml", text)
        .run(["exec", "web.toml"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of web
[CLOCK] check up: begins
[CLOCK] check up: FAILED: nothing listens at `127.0.0.1:1` ([TOOK])

"#]])
        .stderr(str![[r#"

error[RB502]: `up` failed: nothing listens at `127.0.0.1:1`
 --> web.toml:6:20
  |
5 | id = "up"
  |      ----
6 | http.get = { url = "http://127.0.0.1:1/" }
  |                    ^^^^^^^^^^^^^^^^^^^^^

the checks do not hold; nothing was changed (run [RUN])
  again       runbook exec web.toml --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(9);
}

#[test]
fn steps_are_left_out_by_name() {
    let sandbox = Sandbox::new().file("greet.toml", GREET);
    let (stdout, _) = sandbox.run(["exec", "greet.toml", "--skip", "write", "--skip", "read"]).only_code(0);
    assert!(stdout.contains("step write: skipped: `--skip write` leaves it out"), "{stdout}");
    assert!(!sandbox.path("greeting.txt").exists());
}

#[test]
fn a_name_that_is_no_step_is_refused() {
    Sandbox::new()
        .file("greet.toml", GREET)
        .run(["exec", "greet.toml", "--from", "wriet"])
        .stderr(str![[r#"
error[RB430]: `--from wriet` names no step of this runbook
 |
 = help: write `--from write`

nothing was run: 1 error

"#]])
        .code(3);
}

#[test]
fn a_last_step_before_the_first_is_refused() {
    let step = |id: &str| format!("\n[[step]]\nid = \"{id}\"\nleaves = \"nothing\"\nshell.run = {{ argv = [\"true\"] }}\n");
    let sandbox = Sandbox::new().file("two.toml", format!("format = 1\nname = \"two\"\n{}{}", step("stop"), step("start")));
    sandbox
        .run(["exec", "two.toml", "--from", "start", "--until", "stop"])
        .stdout(str![""])
        .stderr(str![[r#"
error[RB430]: `--from start` and `--until stop` leave no step: the first comes after the last
  --> two.toml:5:6
   |
 5 | id = "stop"
   |      ^^^^^^ the last step
   |
  ::: two.toml:10:6
   |
10 | id = "start"
   |      ------- the first step
   |
   = help: write `--from stop --until start`

nothing was run: 1 error

"#]])
        .code(3);
    sandbox.run(["exec", "two.toml", "--from", "stop", "--until", "stop", "--output", "quiet"]).only_code(0);
}

#[test]
fn high_risk_wants_a_yes_and_nobody_is_there() {
    let text = one_step("shell.run = { argv = [\"true\"] }").replace("name = \"one\"", "name = \"one\"\nrisk = \"high\"");
    let sandbox = Sandbox::new().file("a.toml", text);
    sandbox
        .run(["exec", "a.toml"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of one

"#]])
        .stderr(str![[r#"

waiting for a person, and nobody can be asked (run [RUN])
  asked       whether to start, since its risk is high; `--yes` answers that
  go on       runbook resume [RUN] --yes --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(7);
    sandbox
        .run(["exec", "a.toml", "--yes"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of one
[CLOCK] the start: yes, says --yes
[CLOCK] step only: begins
[CLOCK] step only: done ([TOOK])

"#]])
        .stderr(str![[r#"

done in [TOOK] (run [RUN])

"#]])
        .code(0);
}

#[test]
fn a_question_of_the_runbook_is_not_answered_by_yes() {
    let text = one_step("manual.confirm = { text = \"Is the console closed?\" }");
    Sandbox::new()
        .file("a.toml", text)
        .run(["exec", "a.toml", "--yes"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of one
[CLOCK] step only: begins
[CLOCK] step only: FAILED: a person is needed here, and nobody can be asked ([TOOK])

"#]])
        .stderr(str![[r#"

error[RB512]: `only` failed: a person is needed here, and nobody can be asked
 --> a.toml:7:1
  |
5 | id = "only"
  |      ------
6 | leaves = "nothing"
7 | manual.confirm = { text = "Is the console closed?" }
  | ^^^^^^^^^^^^^^
  |
  = help: run it in a terminal, without `--no-input`
    > Is the console closed?

waiting for a person, and nobody can be asked (run [RUN])
  changed     nothing
  as it was   1 step not done or without a change: only
  go on       runbook resume [RUN] --state-dir [DIR]/state
  or answer   runbook resume [RUN] --answer only=yes --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(7);
}

#[test]
fn a_failure_that_nobody_can_be_asked_about_stops_the_run() {
    let text = one_step("shell.run = { argv = [\"false\"] }");
    let sandbox = Sandbox::new().file("a.toml", text);
    let (_, stderr) = sandbox.run(["exec", "a.toml", "--on-failure", "ask", "--output", "quiet"]).only_code(1);
    assert!(stderr.contains("stopped at `only`; nothing was rolled back"), "{stderr}");
}

#[test]
fn what_is_piped_in_is_no_person() {
    let text = one_step("manual.confirm = { text = \"Is the console closed?\" }");
    let (_, stderr) = Sandbox::new().file("a.toml", text).stdin("yes\nyes\n").run(["exec", "a.toml"]).only_code(7);
    assert!(stderr.contains("nobody can be asked"), "{stderr}");
}

#[test]
fn a_time_out_ends_what_runs() {
    let text = one_step("shell.run = { argv = [\"sleep\", \"600\"] }\ntimeout = \"300ms\"");
    let (_, stderr) = Sandbox::new().file("a.toml", text).run(["exec", "a.toml", "--output", "quiet"]).only_code(6);
    assert!(stderr.contains("a person is needed"), "{stderr}");
}

#[test]
fn a_read_only_action_is_asked_again_until_it_holds() {
    let text = r#"
format = 1
name = "wait"

[[step]]
id = "count"
shell.script = { text = "echo x >> tries; test $(wc -l < tries) -ge 3" }
safety = "read_only"
retry = { every = "10ms", for = "1m" }
"#;
    let sandbox = Sandbox::new().file("wait.toml", text);
    let (stdout, _) = sandbox.run(["exec", "wait.toml"]).only_code(0);
    assert!(stdout.contains("step count: done ([TOOK], 3 tries)"), "{stdout}");
}

#[test]
fn two_runs_on_one_thing_are_refused() {
    let text = one_step("shell.script = { text = \"touch begun; while test ! -e go; do sleep 0.05; done\" }")
        .replace("name = \"one\"", "name = \"one\"\nlocks = [\"@UNIQUE@\"]");
    let sandbox = Sandbox::new().file("a.toml", text);
    let first = sandbox.spawn(["exec", "a.toml", "--output", "quiet"]);
    sandbox.wait_for("begun");
    let (_, stderr) = sandbox.run(["exec", "a.toml"]).only_code(8);
    assert!(stderr.contains("error: `[UNIQUE]` is locked by run `[RUN]` of `one`"), "{stderr}");
    assert!(stderr.contains("help: it is under way; look at it: `runbook runs show [RUN] --state-dir [DIR]/state`"), "{stderr}");
    std::fs::write(sandbox.path("go"), "").expect("a file");
    sandbox.wait(first).only_code(0);
}

#[test]
fn a_state_folder_that_cannot_be_made_is_told() {
    let sandbox = Sandbox::new().file("greet.toml", GREET).file("file", "");
    let (_, stderr) = sandbox.run(["exec", "greet.toml", "--state-dir", "file/state"]).only_code(8);
    assert!(stderr.starts_with("error: "), "{stderr}");
    assert!(stderr.contains("--state-dir"), "{stderr}");
}
