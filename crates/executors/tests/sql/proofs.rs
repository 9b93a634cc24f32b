//! Proofs beyond a round trip: a backup restored to try it, a dump that another tool wrote, and a database emptied behind two manifests.

use std::path::{Path, PathBuf};

use runbook_core::action::{Action, Answer, Before, CancelKind, FailureKind, Outcome, Residue, Settled, Verdict};
use runbook_core::effect::Role;
use runbook_executors::sql::backup::{Checksum, Manifest, RowText};
use serde_json::{Value, json};

use crate::lab::{Database, Server, servers};
use crate::support::{TestContext, action, failed, succeeded, try_action};

const TABLES: &str = "create table t (id int primary key auto_increment, v varchar(20)); insert into t (v) values ('one'), ('two'); \
                      create table `empty` (a int); create view v as select v from t;";

async fn databases_like(server: &Server, name: &str) -> Value {
    let text = format!("select schema_name from information_schema.schemata where schema_name like '{name}' order by 1");
    server.rows("information_schema", &text).await
}

fn manifest(folder: &Path) -> Manifest {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

/// A database and its backup.
async fn dumped(server: &Server, name: &str, cx: &TestContext) -> (Database, PathBuf) {
    let database = server.database(name).await;
    server.script(&database, TABLES).await;
    let backup = cx.folder().join("backup");
    let dump = server.action("dump", json!({ "database": database.name, "to": backup }));
    succeeded(TestContext::new("dump").run(&*dump).await);
    (database, backup)
}

#[tokio::test]
async fn a_deep_verification_restores_and_leaves_nothing() {
    for server in servers().await.iter() {
        let cx = TestContext::new("deep");
        let (database, backup) = dumped(server, "deep", &cx).await;
        let deep = server.action("verify_backup", json!({ "manifest": backup, "deep": true }));
        let (outputs, changed) = succeeded(cx.run(&*deep).await);
        assert!(!changed);
        assert_eq!((&outputs["deep"], &outputs["rows"], &outputs["tool"]), (&json!(true), &json!(2), &json!("runbook")));
        assert_eq!(databases_like(server, "runbook\\_verify\\_%").await, json!([]), "{}", server.name);

        // A database that somebody else has is not touched.
        let own = server.database("deep_own").await;
        let named = server.action("verify_backup", json!({ "manifest": backup, "deep": true, "scratch": own.name }));
        let (failure, residue) = failed(cx.run(&*named).await);
        assert_eq!((failure.kind, failure.field.as_deref(), residue), (FailureKind::Conflict, Some("scratch"), Residue::None), "{failure}");
        server.script(&own, "create table t (a int)").await;
        assert_eq!(failed(cx.run(&*named).await).0.kind, FailureKind::Conflict);
        own.drop().await;
        succeeded(cx.run(&*named).await);
        assert_eq!(databases_like(server, &own.name).await, json!([]));

        // A backup whose files are whole and say something else than its manifest.
        let mut wrong = manifest(&backup);
        wrong.contents.tables.iter_mut().find(|table| table.name == "t").unwrap().checksum.sum = "1".to_owned();
        std::fs::write(backup.join("manifest.json"), wrong.sealed().to_text()).unwrap();
        let shallow = action("sql", "verify_backup", json!({ "manifest": backup }));
        assert_eq!(succeeded(cx.run(&*shallow).await).0["deep"], json!(false));
        let (failure, residue) = failed(cx.run(&*deep).await);
        assert_eq!((failure.kind, residue), (FailureKind::Unexpected, Residue::None), "{failure}");
        assert_eq!(failure.detail, ["table `t` has other values in its rows"]);
        assert_eq!(databases_like(server, "runbook\\_verify\\_%").await, json!([]), "{}", server.name);
        database.drop().await;
    }
}

/// Backups of earlier builds have checksums of another text. They must stay as good as they were.
#[tokio::test]
async fn a_backup_of_the_first_format_is_compared_as_it_was_made() {
    for server in servers().await.iter() {
        let cx = TestContext::new("first");
        let (database, backup) = dumped(server, "first", &cx).await;
        let newest = manifest(&backup);
        assert_eq!((newest.backup_format, newest.contents.row_text), (2, RowText::Fields));
        let mut first = Manifest { backup_format: 1, ..newest };
        first.contents.row_text = RowText::Lengths;
        for table in &mut first.contents.tables {
            let texts = match table.name.as_str() {
                "t" => "concat_ws(_binary'#', id, v, 0, ifnull(length(v), -1), '')",
                _ => "concat_ws(_binary'#', a, isnull(a), '')",
            };
            let sums =
                format!("select cast(concat(bit_xor(crc32({texts})), ' ', ifnull(sum(crc32({texts})), 0)) as char) from `{}`", table.name);
            let sums = server.value(&database.name, &sums).await;
            let (xor, sum) = sums.as_str().unwrap().split_once(' ').unwrap();
            table.checksum = Checksum { xor: xor.to_owned(), sum: sum.to_owned() };
        }
        let text = first.sealed().to_text();
        assert!(!text.contains("row_text"), "what was not said then is not said now");
        std::fs::write(backup.join("manifest.json"), text).unwrap();

        let compare = server.action("compare", json!({ "database": database.name, "manifest": backup }));
        assert_eq!(succeeded(cx.run(&*compare).await).0["differences"], json!([]), "{}", server.name);
        let deep = server.action("verify_backup", json!({ "manifest": backup, "deep": true }));
        succeeded(cx.run(&*deep).await);
        // A dump aside that an earlier build began may be taken up by this one.
        let aside = json!({ "manifest": backup, "into": database.name, "recreate": true, "aside": backup });
        succeeded(cx.run(&*server.action("restore", aside)).await);
        server.script(&database, "update t set v = 'two ' where id = 2").await;
        assert_eq!(succeeded(cx.run(&*compare).await).0["differences"], json!(["table `t` has other values in its rows"]));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_deep_verification_that_dies_is_cleaned_up_after() {
    for server in servers().await.iter() {
        let cx = TestContext::new("deepdies");
        let (database, backup) = dumped(server, "deepdies", &cx).await;
        let deep = server.action("verify_backup", json!({ "manifest": backup, "deep": true }));
        let before = Before::nothing();
        assert_eq!(deep.probe(&cx, &before).await, Verdict::NotDone);
        let begun = async {
            while databases_like(server, "runbook\\_verify\\_%").await == json!([]) {
                tokio::task::yield_now().await;
            }
        };
        let vanished = tokio::select! {
            outcome = deep.run(&cx, &before) => { succeeded(outcome); false }
            () = begun => true,
        };
        if vanished {
            let next = cx.again();
            let evidence = cx.evidence.lock().unwrap().clone();
            assert_eq!(deep.settle(&next, &evidence).await, Settled::AtRest);
            assert_eq!(databases_like(server, "runbook\\_verify\\_%").await, json!([]), "{}", server.name);
            assert_eq!(deep.probe(&next, &before).await, Verdict::NotDone);
            succeeded(deep.run(&next, &before).await);
        }
        assert_eq!(databases_like(server, "runbook\\_verify\\_%").await, json!([]), "{}", server.name);
        database.drop().await;
    }
}

#[test]
fn fields_of_a_verification_that_do_not_go_together_are_named() {
    let target = json!({ "name": "x", "settings": { "host": "h", "user": "u" } });
    for (fields, path) in [
        (json!({ "manifest": "m", "deep": true }), "deep"),
        (json!({ "manifest": "m", "target": target }), "target"),
        (json!({ "manifest": "m", "scratch": "s" }), "scratch"),
        (json!({ "manifest": "m", "deep": true, "target": target, "scratch": "mysql" }), "scratch"),
    ] {
        let faults = try_action("sql", "verify_backup", fields).err().unwrap();
        assert_eq!(faults[0].path, path);
    }
}

/// A dump as another tool might leave it.
fn foreign(folder: &Path, database: &str) -> PathBuf {
    let dir = folder.join("foreign");
    let tables = dir.join("files/data").join(database).join("TABLE");
    std::fs::create_dir_all(&tables).unwrap();
    std::fs::write(dir.join("files/MANIFEST.bin"), b"\x00\x01").unwrap();
    std::fs::write(tables.join("t-schema.sql"), "create table if not exists t (id int)").unwrap();
    std::fs::write(tables.join("t.1.csv"), "1,'one'\n2,'two'\n").unwrap();
    dir
}

#[tokio::test]
async fn a_foreign_dump_gets_a_manifest_and_is_held_to_it() {
    for server in servers().await.iter() {
        let database = server.database("proved").await;
        server.script(&database, TABLES).await;
        let cx = TestContext::new("proved");
        let dir = foreign(cx.folder(), &database.name);
        let facts = json!({ "values": crate::lab::sql("select v from t order by id") });
        let write = server.action("manifest", json!({ "database": database.name, "dir": dir, "tool": "obdumper", "facts": facts }));
        let before = write.capture(&cx).await.unwrap();
        assert_eq!(write.probe(&cx, &before).await, Verdict::NotDone);
        let (outputs, changed) = succeeded(write.run(&cx, &before).await);
        assert!(changed);
        assert_eq!((&outputs["tables"], &outputs["rows"], &outputs["files"]), (&json!(2), &json!(2), &json!(3)));
        assert_eq!(outputs["facts"], json!({ "values": ["one", "two"] }));
        assert_eq!(write.probe(&cx.again(), &before).await, Verdict::Done { outputs: outputs.clone(), changed: true });
        // Another step's manifest is not this one's work.
        assert!(matches!(write.probe(&TestContext::new("other"), &before).await, Verdict::Unknown { .. }));

        let verify = action("sql", "verify_backup", json!({ "manifest": dir }));
        let (verified, _) = succeeded(cx.run(&*verify).await);
        assert_eq!(
            (&verified["tool"], &verified["snapshot"], &verified["facts"]),
            (&json!("obdumper"), &json!("afterwards"), &outputs["facts"])
        );
        let schema = serde_json::to_value(runbook_executors::sql::backup::manifest_schema()).unwrap();
        jsonschema::validate(&schema, &serde_json::from_slice(&std::fs::read(dir.join("manifest.json")).unwrap()).unwrap()).unwrap();
        let compare = server.action("compare", json!({ "database": database.name, "manifest": dir }));
        assert_eq!(succeeded(cx.run(&*compare).await).0["differences"], json!([]), "{}", server.name);

        // It is never written over, and never loaded by this program.
        let (failure, residue) = failed(cx.run(&*write).await);
        assert_eq!((failure.kind, failure.field.as_deref(), residue), (FailureKind::Conflict, Some("dir"), Residue::None), "{failure}");
        for loading in [
            server.action("restore", json!({ "manifest": dir, "into": "sql_never" })),
            server.action("verify_backup", json!({ "manifest": dir, "deep": true })),
        ] {
            let (failure, residue) = failed(cx.run(&*loading).await);
            assert!(failure.message.ends_with("was written by `obdumper`, and only it can load it"), "{failure}");
            assert_eq!((failure.field.as_deref(), residue), (Some("manifest"), Residue::None));
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn faults_of_a_foreign_dump_are_named() {
    let lab = servers().await;
    let server = &lab[1];
    let database = server.database("faulty").await;
    server.script(&database, TABLES).await;
    let cx = TestContext::new("faulty");
    let dir = foreign(cx.folder(), &database.name);
    let table = format!("files/data/{}/TABLE/t.1.csv", database.name);
    let write = server.action("manifest", json!({ "database": database.name, "dir": dir, "tool": "obdumper" }));
    succeeded(cx.run(&*write).await);
    let verify = action("sql", "verify_backup", json!({ "manifest": dir }));
    let good = std::fs::read(dir.join(&table)).unwrap();
    let whole = std::fs::read(dir.join("manifest.json")).unwrap();
    let mut outside = manifest(&dir);
    outside.files[0].name = "../secret".to_owned();
    let faults: [(&str, Option<Vec<u8>>, String); 6] = [
        (&table, Some(good[..5].to_vec()), format!("the file `{table}` has 5 bytes and should have {}", good.len())),
        (&table, Some([&good[1..], b"x"].concat()), format!("the file `{table}` is damaged: its SHA-256 is another")),
        (&table, None, format!("the file `{table}` is missing")),
        ("files/more.csv", Some(b"1".to_vec()), "the file `files/more.csv` is not in the manifest".to_owned()),
        (
            "manifest.json",
            Some(String::from_utf8(whole.clone()).unwrap().replace("\"rows\": 2,", "\"rows\": 1,").into_bytes()),
            "the manifest was changed after it was written".to_owned(),
        ),
        (
            "manifest.json",
            Some(outside.sealed().to_text().into_bytes()),
            "`../secret` is no name of a file in the backup's folder".to_owned(),
        ),
    ];
    for (file, bytes, problem) in faults {
        match bytes {
            Some(bytes) => std::fs::write(dir.join(file), bytes).unwrap(),
            None => std::fs::remove_file(dir.join(file)).unwrap(),
        }
        let (failure, _) = failed(cx.run(&*verify).await);
        assert!(failure.detail.contains(&problem), "{problem}: {:?}", failure.detail);
        std::fs::write(dir.join(&table), &good).unwrap();
        std::fs::write(dir.join("manifest.json"), &whole).unwrap();
        let _ = std::fs::remove_file(dir.join("files/more.csv"));
    }
    succeeded(cx.run(&*verify).await);

    // What cannot be proved gets no manifest.
    std::fs::remove_file(dir.join("manifest.json")).unwrap();
    let refused = |message: &'static str| {
        let (write, cx, dir) = (&write, &cx, &dir);
        async move {
            let (failure, residue) = failed(cx.run(&**write).await);
            assert!(failure.message.contains(message), "{failure}");
            assert_eq!((failure.field.as_deref(), residue), (Some("dir"), Residue::None));
            assert!(!dir.join("manifest.json").exists());
        }
    };
    std::os::unix::fs::symlink("/etc/passwd", dir.join("link")).unwrap();
    refused("is neither a file nor a folder").await;
    std::fs::remove_file(dir.join("link")).unwrap();
    std::fs::write(dir.join(&table), "").unwrap();
    refused("no file holds the rows of `t` (2 rows)").await;
    std::fs::remove_dir_all(dir.join("files")).unwrap();
    refused("holds no files").await;
    std::fs::remove_dir_all(&dir).unwrap();
    refused("cannot read").await;
    database.drop().await;
}

/// A database in its present state, a backup of an older one, and a dump of the present one.
struct Case {
    server: Server,
    database: Database,
    backup: PathBuf,
    aside: PathBuf,
    cx: TestContext,
}

impl Case {
    async fn new(server: &Server, name: &str) -> Self {
        let cx = TestContext::new(name);
        let (database, backup) = dumped(server, name, &cx).await;
        server.script(&database, "update t set v = 'new' where id = 1; create table added (a int); insert into added values (1);").await;
        let aside = cx.folder().join("aside");
        let case = Self { server: server.clone(), database, backup, aside, cx };
        case.dump_aside(&json!({})).await;
        case
    }

    async fn dump_aside(&self, over: &Value) {
        let _ = std::fs::remove_dir_all(&self.aside);
        let mut fields = json!({ "database": self.database.name, "to": self.aside });
        fields.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        let dump = self.server.action("dump", fields);
        succeeded(TestContext::new("aside").run(&*dump).await);
    }

    fn recreate(&self, over: &Value) -> Box<dyn Action> {
        let mut fields = json!({ "database": self.database.name, "manifest": self.backup, "aside": self.aside });
        for (key, value) in over.as_object().unwrap() {
            if value.is_null() {
                fields.as_object_mut().unwrap().remove(key);
            } else {
                fields[key] = value.clone();
            }
        }
        self.server.action("recreate", fields)
    }

    async fn refused(&self, over: &Value, field: &str, says: &str) {
        let (failure, residue) = failed(self.cx.run(&*self.recreate(over)).await);
        assert_eq!((failure.field.as_deref(), residue), (Some(field), Residue::None), "{failure}");
        assert!(failure.message.contains(says), "{says}: {failure}");
        let rows = self.server.value(&self.database.name, "select count(*) from added").await;
        assert_eq!(rows, json!(1), "{}: something was dropped", self.server.name);
    }
}

#[tokio::test]
async fn a_database_is_emptied_only_behind_two_manifests() {
    for server in servers().await.iter() {
        let case = Case::new(server, "emptied").await;
        let name = &case.database.name;
        case.refused(&json!({ "aside": null }), "aside", "nothing says where its present state is kept").await;
        case.refused(&json!({ "aside": case.cx.folder().join("none") }), "aside", "cannot read").await;
        case.refused(&json!({ "aside": case.backup }), "aside", "does not hold what").await;
        case.refused(&json!({ "manifest": case.cx.folder().join("none") }), "manifest", "cannot read").await;
        // What an aside leaves out would be lost.
        case.dump_aside(&json!({ "without": ["added"] })).await;
        case.refused(&json!({}), "aside", "does not hold what").await;
        case.dump_aside(&json!({})).await;
        let other = server.database("emptied_other").await;
        let elsewhere = case.cx.folder().join("elsewhere");
        succeeded(TestContext::new("dump").run(&*server.action("dump", json!({ "database": other.name, "to": elsewhere }))).await);
        case.refused(&json!({ "manifest": elsewhere }), "manifest", "the backup is one of").await;
        other.drop().await;
        // One byte of either backup.
        for (folder, field) in [(&case.backup, "manifest"), (&case.aside, "aside")] {
            let file = folder.join("20-tables.sql");
            let good = std::fs::read(&file).unwrap();
            let mut flipped = good.clone();
            flipped[good.len() / 2] ^= 1;
            std::fs::write(&file, flipped).unwrap();
            case.refused(&json!({}), field, "cannot be relied upon").await;
            std::fs::write(&file, good).unwrap();
        }

        server.script(&case.database, &format!("alter database `{name}` collate utf8mb4_general_ci")).await;
        case.dump_aside(&json!({})).await;
        let recreate = case.recreate(&json!({}));
        let before = recreate.capture(&case.cx).await.unwrap();
        assert_eq!(Value::from(before.0.clone()), json!({ "existed": true, "objects": 4 }));
        assert_eq!(recreate.probe(&case.cx, &before).await, Verdict::NotDone);
        let (outputs, changed) = succeeded(recreate.run(&case.cx, &before).await);
        assert!(changed);
        let manifest_of_aside = case.aside.join("manifest.json");
        assert_eq!(
            Value::from(outputs.clone()),
            json!({ "dropped": 4, "aside": manifest_of_aside, "charset": "utf8mb4", "collation": "utf8mb4_bin" })
        );
        assert_eq!(recreate.probe(&case.cx, &before).await, Verdict::Done { outputs, changed: true });
        let of = format!(
            "select default_character_set_name, default_collation_name from information_schema.schemata where schema_name = '{name}'"
        );
        assert_eq!(server.rows("information_schema", &of).await, json!([["utf8mb4", "utf8mb4_bin"]]), "{}", server.name);

        // The undo brings back what was there.
        let undo = server.action("restore", json!({ "manifest": case.aside, "into": name, "recreate": true }));
        succeeded(TestContext::with_role("emptied", Role::Undo(0)).run(&*undo).await);
        assert_eq!(server.value(name, "select v from t where id = 1").await, json!("new"));
        case.database.drop().await;
    }
}

#[tokio::test]
async fn a_recreation_that_dies_is_seen_and_goes_on() {
    for server in servers().await.iter() {
        let case = Case::new(server, "halfway").await;
        let name = &case.database.name;
        let recreate = case.recreate(&json!({}));
        let before = recreate.capture(&case.cx).await.unwrap();
        // The process died in the middle of the drop: a table is gone already.
        server.script(&case.database, "drop table added").await;
        assert!(matches!(recreate.probe(&case.cx, &before).await, Verdict::Partial { .. }));
        // Between the drop and the creation.
        case.database.drop().await;
        assert!(matches!(recreate.probe(&case.cx, &before).await, Verdict::Partial { .. }));
        succeeded(recreate.run(&case.cx.again(), &before).await);
        assert!(matches!(recreate.probe(&case.cx, &before).await, Verdict::Done { .. }));
        // A database that nobody had is made, and is no change to be afraid of.
        case.database.drop().await;
        let before = recreate.capture(&case.cx).await.unwrap();
        assert_eq!(recreate.probe(&case.cx, &before).await, Verdict::NotDone);
        let (outputs, _) = succeeded(recreate.run(&case.cx, &before).await);
        assert_eq!((&outputs["dropped"], &outputs["aside"]), (&json!(0), &json!(null)));
        // After a half drop everything that is left is still in the dump aside.
        server.script(&case.database, "create table added (a int); insert into added values (1);").await;
        let (outputs, _) = succeeded(case.cx.run(&*recreate).await);
        assert_eq!(outputs["dropped"], json!(1), "{name}");
        case.database.drop().await;
    }
}

#[tokio::test]
async fn nothing_is_dropped_while_somebody_works_on_it() {
    for server in servers().await.iter() {
        let case = Case::new(server, "busy").await;
        let holder = server.action("query", json!({ "database": case.database.name, "sql": crate::lab::sql("select sleep(120)") }));
        let cx = TestContext::new("holder");
        let gates = async {
            while server.value("information_schema", &format!("select count(*) from processlist where db = '{}'", case.database.name)).await
                == json!(0)
            {
                tokio::task::yield_now().await;
            }
            case.refused(&json!({}), "database", "1 connection is open on the database").await;
            let fields =
                json!({ "manifest": case.backup, "into": case.database.name, "recreate": true, "aside": case.cx.folder().join("more") });
            let (failure, residue) = failed(case.cx.run(&*server.action("restore", fields)).await);
            assert_eq!(
                (failure.kind, failure.field.as_deref(), residue),
                (FailureKind::Conflict, Some("into"), Residue::None),
                "{failure}"
            );
            assert!(failure.detail[0].contains("`root`"), "{:?}", failure.detail);
            cx.cancel(CancelKind::Kill);
        };
        let (outcome, ()) = tokio::join!(cx.run(&*holder), gates);
        assert!(matches!(outcome, Outcome::Cancelled { .. }), "{outcome:?}");
        assert!(!case.cx.folder().join("more").exists());
        succeeded(case.cx.run(&*case.recreate(&json!({}))).await);
        case.database.drop().await;
    }
}

#[tokio::test]
async fn a_dump_aside_that_leaves_something_out_is_not_enough() {
    for server in servers().await.iter() {
        let case = Case::new(server, "leftout").await;
        case.dump_aside(&json!({ "without": ["added"] })).await;
        let fields =
            json!({ "manifest": case.backup, "into": case.database.name, "recreate": true, "aside": case.aside, "aside_on_error": "ask" });
        let restore = server.action("restore", fields);
        // A person is asked, and told why.
        case.cx.answers.lock().unwrap().push(Answer::No);
        let (failure, residue) = failed(case.cx.run(&*restore).await);
        assert_eq!((failure.kind, residue), (FailureKind::Refused, Residue::None), "{failure}");
        let asked = case.cx.questions.lock().unwrap()[0].text.clone();
        assert!(asked.contains("does not hold what") && asked.contains("What only it holds is lost"), "{asked}");
        // Nobody is there.
        let (failure, residue) = failed(case.cx.run(&*restore).await);
        assert_eq!((failure.kind, residue), (FailureKind::NeedsPerson, Residue::None), "{failure}");
        assert_eq!(server.value(&case.database.name, "select count(*) from added").await, json!(1));
        case.database.drop().await;
    }
}

#[tokio::test]
async fn what_needs_something_left_out_is_named() {
    for server in servers().await.iter() {
        let database = server.database("needs").await;
        server
            .script(
                &database,
                "create table a (id int primary key); create table b (id int primary key, foreign key (id) references a (id)); \
                 create view v as select id from a; create view w as select v.id from b join v on b.id = v.id; create view fine as select id as a from b; \
                 create trigger trg before insert on a for each row set new.id = 1;",
            )
            .await;
        let cx = TestContext::new("needs");
        let to = cx.folder().join("backup");
        let dump = |without: &[&str]| server.action("dump", json!({ "database": database.name, "to": to, "without": without }));
        let (failure, residue) = failed(cx.run(&*dump(&["a"])).await);
        assert_eq!((failure.field.as_deref(), residue), (Some("without"), Residue::None), "{failure}");
        assert_eq!(
            failure.message,
            "what is dumped needs what is left out, and could not be restored: the table `b` has a foreign key to `a`, \
             the trigger `trg` is on `a`, the view `v` reads `a`",
            "{}",
            server.name
        );
        let (failure, _) = failed(cx.run(&*dump(&["a", "b", "trg", "v"])).await);
        assert!(failure.message.ends_with(": the view `fine` reads `b`, the view `w` reads `b`, the view `w` reads `v`"), "{failure}");
        assert!(!to.exists());
        // What is left out with everything that needs it comes back without it.
        succeeded(cx.run(&*dump(&["w", "never there"])).await);
        assert_eq!(manifest(&to).without, ["w"]);
        let copy = server.no_database("needs_copy").await;
        succeeded(cx.run(&*server.action("restore", json!({ "manifest": to, "into": copy.name }))).await);
        copy.drop().await;
        database.drop().await;
    }
}

#[tokio::test]
async fn a_user_who_may_not_drop_changes_nothing() {
    for server in servers().await.iter() {
        let case = Case::new(server, "denied").await;
        let user = format!("sql_denied_{}", std::process::id());
        let seeing = if server.name == "seekdb" {
            "select, insert, create, show view"
        } else {
            "select, insert, create, show view, trigger, event, execute, lock tables"
        };
        let grant = format!("create user {user} identified by 'p'; grant {seeing} on `{}`.* to {user};", case.database.name);
        server.script(&case.database, &grant).await;
        let target = server.target_with(&json!({ "user": user, "password": "p" }));
        let fields = json!({ "target": target, "manifest": case.backup, "into": case.database.name, "recreate": true, "aside": case.cx.folder().join("more") });
        for action in [case.recreate(&json!({ "target": target })), server.action("restore", fields)] {
            let (failure, residue) = failed(case.cx.run(&*action).await);
            assert_eq!((failure.kind, residue), (FailureKind::Denied, Residue::None), "{}: {failure}", server.name);
            assert!(failure.help.is_some_and(|help| help.contains("GRANT DROP, CREATE")), "{}", server.name);
        }
        assert_eq!(server.value(&case.database.name, "select count(*) from added").await, json!(1));
        server.script(&case.database, &format!("drop user {user}")).await;
        case.database.drop().await;
    }
}

#[tokio::test]
async fn a_restore_without_an_aside_that_died_after_the_drop_is_not_taken_for_undone() {
    for server in servers().await.iter() {
        let case = Case::new(server, "noaside").await;
        let fields = json!({
            "manifest": case.backup, "into": case.database.name, "recreate": true, "aside": case.cx.folder().join("none"), "aside_on_error": "ask",
        });
        let restore = server.action("restore", fields);
        let before = restore.capture(&case.cx).await.unwrap();
        assert_eq!(restore.probe(&case.cx, &before).await, Verdict::NotDone);
        // A person said yes; the database was dropped and created, and the process died before the marker stood in it.
        server.script(&case.database, "drop view v; drop table t; drop table `empty`; drop table added").await;
        let verdict = restore.probe(&case.cx, &before).await;
        assert!(matches!(&verdict, Verdict::Partial { why } if why.contains("held 4 objects, holds 0")), "{}: {verdict:?}", server.name);
        succeeded(restore.run(&case.cx.again(), &before).await);
        assert!(matches!(restore.probe(&case.cx, &before).await, Verdict::Done { .. }));
        case.database.drop().await;
    }
}

#[tokio::test]
async fn another_runs_backup_is_not_taken_for_ones_own() {
    let lab = servers().await;
    let server = &lab[1];
    let cx = TestContext::new("own");
    let (database, backup) = dumped(server, "own", &cx).await;
    let dump = server.action("dump", json!({ "database": database.name, "to": backup }));
    let before = Before([("existed".to_owned(), false.into())].into_iter().collect());
    assert!(matches!(dump.probe(&TestContext::new("dump").again(), &before).await, Verdict::Done { .. }));
    let verdict = dump.probe(&TestContext::in_run("20260101-000000-else", "dump"), &before).await;
    assert!(matches!(&verdict, Verdict::Unknown { why } if why.contains("was written by")), "{verdict:?}");
    database.drop().await;
}
