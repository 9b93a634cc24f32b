//! `query`, `execute`, `script` and `wait`.

use std::time::Duration;

use runbook_core::action::{CancelKind, FailureKind, Outcome, Residue, Settled, Verdict};
use serde_json::{Value, json};

use crate::lab::{servers, sql};
use crate::support::{TestContext, failed, succeeded};

#[tokio::test]
async fn a_query_gives_values_without_loss() {
    for server in servers().await.iter() {
        let query = server.action(
            "query",
            json!({ "sql": sql(
                "select cast(18446744073709551615 as unsigned) n, cast(1.50 as decimal(10,2)) d, 'a\u{1F600}' t, x'00ff' b, null z, \
                 cast('2020-01-02 03:04:05.678' as datetime(3)) at, 1 n"
            ) }),
        );
        let (outputs, changed) = succeeded(TestContext::new("q").run(&*query).await);
        assert!(!changed);
        assert_eq!(outputs["columns"], json!(["n", "d", "t", "b", "z", "at", "n"]), "{}", server.name);
        assert_eq!(
            outputs["rows"],
            json!([[18_446_744_073_709_551_615_u64, "1.50", "a\u{1F600}", "0x00FF", null, "2020-01-02 03:04:05.678", 1]]),
            "{}",
            server.name
        );
        assert_eq!(outputs["value"], json!(18_446_744_073_709_551_615_u64));
        assert_eq!(outputs["row"]["t"], json!("a\u{1F600}"));
        assert_eq!((&outputs["row_count"], &outputs["truncated"]), (&json!(1), &json!(false)));
    }
}

#[tokio::test]
async fn a_query_keeps_no_more_rows_than_it_was_told() {
    for server in servers().await.iter() {
        let query = server.action("query", json!({ "sql": sql("select 1 union all select 2 union all select 3"), "max_rows": 2 }));
        let (outputs, _) = succeeded(TestContext::new("q").run(&*query).await);
        assert_eq!(outputs["rows"], json!([[1], [2]]));
        assert_eq!((&outputs["row_count"], &outputs["truncated"]), (&json!(3), &json!(true)));
    }
}

#[tokio::test]
async fn a_query_cannot_change_anything() {
    for server in servers().await.iter() {
        let database = server.database("readonly").await;
        server.script(&database, "create table t (a int); insert into t values (1); create procedure p() delete from t;").await;
        for (text, kind) in [
            ("delete from t", FailureKind::Invalid),
            ("select 1; delete from t", FailureKind::Invalid),
            ("", FailureKind::Invalid),
            ("explain analyze delete from t", FailureKind::Failed),
            // MariaDB and MySQL write a file in a read-only transaction as well.
            ("select 1 into outfile '/tmp/runbook-written-by-a-query'", FailureKind::Invalid),
            ("select 'a\\'' /*!50000 INTO/**/DUMPFILE '/tmp/runbook-written-by-a-query' */", FailureKind::Invalid),
        ] {
            let query = server.action("query", json!({ "database": database.name, "sql": sql(text) }));
            let outcome = TestContext::new("q").run(&*query).await;
            if let Outcome::Succeeded { .. } = outcome {
                // A server that explains without doing it is fine as well.
                continue;
            }
            let (failure, residue) = failed(outcome);
            assert_eq!((failure.kind, residue), (kind, Residue::None), "{}: {text}: {failure}", server.name);
            assert_eq!(failure.field.as_deref(), Some("sql"));
        }
        assert_eq!(server.value(&database.name, "select count(*) from t").await, json!(1));
        assert!(!std::path::Path::new("/tmp/runbook-written-by-a-query").exists(), "{}", server.name);
        database.drop().await;
    }
}

#[tokio::test]
async fn failures_to_connect_are_told_apart() {
    for server in servers().await.iter() {
        let cases = [
            (json!({ "password": "wrong" }), FailureKind::Denied, false),
            (json!({ "port": 1 }), FailureKind::Unreachable, true),
            (json!({ "host": "no-such-host.invalid" }), FailureKind::Unreachable, true),
            (json!({ "database": "sql_no_such_database" }), FailureKind::NotFound, true),
            (json!({ "tls": "encrypt" }), FailureKind::Denied, false),
        ];
        // MySQL makes itself a certificate.
        for (over, kind, retryable) in cases.into_iter().filter(|(over, ..)| server.name != "mysql" || over["tls"].is_null()) {
            let wait = server.action("wait", json!({ "target": server.target_with(&over) }));
            let (failure, residue) = failed(TestContext::new("w").run(&*wait).await);
            assert_eq!((failure.kind, failure.retryable, residue), (kind, retryable, Residue::None), "{}: {over}: {failure}", server.name);
            assert_eq!(failure.field.as_deref(), Some("target"));
            assert!(!format!("{failure:?}").contains("Lab-secret"), "{failure:?}");
        }
        let wait = server.action("wait", json!({}));
        let (outputs, _) = succeeded(TestContext::new("w").run(&*wait).await);
        assert_eq!(outputs["flavour"], json!(if server.name == "seekdb" { "oceanbase" } else { server.name }));
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_unreachable_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let lab = servers().await;
    let server = &lab[0];
    let wait = server.action("wait", json!({ "target": server.target_with(&json!({ "port": port, "connect_timeout": "300ms" })) }));
    let (failure, _) = failed(TestContext::new("w").run(&*wait).await);
    assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
}

#[tokio::test]
async fn rows_outside_the_bounds_are_rolled_back() {
    for server in servers().await.iter() {
        let database = server.database("bounds").await;
        server.script(&database, "create table t (id int primary key, a int); insert into t values (1, 1), (2, 1), (3, 5);").await;
        let run = async |text: &str, rows: serde_json::Value| {
            let execute = server.action("execute", json!({ "database": database.name, "sql": sql(text), "rows": rows }));
            TestContext::new("x").run(&*execute).await
        };
        let (failure, residue) =
            failed(run("update t set a = 9 where a = 1; delete from t where id = 3", json!({ "min": 1, "max": 2 })).await);
        assert_eq!((failure.kind, residue), (FailureKind::Unexpected, Residue::None), "{failure}");
        assert_eq!(failure.message, "3 rows were matched, and 1 to 2 were wanted; nothing was changed");
        assert_eq!(failure.field.as_deref(), Some("rows"));
        assert_eq!(server.rows(&database.name, "select a from t order by id").await, json!([[1], [1], [5]]), "{}", server.name);

        // Rows that had the value already are matched, but nothing changes.
        let (outputs, changed) = succeeded(run("update t set a = 1 where a = 1", json!({ "min": 2, "max": 2 })).await);
        assert_eq!((&outputs["rows"], changed), (&json!(2), false), "{}", server.name);
        let (outputs, changed) = succeeded(run("update t set a = 7 where a = 1; delete from t where id = 3", json!({ "min": 3 })).await);
        assert_eq!((&outputs["statements"], changed), (&json!([2, 1]), true));
        assert_eq!(server.rows(&database.name, "select a from t order by id").await, json!([[7], [7]]));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    for server in servers().await.iter() {
        let database = server.database("atomic").await;
        server.script(&database, "create table t (id int primary key); insert into t values (1);").await;
        let run = async |text: &str| {
            let execute = server.action("execute", json!({ "database": database.name, "sql": sql(text) }));
            failed(TestContext::new("x").run(&*execute).await)
        };
        let (failure, residue) = run("insert into t values (2);\ninsert into t values (1)").await;
        assert_eq!((failure.kind, residue), (FailureKind::Failed, Residue::None), "{failure}");
        assert!(failure.message.starts_with("statement 2 (line 2): the server says: Duplicate entry"), "{failure}");
        for text in ["create table x (a int); insert into t values (3)", "commit", "insert into t values (4); rollback"] {
            assert_eq!(run(text).await.0.kind, FailureKind::Invalid, "{text}");
        }
        assert_eq!(server.rows(&database.name, "select id from t").await, json!([[1]]));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_script_stops_at_the_first_error_and_says_where() {
    for server in servers().await.iter() {
        let database = server.database("script").await;
        let cx = TestContext::new("s");
        std::fs::write(
            cx.folder().join("x.sql"),
            "-- a comment; with a semicolon\ncreate table t (a varchar(20));\nDELIMITER //\ncreate procedure p()\ninsert into t values ('a;b')//\n\
             DELIMITER ;\ncall p();\ninsert into nowhere\n values (1);\ninsert into t values ('late');\n",
        )
        .unwrap();
        let script = server.action("script", json!({ "database": database.name, "file": "x.sql" }));
        let outcome = cx.run(&*script).await;
        let Outcome::Failed { outputs, .. } = &outcome else { panic!("{outcome:?}") };
        assert_eq!(outputs["statements"], json!(3));
        let (failure, residue) = failed(outcome);
        assert_eq!((failure.kind, residue), (FailureKind::NotFound, Residue::Partial), "{failure}");
        assert!(failure.message.starts_with("`x.sql`, line 8, statement 4: the server says: "), "{failure}");
        assert_eq!(server.rows(&database.name, "select a from t").await, json!([["a;b"]]));
        database.drop().await;
    }
}

#[tokio::test]
async fn hostile_values_arrive_as_they_are() {
    use proptest::strategy::{Strategy, ValueTree};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut values: Vec<String> =
        ["'", "\\", "\\'", "'; drop table t; -- ", "\0", "\u{1a}", "\"", "`", "%_", "\u{1F600}'", "a\\"].map(str::to_owned).to_vec();
    for _ in 0..60 {
        values.push("[\\\\'\"`%_;# \0\n\r\t\u{1a}a\u{e9}\u{540d}\u{1F600}*/-]{0,24}".new_tree(&mut runner).unwrap().current());
    }
    for server in servers().await.iter() {
        for mode in ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"] {
            let mut segments = vec![json!({ "text": "select " })];
            for (at, value) in values.iter().enumerate() {
                let place = if at % 2 == 0 { "value" } else { "quoted" };
                let (open, close) = if at % 2 == 0 { ("", "") } else { ("'", "'") };
                segments.push(json!({ "text": format!("{}hex({open}", if at == 0 { "" } else { ", " }) }));
                segments.push(json!({ "value": { "value": value, "place": place } }));
                segments.push(json!({ "text": format!("{close})") }));
            }
            let target = server.target_with(&json!({ "sql_mode": mode }));
            let query = server.action("query", json!({ "target": target, "sql": { "segments": segments } }));
            let (outputs, _) = succeeded(TestContext::new("q").run(&*query).await);
            let expected: Vec<String> = values.iter().map(|value| hex(value)).collect();
            assert_eq!(outputs["rows"][0], json!(expected), "{} {mode}", server.name);
        }
    }
}

/// A text with `◊` for a value, as the core hands it over; none where the value may not stand there.
fn placed(text: &str, value: &Value) -> Option<Value> {
    let texts: Vec<&str> = text.split('◊').collect();
    let places = runbook_core::places::sql::places(&texts).ok()?;
    let mut segments = vec![json!({ "text": texts[0] })];
    for (place, text) in places.iter().zip(&texts[1..]) {
        segments.push(json!({ "value": { "value": value, "place": place } }));
        segments.push(json!({ "text": text }));
    }
    Some(json!({ "segments": segments }))
}

/// Before a value: whatever could make the lexer and a server disagree on where a literal ends.
const PIECES: &[&str] = &[
    "'a'",
    "'it''s'",
    "'a\\'",
    "'a\\\\'",
    "'\\''",
    "'a\\nb'",
    "\"a\"",
    "\"a'b\"",
    "\"a\\\"",
    "'a\"b'",
    "'--'",
    "1 -- '\n",
    "1 # '\n",
    "/* ' */ 1",
    "/*! 1 */",
    "/*+ x */ 1",
    "1--1",
    "1 - -1",
    "x'41'",
    "b'1'",
    "n'a'",
    "_utf8mb4 'a'",
    "'a' 'b'",
    "''",
    "'\\\\' '",
    "1 /* \" */",
    "'/*'",
    "'*/'",
    "'`'",
    "\"`\"",
    "'#'",
    "1.5e3",
    "null",
    "(select '1')",
    "concat('a', \"b\")",
    "'%_'",
    "'a\tb'",
    "if(1, 'a', 'b')",
    "case when 1 then '\"' end",
];

#[tokio::test]
async fn a_value_is_refused_or_exact_in_any_text_and_mode() {
    use proptest::strategy::{Strategy, ValueTree};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let texts = proptest::collection::vec(proptest::sample::select(PIECES), 0..4);
    let holes =
        proptest::sample::select(&["hex(◊)", "hex('◊')", "hex(concat('<', ◊, '>'))", "hex('a◊b')", "hex('\\\\◊')", "hex(\"◊\")"][..]);
    let values = ["x", "'", "\\", "\\'; select 1 -- ", "' or ''='", "\"", "a\\\"", "*/", "\u{540d}'", "\n-- "];
    let cases: Vec<(String, &str)> = (0..120)
        .map(|at| {
            let pieces = texts.new_tree(&mut runner).unwrap().current().join(", ");
            let hole = holes.new_tree(&mut runner).unwrap().current();
            (format!("select {pieces}{} {hole} as v", if pieces.is_empty() { "" } else { "," }), values[at % values.len()])
        })
        .collect();
    let mut accepted = 0;
    for server in servers().await.iter() {
        for mode in ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"] {
            let target = server.target_with(&json!({ "sql_mode": mode }));
            for (text, value) in &cases {
                let (Some(real), Some(tame)) = (placed(text, &json!(value)), placed(text, &json!("x"))) else { continue };
                let ask = |sql: Value| {
                    let query = server.action("query", json!({ "target": target, "sql": sql }));
                    async move { TestContext::new("q").run(&*query).await }
                };
                let Outcome::Succeeded { outputs, .. } = ask(real).await else {
                    // A text that this mode does not take at all says nothing of its value.
                    assert!(!matches!(ask(tame).await, Outcome::Succeeded { .. }), "{} {mode}: {text} with {value:?}", server.name);
                    continue;
                };
                accepted += 1;
                let around = if text.contains("'<'") {
                    ("3C", "3E")
                } else if text.contains("a◊b") {
                    ("61", "62")
                } else {
                    ("", "")
                };
                let row = outputs["rows"][0].as_array().unwrap();
                let found = row.last().unwrap().as_str().unwrap();
                let exact = format!("{}{}{}", around.0, hex(value), around.1);
                // What stands before it inside the quotes is one backslash or two, by the mode.
                assert!(
                    found == exact || (text.contains("\\\\◊") && found.trim_start_matches("5C") == exact.trim_start_matches("5C")),
                    "{} {mode}: {text} with {value:?}: {found}",
                    server.name
                );
                assert_eq!(outputs["rows"].as_array().map(Vec::len), Some(1), "{} {mode}: {text}", server.name);
            }
        }
    }
    assert!(accepted > 200, "only {accepted} were accepted");
}

#[tokio::test]
async fn lists_patterns_names_and_hints_are_exact() {
    for server in servers().await.iter() {
        let ask = |text: &str, value: Value| {
            let query = server.action("query", json!({ "sql": placed(text, &value).unwrap_or_else(|| panic!("{text}")) }));
            async move { succeeded(TestContext::new("q").run(&*query).await).0["rows"][0].clone() }
        };
        let list = json!(["a'x", "b\\", 3]);
        assert_eq!(ask("select 'a''x' in (◊), '3' in (◊), 'c' in (◊)", list).await, json!([1, 1, 0]), "{}", server.name);
        assert_eq!(ask("select 'a' in (◊)", json!("a")).await, json!([1]), "{}", server.name);
        for name in ["a`b", "x y", "select", "名", "'\""] {
            assert_eq!(ask("select t.`◊` from (select 7 as `◊`) t", json!(name)).await, json!([7]), "{}: {name}", server.name);
        }
        // As the core escapes `{{like …}}`: every character stands for itself.
        for (text, fits) in [("50%", true), ("50x", false), ("a_b", true), ("a|b", true), ("a\\b'", true)] {
            let escaped = if fits { text } else { "50%" }.replace('|', "||").replace('%', "|%").replace('_', "|_");
            let sql = format!("select {} like '◊' escape '|'", format_args!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")));
            let texts: Vec<&str> = sql.split('◊').collect();
            let segments = json!([{ "text": texts[0] }, { "value": { "value": escaped, "place": "quoted" } }, { "text": texts[1] }]);
            let query = server.action("query", json!({ "sql": { "segments": segments } }));
            let (outputs, _) = succeeded(TestContext::new("q").run(&*query).await);
            assert_eq!(outputs["rows"][0], json!([i32::from(fits)]), "{}: {text}", server.name);
        }
        assert_eq!(ask("select /*+ max_execution_time(◊) */ 1", json!(1000)).await, json!([1]), "{}", server.name);
    }
}

#[tokio::test]
async fn a_statement_that_runs_is_interrupted() {
    for server in servers().await.iter() {
        let database = server.database("cancel").await;
        server.script(&database, "create table t (a int); insert into t values (1);").await;
        let cx = TestContext::new("x");
        let execute = server.action("execute", json!({ "database": database.name, "sql": sql("update t set a = 2; select sleep(60)") }));
        let (outcome, ()) = tokio::join!(cx.run(&*execute), async {
            // Until the sleep is under way.
            let asked = "select count(*) from information_schema.processlist where info like '%/x */ select sleep(60)%' and info not like '%asked%'";
            while server.value(&database.name, &format!("{asked} -- asked")).await == json!(0) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            cx.cancel(CancelKind::Graceful);
        });
        assert_eq!(outcome, Outcome::Cancelled { residue: Residue::None }, "{}", server.name);
        assert_eq!(server.rows(&database.name, "select a from t").await, json!([[1]]));
        database.drop().await;
    }
}

#[tokio::test]
async fn what_a_dead_run_left_is_found_by_its_mark_and_ended() {
    for server in servers().await.iter() {
        let database = server.database("orphan").await;
        server.script(&database, "create table t (a int)").await;
        // The mark of the second stands elsewhere on OceanBase.
        for text in ["select sleep(50)", "insert into t values (sleep(50))"] {
            let cx = TestContext::new("orphan");
            let execute = server.action("execute", json!({ "database": database.name, "sql": sql(text) }));
            // A future that is dropped is what a killed process looks like to the server: nobody says goodbye.
            let _ = tokio::time::timeout(Duration::from_millis(700), cx.run(&*execute)).await;
            let evidence = cx.evidence.lock().unwrap().clone();
            assert_eq!(evidence.len(), 1);
            assert_eq!(execute.settle(&TestContext::new("orphan"), &evidence).await, Settled::AtRest);
            let left = server
                .value(
                    "information_schema",
                    "select count(*) from processlist where info like '%/orphan%sleep(50)%' and info not like '%processlist%'",
                )
                .await;
            assert_eq!(left, json!(0), "{}: {text}", server.name);
            let verdict = execute.probe(&cx, &runbook_core::action::Before::nothing()).await;
            assert!(matches!(verdict, Verdict::Unknown { .. }));
        }
        database.drop().await;
    }
}

fn hex(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02X}");
        out
    })
}
