//! A dump, a restore and a script whose server dies: the person is told, and what was begun is started over, or taken back, when it is there again.

use std::io::Write as _;
use std::process::{Child, Stdio};
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

/// When a view of the system's is first read, seekdb notes what it depends on, at its leisure, in a transaction that locks all definitions. One that the
/// kill meets is kept, and the server makes no table any more: that would be a test of new servers only.
fn read_system_views(server: &OwnServer) {
    let sandbox = Sandbox::new().file("there.toml", there_and_back::runbook("first", "second")).env("RUNBOOK_VAR_PASSWORD", PASSWORD);
    server.sql("", &there_and_back::databases("first", "second", 1));
    let port = format!("port={}", server.port);
    sandbox.run(["exec", "there.toml", "--var", &port, "--yes", "--no-input", "--output", "quiet"]).code(0);
    server.sql("", "drop database first; drop database second");
    std::thread::sleep(Duration::from_secs(2));
}

fn dies_at_both(db: Db) {
    let mut server = OwnServer::new(&Lab::get(), db, &[]);
    read_system_views(&server);
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
    assert!(server.kept().is_empty(), "a dump leaves no transaction");
    let sums = server.sql("shop", SUMS);
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
    let kept = server.kept();
    let (code, seen) = sandbox.run(resume).seen();
    if code != Some(0) {
        // Rows or a table of the first attempt, which the server neither keeps nor gives up.
        assert!(!kept.is_empty(), "{seen}");
        assert!(seen.contains("was killed before and has kept transaction "), "{seen}");
        server.start_anew();
        let (code, seen) = sandbox.run(resume).seen();
        assert_eq!(code, Some(0), "{seen}");
    }
    assert_eq!(server.sql("copy", SUMS), sums);
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

/// Not only a restore's own: whatever was open when seekdb died holds its locks for ever after, and who waits for them is told.
#[test]
fn what_a_killed_oceanbase_keeps_for_ever_is_named() {
    let mut server = OwnServer::new(&Lab::get(), Db::OceanBase, &[]);
    read_system_views(&server);
    // More rows than are dumped in one piece: such a table gets its keys after its rows.
    server.sql("", &there_and_back::databases("shop", "copy", 15));
    let sandbox = Sandbox::new()
        .file("there.toml", there_and_back::runbook("shop", "copy"))
        .file("beside.toml", there_and_back::runbook("shop", "beside").replace("backup", "backup-2"))
        .env("RUNBOOK_VAR_PASSWORD", PASSWORD);

    // A client that is in the middle of many rows: some are in the server's log already.
    let mut client = server.client_over_tcp().stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a client");
    let mut text =
        "use copy; create table rows_of_a_client (v varchar(200)); begin; insert into rows_of_a_client values (repeat('x', 180));"
            .to_owned();
    text.push_str(&"insert into rows_of_a_client select v from rows_of_a_client;".repeat(16));
    // The client reads lines.
    text.push('\n');
    let mut pipe = client.stdin.take().expect("its pipe");
    pipe.write_all(text.as_bytes()).expect("a client that reads");
    let logged = "select count(*) from oceanbase.`V$OB_TRANSACTION_WRITE_STATE` s join information_schema.processlist p on p.id = s.session_id \
                  where p.db = 'copy' and p.command = 'Sleep' and s.flushed_log_size > 10000000";
    wait_while(&mut client, "rows in the log", || server.sql("", logged) != ["0"]);
    server.kill();
    // Its input has to end: it would not notice by itself.
    drop(pipe);
    client.wait().expect("its end");
    server.start();
    assert_eq!(server.kept().len(), 1);

    let port = format!("port={}", server.port);
    let exec = |file: &str| sandbox.run(["exec", file, "--var", &port, "--yes", "--no-input", "--output", "plain"]).seen();
    let (code, seen) = exec("there.toml");
    assert_eq!(code, Some(1), "{seen}");
    assert!(seen.contains("was killed before and has kept transaction ") && seen.contains("which locks tables of `copy`"), "{seen}");
    assert!(seen.contains("help: restore under another name, or into a server with a new data folder"), "{seen}");
    for folder in ["backup", "aside"] {
        assert_eq!(sandbox.run(["backup", "verify", folder]).any_code(), 0, "{folder}");
    }
    let (code, seen) = exec("beside.toml");
    assert_eq!(code, Some(0), "{seen}");
    assert_eq!(server.sql("shop", SUMS), server.sql("beside", SUMS));
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
