//! `runbook plan`, and running only what was reviewed.

use snapbox::str;

use crate::sandbox::Sandbox;

const TEXT: &str = r##"
format = 1
name = "changes"
title = "Change {{vars.what}}"
risk = "high"
on_failure = "rollback"
locks = ["@UNIQUE@/{{vars.what}}"]

[vars.what]
type = "string"
default = "it"

[vars.password]
type = "string"
secret = true

[[check]]
id = "there"
title = "It is there"
file.assert = { path = "{{vars.what}}.txt", kind = "file" }
guards = ["write"]

[[step]]
id = "look"
shell.script = { text = '''
printf '%s\n' {{vars.what}}
''' }
safety = "read_only"

[[step]]
id = "write"
title = "Write what was seen"
timeout = "30m"
retry = { attempts = 3, every = "2s" }
file.write = { path = "{{vars.what}}.txt", text = "{{steps.look.stdout}} | `x` <b>", overwrite = true }
undo = [{ file.put_back = { path = "{{vars.what}}.txt", kept = "{{before.kept}}" }, when = "before.existed" }]

[[step]]
id = "send"
shell.run = { argv = ["true"], env = { TOKEN = "{{vars.password}}" } }
irreversible = "it is sent"

[[verify]]
id = "written"
file.read = { path = "{{vars.what}}.txt" }
expect = ["contains text vars.what"]
"##;

fn sandbox() -> Sandbox {
    Sandbox::new().file("a.toml", TEXT).file("it.txt", "old").env("RUNBOOK_VAR_PASSWORD", "correct-horse-battery")
}

#[test]
fn a_plan_shows_each_unit_with_its_values_and_its_fate() {
    sandbox()
        .run(["plan", "a.toml"])
        .stdout(str![[r#"
Change it
  risk: high: asks before it starts
  on failure: undo everything that was begun
  locks: [UNIQUE]/it

Variables
  what      "it"  (default)
  password  ‹secret›  (RUNBOOK_VAR_PASSWORD)

Checks, before anything is changed
  1. there  It is there
     file.assert
       path = "it.txt"
       kind = "file"

Steps
  1. look
     shell.script
       text = printf '%s\n' "${RUNBOOK_P1?}"
         
         # RUNBOOK_P1 = "it"
     class: changes nothing
  2. write  Write what was seen
     file.write
       path = "it.txt"
       text = "{{steps.look.stdout}} | `x` <b>"
       overwrite = true
       its templates are known after `look`
     asks again: `there`
     limits: each attempt within 30m 00s; again after [TOOK], at most 3 attempts
     class: may be repeated
     undo: file.put_back
       path = "it.txt"
       kept = "{{before.kept}}"
       its templates are known after what is found before the step
       when: before.existed
  3. send
     shell.run
       argv = ["true"]
       env = { TOKEN = "‹vars.password›" }
     class: must not be done twice
     cannot be undone: it is sent

Verification
  1. written
     file.read
       path = "it.txt"
     expect: contains text vars.what

"#]])
        .code(0);
}

#[test]
fn a_plan_for_a_pull_request() {
    sandbox()
        .run(["plan", "a.toml", "--format", "markdown"])
        .stdout(str![[r##"
# Change it

- risk: high: asks before it starts
- on failure: undo everything that was begun
- locks: [UNIQUE]/it

## Variables

| name | value | from |
|---|---|---|
| `what` | `"it"` | default |
| `password` | `‹secret›` | RUNBOOK\_VAR\_PASSWORD |

## Checks, before anything is changed

### 1. `there`: It is there

- `file.assert`
  - `path` = `"it.txt"`
  - `kind` = `"file"`

## Steps

### 1. `look`

- `shell.script`
  - `text`:

    ```
    printf '%s\n' "${RUNBOOK_P1?}"
    
    # RUNBOOK_P1 = "it"
    ```

- class: `changes nothing`

### 2. `write`: Write what was seen

- `file.write`
  - `path` = `"it.txt"`
  - `text` = `` "{{steps.look.stdout}} \| `x` <b>" ``
  - `overwrite` = `true`
  - its templates are known after `look`
- asks again: `` `there` ``
- limits: `each attempt within 30m 00s; again after [TOOK], at most 3 attempts`
- class: `may be repeated`
- undo:
  - `file.put_back`
    - `path` = `"it.txt"`
    - `kept` = `"{{before.kept}}"`
    - its templates are known after what is found before the step
  - when: `before.existed`

### 3. `send`

- `shell.run`
  - `argv` = `["true"]`
  - `env` = `{ TOKEN = "‹vars.password›" }`
- class: `must not be done twice`
- cannot be undone: it is sent

## Verification

### 1. `written`

- `file.read`
  - `path` = `"it.txt"`
- expect: `contains text vars.what`

"##]])
        .code(0);
}

#[test]
fn a_plan_for_programs_has_no_secret() {
    let (json, _) = sandbox().run(["plan", "a.toml", "--format", "json"]).only_code(0);
    let plan: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(plan["plan"]["units"].as_array().map(Vec::len), Some(5));
    assert_eq!(plan["variables"][1]["secret"], true);
    assert!(!json.contains("correct-horse"), "{json}");
}

#[test]
fn the_exit_code_can_tell_whether_there_is_something_to_do() {
    let idle = "format = 1\nname = \"idle\"\n\n[[check]]\nid = \"here\"\nfile.assert = { path = \".\" }\n";
    let sandbox = sandbox().file("idle.toml", idle);
    sandbox.run(["plan", "a.toml", "--detailed-exitcode"]).only_code(4);
    sandbox.run(["plan", "idle.toml", "--detailed-exitcode"]).only_code(0);
}

#[test]
fn a_probe_asks_the_world_and_changes_nothing() {
    let sandbox = sandbox();
    let (_, stderr) = sandbox.run(["plan", "a.toml", "--probe"]).only_code(0);
    assert!(stderr.ends_with("the checks hold; nothing was changed\n"), "{stderr}");
    std::fs::remove_file(sandbox.path("it.txt")).expect("a file");
    let (_, stderr) = sandbox.run(["plan", "a.toml", "--probe"]).only_code(9);
    assert!(stderr.contains("`there` failed"), "{stderr}");
}

#[test]
fn a_device_is_written_into_and_not_replaced() {
    let sandbox = sandbox();
    // A link, so that a fault replaces that, and not the machine's device.
    std::os::unix::fs::symlink("/dev/null", sandbox.path("null")).expect("a link");
    sandbox.run(["plan", "a.toml", "--out", "null"]).only_code(0);
    assert!(sandbox.path("null").is_symlink(), "a file stands in its place");
}

#[test]
fn what_was_reviewed_is_what_runs() {
    let sandbox = sandbox();
    sandbox.run(["plan", "a.toml", "--out", "a.plan"]).only_code(0);
    sandbox.run(["exec", "a.toml", "--plan", "a.plan", "--yes", "--output", "quiet"]).only_code(0);
    sandbox
        .run(["exec", "a.toml", "--plan", "a.plan", "--var", "what=that", "--yes"])
        .stderr(str![[r#"
error[RB514]: what would run is not what was reviewed in `a.plan`
 |
 = help: the variable `what` was "it" and is "that"
 = help: `there` is different in fields
 = help: `look` is different in fields
 = help: `write` is different in fate
 = help: `written` is different in fields
 = help: if the change is meant, write the plan again with `runbook plan --out`, and have it reviewed again

nothing was run: 1 error

"#]])
        .code(3);
    std::fs::write(sandbox.path("a.toml"), TEXT.replace("30m", "40m")).expect("a file");
    sandbox
        .run(["exec", "a.toml", "--plan", "a.plan", "--yes"])
        .stderr(str![[r#"
error[RB514]: what would run is not what was reviewed in `a.plan`
 |
 = help: the text of `a.toml` was changed
 = help: `write` is different in timeout_ms
 = help: if the change is meant, write the plan again with `runbook plan --out`, and have it reviewed again

nothing was run: 1 error

"#]])
        .code(3);
    std::fs::write(sandbox.path("a.plan"), "{}").expect("a file");
    sandbox
        .run(["exec", "a.toml", "--plan", "a.plan", "--yes"])
        .stderr(str![[r#"
error[RB514]: `a.plan` is not a plan of this program: missing field `plan_format` at line 1 column 2
 |
 = help: write one with `runbook plan FILE --out PLAN`

nothing was run: 1 error

"#]])
        .code(3);
}
