//! A dump and a restore whose program is killed at many moments: what is good stays, and `resume` ends what was begun.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::lab::{Db, Lab};
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
mysql = { host = "127.0.0.1", port = "{{vars.port}}", user = "root", password = "{{vars.password}}" }

[[step]]
id = "dump"
leaves = "a backup"
sql.dump = { target = "db", database = "SOURCE", to = "backup", connections = 3 }

[[step]]
id = "restore"
sql.restore = { target = "db", manifest = "backup", into = "COPY", recreate = true, aside = "aside", connections = 3 }
irreversible = "a test"

[[verify]]
id = "same"
sql.compare = { target = "db", database = "COPY", manifest = "backup" }
expect = ["equal"]
"#;

/// A database with a table that is read in pieces, and one that holds something else.
fn databases(lab: &Lab, db: Db, name: &str) {
    let mut text = format!(
        "create database {name} default character set utf8mb4; create database {name}_copy default character set utf8mb4; use {name};"
    );
    text.push_str("create table t (id int primary key, v varchar(200), key by_v (v)); insert into t values (0, repeat('x', 150));");
    for power in 0..15 {
        let _ = write!(text, "insert into t select id + {}, concat(id, repeat('y', 140)) from t;", 1 << power);
    }
    for table in 0..20 {
        let _ = write!(
            text,
            "create table s{table} (id int primary key, up int, foreign key (up) references s0 (id)); insert into s{table} values (1, null), (2, 1);"
        );
    }
    let _ = write!(
        text,
        "create view v as select count(*) as n from t; use {name}_copy; create table only_here (a int); insert into only_here values (42);"
    );
    lab.sql(db, "", &text);
}

/// `RUNBOOK_KILLS` says at how many moments.
#[test]
fn a_backup_survives_a_kill_at_any_moment() {
    let moments: u32 = std::env::var("RUNBOOK_KILLS").ok().map_or(4, |count| count.parse().expect("a number"));
    let lab = Lab::get();
    for db in [Db::OceanBase, Db::MariaDb] {
        let mut whole = None;
        for moment in 0..=moments {
            let name = format!("kill{}_{moment}", std::process::id());
            let runbook = RUNBOOK.replace("SOURCE", &name).replace("COPY", &format!("{name}_copy"));
            let sandbox = Sandbox::new().file("there.toml", runbook).env("RUNBOOK_VAR_PASSWORD", lab.password(db));
            databases(&lab, db, &name);
            let port = format!("port={}", lab.port(db));
            let exec = ["exec", "there.toml", "--var", &port, "--yes", "--no-input", "--output", "quiet"];
            let begun = Instant::now();
            let Some(whole) = whole else {
                // The first goes through, and tells how long it takes.
                sandbox.run(exec).code(0);
                whole = Some(begun.elapsed());
                check(&lab, db, &sandbox, &name);
                continue;
            };
            let mut child = sandbox.spawn(exec);
            let wait: Duration = whole * moment / (moments + 1);
            while begun.elapsed() < wait && child.try_wait().expect("its state").is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
            let ended = child.try_wait().expect("its state").is_some();
            if !ended {
                child.kill().expect("a signal");
            }
            child.wait().expect("its end");
            if !ended {
                // Whatever stands there is a whole backup, or has not got its name.
                for folder in ["backup", "aside"].into_iter().filter(|folder| sandbox.path(folder).exists()) {
                    assert_eq!(sandbox.run(["backup", "verify", folder]).any_code(), 0, "moment {moment}: {folder}");
                }
                let resumed = sandbox.run(["resume", "--last", "--yes", "--no-input", "--output", "quiet"]).any_code();
                // It may have been killed before there was a run.
                let code = if resumed == 0 { 0 } else { sandbox.run(exec).any_code() };
                assert_eq!(code, 0, "moment {moment} of {moments}: resumed with {resumed}");
            }
            check(&lab, db, &sandbox, &name);
        }
    }
}

fn check(lab: &Lab, db: Db, sandbox: &Sandbox, name: &str) {
    let sum = "select count(*), sum(crc32(concat(id, v))) from t; select sum(id), count(up) from s7; select n from v;";
    assert_eq!(lab.sql(db, name, sum), lab.sql(db, &format!("{name}_copy"), sum), "{name}");
    // What stood there before was kept.
    assert!(sandbox.read("aside/30-data-00001.sql").contains("(42)"), "{name}");
    let partial = std::fs::read_dir(sandbox.path(".")).expect("the folder").flatten();
    let partial: Vec<_> = partial.map(|entry| entry.file_name()).filter(|file| file.to_string_lossy().ends_with(".partial")).collect();
    assert!(partial.is_empty(), "{name}: {partial:?}");
    lab.sql(db, "", &format!("drop database {name}; drop database {name}_copy"));
}
