//! A runbook that dumps one database and restores it over another, and the two: what is broken off in the middle by several tests.

use std::fmt::Write as _;

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
sql.dump = { target = "db", database = "SOURCE", to = "backup", connections = 3 }

[[step]]
id = "restore"
sql.restore = { target = "db", manifest = "backup", into = "COPY", recreate = true, aside = "aside", connections = 3 }
irreversible = "a test"
timeout = "80s"

[[verify]]
id = "same"
sql.compare = { target = "db", database = "COPY", manifest = "backup" }
expect = ["equal"]
"#;

/// What must be the same in both databases afterwards.
pub(crate) const SUMS: &str = "select count(*), sum(crc32(concat(id, v))) from t; select sum(id), count(up) from s7; select n from v;";

/// The runbook, from one database over the other.
pub(crate) fn runbook(source: &str, copy: &str) -> String {
    RUNBOOK.replace("SOURCE", source).replace("COPY", copy)
}

/// Statements that make both: one with a table of 2^`doublings` rows, which is read in pieces, and one that holds something else.
pub(crate) fn databases(source: &str, copy: &str, doublings: u32) -> String {
    let mut text = format!(
        "create database {source} default character set utf8mb4; create database {copy} default character set utf8mb4; use {source}; \
         create table t (id int primary key, v varchar(200), key by_v (v)); insert into t values (0, repeat('x', 150));"
    );
    for power in 0..doublings {
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
        "create view v as select count(*) as n from t; use {copy}; create table only_here (a int); insert into only_here values (42);"
    );
    text
}
