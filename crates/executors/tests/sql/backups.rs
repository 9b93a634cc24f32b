//! Round trips: dump, verify, restore under another name, compare; with the `mariadb` client as an independent witness.

use std::path::Path;

use runbook_core::action::FailureKind;
use serde_json::json;

use crate::corpus::fill;
use crate::lab::{servers, sql};
use crate::oracle::{client, everything};
use crate::support::{TestContext, action, failed, succeeded};

#[tokio::test]
async fn a_backup_comes_back_under_another_name() {
    for server in servers().await.iter() {
        for compress in ["none", "gzip"] {
            let source = server.database(&format!("trip_{compress}")).await;
            let copy = server.no_database(&format!("trip_{compress}_copy")).await;
            fill(server, &source).await;
            let cx = TestContext::new("dump");
            let to = cx.folder().join("backup");
            let dump = server.action(
                "dump",
                json!({
                    "database": source.name, "to": to, "compress": compress,
                    "facts": { "parents": sql("select name from parent order by id"), "pairs": sql("select id, pid from child order by id") },
                }),
            );
            let (outputs, changed) = succeeded(cx.run(&*dump).await);
            assert!(changed);
            assert_eq!(outputs["facts"], json!({ "parents": ["p", "q"], "pairs": [[10, 1], [11, 2]] }));

            let verify = action("sql", "verify_backup", json!({ "manifest": outputs["manifest"] }));
            let (verified, changed) = succeeded(cx.run(&*verify).await);
            assert!(!changed);
            assert_eq!(verified["database"], json!(source.name));
            assert_eq!(verified["facts"], outputs["facts"]);
            assert_eq!((&verified["tables"], &verified["rows"]), (&outputs["tables"], &outputs["rows"]));

            let restore = server.action("restore", json!({ "manifest": to, "into": copy.name }));
            let (restored, _) = succeeded(cx.run(&*restore).await);
            assert_eq!(restored["rows"], outputs["rows"]);

            // Our own comparison, and another program's.
            let compare = server.action("compare", json!({ "database": copy.name, "with_database": source.name }));
            let (compared, _) = succeeded(cx.run(&*compare).await);
            assert_eq!(compared["differences"], json!([]), "{}", server.name);
            assert_eq!(everything(server, &source.name).await, everything(server, &copy.name).await, "{}", server.name);

            if server.name == "mariadb" {
                let events = |database: &str| {
                    format!(
                        "select event_name, time_zone, starts, execute_at from information_schema.events where event_schema = '{database}' order by 1"
                    )
                };
                let (there, here) = (events(&source.name), events(&copy.name));
                assert_eq!(server.rows(&source.name, &there).await, server.rows(&copy.name, &here).await);
            }

            // The copy stands on its own feet: nothing in it reads the source.
            source.drop().await;
            let rows = server.rows(&copy.name, "select id, s from `v 1` order by id").await;
            assert_eq!(rows[0], json!([7, ""]), "{}", server.name);
            assert_eq!(server.value(&copy.name, "select count(*) from a_first").await, json!(8));
            copy.drop().await;
        }
    }
}

#[tokio::test]
async fn the_client_loads_a_backup_by_itself() {
    for server in servers().await.iter() {
        let source = server.database("plain").await;
        let copy = server.database("plain_copy").await;
        fill(server, &source).await;
        let cx = TestContext::new("dump");
        let to = cx.folder().join("backup");
        let dump = server.action("dump", json!({ "database": source.name, "to": to }));
        succeeded(cx.run(&*dump).await);
        let mut text = Vec::new();
        for name in sql_files(&to) {
            text.extend(std::fs::read(to.join(name)).unwrap());
        }
        client(server, &copy.name, &text);
        let schema = serde_json::to_value(runbook_executors::sql::backup::manifest_schema()).unwrap();
        let manifest = serde_json::from_slice(&std::fs::read(to.join("manifest.json")).unwrap()).unwrap();
        jsonschema::validate(&schema, &manifest).unwrap();
        assert_eq!(everything(server, &source.name).await, everything(server, &copy.name).await, "{}", server.name);
        let compare = server.action("compare", json!({ "database": copy.name, "manifest": to }));
        assert_eq!(succeeded(cx.run(&*compare).await).0["differences"], json!([]), "{}", server.name);
        source.drop().await;
        copy.drop().await;
    }
}

#[tokio::test]
async fn what_another_tool_dumped_is_loaded_by_a_script() {
    for server in servers().await.iter() {
        let source = server.database("foreign").await;
        let copy = server.database("foreign_copy").await;
        fill(server, &source).await;
        // The other tool fails where OceanBase has triggers, routines or generated columns, and takes the views' database along.
        if server.name == "seekdb" {
            server
                .script(
                    &source,
                    &format!(
                        "set foreign_key_checks = 0; drop trigger trig_{}; drop procedure proc_1; drop function func_1; drop table `we``ird.名 t`; \
                         drop view `v 1`; drop view a_first; drop view grouped; drop table child; drop table parent;",
                        source.name
                    ),
                )
                .await;
        }
        if server.name == "mysql" {
            // It writes generated columns, which MySQL refuses.
            server.script(&source, "drop view a_first; drop view `v 1`; drop table `we``ird.名 t`; drop table newer").await;
        }
        let cx = TestContext::new("script");
        let text = crate::oracle::dump(server, &source.name, &["--single-transaction", "--hex-blob", "--routines"]);
        std::fs::write(cx.folder().join("dump.sql"), text).unwrap();
        let script = server.action("script", json!({ "database": copy.name, "file": "dump.sql" }));
        succeeded(cx.run(&*script).await);
        let compare = server.action(
            "compare",
            json!({ "database": copy.name, "with_database": source.name, "without": ["we`ird.名 t", "newer", "ev_1", "ev_2", "seq_1", "uses_seq"] }),
        );
        assert_eq!(succeeded(cx.run(&*compare).await).0["differences"], json!([]), "{}", server.name);
        source.drop().await;
        copy.drop().await;
    }
}

#[tokio::test]
async fn the_rows_are_of_one_moment() {
    for server in servers().await.iter() {
        let source = server.database("moment").await;
        server.script(&source, "create table t (id int primary key auto_increment, pad varchar(1000)); create table u like t;").await;
        // So many tables lie between the two that different connections read them.
        let between: String = (0..20).map(|at| format!("create table t{at:02} (id int primary key)")).collect::<Vec<_>>().join(";");
        server.script(&source, &between).await;
        let many = (0..2_000).map(|_| "('x')").collect::<Vec<_>>().join(",");
        server.script(&source, &format!("insert into t (pad) values {many}; insert into u (pad) values {many};")).await;
        let cx = TestContext::new("dump");
        let to = cx.folder().join("backup");
        let dump = server.action("dump", json!({ "database": source.name, "to": to }));
        let stop = std::sync::atomic::AtomicBool::new(false);
        let (outcome, ()) = tokio::join!(
            async {
                let outcome = cx.run(&*dump).await;
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
                outcome
            },
            async {
                // Both tables always lose a row together.
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let execute = server.action(
                        "execute",
                        json!({ "database": source.name, "sql": sql("delete from t order by id limit 1; delete from u order by id limit 1") }),
                    );
                    succeeded(TestContext::new("writer").run(&*execute).await);
                }
            }
        );
        succeeded(outcome);
        let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(to.join("manifest.json")).unwrap()).unwrap();
        let tables = manifest["contents"]["tables"].as_array().unwrap();
        assert_eq!((&tables[0]["name"], &tables[21]["name"]), (&json!("t"), &json!("u")));
        assert_eq!(tables[0]["rows"], tables[21]["rows"], "{}", server.name);
        // And what is in the files is what was counted.
        let copy = server.no_database("moment_copy").await;
        let restore = server.action("restore", json!({ "manifest": to, "into": copy.name }));
        succeeded(cx.run(&*restore).await);
        source.drop().await;
        copy.drop().await;
    }
}

#[tokio::test]
async fn values_larger_than_a_statement_come_back() {
    for server in servers().await.iter() {
        let source = server.database("large").await;
        let copy = server.no_database("large_copy").await;
        server
            .script(
                &source,
                "create table t (id int primary key, b longblob, t longtext); \
                 set @b = 0x00; set @b = concat(@b, repeat(unhex('FF27'), 4000000)); insert into t values (1, @b, null), (2, null, 'small'); \
                 set @t = repeat('名😀''', 400000); insert into t values (3, 'x', @t);",
            )
            .await;
        let cx = TestContext::new("dump");
        let to = cx.folder().join("backup");
        let dump = server.action("dump", json!({ "database": source.name, "to": to }));
        succeeded(cx.run(&*dump).await);
        let restore = server.action("restore", json!({ "manifest": to, "into": copy.name }));
        succeeded(cx.run(&*restore).await);
        let text = "select id, length(b), length(t), md5(b), md5(t) from t order by id";
        assert_eq!(server.rows(&source.name, text).await, server.rows(&copy.name, text).await, "{}", server.name);
        source.drop().await;
        copy.drop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_dumped_is_named() {
    for server in servers().await.iter() {
        let source = server.database("named").await;
        server.script(&source, "create table t (a int); create view v as select a from t; create table fine (a int); drop table t;").await;
        let cx = TestContext::new("dump");
        let to = cx.folder().join("backup");
        let dump = server.action("dump", json!({ "database": source.name, "to": to }));
        let (failure, _) = failed(cx.run(&*dump).await);
        assert!(failure.message.contains("the view `v` cannot be read"), "{}: {failure}", server.name);
        assert!(!to.exists());
        assert_eq!(std::fs::read_dir(cx.folder()).unwrap().count(), 0, "nothing is left behind");

        let dump = server.action("dump", json!({ "database": source.name, "to": to, "without": ["v"] }));
        let (outputs, _) = succeeded(cx.run(&*dump).await);
        assert_eq!(outputs["tables"], json!(1));
        source.drop().await;
    }
}

#[tokio::test]
async fn an_existing_folder_is_never_written_into() {
    let lab = servers().await;
    let server = &lab[0];
    let source = server.database("folder").await;
    let cx = TestContext::new("dump");
    let to = cx.folder().join("backup");
    std::fs::create_dir(&to).unwrap();
    let dump = server.action("dump", json!({ "database": source.name, "to": to }));
    let (failure, _) = failed(cx.run(&*dump).await);
    assert_eq!((failure.kind, failure.field.as_deref()), (FailureKind::Conflict, Some("to")), "{failure}");
    assert_eq!(std::fs::read_dir(&to).unwrap().count(), 0);
    source.drop().await;

    let dump = server.action("dump", json!({ "database": "sql_no_such", "to": cx.folder().join("other") }));
    let (failure, _) = failed(cx.run(&*dump).await);
    assert_eq!(failure.kind, FailureKind::NotFound, "{failure}");
}

#[tokio::test]
async fn a_user_who_does_not_see_everything_makes_no_backup() {
    for server in servers().await.iter() {
        let source = server.database("hidden").await;
        let user = format!("sql_hidden_{}", std::process::id());
        server
            .script(
                &source,
                &format!(
                    "create table seen (a int); create table unseen (a int); \
                     create user {user} identified by 'p'; grant select on `{}`.seen to {user};",
                    source.name
                ),
            )
            .await;
        let cx = TestContext::new("dump");
        let target = server.target_with(&json!({ "user": user, "password": "p" }));
        let dump = server.action("dump", json!({ "target": target, "database": source.name, "to": cx.folder().join("backup") }));
        let (failure, _) = failed(cx.run(&*dump).await);
        assert_eq!((failure.kind, failure.field.as_deref()), (FailureKind::Denied, Some("target")), "{}: {failure}", server.name);
        server.script(&source, &format!("grant all privileges on `{}`.* to {user}", source.name)).await;
        let (outputs, _) = succeeded(cx.run(&*dump).await);
        assert_eq!(outputs["tables"], json!(2), "{}", server.name);
        server.script(&source, &format!("drop user {user}")).await;
        source.drop().await;
    }
}

#[tokio::test]
async fn a_role_counts_only_as_far_as_the_server_shows_it() {
    for server in servers().await.iter() {
        let source = server.database("role").await;
        let (user, inner, outer) = ("sql_role_user", "sql_role_inner", "sql_role_outer");
        let drop = format!("drop user if exists {user}; drop role if exists {inner}; drop role if exists {outer}");
        let shows = server.name != "seekdb";
        let seeing = if shows { "select, trigger, event, execute, show view" } else { "select" };
        server
            .script(
                &source,
                &format!(
                    "{drop}; create table t (a int); insert into t values (1); create role {inner}; create role {outer}; \
                     grant {seeing} on `{}`.* to {inner}; grant {inner} to {outer}; create user {user} identified by 'p'; grant {outer} to {user}",
                    source.name
                ),
            )
            .await;
        let cx = TestContext::new("dump");
        let target = server.target_with(&json!({ "user": user, "password": "p" }));
        let dump = server.action("dump", json!({ "target": target, "database": source.name, "to": cx.folder().join("backup") }));
        if shows {
            // Granted and not switched on: the server says no when the database is chosen.
            assert_eq!(failed(cx.run(&*dump).await).0.kind, FailureKind::Denied);
            server.script(&source, &format!("grant select on `{}`.t to {user}", source.name)).await;
        }
        let to = if server.name == "mariadb" { "for" } else { "to" };
        let default = format!("set default role {outer} {to} {user}");
        if shows {
            let (failure, _) = failed(cx.run(&*dump).await);
            assert_eq!((failure.kind, failure.field.as_deref()), (FailureKind::Denied, Some("target")), "{failure}");
            assert!(failure.help.is_some_and(|help| help.contains("SET DEFAULT ROLE")));
            server.script(&source, &default).await;
        } else {
            server.script(&source, &default).await;
            let (failure, _) = failed(cx.run(&*dump).await);
            assert_eq!(failure.kind, FailureKind::Denied, "{failure}");
            assert!(failure.help.as_ref().is_some_and(|help| help.contains("does not show what a role gives")), "{failure:?}");
            server.script(&source, &format!("grant {seeing} on `{}`.* to {user}", source.name)).await;
        }
        assert_eq!(succeeded(cx.run(&*dump).await).0["rows"], json!(1), "{}", server.name);
        server.script(&source, &drop).await;
        source.drop().await;
    }
}

/// The SQL files in the order of their names.
fn sql_files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.strip_suffix(".sql").is_some())
        .collect();
    names.sort();
    names
}
