//! Several connections: large tables in pieces, one moment for all, and what stands in the manifest about it.

use std::fmt::Write as _;

use runbook_core::action::{FailureKind, Residue};
use runbook_executors::sql::backup::{How, Manifest, Part, SnapshotInfo};
use serde_json::json;

use crate::lab::{Server, servers, sql};
use crate::oracle::{client, everything};
use crate::support::{TestContext, failed, succeeded};

/// More rows than are read at once, with keys of several kinds and gaps in them.
fn large_tables() -> String {
    let mut text = "set foreign_key_checks = 0; create table seed (n int primary key); insert into seed values (0);\n".to_owned();
    for power in 0..15 {
        let _ = writeln!(text, "insert into seed select n + {} from seed;", 1 << power);
    }
    text.push_str(
        "create table whole (id bigint primary key auto_increment, v varchar(200), n int, key by_n (n), unique key by_both (v, id)) auto_increment = 900000;
         insert into whole select n * 7 - 5000 + floor(n / 20000) * 1000000, repeat(char(97 + n % 26), 150), n % 100 from seed;
         create table texts (k varchar(30) primary key, v varchar(100), key by_v (v)); insert into texts select concat('k''', n % 1000, '\\\\', n), repeat('名', 20) from seed;
         create table pairs (b varbinary(4), d date, n int, v varchar(100), primary key (b, d, n));
         insert into pairs select unhex(lpad(hex(n % 5), 2, '0')), date_add('2020-01-01', interval n % 30 day), n, 'x' from seed;
         create table keyless (n int, v varchar(100)); insert into keyless select n, 'y' from seed;\n",
    );
    text
}

async fn manifest(server: &Server, database: &str, cx: &TestContext, name: &str, connections: u8) -> Manifest {
    let to = cx.folder().join(name);
    let dump = server.action("dump", json!({ "database": database, "to": to, "connections": connections }));
    succeeded(cx.run(&*dump).await);
    serde_json::from_slice(&std::fs::read(to.join("manifest.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn large_tables_are_read_in_pieces_and_come_back() {
    for server in servers().await.iter() {
        let source = server.database("pieces").await;
        let copy = server.no_database("pieces_copy").await;
        client(server, &source.name, large_tables().as_bytes());
        let cx = TestContext::new("pieces");
        let several = manifest(server, &source.name, &cx, "several", 3).await;
        let (SnapshotInfo::AsOf { connections, .. } | SnapshotInfo::Transaction { connections, .. }) = &several.snapshot else {
            panic!("{}: no snapshot", server.name)
        };
        assert_eq!(*connections, 3, "{}", server.name);
        let data: Vec<&str> = several.files.iter().filter(|file| file.part == Part::Data).map(|file| file.name.as_str()).collect();
        assert!(data.contains(&"30-data-00001.sql") && data.contains(&"30-data-00001-00001.sql"), "{}: {data:?}", server.name);
        assert!(several.files.iter().any(|file| file.part == Part::Keys), "{}: keys of large tables come after the rows", server.name);
        // What is in the files depends on the data, not on how many connections read it or which was faster.
        let one = manifest(server, &source.name, &cx, "one", 1).await;
        assert_eq!(one.contents, several.contents, "{}", server.name);
        assert_eq!(one.files, several.files, "{}", server.name);

        let restore = server.action("restore", json!({ "manifest": cx.folder().join("several"), "into": copy.name, "connections": 3 }));
        succeeded(cx.run(&*restore).await);
        assert!(everything(server, &source.name).await == everything(server, &copy.name).await, "{}: the rows differ", server.name);
        source.drop().await;
        copy.drop().await;
    }
}

#[tokio::test]
async fn a_comparison_in_pieces_over_several_connections_sums_up_the_same() {
    for server in servers().await.iter() {
        let source = server.database("sums").await;
        let mut text =
            "create table whole (id bigint primary key, v varchar(40), n int); insert into whole values (0, 'x', null);".to_owned();
        for power in 0..18 {
            let _ = writeln!(text, "insert into whole select id + {}, concat('v', id * 7 % 1000), id % 100 from whole;", 1 << power);
        }
        // Numbers below zero, and a gap that is wider than a piece.
        text.push_str("update whole set id = -id where id < 30000; update whole set id = id + 5000000 where id > 100000;");
        text.push_str("create table other (v varchar(40), n int, primary key (v)); insert into other select concat(id), n from whole where id % 50 = 0;");
        client(server, &source.name, text.as_bytes());
        let cx = TestContext::new("sums");
        // The dump's checksums come with the rows, one by one.
        let backup = cx.folder().join("backup");
        let dump = server.action("dump", json!({ "database": source.name, "to": backup, "connections": 2 }));
        let (dumped, _) = succeeded(cx.run(&*dump).await);
        let compare = |fields: serde_json::Value| {
            let mut all = json!({ "database": source.name, "manifest": backup });
            all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            server.action("compare", all)
        };
        let usual = if server.name == "seekdb" { 4 } else { 1 };
        for (fields, used) in [(json!({}), usual), (json!({ "connections": 1 }), 1), (json!({ "connections": 3 }), 3)] {
            let (outputs, _) = succeeded(cx.run(&*compare(fields)).await);
            assert_eq!((&outputs["differences"], &outputs["rows"]), (&json!([]), &dumped["rows"]), "{}", server.name);
            assert_eq!(outputs["connections"], json!(used), "{}", server.name);
        }
        // One row, in any piece, is seen.
        for (change, back) in [
            ("update whole set v = concat(v, 'w') where id = -29999", "update whole set v = left(v, char_length(v) - 1) where id = -29999"),
            ("update whole set v = 'w' where id = 5262143", ""),
        ] {
            server.script(&source, change).await;
            let (outputs, _) = succeeded(cx.run(&*compare(json!({ "connections": 3 }))).await);
            assert_eq!(outputs["differences"], json!(["table `whole` has other values in its rows"]), "{}: {change}", server.name);
            if !back.is_empty() {
                server.script(&source, back).await;
                assert_eq!(succeeded(cx.run(&*compare(json!({ "connections": 3 }))).await).0["equal"], json!(true), "{}", server.name);
            }
        }
        if server.name == "mariadb" {
            // Who may take no lock reads over one connection.
            let user = format!("sql_sums_{}", std::process::id());
            server
                .script(&source, &format!("create user {user} identified by 'p'; grant select, show view on `{}`.* to {user}", source.name))
                .await;
            let target = server.target_with(&json!({ "user": user, "password": "p" }));
            let (outputs, _) = succeeded(cx.run(&*compare(json!({ "target": target, "connections": 3 }))).await);
            assert_eq!((&outputs["connections"], &outputs["rows"]), (&json!(1), &dumped["rows"]));
            server.script(&source, &format!("drop user {user}")).await;
        }
        source.drop().await;
    }
}

#[tokio::test]
async fn what_is_summed_up_while_keys_are_built_is_compared() {
    for server in servers().await.iter() {
        let source = server.database("early").await;
        let copy = server.no_database("early_copy").await;
        let mut text = "create table whole (id bigint primary key, n int, key by_n (n)); insert into whole values (0, 0);".to_owned();
        for power in 0..18 {
            let _ = writeln!(text, "insert into whole select id + {}, id % 100 from whole;", 1 << power);
        }
        text.push_str("create table small (n int); insert into small values (1);");
        client(server, &source.name, text.as_bytes());
        let cx = TestContext::new("early");
        let manifest = manifest(server, &source.name, &cx, "backup", 2).await;
        assert!(manifest.files.iter().any(|file| file.part == Part::Keys), "{}: keys come after the rows", server.name);
        let restore = server.action("restore", json!({ "manifest": cx.folder().join("backup"), "into": copy.name, "connections": 3 }));
        let (outputs, _) = succeeded(cx.run(&*restore).await);
        assert_eq!(outputs["rows"], json!((1 << 18) + 1), "{}", server.name);
        copy.drop().await;

        // A manifest that says something else of the large table, and of nothing besides.
        let copy = server.no_database("early_other").await;
        let mut other = manifest;
        let whole = other.contents.tables.iter_mut().find(|table| table.name == "whole").unwrap();
        whole.checksum.xor = (whole.checksum.xor.parse::<u64>().unwrap() ^ 1).to_string();
        std::fs::write(cx.folder().join("backup/manifest.json"), other.sealed().to_text()).unwrap();
        let restore = server.action("restore", json!({ "manifest": cx.folder().join("backup"), "into": copy.name, "connections": 3 }));
        let (failure, _) = failed(cx.run(&*restore).await);
        assert_eq!(failure.message, format!("`{}` was loaded and differs from its manifest in 1 respect", copy.name), "{}", server.name);
        assert_eq!(failure.detail, ["table `whole` has other values in its rows"], "{}", server.name);
        source.drop().await;
        copy.drop().await;
    }
}

#[tokio::test]
async fn what_a_user_may_do_decides_how_connections_agree() {
    let lab = servers().await;
    let server = &lab[1];
    let source = server.database("agree").await;
    let user = format!("sql_agree_{}", std::process::id());
    server
        .script(
            &source,
            &format!(
                "create table a (id int); create table b (id int); create user {user} identified by 'p'; \
                 grant select, show view, trigger, event, execute on `{}`.* to {user};",
                source.name
            ),
        )
        .await;
    let cx = TestContext::new("agree");
    let how = async |target: serde_json::Value, name: &str| {
        let to = cx.folder().join(name);
        let dump = server.action("dump", json!({ "target": target, "database": source.name, "to": to, "connections": 2 }));
        succeeded(cx.run(&*dump).await);
        let manifest: Manifest = serde_json::from_slice(&std::fs::read(to.join("manifest.json")).unwrap()).unwrap();
        match manifest.snapshot {
            SnapshotInfo::Transaction { how, connections, .. } => (how, connections),
            other => panic!("{other:?}"),
        }
    };
    let limited = server.target_with(&json!({ "user": user, "password": "p" }));
    assert_eq!(how(server.target(), "root").await, (How::BackupStage, 2));
    assert_eq!(how(limited.clone(), "select").await, (How::OneConnection, 1));
    server.script(&source, &format!("grant lock tables on `{}`.* to {user}", source.name)).await;
    assert_eq!(how(limited, "lock").await, (How::LockTables, 2));
    // The locks are gone.
    server.script(&source, &format!("insert into a values (1); drop user {user}")).await;
    source.drop().await;
}

#[tokio::test]
async fn a_table_that_changes_under_a_dump_is_named() {
    for server in servers().await.iter() {
        for (change, names) in [
            ("drop table t", "t"),
            ("truncate table t", "t"),
            ("alter table t add column more int", "t"),
            ("create table another (a int)", ""),
            ("create view another as select id from t", ""),
        ] {
            let source = server.database("moving").await;
            server.script(&source, "create table t (id int primary key, v int); insert into t values (1, 1), (2, 2)").await;
            let cx = TestContext::new("moving");
            let to = cx.folder().join("backup");
            // Facts are asked just after the snapshot: while this one sleeps, nothing was read yet.
            let dump = server.action("dump", json!({ "database": source.name, "to": to, "facts": { "slow": sql("select sleep(2)") } }));
            let (outcome, ()) = tokio::join!(cx.run(&*dump), async {
                tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
                server.script(&source, change).await;
            });
            let (failure, _) = failed(outcome);
            assert_eq!(failure.kind, FailureKind::Conflict, "{}, {change}: {failure}", server.name);
            let named = failure.message.contains(&format!("the table `{names}`"))
                || failure.message.contains(&format!("tables of `{}`", source.name));
            assert!(named, "{}, {change}: {failure}", server.name);
            assert_eq!(std::fs::read_dir(cx.folder()).unwrap().count(), 0, "{}, {change}: nothing is left behind", server.name);
            // The next attempt starts cleanly.
            let dump = server.action("dump", json!({ "database": source.name, "to": to }));
            succeeded(cx.run(&*dump).await);
            source.drop().await;
        }
    }
}

/// How long seekdb keeps old rows; as it was before at the end.
struct Retention<'s>(&'s Server, String);

impl<'s> Retention<'s> {
    async fn of(server: &'s Server, seconds: u32) -> Self {
        let rows = server.rows("oceanbase", "show parameters like 'undo_retention'").await;
        // Of several servers all say the same; the value stands among other columns.
        let row = rows[0].as_array().unwrap();
        let at = row.iter().position(|value| value == "undo_retention").unwrap();
        let before = row[at + 2].as_str().unwrap().to_owned();
        client(server, "oceanbase", format!("alter system set undo_retention = {seconds}").as_bytes());
        Self(server, before)
    }
}

impl Drop for Retention<'_> {
    fn drop(&mut self) {
        client(self.0, "oceanbase", format!("alter system set undo_retention = {}", self.1).as_bytes());
    }
}

#[tokio::test]
async fn a_snapshot_that_the_server_keeps_no_longer_is_said_to_be_too_old() {
    let servers = servers().await;
    let server = servers.iter().find(|server| server.name == "seekdb").unwrap();
    let source = server.database("too_old").await;
    server.script(&source, "create table t (id int primary key); insert into t values (1), (2)").await;
    let retention = Retention::of(server, 1).await;
    let cx = TestContext::new("too_old");
    let to = cx.folder().join("backup");
    let dump = server.action("dump", json!({ "database": source.name, "to": to, "facts": { "slow": sql("select sleep(4)") } }));
    let (outcome, ()) = tokio::join!(cx.run(&*dump), async {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        // When it forgets by itself nobody can say; what was cut off has no past at once.
        server.script(&source, "truncate table t; insert into t values (3)").await;
    });
    drop(retention);
    let (failure, _) = failed(outcome);
    assert_eq!(failure.kind, FailureKind::Conflict, "{failure}");
    let said = &failure.message;
    assert!(said.starts_with("the snapshot of the table `t` is gone: it is "), "{failure}");
    assert!(said.ends_with(" s old, and the server keeps old rows for 1 s (`undo_retention`)"), "{failure}");
    assert!(failure.help.as_deref().is_some_and(|help| help.contains("undo_retention = SECONDS")), "{failure}");
    assert_eq!(std::fs::read_dir(cx.folder()).unwrap().count(), 0, "nothing is left behind");
    source.drop().await;
}

/// A small file system that is full soon; gone at the end.
struct Small(std::path::PathBuf);

impl Small {
    fn new(at: std::path::PathBuf) -> Self {
        std::fs::create_dir(&at).unwrap();
        let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(&at).status().unwrap();
        assert!(mounted.success(), "a small tmpfs cannot be mounted here");
        Self(at)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_named_and_leaves_nothing() {
    for server in servers().await.iter() {
        let source = server.database("full").await;
        client(server, &source.name, large_tables().as_bytes());
        let cx = TestContext::new("full");
        let disk = Small::new(cx.folder().join("disk"));
        let to = disk.0.join("backup");
        for connections in [1, 3] {
            let dump = server.action("dump", json!({ "database": source.name, "to": to, "connections": connections }));
            let (failure, residue) = failed(cx.run(&*dump).await);
            assert_eq!(failure.kind, FailureKind::Exhausted, "{}, {connections}: {failure}", server.name);
            assert_eq!((failure.field.as_deref(), residue), (Some("to"), Residue::None), "{failure}");
            assert_eq!(std::fs::read_dir(&disk.0).unwrap().count(), 0, "{}, {connections}: nothing is left behind", server.name);
        }
        drop(disk);
        let dump = server.action("dump", json!({ "database": source.name, "to": cx.folder().join("elsewhere") }));
        succeeded(cx.run(&*dump).await);
        source.drop().await;
    }
}
