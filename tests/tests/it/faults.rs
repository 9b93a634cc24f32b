//! What befalls the machine under a run: a disk that is full or read-only, a password that is changed, a database that
//! goes away in the middle of a script.

use crate::lab::{Db, Lab};
use crate::namespaces;
use crate::sandbox::{self, Sandbox};
use crate::way::Way;

/// Runs lines of a shell in which file systems can be mounted; what is mounted goes with it. `$RUNBOOK` is the program.
fn mounting(sandbox: &Sandbox, lines: &str) -> (Option<i32>, String) {
    let mut shell = namespaces::command(sandbox, &["--mount"]);
    shell.args(["bash", "-c", &format!("exec 2>&1; set -u; {lines}")]).env("RUNBOOK", sandbox::binary());
    sandbox.wait(shell.spawn().expect("unshare")).seen()
}

/// What a person is told last where a session could not begin.
const NOTHING_WAS_RUN: &str =
    "help: nothing was run, and nothing was changed: when the cause is gone, the same command can be typed again\n";

const LOUD: &str = r#"
format = 1
name = "loud"

[[step]]
id = "loud"
shell.script = { text = "head -c 4000000 /dev/zero | tr '\\0' x; echo loud >> done" }
leaves = "a line"

[[step]]
id = "after"
shell.script = { text = "echo after >> done" }
leaves = "a line"
"#;

#[test]
fn a_disk_that_output_fills_loses_no_result_and_takes_no_new_run() {
    let sandbox = Sandbox::new().file("loud.toml", LOUD).file("state/.keep", "");
    let lines = r#"
mount -t tmpfs -o size=1200k none state
"$RUNBOOK" exec loud.toml | grep --invert-match xxxx; echo "exit ${PIPESTATUS[0]}"
cat /dev/zero > state/rest 2> /dev/null
"$RUNBOOK" runs list; echo "exit $?"
"$RUNBOOK" exec loud.toml | grep --invert-match xxxx; echo "exit ${PIPESTATUS[0]}"
cat done
"$RUNBOOK" runs list; echo "exit $?"
rm state/rest
"$RUNBOOK" exec loud.toml > /dev/null; echo "exit $?"
"#;
    let (code, said) = mounting(&sandbox, lines);
    assert_eq!(code, Some(0), "{said}");
    let parts: Vec<&str> = said.split("exit ").collect();
    let [first, list, refused, after, freed, end] = parts.as_slice() else { panic!("{said}") };
    // Room for its records was kept before it began, so that it is only the output that suffers.
    assert!(first.contains("step loud: warning: some of its output could not be kept: No space left on device"), "{said}");
    assert!(first.contains("step after: done"), "{said}");
    assert!(list.starts_with("0\n") && list.contains("done"), "{said}");
    assert!(refused.contains("no space left on device"), "{said}");
    assert!(refused.ends_with(NOTHING_WAS_RUN), "{said}");
    assert!(after.starts_with("8\nloud\nafter\n"), "something was done: {said}");
    assert_eq!(after.matches(" loud ").count(), 1, "a run that never began is none: {said}");
    assert!(freed.starts_with('0') && end.starts_with('0'), "{said}");
}

#[test]
fn a_state_directory_that_is_read_only_stops_a_run_before_its_first_step() {
    let runbook = "format = 1\nname = \"r\"\n[[step]]\nid = \"a\"\nshell.script = { text = \"echo a >> done; test -e enough\" }\nleaves = \"a line\"\nsafety = \"idempotent\"\n";
    let sandbox = Sandbox::new().file("r.toml", runbook);
    sandbox.run(["exec", "r.toml"]).only_code(1);
    let lines = r#"
mount --bind state state && mount -o remount,ro,bind state
"$RUNBOOK" exec r.toml; echo "exit $?"
touch enough
"$RUNBOOK" resume --last; echo "exit $?"
"$RUNBOOK" rollback --last; echo "exit $?"
"$RUNBOOK" runs list; echo "exit $?"
"#;
    let (_, said) = mounting(&sandbox, lines);
    let parts: Vec<&str> = said.split("exit ").collect();
    let [exec, resume, rollback, list, end] = parts.as_slice() else { panic!("{said}") };
    for refused in [exec, resume, rollback] {
        assert!(refused.contains("read-only file system") && refused.ends_with(NOTHING_WAS_RUN), "{said}");
    }
    assert!(resume.starts_with("8\n") && rollback.starts_with("8\n") && list.starts_with("8\n"), "{said}");
    assert!(list.contains("failed") && end.starts_with('0'), "looking is possible all the same: {said}");
    assert_eq!(sandbox.read("done"), "a\n", "something was done");
    sandbox.run(["resume", "--last"]).only_code(0);
    assert_eq!(sandbox.read("done"), "a\na\n");
}

const CHANGED: &str = r#"
format = 1
name = "changed"

[vars.password]
type = "string"
secret = true

[target.db]
mysql = { host = "127.0.0.1", port = PORT, user = "USER", password = "{{vars.password}}" }

[[step]]
id = "mark"
sql.execute = { target = "db", database = "DATABASE", sql = "insert into marks values (1)", rows = { min = 1, max = 1 } }
undo = [{ sql.execute = { target = "db", database = "DATABASE", sql = "delete from marks where id = 1", rows = { max = 1 } } }]

[[step]]
id = "fails"
shell.run = { argv = ["false"] }
leaves = "nothing"
"#;

#[test]
fn a_password_that_was_changed_between_run_and_rollback_is_taken_when_it_is_named() {
    let lab = Lab::get();
    let name = format!("changed_{}", std::process::id());
    let sql = |text: &str| lab.sql(Db::MariaDb, "", text);
    sql(&format!("create database {name}; create table {name}.marks (id int primary key)"));
    sql(&format!("create user {name}@'%' identified by 'first password'; grant all on {name}.* to {name}@'%'"));
    let port = lab.port(Db::MariaDb).to_string();
    let text = CHANGED.replace("PORT", &port).replace("USER", &name).replace("DATABASE", &name);
    let sandbox = Sandbox::new().file("changed.toml", text);
    let with = |password: &str, words: &[&str]| {
        let child = sandbox.command(words.iter().copied()).env("RUNBOOK_VAR_PASSWORD", password).spawn().expect("the program");
        sandbox.wait(child)
    };
    with("first password", &["exec", "changed.toml", "--no-input"]).only_code(1);
    sql(&format!("alter user {name}@'%' identified by 'second password'"));

    // The old one is known to the run, and the server refuses it: nothing is undone, and it can be tried again.
    let (out, err) = with("first password", &["rollback", "--last", "--no-input"]).only_code(6);
    assert!(format!("{out}{err}").contains("Access denied"), "{out}{err}");
    // The new one is not the run's: it could be a mistake.
    let (_, err) = with("second password", &["rollback", "--last", "--no-input"]).only_code(3);
    assert!(err.contains("`password`") && err.contains("--accept-secret password"), "{err}");
    assert_eq!(sql(&format!("select count(*) from {name}.marks")), ["1"]);
    with("second password", &["rollback", "--last", "--no-input", "--accept-secret", "password"]).only_code(0);
    assert_eq!(sql(&format!("select count(*) from {name}.marks")), ["0"]);
    for (path, bytes) in sandbox.everything_below("state") {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("first password") && !text.contains("second password"), "{} has it", path.display());
    }
    sql(&format!("drop user {name}@'%'; drop database {name}"));
}

const SCRIPT: &str = r#"
format = 1
name = "script"

[vars.password]
type = "string"
secret = true
allow_empty = true

[target.db]
mysql = { host = "127.0.0.1", port = PORT, user = "root", password = "{{vars.password}}" }

[[step]]
id = "fill"
sql.script = { target = "db", database = "DATABASE", sql = "insert into marks values (1); select sleep(2); insert into marks values (2);" }
undo = [{ sql.execute = { target = "db", database = "DATABASE", sql = "delete from marks", rows = { max = 2 } } }]

[[step]]
id = "after"
shell.run = { argv = ["touch", "after"] }
leaves = "a file"
"#;

#[test]
fn a_script_that_lost_its_database_in_the_middle_is_not_done_twice() {
    for (db, name) in [(Db::OceanBase, "script_ob"), (Db::MariaDb, "script_ma")] {
        let lab = Lab::get();
        let name = format!("{name}_{}", std::process::id());
        let sql = |text: &str| lab.sql(db, "", text);
        sql(&format!("create database {name}; create table {name}.marks (id int primary key)"));
        let marks = || sql(&format!("select id from {name}.marks order by id"));
        let mut way = Way::new(lab.port(db));
        let text = SCRIPT.replace("PORT", &way.port.to_string()).replace("DATABASE", &name);
        let sandbox = Sandbox::new().file("script.toml", text).env("RUNBOOK_VAR_PASSWORD", lab.password(db));
        let child = sandbox.spawn(["exec", "script.toml", "--no-input"]);
        while marks() != ["1"] {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        way.cut();
        let (code, said) = sandbox.wait(child).seen();
        assert_eq!(code, Some(6), "{said}");
        way.mend();
        // Nobody but a person can say how far it came.
        let (code, said) = sandbox.run(["resume", "--last", "--no-input"]).seen();
        assert_eq!(code, Some(6), "{said}");
        assert!(said.contains("--answer fill=done") && said.contains("--answer fill=not-done"), "{said}");
        assert_eq!(marks(), ["1"], "it was done again");
        sandbox.run(["rollback", "--last", "--no-input"]).only_code(0);
        assert!(marks().is_empty() && !sandbox.path("after").exists());
        way.cut();
        sql(&format!("drop database {name}"));
    }
}
