//! `runbook backup prune`: what goes, what never goes, and what a kill in the middle leaves.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use snapbox::str;

use crate::sandbox::Sandbox;

fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/backup")
}

/// A backup of that database, taken on that day of 2025, with its own seal.
fn backup(sandbox: &Sandbox, name: &str, database: &str, day: &str) {
    let to = sandbox.path(name);
    std::fs::create_dir_all(&to).expect("a folder");
    for entry in std::fs::read_dir(fixture()).expect("the fixture") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
    let text = std::fs::read_to_string(to.join("manifest.json")).expect("a manifest");
    let mut manifest: Value = serde_json::from_str(&text).expect("JSON");
    manifest["database"] = database.into();
    manifest["taken_at"] = format!("2025-{day}T03:00:00Z").into();
    manifest["seal"] = "".into();
    let digest = Sha256::digest(serde_json::to_vec(&manifest).expect("JSON"));
    manifest["seal"] = format!("{digest:x}").into();
    std::fs::write(to.join("manifest.json"), serde_json::to_string_pretty(&manifest).expect("JSON")).expect("a file");
}

/// A file of the backup is not what the manifest says.
fn damage(sandbox: &Sandbox, name: &str) {
    std::fs::write(sandbox.path(name).join("20-tables.sql"), "drop table t;\n").expect("a file");
}

/// The folders below one, sorted.
fn left(sandbox: &Sandbox, below: &str) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.path(below)).expect("a folder");
    let mut names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

fn three(sandbox: &Sandbox) {
    for (name, day) in [("b/one", "01-01"), ("b/two", "02-01"), ("b/three", "03-01")] {
        backup(sandbox, name, "odc", day);
    }
    backup(sandbox, "b/other", "oms", "01-01");
}

#[test]
fn the_latest_of_each_database_stay() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    let told = str![[r#"
[DIR]/b/two would be removed (3.5 KiB): of `odc`, taken [TIME]
[DIR]/b/one would be removed (3.5 KiB): of `odc`, taken [TIME]

"#]];
    sandbox
        .run(["backup", "prune", "b", "--keep", "1", "--dry-run"])
        .stdout(told)
        .stderr("2 folders would be removed, 2 kept; 7.0 KiB would be freed\n")
        .code(0);
    assert_eq!(left(&sandbox, "b"), ["one", "other", "three", "two"]);
    sandbox.run(["backup", "prune", "b", "--keep", "1", "--older-than", "36500d"]).only_code(0);
    assert_eq!(left(&sandbox, "b").len(), 4, "both have to hold");
    sandbox.run(["backup", "prune", "b", "--keep", "2"]).only_code(0);
    assert_eq!(left(&sandbox, "b"), ["other", "three", "two"]);
}

#[test]
fn the_last_good_one_stays_however_old_it_is() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    // What cannot be restored counts for nothing, neither as the last good one nor as one of those that are kept.
    damage(&sandbox, "b/three");
    let (stdout, _) = sandbox.run(["backup", "prune", "b", "--older-than", "1d"]).only_code(0);
    assert!(stdout.contains("b/three kept: it is damaged"), "{stdout}");
    assert!(stdout.contains("b/two kept: the last good one of `odc`"), "{stdout}");
    assert!(stdout.contains("b/other kept: the last good one of `oms`"), "{stdout}");
    assert_eq!(left(&sandbox, "b"), ["other", "three", "two"]);
    damage(&sandbox, "b/two");
    sandbox.run(["backup", "prune", "b", "--keep", "0"]).only_code(0);
    assert_eq!(left(&sandbox, "b"), ["other", "three", "two"], "where none is good, none goes");
    sandbox.run(["backup", "verify", "b/other"]).only_code(0);
}

#[test]
fn what_an_unfinished_run_names_stays() {
    let runbook = r#"
format = 1
name = "restore"
locks = ["@UNIQUE@"]
[vars.backup_dir]
type = "path"
[[step]]
id = "look"
sql.verify_backup = { manifest = "b/two" }
[[step]]
id = "fails"
shell.run = { argv = ["test", "-e", "{{vars.backup_dir}}/there"] }
safety = "read_only"
"#;
    let sandbox = Sandbox::new().file("restore.toml", runbook);
    three(&sandbox);
    backup(&sandbox, "b/four", "odc", "04-01");
    let var = format!("backup_dir={}", sandbox.path("b/one").display());
    sandbox.run(["exec", "restore.toml", "--var", &var]).only_code(1);
    let (stdout, _) = sandbox.run(["backup", "prune", "b", "--keep", "1"]).only_code(0);
    assert!(stdout.contains("b/one kept: run [RUN] names it, and is not finished"), "{stdout}");
    assert!(stdout.contains("b/two kept: run [RUN] names it, and is not finished"), "{stdout}");
    assert_eq!(left(&sandbox, "b"), ["four", "one", "other", "two"]);

    sandbox.run(["abandon", "--last", "--reason", "put right by hand"]).only_code(0);
    sandbox.run(["backup", "prune", "b", "--keep", "1"]).only_code(0);
    assert_eq!(left(&sandbox, "b"), ["four", "other"]);
}

#[test]
fn what_an_unreadable_run_names_is_not_known() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    std::fs::create_dir_all(sandbox.path("state/runs/20250101-030000-k3fz/journal.jsonl")).expect("a folder");
    let (_, stderr) = sandbox.run(["backup", "prune", "b", "--keep", "1"]).only_code(8);
    assert!(stderr.contains("what it names cannot be read") && stderr.contains("nothing was removed"), "{stderr}");
    assert_eq!(left(&sandbox, "b").len(), 4);
}

#[test]
fn a_dump_that_died_goes_only_when_asked_and_when_it_is_quiet() {
    let sandbox = Sandbox::new().file("b/.one.run_dump.partial/10-tables.sql", "create").file("b/notes/plan.txt", "keep me");
    sandbox
        .run(["backup", "prune", "b", "--keep", "1"])
        .stdout("[DIR]/b/.one.run_dump.partial kept: incomplete: `--incomplete` removes it\n")
        .stderr("0 folders removed, 1 kept; 0 B freed\n")
        .code(0);
    let (stdout, _) = sandbox.run(["backup", "prune", "b", "--incomplete"]).only_code(0);
    assert!(stdout.contains("so that a dump may be under way"), "{stdout}");
    let old = std::time::SystemTime::now() - std::time::Duration::from_hours(48);
    for path in ["b/.one.run_dump.partial/10-tables.sql", "b/.one.run_dump.partial"] {
        std::fs::File::open(sandbox.path(path)).expect("a file").set_modified(old).expect("its time");
    }
    sandbox.run(["backup", "prune", "b", "--incomplete"]).only_code(0);
    assert_eq!(left(&sandbox, "b"), ["notes"]);
}

#[test]
fn the_rule_has_to_be_said() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    let (_, stderr) = sandbox.run(["backup", "prune", "b"]).only_code(2);
    assert!(stderr.contains("--keep"), "{stderr}");
    sandbox.run(["backup", "prune", "b", "--incomplete"]).only_code(0);
    assert_eq!(left(&sandbox, "b").len(), 4, "no word about whole backups");
    sandbox.run(["backup", "prune", "nowhere", "--keep", "1"]).only_code(9);
}

/// Killed at many moments, each backup is whole or gone, and the next time ends it.
#[test]
fn a_kill_in_the_middle_leaves_each_backup_whole_or_gone() {
    for round in 0..6_u64 {
        let sandbox = Sandbox::new();
        for number in 0..10 {
            let name = format!("b/n{number:02}");
            backup(&sandbox, &name, "odc", &format!("01-{:02}", number + 1));
            for file in 0..10 {
                std::fs::write(sandbox.path(&name).join(format!("note-{file}.txt")), "").expect("a file");
            }
        }
        let mut child = sandbox.spawn(["backup", "prune", "b", "--keep", "1"]);
        std::thread::sleep(std::time::Duration::from_millis(round * 4));
        let _ = child.kill();
        sandbox.wait(child).ended();
        for name in left(&sandbox, "b").iter().filter(|name| !name.starts_with('.')) {
            assert!(is_whole(&sandbox.path("b").join(name)), "{name} is neither whole nor gone");
        }
        // What a kill left is no backup any more.
        let (listed, _) = sandbox.run(["backup", "list", "b"]).only_code(0);
        assert!(!listed.contains(".removed"), "{listed}");
        sandbox.run(["backup", "prune", "b", "--keep", "1"]).only_code(0);
        assert_eq!(left(&sandbox, "b"), ["n09"]);
        sandbox.run(["backup", "verify", "b/n09"]).only_code(0);
    }
}

/// Whether everything is there that was made.
fn is_whole(folder: &Path) -> bool {
    let files = std::fs::read_dir(fixture()).expect("the fixture").count() + 10;
    std::fs::read_dir(folder).expect("a folder").count() == files
}
