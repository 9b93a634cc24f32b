//! A dump, a restore and a script whose server dies: the person is told, and what was begun is started over, or taken back, when it is there again.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::lab::{Db, Lab};
use crate::own_server::{OwnServer, PASSWORD};
use crate::sandbox::Sandbox;
use crate::there_and_back::{self, SUMS};

/// Waits until something holds while the program runs.
fn wait_while(child: &mut Child, what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(child.try_wait().expect("its state").is_none(), "it ended before {what}");
        if begun.elapsed() > Duration::from_mins(1) {
            // For a person: where it stands.
            Sandbox::signal(child, rustix::process::Signal::TERM);
            panic!("waited in vain for {what}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn partials(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(sandbox.path(".")).expect("the folder").flatten();
    entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(".partial")).collect()
}

fn dies_at_both(db: Db) {
    let mut server = OwnServer::new(&Lab::get(), db, &[]);
    server.sql("", &there_and_back::databases("shop", "copy", 17));
    let sandbox = Sandbox::new().file("there.toml", there_and_back::runbook("shop", "copy")).env("RUNBOOK_VAR_PASSWORD", PASSWORD);
    let port = format!("port={}", server.port);
    let mut child = sandbox.spawn(["exec", "there.toml", "--var", &port, "--yes", "--no-input", "--output", "plain"]);
    let resume = ["resume", "--last", "--yes", "--no-input", "--output", "plain"];

    // In the middle of the dump: a file of rows is there, and the backup has no name yet.
    wait_while(&mut child, "the first file of rows", || partials(&sandbox).iter().any(|folder| folder.join("30-data-00003.sql").exists()));
    server.kill();
    let (code, seen) = sandbox.wait(child).seen();
    assert_eq!(code, Some(1), "{seen}");
    assert!(seen.contains("`dump` failed: ") && seen.contains("connection was"), "{seen}");
    assert!(!sandbox.path("backup").exists() && partials(&sandbox).is_empty(), "nothing is left of half a dump");

    // Without a server nothing goes on, and nothing is lost.
    let (code, seen) = sandbox.run(resume).seen();
    assert!(code.is_some_and(|code| code != 0), "{seen}");
    assert!(seen.contains("cannot connect"), "{seen}");

    // With it the dump is made, and the restore begun; it dies again in the middle of the rows.
    server.start();
    let mut child = sandbox.spawn(resume);
    wait_while(&mut child, "a restored table", || {
        let tables = "select count(*) from information_schema.tables where table_schema = 'copy' and table_name like 's%'";
        sandbox.path("backup").exists() && server.try_sql("", tables).is_ok_and(|rows| rows.first().is_some_and(|count| count != "0"))
    });
    server.kill();
    let (code, seen) = sandbox.wait(child).seen();
    // Whether a statement of it still runs there nobody can say, so it is not called undone.
    assert_eq!(code, Some(6), "{seen}");
    assert!(seen.contains("`restore` failed: ") && seen.contains("connection was"), "{seen}");
    assert!(seen.contains("IN DOUBT: whether its statements have ended cannot be asked") && seen.contains("cannot connect"), "{seen}");
    assert!(seen.contains("  go on       runbook resume "), "{seen}");
    for folder in ["backup", "aside"] {
        assert_eq!(sandbox.run(["backup", "verify", folder]).any_code(), 0, "{folder}");
    }

    server.start();
    let marker = "select count(*) from information_schema.tables where table_schema = 'copy' and table_name = '__runbook_restore'";
    assert_eq!(server.sql("", marker), ["1"], "what stands there is known for half a restore");
    let (mut code, mut seen) = sandbox.run(resume).seen();
    if code != Some(0) && seen.contains("it timed out") {
        // After a crash seekdb 1.4 now and then waits without end for a transaction that nobody has before it builds a key. Then the step's time is over, and it
        // is started over once more.
        (code, seen) = sandbox.run(resume).seen();
    }
    assert_eq!(code, Some(0), "{seen}");
    assert_eq!(server.sql("shop", SUMS), server.sql("copy", SUMS));
    assert_eq!(server.sql("", marker), ["0"]);
    assert!(sandbox.read("aside/30-data-00001.sql").contains("(42)"), "what stood there before was kept");
    assert!(partials(&sandbox).is_empty());
}

#[test]
fn a_mariadb_that_dies_is_named_and_started_over() {
    dies_at_both(Db::MariaDb);
}

/// In two of four tries on an idle machine no table was restored within a minute after seekdb 1.4 had been killed and started again; its log has spoken of a
/// definition that waits for a transaction to end. By hand: `cargo test -p runbook-tests --test it -- --ignored an_oceanbase_that_dies_is`.
#[test]
#[ignore = "seekdb 1.4 often makes no tables after a SIGKILL"]
fn an_oceanbase_that_dies_is_named_and_started_over() {
    dies_at_both(Db::OceanBase);
}

const SCRIPT: &str = r#"
format = 1
name = "fill"
on_failure = "stop"

[vars.password]
type = "string"
secret = true

[target.db]
mysql = { host = "127.0.0.1", port = PORT, user = "root", password = "{{vars.password}}", connect_timeout = "5s" }

[[step]]
id = "fill"
SAFETY
sql.script = { target = "db", database = "shop", sql = """
insert ignore into marks values (1);
select sleep(3);
insert ignore into marks values (2);
insert into times values ();
""" }
undo = [{ sql.execute = { target = "db", database = "shop", sql = "delete from marks", rows = { max = 2 } } }]

[[step]]
id = "after"
sql.execute = { target = "db", database = "shop", sql = "insert into marks values (3)", rows = { min = 1, max = 1 } }
undo = [{ sql.execute = { target = "db", database = "shop", sql = "delete from marks where id = 3", rows = { max = 1 } } }]
"#;

/// Dies in the middle of a script, twice: one that may be repeated ends, one that may not waits for a person.
fn dies_under_a_script(db: Db) {
    let mut server = OwnServer::new(&Lab::get(), db, &[]);
    let tables = "create table marks (id int primary key); create table times (id int auto_increment primary key)";
    server.sql("", &format!("create database shop default character set utf8mb4; use shop; {tables}"));
    let marks = |server: &OwnServer| server.sql("shop", "select id from marks order by id");
    for safety in ["safety = \"idempotent\"", ""] {
        let text = SCRIPT.replace("PORT", &server.port.to_string()).replace("SAFETY", safety);
        let sandbox = Sandbox::new().file("fill.toml", text).env("RUNBOOK_VAR_PASSWORD", PASSWORD);
        let mut child = sandbox.spawn(["exec", "fill.toml", "--no-input"]);
        wait_while(&mut child, "the first statement", || marks(&server) == ["1"]);
        server.kill();
        let (code, seen) = sandbox.wait(child).seen();
        assert_eq!(code, Some(6), "{seen}");
        assert!(seen.contains("`fill` failed: ") && seen.contains("IN DOUBT"), "{seen}");
        let on = |words: &[&str]| sandbox.run(words.iter().copied().chain(["--last", "--yes", "--no-input"])).seen();
        let (code, seen) = on(&["resume"]);
        assert_eq!(code, Some(6), "without a server nothing goes on: {seen}");
        server.start();
        let (code, seen) = on(&["resume"]);
        if safety.is_empty() {
            assert_eq!(code, Some(6), "{seen}");
            assert!(seen.contains("--answer fill=done") && seen.contains("--answer fill=not-done"), "{seen}");
            assert_eq!(marks(&server), ["1"], "it was done again without a word");
            let (code, seen) = on(&["resume", "--answer", "fill=not-done"]);
            assert_eq!(code, Some(0), "{seen}");
        } else {
            assert_eq!(code, Some(0), "{seen}");
        }
        assert_eq!(marks(&server), ["1", "2", "3"]);
        let (code, seen) = on(&["rollback"]);
        assert_eq!(code, Some(0), "{seen}");
        assert!(marks(&server).is_empty());
    }
    assert_eq!(server.sql("shop", "select count(*) from times"), ["2"], "each was done to its end once");
}

#[test]
fn a_mariadb_that_dies_under_a_script_does_not_have_it_twice() {
    dies_under_a_script(Db::MariaDb);
}

#[test]
fn an_oceanbase_that_dies_under_a_script_does_not_have_it_twice() {
    dies_under_a_script(Db::OceanBase);
}
