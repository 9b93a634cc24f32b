//! `runbook runs`: looking back.

use snapbox::str;

use crate::sandbox::Sandbox;

const TEXT: &str = r#"
format = 1
name = "talk"
title = "Talk {{vars.how}}"

[vars.how]
type = "string"
default = "loudly"

[[step]]
id = "say"
title = "Say it"
shell.run = { argv = ["echo", "hello"] }
leaves = "nothing"
"#;

#[test]
fn no_runs_yet() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["runs", "list"])
        .stderr(str![[r#"
there are no runs in `[DIR]/state`

"#]])
        .code(0);
    sandbox
        .run(["runs", "show", "--last"])
        .stderr(str![[r#"
error: there are no runs in `[DIR]/state`
help: name another folder with `--state-dir` where runs are kept elsewhere

"#]])
        .code(2);
    sandbox
        .run(["runs", "show", "2026"])
        .stderr(str![[r#"
error: there is no run `2026` in `[DIR]/state`
help: `runbook runs list --state-dir [DIR]/state` lists the latest runs

"#]])
        .code(2);
}

#[test]
fn a_run_is_listed_shown_and_its_output_printed() {
    let sandbox = Sandbox::new().file("a.toml", TEXT);
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(0);
    let (list, _) = sandbox.run(["runs", "list"]).only_code(0);
    assert_eq!(list, "RUN                   RUNBOOK  STARTED (UTC)         STATE\n[RUN]  talk     [TIME]   done\n");
    sandbox
        .run(["runs", "show", "--last"])
        .stdout(str![[r#"
run       [RUN]
runbook   talk: Talk loudly
file      [DIR]/a.toml
started   [TIME] by [USER]
variable  how = loudly (default)
folder    [DIR]/state/runs/[RUN]
state     done

[CLOCK] run [RUN] of talk: Talk loudly
[CLOCK] step say: begins: Say it
[CLOCK] step say: done ([TOOK])

done in [TOOK] (run [RUN])

"#]])
        .code(0);
    sandbox
        .run(["runs", "log", "--last"])
        .stdout(str![[r#"
── say, [CLOCK] UTC
hello

"#]])
        .code(0);
    sandbox
        .run(["runs", "log", "--last", "--step", "sya"])
        .stderr(str![[r#"
error: no step `sya` began in run [RUN]
help: these began: `say`

"#]])
        .code(2);
}

#[test]
fn a_run_that_was_killed_is_interrupted_never_running() {
    let text = TEXT.replace(r#"argv = ["echo", "hello"]"#, r#"argv = ["sh", "-c", "touch begun; exec sleep 600"]"#);
    let sandbox = Sandbox::new().file("a.toml", text);
    let mut child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for("begun");
    let (list, _) = sandbox.run(["runs", "list"]).only_code(0);
    assert!(list.ends_with("  running\n"), "{list}");
    child.kill().expect("a kill");
    // Its step goes on without it, and holds its pipes.
    drop((child.stdout.take(), child.stderr.take()));
    child.wait().expect("its end");
    let (list, _) = sandbox.run(["runs", "list"]).only_code(0);
    assert!(list.ends_with("  interrupted\n"), "{list}");
    let (show, _) = sandbox.run(["runs", "show", "--last"]).only_code(0);
    assert!(show.contains("in doubt    say: Say it"), "{show}");
    sandbox.end_marked();
}

#[test]
fn a_journal_with_a_bad_line_in_the_middle_is_refused() {
    let sandbox = Sandbox::new().file("a.toml", TEXT);
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(0);
    let journal = sandbox.everything_below("state/runs").into_iter().find(|(path, _)| path.ends_with("journal.jsonl")).expect("a journal");
    let text = String::from_utf8(journal.1).expect("text");
    assert!(text.lines().count() > 2, "{text}");
    let bad = text.replacen("\"say\"", "\"sya\"", 1);
    std::fs::write(journal.0, bad).expect("a journal");
    let (_, stderr) = sandbox.run(["runs", "show", "--last"]).only_code(8);
    assert!(stderr.contains("is damaged"), "{stderr}");
}

#[test]
fn a_run_is_followed_to_its_end() {
    let text =
        TEXT.replace(r#"argv = ["echo", "hello"]"#, r#"argv = ["sh", "-c", "touch begun; while test ! -e go; do sleep 0.05; done"]"#);
    let sandbox = Sandbox::new().file("a.toml", text);
    let run = sandbox.spawn(["exec", "a.toml", "--output", "quiet"]);
    sandbox.wait_for("begun");
    let follows = sandbox.spawn(["runs", "show", "--last", "--follow"]);
    std::fs::write(sandbox.path("go"), "").expect("a file");
    sandbox.wait(run).only_code(0);
    let (shown, _) = sandbox.wait(follows).only_code(0);
    assert!(shown.contains("step say: begins") && shown.contains("step say: done") && shown.contains("done in"), "{shown}");
}

#[test]
fn pruning_removes_what_is_finished_and_nothing_else() {
    let fails = TEXT.replace(r#"argv = ["echo", "hello"]"#, r#"argv = ["false"]"#);
    let sandbox = Sandbox::new().file("a.toml", TEXT).file("fails.toml", fails);
    sandbox.run(["exec", "fails.toml", "--output", "quiet"]).only_code(1);
    for _ in 0..3 {
        sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(0);
    }
    sandbox.run(["runs", "prune"]).only_code(2);
    sandbox
        .run(["runs", "prune", "--older-than", "1d"])
        .stderr(str![[r#"
0 runs removed, 3 kept; 1 run not finished and not touched

"#]])
        .code(0);
    sandbox
        .run(["runs", "prune", "--keep", "1", "--dry-run"])
        .stdout(str![[r#"
[RUN] would be removed
[RUN] would be removed

"#]])
        .stderr(str![[r#"
2 runs would be removed, 1 kept; 1 run not finished and not touched

"#]])
        .code(0);
    sandbox.run(["runs", "prune", "--keep", "0"]).only_code(0);
    let (list, _) = sandbox.run(["runs", "list"]).only_code(0);
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.ends_with("failed\n"), "{list}");
}

#[test]
fn records_before_a_damage_are_given_and_the_damage_is_named() {
    let sandbox = Sandbox::new().file("a.toml", TEXT);
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(0);
    let (whole, _) = sandbox.run(["runs", "show", "--last", "--json"]).only_code(0);
    let (path, mut bytes) =
        sandbox.everything_below("state/runs").into_iter().find(|(path, _)| path.ends_with("journal.jsonl")).expect("a journal");
    let second = bytes.iter().position(|byte| *byte == b'\n').expect("a line") + 30;
    bytes[second] ^= 1;
    std::fs::write(&path, bytes).expect("a journal");
    let (before, stderr) = sandbox.run(["runs", "show", "--last", "--json"]).only_code(8);
    assert!(before.contains("\"type\":\"run_opened\"") && whole.starts_with(&before) && before.len() < whole.len(), "{before}");
    assert!(stderr.contains("line 2 of `") && stderr.contains("is damaged"), "{stderr}");
}

#[test]
fn prune_says_what_it_wants_to_know() {
    let (_, stderr) = Sandbox::new().run(["runs", "prune"]).only_code(2);
    assert!(stderr.contains("<--keep <N>|--older-than <TIME>>"), "{stderr}");
    let (_, stderr) = Sandbox::new().run(["backup", "prune", "."]).only_code(2);
    assert!(stderr.contains("<--keep <N>|--older-than <TIME>|--incomplete>"), "{stderr}");
}
