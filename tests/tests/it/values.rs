//! `[values]`: what files say, before anything runs.

use snapbox::str;

use crate::sandbox::Sandbox;

const TEXT: &str = r##"
format = 1
name = "values"

[vars.config]
type = "path"
default = "conf/config.yaml"

[values.oms]
yaml = { path = "{{vars.config}}" }
secret = ["password"]

[values.address]
value = "concat values.oms.host ':' values.oms.port"

[[step]]
id = "first"
shell.run = { argv = ["touch", "first"] }
leaves = "a file"

[[step]]
id = "show"
shell.script = { text = "printf '%s\\n' {{values.address}} {{values.oms.password}} {{default values.oms.name 'none'}}" }
leaves = "nothing"
"##;

const CONFIG: &str = "host: db1\nport: 2881\npassword: correct-horse\nother: battery-staple\n";

fn sandbox(config: &str) -> Sandbox {
    Sandbox::new().file("a.toml", TEXT).file("conf/config.yaml", config)
}

#[test]
fn a_run_has_them_and_records_what_is_named_without_secrets() {
    let sandbox = sandbox(CONFIG);
    let (stdout, _) = sandbox.run(["exec", "a.toml"]).only_code(0);
    assert!(stdout.contains("db1:2881") && stdout.contains("‹values.oms.password›") && stdout.contains("none"), "{stdout}");
    for (path, bytes) in sandbox.everything_below("state") {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("correct-horse") && !text.contains("battery-staple"), "{}: {text}", path.display());
    }
}

#[test]
fn a_plan_shows_them_and_where_they_come_from() {
    sandbox(CONFIG)
        .run(["plan", "a.toml"])
        .stdout(str![[r#"
values
  risk: medium
  on failure: stop there, undo nothing

Variables
  config  "conf/config.yaml"  (default)

Values
  oms.host      "db1"  (conf/config.yaml)
  oms.port      2881  (conf/config.yaml)
  oms.password  "‹values.oms.password›"  (conf/config.yaml)
  address       "db1:2881"  (`concat values.oms.host ':' values.oms.port`)

Steps
  1. first
     shell.run
       argv = ["touch","first"]
     class: must not be done twice
     stays after a rollback: a file
  2. show
     shell.script
       text = printf '%s\n' "${RUNBOOK_P1?}" "${RUNBOOK_P2?}" "${RUNBOOK_P3?}"
         # RUNBOOK_P1 = "db1:2881"
         # RUNBOOK_P2 = "‹values.oms.password›"
         # RUNBOOK_P3 = "none"
     class: must not be done twice
     stays after a rollback: nothing

"#]])
        .stderr(str![[r#""#]])
        .code(0);
}

#[test]
fn a_plan_can_be_made_where_the_file_is_not() {
    Sandbox::new()
        .file("a.toml", TEXT)
        .run(["plan", "a.toml"])
        .stdout(str![[r#"
values
  risk: medium
  on failure: stop there, undo nothing

Variables
  config  "conf/config.yaml"  (default)

Steps
  1. first
     shell.run
       argv = ["touch","first"]
     class: must not be done twice
     stays after a rollback: a file
  2. show
     shell.script
       text = "printf '%s\\n' {{values.address}} {{values.oms.password}} {{default values.oms.name 'none'}}"
       its templates are known after `values.address`, `values.oms`
     class: must not be done twice
     stays after a rollback: nothing

"#]])
        .stderr(str![[r#"
warning[RB440]: `conf/config.yaml` cannot be read: there is no such file
  --> a.toml:10:17
   |
10 | yaml = { path = "{{vars.config}}" }
   |                 ^^^^^^^^^^^^^^^^^ `values.oms`
   |
   = help: what needs it is known only where the file is


"#]])
        .code(0);
}

#[test]
fn a_file_that_is_not_there_ends_a_run_before_it_begins() {
    let sandbox = Sandbox::new().file("a.toml", TEXT);
    sandbox
        .run(["exec", "a.toml"])
        .stdout(str![[r#""#]])
        .stderr(str![[r#"
error[RB440]: `conf/config.yaml` cannot be read: there is no such file
  --> a.toml:10:17
   |
10 | yaml = { path = "{{vars.config}}" }
   |                 ^^^^^^^^^^^^^^^^^ `values.oms`

nothing was run: 1 error

"#]])
        .code(9);
    assert!(!sandbox.path("first").exists());
}

#[test]
fn a_key_that_is_not_there_ends_a_run_before_it_begins() {
    let sandbox = sandbox("hots: db1\nport: 2881\n");
    sandbox
        .run(["exec", "a.toml"])
        .stdout(str![[r#""#]])
        .stderr(str![[r#"
error[RB442]: `conf/config.yaml` has no `password`
  --> a.toml:11:1
   |
11 | secret = ["password"]
   | ^^^^^^ a secret that is not there
   |
   = help: where it need not be there, make all of it secret: `secret = true`

error[RB442]: `conf/config.yaml` has no `host`
  --> a.toml:14:17
   |
14 | value = "concat values.oms.host ':' values.oms.port"
   |                 ^^^^^^^^^^^^^^^
   |
   = help: did you mean `hots`?
   = help: add it there; or say what to use without it: `(default values.oms.host VALUE)`

nothing was run: 2 errors

"#]])
        .code(9);
    assert!(!sandbox.path("first").exists());
}

#[test]
fn a_file_that_is_broken_is_told_with_its_line() {
    sandbox("host: db1\n port: 2881\n")
        .run(["exec", "a.toml"])
        .stdout(str![[r#""#]])
        .stderr(str![[r#"
error[RB441]: `conf/config.yaml:2:6` is not well-formed YAML: mapping values are not allowed in this context
  --> a.toml:10:17
   |
10 | yaml = { path = "{{vars.config}}" }
   |                 ^^^^^^^^^^^^^^^^^ `values.oms`

nothing was run: 1 error

"#]])
        .code(9);
}

#[test]
fn a_plan_that_was_reviewed_with_other_values_is_refused() {
    let sandbox = sandbox(CONFIG);
    sandbox.run(["plan", "a.toml", "--out", "plan.json"]).only_code(0);
    let sandbox = sandbox.file("conf/config.yaml", CONFIG.replace("2881", "2882"));
    sandbox
        .run(["exec", "a.toml", "--plan", "plan.json"])
        .stdout(str![[r#""#]])
        .stderr(str![[r#"
error[RB514]: what would run is not what was reviewed in `plan.json`
 |
 = help: `values.oms` from conf/config.yaml is different
 = help: `values.address` from `concat values.oms.host ':' values.oms.port` is different
 = help: `show` is different in fields
 = help: if the change is meant, write the plan again with `runbook plan --out`, and have it reviewed again

nothing was run: 1 error

"#]])
        .code(3);
}
