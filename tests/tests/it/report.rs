//! `runs report` and `exec --report`: what a run did, for a ticket.

use serde_json::Value;
use snapbox::IntoData as _;

use crate::sandbox::Sandbox;

const TEXT: &str = r##"
format = 1
name = "report"
title = "Change <b>it</b> | @team"
on_failure = "rollback"

[vars.what]
type = "string"
default = "it"

[vars.password]
type = "string"
secret = true

[values.site]
yaml = { path = "site.yaml" }
secret = ["token"]

[[check]]
id = "there"
title = "It is there"
file.assert = { path = "{{vars.what}}.txt", kind = "file" }

[[step]]
id = "write"
title = "Write it"
file.write = { path = "{{vars.what}}.txt", text = "{{values.site.name}}", overwrite = true }
undo = [{ file.put_back = { path = "{{vars.what}}.txt", kept = "{{before.kept}}" }, when = "before.existed" }]

[[step]]
id = "batches"
shell.script = { text = "printf x >> count; wc -c < count" }
repeat_until = "contains stdout '3'"
leaves = "a file"

[[step]]
id = "left"
when = "eq vars.what 'other'"
shell.run = { argv = ["true"] }
leaves = "nothing"

[[step]]
id = "fail"
shell.run = { argv = ["sh", "-c", "echo \"no: $TOKEN $PASSWORD\" >&2; exit 3"], env = { TOKEN = "{{values.site.token}}", PASSWORD = "{{vars.password}}" } }
leaves = "nothing"
"##;

fn sandbox() -> Sandbox {
    let text = TEXT;
    Sandbox::new()
        .file("a.toml", text)
        .file("it.txt", "old")
        .file("site.yaml", "name: new | one\ntoken: battery-staple\n")
        .env("RUNBOOK_VAR_PASSWORD", "correct-horse")
}

#[test]
fn a_ticket_says_all_that_a_run_did_and_no_secret() {
    let sandbox = sandbox();
    sandbox.run(["exec", "a.toml", "--report", "ticket.md", "--report", "ticket.json"]).only_code(5);
    let json: Value = serde_json::from_str(&sandbox.read("ticket.json")).expect("JSON");
    let session = |key: &str| format!("`{}`", json["sessions"][0][key].as_str().expect("a text"));
    let ticket = sandbox.redacted(sandbox.read("ticket.md").as_bytes());
    let steady = ticket.replace(&session("host"), "[HOST]").replace(&session("user"), "[USER]");
    let expected = snapbox::str![[r##"
# Change \<b\>it\</b\> \| \@team: rolled back

- run: `[RUN]`
- runbook: `report` from `[DIR]/a.toml`
- started: [TIME] by [USER]
- ended: [TIME], after [TOOK]
- session 1: on [HOST] as [USER], [TIME], runbook 0.1.0: rolled back

## Failures

- `fail` (line 43): `sh` exited with 3, expected 0
  - `no: ‹values.site.token› ‹vars.password›`

## What changed

- `write`: Write it (taken back)
- `batches`
- `fail`

## Checks

| | what | outcome | started (UTC) | took |
|---|---|---|---|---|
| `there` | It is there | done | [CLOCK] | [TOOK] |

## Steps

| | what | outcome | started (UTC) | took |
|---|---|---|---|---|
| `write` | Write it | done | [CLOCK] | [TOOK] |
| `batches` | `shell.script` | done, 3 times | [CLOCK] | [TOOK] |
| `left` | `shell.run` | skipped: `eq vars.what 'other'` is false |  |  |
| `fail` | `shell.run` | failed | [CLOCK] | [TOOK] |

## Rollback

It began at [TIME]; 1 step to take back.

- `write`: `file.put_back`: done

## With what

| name | value | from |
|---|---|---|
| `vars.what` | `it` | default |
| `vars.password` | `‹secret›` | RUNBOOK\_VAR\_PASSWORD |
| `values.site` | `{"name":"new \| one","token":"‹values.site.token›"}` | site.yaml |

"##]];
    snapbox::Assert::new().action_env(snapbox::assert::DEFAULT_ACTION_ENV).eq(steady, expected.raw());
    let (later, _) = sandbox.run(["runs", "report", "--last"]).only_code(0);
    assert_eq!(later, ticket, "the same from the journal alone");
    assert_eq!(json["format"], 1);
    assert_eq!(json["end"], "rolled_back");
    let unit = |id: &str| json["units"].as_array().and_then(|units| units.iter().find(|unit| unit["id"] == id)).expect("a unit").clone();
    assert_eq!((&unit("batches")["iterations"], &unit("batches")["attempts"]), (&Value::from(3), &Value::from(3)));
    assert_eq!(unit("write")["undo"][0]["state"], "done");
    assert_eq!(unit("fail")["failure"]["kind"], "failed");
    for text in [&ticket, &json.to_string()] {
        assert!(!text.contains("correct-horse") && !text.contains("battery-staple"), "{text}");
    }
}

#[test]
fn a_report_goes_into_a_file_of_a_known_kind() {
    let sandbox = sandbox();
    let (_, stderr) = sandbox.run(["exec", "a.toml", "--report", "ticket.txt"]).only_code(2);
    assert!(stderr.contains("a report ends in `.md` (Markdown) or `.json`"), "{stderr}");
    assert!(!sandbox.path("count").exists());
}

#[test]
fn what_cannot_be_written_is_told_and_changes_nothing() {
    let sandbox = sandbox();
    let (_, stderr) = sandbox.run(["exec", "a.toml", "--report", "no/such/ticket.md"]).only_code(5);
    assert!(stderr.contains("error: the report cannot be written to `no/such/ticket.md`"), "{stderr}");
    assert!(stderr.contains("help: write it later: `runbook runs report [RUN] --state-dir [DIR]/state`"), "{stderr}");
}

#[test]
fn a_run_that_was_killed_can_be_told() {
    let text =
        "format = 1\nname = \"slow\"\n\n[[step]]\nid = \"slow\"\nshell.run = { argv = [\"sleep\", \"100\"] }\nleaves = \"nothing\"\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    let child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for_record("started");
    Sandbox::signal(&child, rustix::process::Signal::KILL);
    let mut child = child;
    child.wait().expect("its end");
    sandbox.end_marked();
    let (ticket, _) = sandbox.run(["runs", "report", "--last"]).only_code(0);
    assert!(ticket.starts_with("# slow: interrupted\n"), "{ticket}");
    assert!(ticket.contains("| `slow` | `shell.run` | running |"), "{ticket}");
}

#[test]
fn an_expectation_that_cannot_be_told_says_why() {
    let text = "format = 1\nname = \"told\"\n\n[[check]]\nid = \"here\"\nfile.assert = { path = \".\" }\nexpect = [\"eq kind 5\", \"eq kind 'file'\"]\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(9);
    let (ticket, _) = sandbox.run(["runs", "report", "--last"]).only_code(0);
    assert!(ticket.contains("\n  - `eq kind 5` cannot be told: `eq`: a text is compared with a number\n"), "{ticket}");
    assert!(ticket.contains("\n  - `eq kind 'file'` does not hold: `kind = \"dir\"`\n"), "{ticket}");
}
