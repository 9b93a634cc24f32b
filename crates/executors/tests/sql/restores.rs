//! What a restore refuses, what it leaves when it ends in the middle, and how the next attempt goes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use runbook_core::action::{Action, Before, CancelKind, FailureKind, Outcome, Residue, Verdict};
use runbook_core::effect::Role;
use runbook_executors::sql::backup::Manifest;
use serde_json::{Value, json};

use crate::lab::{Database, Server, servers};
use crate::support::{TestContext, action, failed, succeeded};

const OLD: &str = "create table t (id int primary key auto_increment, v varchar(20)); insert into t (v) values ('old 1'), ('old 2'); \
                   create table many (id int primary key, pad varchar(1000)); create view v as select v from t; \
                   create table child (id int primary key, foreign key (id) references t (id)); insert into child values (2);";
const NEW: &str = "update t set v = concat('new ', id); create table added (a int); insert into added values (1);";

/// A database with a backup of an older state of it.
struct Case {
    server: Server,
    database: Database,
    backup: PathBuf,
    cx: TestContext,
}

impl Case {
    async fn new(server: &Server, name: &str) -> Self {
        let database = server.database(name).await;
        server.script(&database, OLD).await;
        let many = (0..3_000).map(|n| format!("({n}, repeat('x', 900))")).collect::<Vec<_>>().join(",");
        server.script(&database, &format!("insert into many values {many}")).await;
        let cx = TestContext::new(name);
        let backup = cx.folder().join("backup");
        let dump = server.action("dump", json!({ "database": database.name, "to": backup }));
        succeeded(TestContext::new("dump").run(&*dump).await);
        server.script(&database, NEW).await;
        Self { server: server.clone(), database, backup, cx }
    }

    fn restore(&self, over: &Value) -> Box<dyn Action> {
        let mut fields = json!({ "manifest": self.backup, "into": self.database.name });
        for (key, value) in over.as_object().unwrap() {
            fields[key] = value.clone();
        }
        self.server.action("restore", fields)
    }

    fn aside(&self) -> PathBuf {
        self.cx.folder().join("aside")
    }

    fn recreate(&self) -> Box<dyn Action> {
        self.restore(&json!({ "recreate": true, "aside": self.aside() }))
    }

    /// `old` or `new`.
    async fn state(&self) -> String {
        let first = self.server.value(&self.database.name, "select v from t order by id limit 1").await;
        first.as_str().unwrap().split(' ').next().unwrap().to_owned()
    }

    fn manifest(&self) -> Manifest {
        serde_json::from_slice(&std::fs::read(self.backup.join("manifest.json")).unwrap()).unwrap()
    }

    /// Writes a file of the backup anew, with a manifest that agrees with it.
    fn rewrite(&self, name: &str, change: impl Fn(String) -> String) {
        use sha2::Digest as _;
        let path = self.backup.join(name);
        let text = change(std::fs::read_to_string(&path).unwrap());
        let mut manifest = self.manifest();
        let entry = manifest.files.iter_mut().find(|file| file.name == name).unwrap();
        entry.bytes = text.len() as u64;
        entry.sha256 = format!("{:x}", sha2::Sha256::digest(&text));
        std::fs::write(path, text).unwrap();
        std::fs::write(self.backup.join("manifest.json"), manifest.sealed().to_text()).unwrap();
    }
}

#[tokio::test]
async fn a_full_database_is_dropped_only_when_its_state_is_kept() {
    for server in servers().await.iter() {
        let case = Case::new(server, "full").await;
        let (failure, residue) = failed(case.cx.run(&*case.restore(&json!({}))).await);
        assert_eq!((failure.kind, failure.field.as_deref(), residue), (FailureKind::Conflict, Some("into"), Residue::None));
        assert!(failure.message.ends_with("holds 5 objects, and a restore never writes over something"), "{failure}");
        let (failure, residue) = failed(case.cx.run(&*case.restore(&json!({ "recreate": true }))).await);
        assert_eq!((failure.kind, failure.field.as_deref(), residue), (FailureKind::Conflict, Some("aside"), Residue::None));
        assert_eq!(case.state().await, "new");

        let restore = case.recreate();
        let before = restore.capture(&case.cx).await.unwrap();
        assert_eq!(Value::from(before.0.clone()), json!({ "existed": true, "objects": 5 }));
        assert_eq!(restore.probe(&case.cx, &before).await, Verdict::NotDone);
        let (outputs, changed) = succeeded(restore.run(&case.cx, &before).await);
        assert!(changed);
        assert_eq!((&outputs["tables"], &outputs["rows"]), (&json!(3), &json!(3_003)));
        assert_eq!(outputs["aside"], json!(case.aside().join("manifest.json")));
        assert_eq!(case.state().await, "old", "{}", server.name);
        assert!(matches!(restore.probe(&case.cx, &before).await, Verdict::Done { changed: true, .. }));
        assert_eq!(server.value(&case.database.name, "select count(*) from information_schema.tables where table_schema = database() and table_name in ('added', '__runbook_restore')").await, json!(0));

        // The undo brings back what the restore replaced; it needs no second dump.
        let undo = case.restore(&json!({ "manifest": case.aside().join("manifest.json"), "recreate": true }));
        let cx = TestContext::with_role("full", Role::Undo(0));
        let (outputs, _) = succeeded(cx.run(&*undo).await);
        assert_eq!(outputs["aside"], json!(null));
        assert_eq!(case.state().await, "new", "{}", server.name);
        assert_eq!(server.value(&case.database.name, "select count(*) from added").await, json!(1));
        // And a second time, as a repeated undo does.
        succeeded(cx.run(&*undo).await);
        assert_eq!(case.state().await, "new", "{}", server.name);
        case.database.drop().await;
    }
}

#[tokio::test]
async fn a_backup_with_a_fault_is_refused_before_anything_is_dropped() {
    let lab = servers().await;
    let server = &lab[1];
    let case = Case::new(server, "faults").await;
    let data = case.manifest().files.iter().find(|file| file.name.starts_with("30-data")).unwrap().name.clone();
    let good = std::fs::read(case.backup.join(&data)).unwrap();
    let manifest = std::fs::read_to_string(case.backup.join("manifest.json")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(case.backup.join(name), bytes).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let no_end = [&good[..good.len() - 10], b"----------"].concat();
    let damaged = || format!("the file `{data}` is damaged: its SHA-256 is another");
    let edited = manifest.replace("\"rows\": 2,", "\"rows\": 3,");
    let incomplete = Manifest { complete: false, ..case.manifest() }.sealed().to_text();
    let mut injected = case.manifest();
    injected.contents.charset = "utf8mb4; drop database x".to_owned();
    let injected = injected.sealed().to_text();
    let cut = good[..good.len() / 2].to_vec();
    let cases = [
        ("cut", &*data, Some(cut), format!("the file `{data}` has {} bytes and should have {}", good.len() / 2, good.len())),
        ("flipped", &data, Some(flipped), damaged()),
        ("no end", &data, Some(no_end), damaged()),
        ("missing", &data, None, format!("the file `{data}` is missing")),
        ("stranger", "99-more.sql", Some(b"drop table t;".to_vec()), "the file `99-more.sql` is not in the manifest".to_owned()),
        ("edited", "manifest.json", Some(edited.into_bytes()), "the manifest was changed after it was written".to_owned()),
        (
            "injected",
            "manifest.json",
            Some(injected.into_bytes()),
            "`utf8mb4; drop database x` is no name of a character set or collation".to_owned(),
        ),
        ("incomplete", "manifest.json", Some(incomplete.into_bytes()), "the manifest says that the backup is not complete".to_owned()),
    ];
    for (name, file, bytes, problem) in cases {
        match bytes {
            Some(bytes) => write(file, &bytes),
            None => std::fs::remove_file(case.backup.join(file)).unwrap(),
        }
        let (failure, residue) = failed(case.cx.run(&*case.recreate()).await);
        assert_eq!(
            (failure.kind, failure.field.as_deref(), residue),
            (FailureKind::Failed, Some("manifest"), Residue::None),
            "{name}: {failure}"
        );
        assert_eq!(failure.detail, [problem], "{name}");
        let verify = action("sql", "verify_backup", json!({ "manifest": case.backup }));
        assert_eq!(failed(case.cx.run(&*verify).await).0.detail, failure.detail, "{name}");
        assert!(!case.aside().exists(), "{name}");
        write(&data, &good);
        write("manifest.json", manifest.as_bytes());
        let _ = std::fs::remove_file(case.backup.join("99-more.sql"));
    }
    for (name, text) in [("no json", "{"), ("another file", "{\"a\": 1}"), ("newer", "{\"backup_format\": 3}"), ("empty", "")] {
        write("manifest.json", text.as_bytes());
        let (failure, residue) = failed(case.cx.run(&*case.recreate()).await);
        assert_eq!((failure.kind, residue), (FailureKind::Failed, Residue::None), "{name}: {failure}");
    }
    std::fs::remove_file(case.backup.join("manifest.json")).unwrap();
    let (failure, _) = failed(case.cx.run(&*case.recreate()).await);
    assert_eq!(failure.kind, FailureKind::NotFound, "{failure}");
    assert_eq!(case.state().await, "new");
    case.database.drop().await;
}

#[tokio::test]
async fn an_error_in_the_middle_stops_and_the_next_attempt_starts_over() {
    for server in servers().await.iter() {
        let case = Case::new(server, "middle").await;
        let good = std::fs::read_to_string(case.backup.join("20-tables.sql")).unwrap();
        case.rewrite("30-data-00001.sql", |text| text.replacen("INSERT INTO `t`", "INSERT INTO `tt`", 1));
        let restore = case.recreate();
        let before = restore.capture(&case.cx).await.unwrap();
        let (failure, residue) = failed(restore.run(&case.cx, &before).await);
        assert_eq!((failure.kind, residue), (FailureKind::NotFound, Residue::Partial), "{failure}");
        assert!(failure.message.starts_with("`30-data-00001.sql`, line ") && failure.message.contains(", statement "), "{failure}");
        assert_eq!(failure.field.as_deref(), Some("manifest"));
        assert!(matches!(restore.probe(&case.cx, &before).await, Verdict::Partial { .. }));

        // Mended, it goes on by itself; the state from before is the one that the first attempt kept.
        case.rewrite("30-data-00001.sql", |text| text.replacen("INSERT INTO `tt`", "INSERT INTO `t`", 1));
        assert_eq!(std::fs::read_to_string(case.backup.join("20-tables.sql")).unwrap(), good);
        let (outputs, _) = succeeded(restore.run(&case.cx, &before).await);
        assert_eq!(outputs["aside"], json!(case.aside().join("manifest.json")));
        assert_eq!(case.state().await, "old");
        let aside: Manifest = serde_json::from_slice(&std::fs::read(case.aside().join("manifest.json")).unwrap()).unwrap();
        assert!(aside.contents.tables.iter().any(|table| table.name == "added"));
        case.database.drop().await;
    }
}

/// seekdb itself says so: a procedure that signals the very error.
#[tokio::test]
async fn a_definition_is_sent_again_where_oceanbase_wants_it_and_rows_are_not() {
    let lab = servers().await;
    let server = &lab[0];
    let signals = server.database("signals").await;
    let procedure = |name: &str, when: &str, error: u16| {
        format!(
            "DELIMITER //\nCREATE PROCEDURE {name}() BEGIN SET @n = ifnull(@n, 0) + 1; IF {when} THEN \
             SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {error}, MESSAGE_TEXT = 'said by the server'; END IF; END//\nDELIMITER ;\n"
        )
    };
    let procedures =
        [procedure("twice", "@n < 3", 5627), procedure("always", "true", 5827), procedure("there_already", "true", 1050)].concat();
    server.script(&signals, &procedures).await;
    let case = Case::new(server, "again").await;
    let calling = |name: &str, part: &str, before: &str| {
        let call = format!("CALL `{}`.`{name}`();\n{before}", signals.name);
        case.rewrite(part, |text| text.replacen(before, &call, 1));
        call
    };
    let back = |call: &str, part: &str, before: &str| case.rewrite(part, |text| text.replacen(call, before, 1));

    // Each with an aside of its own: what stands there is another backup's work, and nobody's loss.
    let again = |aside: &str| case.restore(&json!({ "recreate": true, "aside": case.cx.folder().join(aside) }));

    let (tables, rows) = ("20-tables.sql", "30-data-00001.sql");
    for name in ["twice", "there_already"] {
        let call = calling(name, tables, "CREATE TABLE");
        succeeded(case.cx.run(&*again(name)).await);
        assert_eq!(case.state().await, "old", "{name}");
        back(&call, tables, "CREATE TABLE");
    }
    // It does not go on for ever.
    let call = calling("always", tables, "CREATE TABLE");
    let (failure, residue) = failed(case.cx.run(&*again("endless")).await);
    assert_eq!((failure.kind, residue, failure.retryable), (FailureKind::Failed, Residue::Partial, true), "{failure}");
    assert!(failure.message.starts_with("`20-tables.sql`, line ") && failure.message.ends_with("said by the server"), "{failure}");
    back(&call, tables, "CREATE TABLE");
    // The transaction may be gone with the rows before: nothing is sent after them as if they were there.
    let call = calling("twice", rows, "INSERT INTO");
    let (failure, _) = failed(case.cx.run(&*again("rows")).await);
    assert!(failure.message.starts_with("`30-data-00001.sql`, line ") && failure.message.ends_with("said by the server"), "{failure}");
    back(&call, rows, "INSERT INTO");

    succeeded(case.cx.run(&*again("last")).await);
    case.database.drop().await;
    signals.drop().await;
}

#[tokio::test]
async fn rows_that_were_left_out_or_changed_on_the_way_are_noticed() {
    for server in servers().await.iter() {
        let case = Case::new(server, "silent").await;
        case.rewrite("30-data-00001.sql", |text| text.replacen("'old 2'", "'0ld 2'", 1));
        let (failure, residue) = failed(case.cx.run(&*case.recreate()).await);
        assert_eq!((failure.kind, residue), (FailureKind::Unexpected, Residue::Partial), "{failure}");
        assert_eq!(failure.detail, ["table `t` has other values in its rows"], "{}", server.name);
        // With the backup mended, the next attempt drops what this one made, foreign keys and all.
        case.rewrite("30-data-00001.sql", |text| text.replacen("'0ld 2'", "'old 2'", 1));
        succeeded(case.cx.run(&*case.recreate()).await);
        assert_eq!(case.state().await, "old");
        case.database.drop().await;
    }
}

#[tokio::test]
async fn a_restore_that_is_cut_off_is_recognised() {
    for server in servers().await.iter() {
        for how in ["cancel", "kill", "vanish"] {
            let case = Case::new(server, &format!("cut_{how}")).await;
            let restore = case.recreate();
            let before = restore.capture(&case.cx).await.unwrap();
            let interfere = async {
                // Until rows are there.
                let rows = format!(
                    "select count(*) from information_schema.tables where table_schema = '{}' and table_name = '__runbook_restore'",
                    case.database.name
                );
                while server.value("information_schema", &rows).await == json!(0) {
                    tokio::task::yield_now().await;
                }
                match how {
                    "cancel" => case.cx.cancel(CancelKind::Graceful),
                    "kill" => {
                        // All connections that are opened from here on, again and again: those that load.
                        let known = case.cx.evidence.lock().unwrap().len();
                        loop {
                            let opened: Vec<u64> =
                                case.cx.evidence.lock().unwrap().iter().skip(known).filter_map(|e| e["connection"].as_u64()).collect();
                            for id in opened {
                                let kill = server.action("execute", json!({ "sql": crate::lab::sql(&format!("kill {id}")) }));
                                // It may be gone already.
                                let _ = TestContext::new("kill").run(&*kill).await;
                            }
                            tokio::task::yield_now().await;
                        }
                    }
                    _ => {}
                }
            };
            let outcome = if how == "cancel" {
                Some(tokio::join!(restore.run(&case.cx, &before), interfere).0)
            } else {
                tokio::select! {
                    outcome = restore.run(&case.cx, &before) => Some(outcome),
                    () = interfere => None,
                }
            };
            match outcome {
                Some(Outcome::Cancelled { residue }) => assert_eq!((how, residue), ("cancel", Residue::Partial)),
                Some(Outcome::Failed { failure, residue, .. }) => {
                    assert_eq!((how, failure.kind, residue), ("kill", FailureKind::Disconnected, Residue::Partial), "{failure}");
                }
                Some(Outcome::Succeeded { .. }) => panic!("{how}: was too fast to be interrupted"),
                None => {}
            }
            let next = TestContext::new("next");
            let evidence = case.cx.evidence.lock().unwrap().clone();
            assert_eq!(restore.settle(&next, &evidence).await, runbook_core::action::Settled::AtRest);
            assert!(matches!(restore.probe(&next, &before).await, Verdict::Partial { .. }), "{how}");
            let (outputs, _) = succeeded(restore.run(&next, &before).await);
            assert_eq!(outputs["aside"], json!(case.aside().join("manifest.json")));
            assert_eq!(case.state().await, "old");
            case.database.drop().await;
        }
    }
}

#[tokio::test]
async fn an_aside_that_holds_another_state_is_not_taken() {
    for server in servers().await.iter() {
        let case = Case::new(server, "other").await;
        let dump = server.action("dump", json!({ "database": case.database.name, "to": case.aside() }));
        succeeded(TestContext::new("dump").run(&*dump).await);
        server.script(&case.database, "insert into added values (2)").await;
        let (failure, residue) = failed(case.cx.run(&*case.recreate()).await);
        assert_eq!((failure.kind, failure.field.as_deref(), residue), (FailureKind::Conflict, Some("aside"), Residue::None), "{failure}");
        assert_eq!(case.state().await, "new");
        case.database.drop().await;
    }
}

#[tokio::test]
async fn a_present_state_that_cannot_be_kept_stops_or_asks() {
    use runbook_core::action::Answer;
    for server in servers().await.iter() {
        let case = Case::new(server, "broken").await;
        // The view's table is gone: a dump of this could not be restored.
        server
            .script(
                &case.database,
                "drop table added; create table gone (a int); create view broken as select a from gone; drop table gone;",
            )
            .await;
        let (failure, residue) = failed(case.cx.run(&*case.recreate()).await);
        assert_eq!((failure.field.as_deref(), residue), (Some("aside"), Residue::None), "{failure}");
        let asking = case.restore(&json!({ "recreate": true, "aside": case.aside(), "aside_on_error": "ask" }));
        for (answer, kind) in [(Answer::No, FailureKind::Refused), (Answer::Nobody, FailureKind::NeedsPerson)] {
            case.cx.answers.lock().unwrap().push(answer);
            let (failure, residue) = failed(case.cx.run(&*asking).await);
            assert_eq!((failure.kind, residue), (kind, Residue::None), "{failure}");
        }
        assert_eq!(case.state().await, "new");
        case.cx.answers.lock().unwrap().push(Answer::Yes);
        let (outputs, _) = succeeded(case.cx.run(&*asking).await);
        assert_eq!(outputs["aside"], json!(null));
        assert_eq!(case.state().await, "old");
        case.database.drop().await;
    }
}

#[tokio::test]
async fn foreign_keys_from_elsewhere_are_not_lost_with_the_database() {
    for server in servers().await.iter() {
        let case = Case::new(server, "pointed").await;
        let other = server.database("pointing").await;
        server
            .script(&other, &format!("create table r (id int primary key, foreign key (id) references `{}`.t (id))", case.database.name))
            .await;
        let (failure, residue) = failed(case.cx.run(&*case.recreate()).await);
        assert_eq!((failure.kind, residue), (FailureKind::Conflict, Residue::None), "{}: {failure}", server.name);
        assert!(failure.message.ends_with(&format!("`{}`.`r`", other.name)), "{failure}");
        other.drop().await;
        case.database.drop().await;
    }
}

#[tokio::test]
async fn who_may_not_create_a_database_has_changed_nothing() {
    for server in servers().await.iter() {
        let case = Case::new(server, "denied").await;
        let user = format!("sql_denied_{}", std::process::id());
        server.script(&case.database, &format!("create user {user} identified by 'p'")).await;
        let target = server.target_with(&json!({ "user": user, "password": "p" }));
        let into = format!("{}_copy", case.database.name);
        let restore = server.action("restore", json!({ "target": target, "manifest": case.backup, "into": into }));
        let (failure, residue) = failed(case.cx.run(&*restore).await);
        assert_eq!((failure.kind, residue), (FailureKind::Denied, Residue::None), "{}: {failure}", server.name);
        server.script(&case.database, &format!("drop user {user}")).await;
        case.database.drop().await;
    }
}

#[tokio::test]
async fn servers_own_databases_are_never_restored_into() {
    let registry = runbook_executors::registry();
    let spec = registry.action("sql", "restore").unwrap();
    for into in ["mysql", "SYS", "information_schema", "oceanbase", "", "a ", "😀"] {
        let fields = json!({ "target": { "name": "x", "settings": { "host": "h", "user": "u" } }, "manifest": "m", "into": into });
        let faults = (spec.build)(fields).err().unwrap_or_else(|| panic!("{into}"));
        assert_eq!(faults[0].path, "into");
    }
}

#[tokio::test]
async fn a_dump_that_was_cut_off_leaves_no_backup_and_is_made_anew() {
    for server in servers().await.iter() {
        let case = Case::new(server, "cutdump").await;
        let to = case.cx.folder().join("second");
        let dump = server.action("dump", json!({ "database": case.database.name, "to": to }));
        let before = dump.capture(&case.cx).await.unwrap();
        assert_eq!(dump.probe(&case.cx, &before).await, Verdict::NotDone);
        let vanished = tokio::time::timeout(Duration::from_millis(30), dump.run(&case.cx, &before)).await;
        if vanished.is_err() {
            assert!(!to.exists());
            let (outputs, _) = succeeded(dump.run(&case.cx, &before).await);
            assert_eq!(outputs["tables"], json!(4));
        }
        assert_eq!(hidden(case.cx.folder()), Vec::<String>::new());
        assert!(matches!(dump.probe(&case.cx, &before).await, Verdict::Done { .. }));
        assert_eq!(dump.probe(&case.cx, &Before([("existed".to_owned(), true.into())].into_iter().collect())).await, Verdict::NotDone);
        case.database.drop().await;
    }
}

fn hidden(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.starts_with('.'))
        .collect()
}

#[tokio::test]
async fn a_comparison_says_what_differs() {
    for server in servers().await.iter() {
        let case = Case::new(server, "differs").await;
        server.script(&case.database, "drop view v; alter table many add column more int;").await;
        let compare = server.action("compare", json!({ "database": case.database.name, "manifest": case.backup }));
        let (outputs, changed) = succeeded(case.cx.run(&*compare).await);
        assert!(!changed);
        assert_eq!(outputs["equal"], json!(false));
        assert_eq!(
            outputs["differences"],
            json!([
                "table `many`: columns should be id, pad and is id, pad, more",
                "table `many` has another definition",
                "table `t` has other values in its rows",
                "table `added` should not be there",
                "view `v` is missing",
            ]),
            "{}",
            server.name
        );
        let compare = server.action("compare", json!({ "database": case.database.name, "with_database": case.database.name }));
        assert_eq!(succeeded(case.cx.run(&*compare).await).0["equal"], json!(true));
        case.database.drop().await;
    }
}
