//! A dump and a restore whose server dies: the person is told, and what was begun is started over when it is there again.

use std::fmt::Write as _;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::lab::{Db, Lab};
use crate::own_server::{OwnServer, PASSWORD};
use crate::sandbox::Sandbox;

const RUNBOOK: &str = r#"
format = 1
name = "there-and-back"
title = "Dump one database, and restore it over another"
risk = "low"
on_failure = "stop"

[vars.port]
type = "port"
description = "The server's port"

[vars.password]
type = "string"
secret = true
description = "The password"

[target.db]
mysql = { host = "127.0.0.1", port = "{{vars.port}}", user = "root", password = "{{vars.password}}", connect_timeout = "5s" }

[[step]]
id = "dump"
leaves = "a backup"
sql.dump = { target = "db", database = "shop", to = "backup", connections = 3 }

[[step]]
id = "restore"
sql.restore = { target = "db", manifest = "backup", into = "copy", recreate = true, aside = "aside", connections = 3 }
irreversible = "a test"

[[verify]]
id = "same"
sql.compare = { target = "db", database = "copy", manifest = "backup" }
expect = ["equal"]
"#;

/// Enough rows that a dump and a restore take a while, and a database that stands in the way.
fn databases() -> String {
    let mut text = "create database shop default character set utf8mb4; create database copy default character set utf8mb4; use shop; \
                    create table t (id int primary key, v varchar(200), key by_v (v)); insert into t values (0, repeat('x', 150));"
        .to_owned();
    for power in 0..17 {
        let _ = write!(text, "insert into t select id + {}, concat(id, repeat('y', 140)) from t;", 1 << power);
    }
    for table in 0..20 {
        let _ = write!(
            text,
            "create table s{table} (id int primary key, up int, foreign key (up) references s0 (id)); insert into s{table} values (1, null), (2, 1);"
        );
    }
    text.push_str(
        "create view v as select count(*) as n from t; use copy; create table only_here (a int); insert into only_here values (42);",
    );
    text
}

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
    server.sql("", &databases());
    let sandbox = Sandbox::new().file("there.toml", RUNBOOK).env("RUNBOOK_VAR_PASSWORD", PASSWORD);
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
    let (code, seen) = sandbox.run(resume).seen();
    assert_eq!(code, Some(0), "{seen}");
    let sum = "select count(*), sum(crc32(concat(id, v))) from t; select sum(id), count(up) from s7; select n from v;";
    assert_eq!(server.sql("shop", sum), server.sql("copy", sum));
    assert_eq!(server.sql("", marker), ["0"]);
    assert!(sandbox.read("aside/30-data-00001.sql").contains("(42)"), "what stood there before was kept");
    assert!(partials(&sandbox).is_empty());
}

#[test]
fn a_mariadb_that_dies_is_named_and_started_over() {
    dies_at_both(Db::MariaDb);
}

#[test]
fn an_oceanbase_that_dies_is_named_and_started_over() {
    dies_at_both(Db::OceanBase);
}
