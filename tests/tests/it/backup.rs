//! `runbook backup`: what people see of a backup. The one in `tests/fixtures/backup` was made by an earlier build; it must stay readable.

use std::path::{Path, PathBuf};

use snapbox::str;

use crate::sandbox::Sandbox;

fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/backup")
}

/// A sandbox with a copy of the backup under that name.
fn with_backup(name: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    copy(&sandbox.path(name));
    sandbox
}

fn copy(to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(fixture()).expect("the fixture") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

#[test]
fn a_whole_backup_is_told() {
    with_backup("backup")
        .run(["backup", "verify", "backup"])
        .stdout(str![[r#"
the backup `backup/manifest.json` is whole
  database  订单库 of 127.0.0.1:45759
  server    10.11.19-MariaDB-0+deb12u1
  written   by runbook 0.1.0
  taken     [TIME]
  contents  2 tables, 3 files
  size      1.4 KiB
  fact      highest = 2
  fact      versions = 3 values: 1, 2, 3

"#]])
        .code(0);
}

#[test]
fn each_fault_of_a_backup_is_told() {
    let sandbox = with_backup("backup");
    let file = |name: &str| sandbox.path("backup").join(name);
    let good = std::fs::read(file("30-data-00001.sql")).expect("a file");
    let mut flipped = good.clone();
    flipped[100] ^= 1;
    std::fs::write(file("30-data-00001.sql"), flipped).expect("a file");
    std::fs::write(file("20-tables.sql"), "create table t (a int);\n").expect("a file");
    std::fs::remove_file(file("60-views.sql")).expect("a file");
    std::fs::write(file("99-more.sql"), "drop table t;").expect("a file");
    sandbox
        .run(["backup", "verify", "backup/manifest.json"])
        .stderr(str![[r#"
error: the backup `backup/manifest.json` cannot be relied upon: 4 faults
  - the file `20-tables.sql` has 24 bytes and should have 615
  - the file `30-data-00001.sql` is damaged: its SHA-256 is another
  - the file `60-views.sql` is missing
  - the file `99-more.sql` is not in the manifest
help: use another backup; a restore refuses this one

"#]])
        .code(9);
    sandbox
        .run(["backup", "verify", "--json", "backup"])
        .stdout(str![[r#"
{"manifest":"backup/manifest.json","good":false,"problems":["the file `20-tables.sql` has 24 bytes and should have 615","the file `30-data-00001.sql` is damaged: its SHA-256 is another","the file `60-views.sql` is missing","the file `99-more.sql` is not in the manifest"],"database":"订单库","bytes":1443}

"#]])
        .code(9);
}

#[test]
fn several_backups_are_all_looked_at_and_one_that_is_not_good_decides() {
    let sandbox = with_backup("good");
    copy(&sandbox.path("bad"));
    copy(&sandbox.path("last"));
    std::fs::remove_file(sandbox.path("bad/60-views.sql")).expect("a file");
    let (stdout, stderr) = sandbox.run(["backup", "verify", "nowhere", "bad", "good", "last"]).only_code(9);
    assert_eq!(stdout.matches(" is whole\n").count(), 2, "{stdout}");
    assert!(stderr.contains("nowhere") && stderr.contains("the file `60-views.sql` is missing"), "{stderr}");
    let (stdout, _) = sandbox.run(["backup", "verify", "--json", "bad", "good"]).only_code(9);
    let good: Vec<bool> = stdout.lines().map(|line| line.contains("\"good\":true")).collect();
    assert_eq!(good, [false, true]);
    sandbox.run(["backup", "verify", "good", "last"]).only_code(0);
}

#[test]
fn a_manifest_is_shown_in_columns() {
    with_backup("backup")
        .run(["backup", "show", "backup"])
        .stdout(str![[r#"
manifest   backup/manifest.json
database   订单库 of 127.0.0.1:45759
server     10.11.19-MariaDB-0+deb12u1
written    by runbook 0.1.0
made by    [RUN]/dump
taken      [TIME]
snapshot   transaction
charset    utf8mb4, utf8mb4_bin
without    left_out
fact       highest = 2
fact       versions = 3 values: 1, 2, 3

2 tables, 5 rows
  TABLE   ROWS  CHECKSUM
  orders     2  996065889
  用户表     3  1975898880  next key 4

1 object besides
  NAME  KIND
  视图  view

3 files, 1.4 KiB
  FILE                SIZE  SHA-256
  20-tables.sql      615 B  e9b8c08245b7c29c
  30-data-00001.sql  387 B  02c66498f6aa7f27
  60-views.sql       441 B  1bbc0e6899ae850b

"#]])
        .code(0);
    let (shown, _) = with_backup("backup").run(["backup", "show", "backup", "--json"]).only_code(0);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["contents"]["tables"][1]["name"], "用户表");
}

#[test]
fn a_manifest_that_was_edited_is_shown_and_refused() {
    let sandbox = with_backup("backup");
    let path = sandbox.path("backup/manifest.json");
    let text = std::fs::read_to_string(&path).expect("the manifest").replace("\"rows\": 3,", "\"rows\": 4,");
    std::fs::write(&path, text).expect("the manifest");
    let (shown, said) = sandbox.run(["backup", "show", "backup"]).only_code(9);
    assert!(shown.contains("2 tables, 6 rows"), "{shown}");
    assert_eq!(
        said,
        "error: the backup `backup/manifest.json` cannot be relied upon: 1 fault\n  - the manifest was changed after it was written\n\
         help: use another backup; a restore refuses this one\n"
    );
}

#[test]
fn backups_below_a_folder_are_listed() {
    let sandbox = with_backup("all/2026/11/one").file("all/other/manifest.json", "{}").file("all/notes.txt", "x");
    copy(&sandbox.path("all/broken"));
    let broken = sandbox.path("all/broken/manifest.json");
    let text = std::fs::read_to_string(&broken).expect("the manifest").replace("utf8mb4_bin", "utf8mb4_xxx");
    std::fs::write(&broken, text).expect("the manifest");
    sandbox
        .run(["backup", "list", "all"])
        .stdout(str![[r#"
TAKEN (UTC)          DATABASE  ROWS     SIZE  MANIFEST
[TIME]  订单库       5  1.4 KiB  all/2026/11/one/manifest.json
damaged                                       all/broken/manifest.json
cannot be read                                all/other/manifest.json

"#]])
        .code(0);
    sandbox
        .run(["backup", "list", "all/2026", "--json"])
        .stdout(str![[r#"
{"manifest":"all/2026/11/one/manifest.json","state":"readable","database":"订单库","address":"127.0.0.1:45759","server":"mariadb","taken_at":"[TIME]","tool":"runbook","tables":2,"rows":5,"bytes":1443}

"#]])
        .code(0);
    sandbox
        .run(["backup", "list", "nowhere"])
        .stderr(str![[r#"
error: cannot read `nowhere`: No such file or directory (os error 2)

"#]])
        .code(9);
}

#[test]
fn backups_of_runs_are_listed() {
    let sandbox = with_backup("backup").file(
        "look.toml",
        "format = 1\nname = \"look\"\n\n[[check]]\nid = \"good\"\nsql.verify_backup = { manifest = \"backup\" }\nexpect = [\"eq facts.highest.[0] 2\"]\n",
    );
    sandbox
        .run(["backup", "list"])
        .stderr(str![[r#"
no run made a backup or looked at one

"#]])
        .code(0);
    sandbox.run(["exec", "look.toml", "--no-input"]).only_code(0);
    let (listed, _) = sandbox.run(["backup", "list"]).only_code(0);
    assert!(listed.ends_with("\n[TIME]  订单库       5  1.4 KiB  [DIR]/backup/manifest.json\n"), "{listed}");
    std::fs::remove_file(sandbox.path("backup/manifest.json")).expect("the manifest");
    let (listed, _) = sandbox.run(["backup", "list"]).only_code(0);
    assert!(listed.lines().nth(1).is_some_and(|line| line.starts_with("gone ")), "{listed}");
}

#[test]
fn a_card_names_each_backup_once_and_none_that_was_not_made() {
    // Nobody listens on port 1.
    let text = r#"format = 1
name = "cards"
vars.dir = { type = "path" }
target.metadb.mysql = { host = "127.0.0.1", port = 1, user = "root" }

[[step]]
id = "look"
sql.verify_backup = { manifest = "{{vars.dir}}" }

[[step]]
id = "dump"
sql.dump = { target = "metadb", database = "odc", to = "{{vars.dir}}-never-made" }
leaves = "a backup"
on_failure = "continue"

[[step]]
id = "restore"
sql.restore = { target = "metadb", manifest = "{{vars.dir}}", into = "odc" }
leaves = "a database"
"#;
    let sandbox = with_backup("backup").file("cards.toml", text);
    let dir = format!("dir={}", sandbox.path("backup").display());
    let (_, told) = sandbox.run(["exec", "cards.toml", "--no-input", "--var", &dir]).only_code(1);
    let card = told.split("stopped at").last().unwrap_or_default();
    assert_eq!(card.matches("backup/manifest.json, taken").count(), 1, "{told}");
    assert_eq!(card.matches("/backup").count(), 1, "{told}");
    assert!(!card.contains("never-made") && !card.contains("not verified"), "{told}");
}

#[test]
fn facts_of_the_wrong_type_are_an_error_that_names_them() {
    let text = "format = 1\nname = \"look\"\n\n[[check]]\nid = \"good\"\nsql.verify_backup = { manifest = \"backup\" }\nexpect = [\"version_le (max_version facts.lowest) '2'\"]\n";
    let sandbox = with_backup("backup").file("look.toml", text);
    let (_, said) = sandbox.run(["exec", "look.toml", "--no-input"]).only_code(9);
    assert!(said.contains("lowest"), "{said}");
}

#[test]
fn the_card_names_a_backup_once_however_its_path_is_written() {
    let sandbox = with_backup("books/kept/one");
    let check = |id: &str, manifest: &str| format!("[[check]]\nid = \"{id}\"\nsql.verify_backup = {{ manifest = \"{manifest}\" }}\n\n");
    let absolute = sandbox.path("books/kept/one/manifest.json");
    let text = [
        "format = 1\nname = \"b\"\n\n".to_owned(),
        check("relative", "./kept/../kept/one"),
        check("absolute", absolute.to_str().expect("text")),
        "[[step]]\nid = \"no\"\nshell.run = { argv = [\"false\"] }\nleaves = \"nothing\"\n".to_owned(),
    ];
    let sandbox = sandbox.file("books/b.toml", text.concat());
    let (_, stderr) = sandbox.run(["exec", "books/b.toml"]).only_code(1);
    assert_eq!(stderr.matches("kept/one").count(), 1, "{stderr}");
}
