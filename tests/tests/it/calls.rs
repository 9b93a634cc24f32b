//! `runbook.call`: a runbook as a part of another one.

use snapbox::{assert_data_eq, str};

use crate::sandbox::Sandbox;

/// Its second step fails until there is a file `mended`.
const BACKUP: &str = r#"
format = 1
name = "backup"
locks = ["@UNIQUE@ {{vars.dir}}"]

[vars.dir]
type = "path"

[vars.password]
type = "string"
secret = true

[vars.mark]
type = "string"
default = "of {{vars.dir}}"

[values.about]
json = { path = "about.json" }

[[check]]
id = "about"
file.assert = { path = "about.json" }

[[step]]
id = "make"
title = "Make {{vars.dir}}"
shell.run = { argv = ["mkdir", "{{vars.dir}}"] }
undo = [{ shell.run = { argv = ["rmdir", "{{vars.dir}}"] } }]

[[step]]
id = "pack"
shell.script = { text = "test ${#PASSWORD} = 13 && test -e mended && printf '%s' {{vars.mark}}", env = { PASSWORD = "{{vars.password}}" } }
leaves = "nothing"

[[verify]]
id = "made"
file.assert = { path = "{{vars.dir}}" }

[outputs]
text = "concat (trim steps.pack.stdout) ' by ' values.about.who"
key = "vars.password"
"#;

const MAIN: &str = r#"
format = 1
name = "main"
locks = ["@UNIQUE@"]

[vars.password]
type = "string"
secret = true

[vars.backed]
type = "bool"
default = true

[values.place]
value = "'kept'"

[[check]]
id = "room"
file.disk_free = { path = ".", at_least = "1B" }
guards = ["backup"]

[[step]]
id = "first"
file.write = { path = "first", text = "1" }
undo = [{ file.put_back = { path = "first", kept = "{{before.kept}}" } }]

[[step]]
id = "backup"
title = "Back it up"
when = "vars.backed"
runbook.call = { file = "sub/backup.toml", vars = { dir = "{{values.place}}", password = "{{vars.password}}" } }
expect = ["contains text 'of kept'"]

[[step]]
id = "tell"
shell.script = { text = "printf '%s\\n' {{default steps.backup.text 'none'}}; test -z \"$KEY\" || echo key", env = { KEY = "{{default steps.backup.key ''}}" } }
leaves = "nothing"
"#;

fn sandbox() -> Sandbox {
    Sandbox::new()
        .file("main.toml", MAIN)
        .file("sub/backup.toml", BACKUP)
        .file("sub/about.json", r#"{ "who": "me" }"#)
        .env("RUNBOOK_VAR_PASSWORD", "correct-horse")
}

fn mended() -> Sandbox {
    sandbox().file("sub/mended", "")
}

#[test]
fn a_called_runbook_stands_in_the_plan_of_its_caller() {
    mended()
        .run(["plan", "main.toml"])
        .stdout(str![[r#"
main
  risk: medium
  on failure: stop there, undo nothing
  locks: [UNIQUE], [UNIQUE] kept

Variables
  password         ‹secret›  (RUNBOOK_VAR_PASSWORD)
  backed           true  (default)
  backup/dir       "kept"  (the call `backup`)
  backup/password  ‹secret›  (the call `backup`)
  backup/mark      "of kept"  (default)

Values
  place             "kept"  (`'kept'`)
  backup/about.who  "me"  (sub/about.json)

Checks, before anything is changed
  1. room
     file.disk_free
       path = "."
       at_least = "1B"
  2. backup/about
     file.assert
       path = "about.json"
     when: vars.backed

Steps
  1. first
     file.write
       path = "first"
       text = "1"
     class: may be repeated
     undo: file.put_back
       path = "first"
       kept = "{{before.kept}}"
       its templates are known after what is found before the step
  2. backup:begin  Back it up
     runbook.begin
     when: vars.backed
     asks again: `room`
     class: changes nothing
  3. backup/make  Make kept
     shell.run
       argv = ["mkdir","kept"]
     when: vars.backed
     class: must not be done twice
     undo: shell.run
       argv = ["rmdir","kept"]
  4. backup/pack
     shell.script
       text = test ${#PASSWORD} = 13 && test -e mended && printf '%s' "${RUNBOOK_P1?}"
         # RUNBOOK_P1 = "of kept"
       env = { PASSWORD = "‹vars.password›" }
     when: vars.backed
     class: must not be done twice
     stays after a rollback: nothing
  5. backup/made
     file.assert
       path = "kept"
     when: vars.backed
     needs: `backup/make`, `backup/pack`
     class: changes nothing
  6. backup
     runbook.call
       file = "sub/backup.toml"
       vars = { dir = "kept", password = "‹vars.password›" }
     ends: `sub/backup.toml`, and gives `text`, `key`
     when: vars.backed
     expect: contains text 'of kept'
     class: changes nothing
  7. tell
     shell.script
       text = "printf '%s\\n' {{default steps.backup.text 'none'}}; test -z \"$KEY\" || echo key"
       env = { KEY = "{{default steps.backup.key ''}}" }
       its templates are known after `backup`
     class: must not be done twice
     stays after a rollback: nothing

"#]])
        .code(0);
}

/// Without the checks, which are asked side by side.
fn without_checks(stdout: &str) -> String {
    stdout.split_inclusive('\n').filter(|line| !line.contains(" check ")).collect()
}

#[test]
fn a_called_runbook_is_carried_out_where_it_stands() {
    let sandbox = mended();
    let (stdout, _) = sandbox.run(["exec", "main.toml"]).only_code(0);
    assert_data_eq!(
        without_checks(&stdout),
        str![[r#"
[CLOCK] run [RUN] of main
[CLOCK] step first: begins
[CLOCK] step first: done ([TOOK])
[CLOCK] step backup:begin: begins: Back it up
[CLOCK] step backup:begin: done ([TOOK])
[CLOCK] step backup/make: begins: Make kept
[CLOCK] step backup/make: done ([TOOK])
[CLOCK] step backup/pack: begins
         backup/pack| of kept
[CLOCK] step backup/pack: done ([TOOK])
[CLOCK] step backup/made: begins
[CLOCK] step backup/made: done, nothing had to be changed ([TOOK])
[CLOCK] step backup: begins
[CLOCK] step backup: done ([TOOK])
[CLOCK] step tell: begins
         tell| of kept by me
         tell| key
[CLOCK] step tell: done ([TOOK])

"#]]
    );
    assert!(sandbox.path("sub/kept").is_dir(), "its paths start from its own folder");
    for (path, bytes) in sandbox.everything_below("state") {
        assert!(!String::from_utf8_lossy(&bytes).contains("correct-horse"), "{}", path.display());
    }
    sandbox.run(["rollback", "--last"]).only_code(0);
    assert!(!sandbox.path("sub/kept").exists() && !sandbox.path("first").exists());
}

#[test]
fn a_call_whose_condition_does_not_hold_does_nothing() {
    let sandbox = Sandbox::new().file("main.toml", MAIN).file("sub/backup.toml", BACKUP).env("RUNBOOK_VAR_PASSWORD", "correct-horse");
    // The file of its values is not even there.
    sandbox
        .run(["exec", "main.toml", "--var", "backed=false"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of main
[CLOCK] check room: begins
[CLOCK] check backup/about: skipped: `vars.backed` does not hold
[CLOCK] check room: done ([TOOK])
[CLOCK] step first: begins
[CLOCK] step first: done ([TOOK])
[CLOCK] step backup:begin: skipped: `vars.backed` does not hold
[CLOCK] step backup/make: skipped: `vars.backed` does not hold
[CLOCK] step backup/pack: skipped: `vars.backed` does not hold
[CLOCK] step backup/made: skipped: `vars.backed` does not hold
[CLOCK] step backup: skipped: `vars.backed` does not hold
[CLOCK] step tell: begins
         tell| none
[CLOCK] step tell: done ([TOOK])

"#]])
        .stderr(str![[r#"

done in [TOOK] (run [RUN])

"#]])
        .code(0);
}

#[test]
fn checks_of_a_called_runbook_come_before_the_first_change() {
    let sandbox = sandbox();
    let text = BACKUP.replace("path = \"about.json\" }\n\n[[step]]", "path = \"about.txt\" }\n\n[[step]]");
    std::fs::write(sandbox.path("sub/backup.toml"), text.replace("@UNIQUE@", "checks-of-a-called-runbook")).expect("a file");
    let (_, stderr) = sandbox.run(["exec", "main.toml"]).only_code(9);
    assert_data_eq!(
        stderr,
        str![[r#"

error[RB504]: `backup/about` failed: `[DIR]/sub/about.txt` is not there
  --> sub/backup.toml:22:24
   |
21 | id = "about"
   |      -------
22 | file.assert = { path = "about.txt" }
   |                        ^^^^^^^^^^^
   |
  ::: main.toml:31:1
   |
31 | runbook.call = { file = "sub/backup.toml", vars = { dir = "{{values.place}}", password = "{{...
   | ------------ called from here

the checks do not hold; nothing was changed (run [RUN])
  again       runbook exec main.toml --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]]
    );
    assert!(!sandbox.path("first").exists());
}

#[test]
fn a_failure_points_into_the_called_file_and_is_undone_with_its_caller() {
    let sandbox = sandbox();
    sandbox
        .run(["exec", "main.toml", "--output", "quiet", "--on-failure", "rollback"])
        .stderr(str![[r#"

error[RB506]: `backup/pack` failed: `bash` exited with 1, expected 0
  --> sub/backup.toml:32:1
   |
31 | id = "pack"
   |      ------
32 | shell.script = { text = "test ${#PASSWORD} = 13 && test -e mended && printf '%s' {{vars.mark...
   | ^^^^^^^^^^^^
   |
  ::: main.toml:31:1
   |
31 | runbook.call = { file = "sub/backup.toml", vars = { dir = "{{values.place}}", password = "{{...
   | ------------ called from here

failed, and everything was rolled back (run [RUN])
  perhaps     backup/pack, which failed (stays: nothing)
  taken back  backup/make: Make kept
              first
  as it was   2 steps not done or without a change: backup/made, tell
  again       runbook exec main.toml --on-failure rollback --state-dir [DIR]/state
  look        runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(5);
    assert!(!sandbox.path("sub/kept").exists() && !sandbox.path("first").exists());
    let (report, _) = sandbox.run(["runs", "report", "--last"]).only_code(0);
    assert!(report.contains("- `backup/pack` (line 31 of `sub/backup.toml`): `bash` exited with 1"), "{report}");
    assert!(report.contains("| `vars.backup/dir` | `kept` | the call `backup` |"), "{report}");
}

#[test]
fn a_run_goes_on_with_its_own_copies() {
    let sandbox = sandbox();
    sandbox.run(["exec", "main.toml", "--output", "quiet"]).only_code(1);
    std::fs::remove_file(sandbox.path("sub/backup.toml")).expect("a file");
    std::fs::remove_file(sandbox.path("sub/about.json")).expect("a file");
    std::fs::write(sandbox.path("sub/mended"), "").expect("a file");
    sandbox
        .run(["resume", "--last", "--answer", "backup/pack=not-done"])
        .stdout(str![[r#"
[CLOCK] resumed by [USER] on [HOST]
[CLOCK] step backup/pack: looking whether it was done: the run goes on here
[CLOCK] step backup/pack: IN DOUBT: this action cannot ask whether it was done
[CLOCK] `backup/pack`: not-done, says --answer
[CLOCK] step backup/pack: begins
         backup/pack| of kept
[CLOCK] step backup/pack: done ([TOOK])
[CLOCK] step backup/made: begins
[CLOCK] step backup/made: done, nothing had to be changed ([TOOK])
[CLOCK] step backup: begins
[CLOCK] step backup: done ([TOOK])
[CLOCK] step tell: begins
         tell| of kept by me
         tell| key
[CLOCK] step tell: done ([TOOK])

"#]])
        .stderr(str![[r#"

done in [TOOK] (run [RUN])

"#]])
        .code(0);
}

#[test]
fn a_changed_called_file_is_refused_with_what_is_different() {
    let sandbox = sandbox();
    sandbox.run(["exec", "main.toml", "--output", "quiet"]).only_code(1);
    let text = sandbox.read("sub/backup.toml").replace("test -e mended", "true");
    std::fs::write(sandbox.path("sub/backup.toml"), text).expect("a file");
    sandbox.run(["resume", "--last"]).stderr(str![[r#"
error[RB470]: `[DIR]/sub/backup.toml` was changed since run [RUN] began
 |
 = help: this is what changed:
         @@ -30,5 +30,5 @@
          [[step]]
          id = "pack"
         -shell.script = { text = "test ${#PASSWORD} = 13 && test -e mended && printf '%s' {{vars.mark}}", env = { PASSWORD = "{{vars.password}}" } }
         +shell.script = { text = "test ${#PASSWORD} = 13 && true && printf '%s' {{vars.mark}}", env = { PASSWORD = "{{vars.password}}" } }
          leaves = "nothing"
          
 = help: to go on with the changed runbook: `runbook resume [RUN] --accept-changes --state-dir [DIR]/state`
 = help: to go on with the runbook as it was when the run began: `runbook resume [RUN] --as-begun --state-dir [DIR]/state`

nothing was run: 1 error

"#]]).code(3);
    sandbox.run(["resume", "--last", "--accept-changes", "--answer", "backup/pack=not-done", "--output", "quiet"]).only_code(0);
    assert!(sandbox.path("sub/kept").is_dir());
}

#[test]
fn what_was_reviewed_is_what_runs_in_called_files_too() {
    let sandbox = mended();
    sandbox.run(["plan", "main.toml", "--out", "plan.json"]).only_code(0);
    let text = sandbox.read("sub/backup.toml").replace("Make {{", "Make it: {{");
    std::fs::write(sandbox.path("sub/backup.toml"), text).expect("a file");
    sandbox
        .run(["exec", "main.toml", "--plan", "plan.json"])
        .stderr(str![[r#"
error[RB514]: what would run is not what was reviewed in `plan.json`
 |
 = help: the text of `sub/backup.toml`, which it calls, was changed
 = help: `backup/make` is different in title
 = help: if the change is meant, write the plan again with `runbook plan --out`, and have it reviewed again

nothing was run: 1 error

"#]])
        .code(3);
}

#[test]
fn steps_of_a_call_are_left_out_by_their_ids_or_all_together() {
    let sandbox = sandbox();
    let (_, said) = sandbox.run(["exec", "main.toml", "--skip", "backup"]).only_code(0);
    assert!(said.contains("leaves out 5 steps"), "{said}");
    let (_, said) = mended().run(["exec", "main.toml", "--from", "backup"]).only_code(0);
    assert!(said.contains("leaves out 1 step") && said.contains(": first"), "{said}");
    let (_, said) = sandbox.run(["exec", "main.toml", "--skip", "backup/pack"]).only_code(3);
    assert!(said.contains("`--skip backup/pack` leaves out `backup/pack`, which `backup` needs"), "{said}");
    let (_, said) = sandbox.run(["exec", "main.toml", "--from", "backup/mak"]).only_code(3);
    assert!(said.contains("write `--from backup/make`"), "{said}");
}

#[test]
fn a_value_that_a_called_runbook_does_not_accept_is_shown_in_both_files() {
    let sandbox = mended();
    let text = sandbox.read("sub/backup.toml").replace("[vars.dir]\ntype = \"path\"", "[vars.dir]\ntype = \"int\"");
    std::fs::write(sandbox.path("sub/backup.toml"), text).expect("a file");
    sandbox
        .run(["plan", "main.toml"])
        .stderr(str![[r#"
error[RB403]: `dir` from the call `backup` is "kept", which is not accepted
  --> sub/backup.toml:6:7
   |
 6 | [vars.dir]
   |       ^^^ expected a whole number such as `42`
   |
  ::: main.toml:31:1
   |
31 | runbook.call = { file = "sub/backup.toml", vars = { dir = "{{values.place}}", password = "{{...
   | ------------ called from here

nothing was run: 1 error

"#]])
        .code(3);
}

/// The same file twice, the second side by side with a step of the caller, and one call within another.
#[test]
fn a_file_may_be_called_twice_and_from_within_a_call() {
    let inner = "format = 1\nname = 'inner'\n[vars.name]\ntype = 'string'\n[[step]]\nid = 'touch'\nshell.run = { argv = ['touch', '{{vars.name}}'] }\n\
                 undo = [{ shell.run = { argv = ['rm', '{{vars.name}}'] } }]\n[outputs]\nname = 'vars.name'\nwhen = 'steps.touch.started_at'\n";
    let middle = "format = 1\nname = 'middle'\n[vars.name]\ntype = 'string'\n\
                  [[step]]\nid = 'a'\nneeds = []\nrunbook.call = { file = 'inner.toml', vars = { name = '{{vars.name}}-a' } }\n\
                  [[step]]\nid = 'b'\nneeds = []\nrunbook.call = { file = '../deep/inner.toml', vars = { name = '{{vars.name}}-b' } }\n\
                  [outputs]\nboth = \"concat steps.a.name ' ' steps.b.name\"\n";
    let main = "format = 1\nname = 'outer'\n\
                [[step]]\nid = 'one'\nrunbook.call = { file = 'deep/middle.toml', vars = { name = 'one' } }\n\
                [[step]]\nid = 'two'\nrunbook.call = { file = 'deep/inner.toml', vars = { name = '{{vars.two}}' } }\n\
                [[step]]\nid = 'say'\nshell.run = { argv = ['echo', '{{steps.one.both}}', '{{steps.two.name}}'] }\nleaves = 'nothing'\n\
                [[step]]\nid = 'fail'\nshell.run = { argv = ['false'] }\nleaves = 'nothing'\n\
                [vars.two]\ntype = 'string'\ndefault = 'two'\n";
    let sandbox = Sandbox::new().file("main.toml", main).file("deep/middle.toml", middle).file("deep/inner.toml", inner);
    let (stdout, _) = sandbox.run(["exec", "main.toml"]).only_code(1);
    assert!(stdout.contains("one-a one-b two"), "{stdout}");
    assert!(sandbox.path("deep/one-a").exists() && sandbox.path("deep/two").exists());
    sandbox.run(["rollback", "--last", "--output", "quiet"]).only_code(0);
    assert!(!sandbox.path("deep/one-a").exists() && !sandbox.path("deep/two").exists());
}

#[test]
fn a_call_is_confirmed_before_its_first_step() {
    let called = "format = 1\nname = 'called'\n[[step]]\nid = 'touch'\nshell.run = { argv = ['touch', 'done'] }\nleaves = 'a file'\n";
    let main = "format = 1\nname = 'main'\n[[step]]\nid = 'ask'\nconfirm = 'Really?'\nrunbook.call = { file = 'called.toml' }\n";
    let sandbox = Sandbox::new().file("main.toml", main).file("called.toml", called);
    let (_, said) = sandbox.run(["exec", "main.toml", "--no-input"]).only_code(7);
    assert!(said.contains("--answer ask:begin=yes"), "{said}");
    assert!(!sandbox.path("done").exists());
    sandbox.run(["resume", "--last", "--answer", "ask:begin=yes", "--output", "quiet"]).only_code(0);
    assert!(sandbox.path("done").exists());
}

#[test]
fn a_monitor_of_a_called_runbook_watches_while_the_call_lasts() {
    let called = "format = 1\nname = 'called'\n\
                  [[step]]\nid = 'touch'\nshell.run = { argv = ['touch', 'down'] }\nundo = [{ shell.run = { argv = ['rm', '-f', 'down'] } }]\n\
                  [[step]]\nid = 'wait'\nshell.run = { argv = ['sleep', '1'] }\nsafety = 'read_only'\n\
                  [[step]]\nid = 'more'\nshell.run = { argv = ['touch', 'more'] }\nleaves = 'a file'\n\
                  [[monitor]]\nid = 'up'\nfile.assert = { path = 'down', exists = false }\nevery = '100ms'\nfailures = 2\nthen = 'rollback'\n";
    let main = "format = 1\nname = 'main'\n\
                [[step]]\nid = 'before'\nshell.run = { argv = ['touch', 'down'] }\nleaves = 'a file'\n\
                [[step]]\nid = 'still'\nshell.run = { argv = ['sh', '-c', 'sleep 0.5; rm down'] }\nleaves = 'nothing'\n\
                [[step]]\nid = 'part'\nrunbook.call = { file = 'called.toml' }\n";
    let sandbox = Sandbox::new().file("main.toml", main).file("called.toml", called);
    let (stdout, stderr) = sandbox.run(["exec", "main.toml"]).only_code(5);
    assert!(stdout.contains("undo part/touch: done") && stderr.contains("`part/up` failed"), "{stdout}{stderr}");
    assert!(!sandbox.path("more").exists() && !sandbox.path("down").exists());
}

#[test]
fn loops_of_a_called_runbook_are_its_own() {
    let called = "format = 1\nname = 'called'\n[vars.names]\ntype = 'list'\n\
                  [[step]]\nid = 'each'\nfor_each = 'vars.names'\nwhen = \"ne item 'skip'\"\nshell.run = { argv = ['echo', 'hello {{item}}'] }\nsafety = 'read_only'\n\
                  [[step]]\nid = 'first'\nshell.run = { argv = ['echo', '{{default steps.each.items.a.stdout \"-\"}}'] }\nsafety = 'read_only'\n\
                  [outputs]\nfirst = 'trim steps.first.stdout'\n";
    let main = "format = 1\nname = 'main'\n[vars.loud]\ntype = 'bool'\ndefault = true\n\
                [[step]]\nid = 'each'\nfor_each = '[\"x\"]'\nshell.run = { argv = ['echo', 'own {{item}}'] }\nsafety = 'read_only'\n\
                [[step]]\nid = 'part'\nwhen = 'vars.loud'\nrunbook.call = { file = 'called.toml', vars = { names = ['a', 'skip', 'b'] } }\n\
                [[step]]\nid = 'tell'\nshell.run = { argv = ['echo', '<{{default steps.part.first \"-\"}}>', '{{steps.each.items.x.stdout}}'] }\nsafety = 'read_only'\n";
    let sandbox = Sandbox::new().file("main.toml", main).file("called.toml", called);
    let (stdout, _) = sandbox.run(["exec", "main.toml"]).only_code(0);
    assert!(stdout.contains("part/each[a]| hello a") && stdout.contains("tell| <hello a> own x"), "{stdout}");
    let (stdout, _) = sandbox.run(["exec", "main.toml", "--var", "loud=false"]).only_code(0);
    assert!(!stdout.contains("hello") && stdout.contains("tell| <-> own x"), "{stdout}");
}

#[test]
fn locks_of_all_are_kept_in_one_place() {
    let store = |host: &str| {
        format!(
            "[target.db]\nmysql = {{ host = '{host}', user = 'u' }}\n[lock_store]\ntarget = 'db'\n[[step]]\nid = 'look'\nsql.query = {{ target = 'db', sql = 'select 1' }}\n"
        )
    };
    let called = |host| format!("format = 1\nname = 'called'\nlocks = ['b']\n{}", store(host));
    let main = format!(
        "format = 1\nname = 'main'\nlocks = ['a']\n{}[[step]]\nid = 'part'\nrunbook.call = {{ file = 'called.toml' }}\n",
        store("one")
    );
    let sandbox = Sandbox::new().file("main.toml", main).file("called.toml", called("two"));
    sandbox
        .run(["plan", "main.toml"])
        .stderr(str![[r#"
error[RB335]: the locks of this run would be kept in two places
 --> called.toml:6:2
  |
6 | [lock_store]
  |  ^^^^^^^^^^ the second place
  |
 ::: main.toml:6:2
  |
6 | [lock_store]
  |  ---------- the first place
  |
  = help: give both the same server, database and `lease`; or leave `[lock_store]` out in the called runbook

nothing was run: 1 error

"#]])
        .code(3);
    std::fs::write(sandbox.path("called.toml"), called("one")).expect("a file");
    let (stdout, _) = sandbox.run(["plan", "main.toml"]).only_code(0);
    assert!(stdout.contains("locks: a, b"), "{stdout}");
}

#[test]
fn a_secret_of_a_called_runbook_changes_with_its_callers() {
    let sandbox = sandbox();
    sandbox.run(["exec", "main.toml", "--output", "quiet"]).only_code(1);
    let sandbox = sandbox.env("RUNBOOK_VAR_PASSWORD", "another-horse");
    let (_, said) = sandbox.run(["resume", "--last", "--answer", "backup/pack=not-done"]).only_code(3);
    assert!(said.contains("--accept-secret password") && !said.contains("backup/password"), "{said}");
    let (_, said) = sandbox
        .run(["resume", "--last", "--answer", "backup/pack=not-done", "--accept-secret", "password", "--output", "quiet"])
        .only_code(1);
    assert!(said.contains("`backup/pack` failed"), "{said}");
}
