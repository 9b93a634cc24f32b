//! Locks that hold on all hosts: two hosts (each with a name, a boot id and a folder of locks of its own) and a real server that both see.

use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::Signal;

use crate::lab::{Db, Lab};
use crate::namespaces;
use crate::sandbox::{Ran, Sandbox};
use crate::way::Way;

/// Begins with nothing, waits for a file, is done. Doing it twice does no harm.
const RUNBOOK: &str = r#"
format = 1
name = "upgrade"
locks = ["it@NAME"]

[lock_store]
target = "db"
database = "DATABASE"
lease = "LEASE"

[vars.password]
type = "string"
secret = true
allow_empty = true

[target.db]
mysql = { host = "127.0.0.1", port = PORT, user = "root", password = "{{vars.password}}" }

[[step]]
id = "work"
title = "Work until it is said that it is enough"
shell.script = { text = "touch began; until [ -e enough ]; do sleep 0.05; done" }
safety = "idempotent"
leaves = "a file"
"#;

/// The world around the program, as another machine would have it.
const MACHINE: &str = r#"
echo "$1" > /proc/sys/kernel/hostname && mount --bind "$2" /run/lock && mount --bind "$3" /proc/sys/kernel/random/boot_id && shift 3 && exec "$@"
"#;

struct Host {
    name: &'static str,
    sandbox: Sandbox,
}

impl Host {
    fn command(&self, words: &[&str]) -> Command {
        let program = self.sandbox.command(words.iter().copied());
        let mut command = namespaces::command(&self.sandbox, &["--uts", "--mount"]);
        command.args(["sh", "-c", MACHINE, "sh", self.name]).args([self.sandbox.path("locks"), self.sandbox.path("boot_id")]);
        command.arg(program.get_program()).args(program.get_args());
        command
    }

    fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().expect("unshare")
    }

    fn run(&self, words: &[&str]) -> Ran {
        self.sandbox.wait(self.start(words))
    }

    /// Both streams of a program that ends with that code.
    #[track_caller]
    fn said(&self, child: Child, code: i32) -> String {
        let (stdout, stderr) = self.sandbox.wait(child).only_code(code);
        stdout + &stderr
    }

    /// A run that is at work.
    fn at_work(&self) -> Child {
        let child = self.start(&["exec", "upgrade.toml"]);
        self.sandbox.wait_for("began");
        child
    }

    /// Says that it is enough.
    fn enough(&self) {
        std::fs::write(self.sandbox.path("enough"), "").expect("a file");
    }

    /// Ends the program as a power cut would; its child works on.
    fn kill(&self, child: Child) {
        Sandbox::signal(&child, Signal::KILL);
        assert_eq!(self.sandbox.wait(child).ended(), None);
    }

    /// The id of its one run.
    fn run_id(&self) -> String {
        let runs = std::fs::read_dir(self.sandbox.path("state/runs")).expect("runs");
        let names: Vec<String> = runs.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let [one] = names.as_slice() else { panic!("{names:?}") };
        one.clone()
    }

    /// As it is after a restart.
    fn reboots(&self) {
        std::fs::write(self.sandbox.path("boot_id"), format!("{} again\n", self.name)).expect("a file");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.sandbox.end_marked();
    }
}

/// A server that hosts see, and its table.
struct Server {
    lab: Lab,
    db: Db,
    database: String,
}

impl Server {
    fn new(db: Db, name: &str) -> Self {
        let server = Self { lab: Lab::get(), db, database: format!("locks_{name}_{}", std::process::id()) };
        server.sql("", &format!("drop database if exists {}", server.database));
        server
    }

    fn sql(&self, database: &str, text: &str) -> Vec<String> {
        self.lab.sql(self.db, database, text)
    }

    fn host(&self, name: &'static str, lease: &str) -> Host {
        self.host_at(name, lease, self.lab.port(self.db))
    }

    fn host_at(&self, name: &'static str, lease: &str, port: u16) -> Host {
        let text = RUNBOOK.replace("NAME", &self.database).replace("DATABASE", &self.database);
        let text = text.replace("LEASE", lease).replace("PORT", &port.to_string());
        let sandbox = Sandbox::new().file("upgrade.toml", text).file("locks/.keep", "").file("boot_id", format!("boot of {name}\n"));
        Host { name, sandbox: sandbox.env("RUNBOOK_VAR_PASSWORD", self.lab.password(self.db)) }
    }

    /// Waits until the lease of a run has ended, by the server's clock.
    fn wait_for_silence(&self, run: &str) {
        let sql = format!("select count(*) from runbook_locks where run_id = '{run}' and expires_at <= utc_timestamp(6)");
        for _ in 0..600 {
            if self.sql(&self.database, &sql) == ["1"] {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the lease does not end: {:?}", self.sql(&self.database, "select * from runbook_locks"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.sql("", &format!("drop database if exists {}", self.database));
    }
}

#[test]
fn two_hosts_cannot_work_on_the_same_thing() {
    for (db, name) in [(Db::OceanBase, "two_ob"), (Db::MariaDb, "two_ma")] {
        let server = Server::new(db, name);
        let (first, second) = (server.host("alpha", "5m"), server.host("beta", "5m"));
        let child = first.at_work();
        second.enough();
        let (_, said) = second.run(&["exec", "upgrade.toml"]).only_code(8);
        for word in [
            &format!("error: `it@{}` is locked on all hosts by run `[RUN]` of `upgrade` on host `alpha`", server.database),
            "help: it is under way; look at it on `alpha`: `runbook runs show [RUN] --state-dir ",
            "help: where its process is gone, wait until its lease has ended, and go on with it there",
        ] {
            assert!(said.contains(word), "`{word}` is not said:\n{said}");
        }
        assert!(!second.sandbox.path("began").exists());
        assert_eq!(std::fs::read_dir(second.sandbox.path("state/runs")).expect("a folder").count(), 0, "a refusal leaves no run");

        first.enough();
        first.sandbox.wait(child).only_code(0);
        second.run(&["exec", "upgrade.toml"]).only_code(0);
        assert_eq!(server.sql(&server.database, "select fence, run_id from runbook_locks"), ["2\tNULL"]);
    }
}

#[test]
fn what_a_killed_run_of_another_host_holds_is_taken_on_a_persons_word_only() {
    for (db, name) in [(Db::OceanBase, "dead_ob"), (Db::MariaDb, "dead_ma")] {
        let server = Server::new(db, name);
        let (first, second) = (server.host("alpha", "2s"), server.host("beta", "2s"));
        let child = first.at_work();
        first.kill(child);
        let run = first.run_id();
        second.enough();
        server.wait_for_silence(&run);
        let (_, said) = second.run(&["exec", "upgrade.toml"]).only_code(8);
        for word in [
            "nothing says that it is finished",
            "help: go on with it on `alpha`: `runbook resume [RUN] --state-dir ",
            "help: where it has ended there, or `alpha` is gone and what the run left was looked at, take its locks: add `--take-over [RUN]`",
        ] {
            assert!(said.contains(word), "`{word}` is not said:\n{said}");
        }
        second.run(&["exec", "upgrade.toml", "--take-over", "20200101-000000-0000"]).only_code(8);
        let said = second.said(second.start(&["exec", "upgrade.toml", "--take-over", &run]), 0);
        assert!(said.contains("is taken over from run `[RUN]` of `upgrade` on host `alpha`"), "{said}");
        let journal = second.sandbox.read(&format!("state/runs/{}/journal.jsonl", second.run_id()));
        assert!(journal.contains(&format!("\"from\":{{\"run\":\"{run}\"")), "{journal}");

        // The other run is over, so the first may go on.
        first.enough();
        first.run(&["resume", "--last"]).only_code(0);
    }
}

#[test]
fn a_killed_run_is_gone_on_with_at_once_on_its_own_machine() {
    let server = Server::new(Db::MariaDb, "own");
    let host = server.host("alpha", "5m");
    let child = host.at_work();
    host.kill(child);
    let child = host.start(&["resume", "--last"]);
    host.sandbox.wait_for_record("recovered");
    host.kill(child);
    // After a restart only the lease tells whether the process is gone: this one could be a copy of the folder on another machine.
    host.reboots();
    host.enough();
    let (_, said) = host.run(&["resume", "--last"]).only_code(8);
    assert!(said.contains("is locked on all hosts by run `[RUN]` of `upgrade` on host `alpha`"), "{said}");
    server.sql(&server.database, "update runbook_locks set expires_at = utc_timestamp(6)");
    host.run(&["resume", "--last"]).only_code(0);
}

#[test]
fn a_run_that_cannot_renew_its_lock_stops_in_good_order() {
    let server = Server::new(Db::OceanBase, "cut");
    let mut way = Way::new(server.lab.port(server.db));
    let host = server.host_at("alpha", "3s", way.port);
    let child = host.at_work();
    way.cut();
    let said = host.said(child, 8);
    for word in [
        "warning: the locks at `db` (127.0.0.1:",
        "could not be renewed in time, and another run may take it: cannot connect:",
        "stopped in good order: it could not keep its lock (run [RUN])",
        "go on       runbook resume [RUN]",
    ] {
        assert!(said.contains(word), "`{word}` is not said:\n{said}");
    }
    host.enough();
    // Nothing is begun where nobody can say who has the lock.
    let (_, said) = host.run(&["resume", "--last"]).only_code(9);
    assert!(said.contains("`--no-lock-store`"), "{said}");
    way.mend();
    host.run(&["resume", "--last"]).only_code(0);
    assert_eq!(server.sql(&server.database, "select run_id from runbook_locks"), ["NULL"]);
    way.cut();
}

#[test]
fn a_run_that_was_begun_can_be_undone_without_the_server_of_its_locks() {
    let server = Server::new(Db::MariaDb, "without");
    let mut way = Way::new(server.lab.port(server.db));
    let host = server.host_at("alpha", "3s", way.port);
    let child = host.at_work();
    way.cut();
    host.sandbox.wait(child).only_code(8);
    let (_, said) = host.run(&["rollback", "--last", "--no-lock-store"]).only_code(0);
    assert!(said.contains("warning: `--no-lock-store`: no other host is kept away"), "{said}");
}

#[test]
fn a_lock_that_somebody_took_stops_the_run() {
    let server = Server::new(Db::MariaDb, "stolen");
    let host = server.host("alpha", "3s");
    let child = host.at_work();
    server.sql(&server.database, "update runbook_locks set run_id = 'another', host = 'beta', fence = fence + 1");
    let said = host.said(child, 8);
    assert!(said.contains("was taken by run `another` on host `beta`"), "{said}");
}

#[test]
fn a_run_that_is_given_up_gives_its_locks_free_everywhere() {
    let server = Server::new(Db::OceanBase, "given_up");
    let (first, second) = (server.host("alpha", "5m"), server.host("beta", "5m"));
    let child = first.at_work();
    Sandbox::signal(&child, Signal::TERM);
    first.sandbox.wait(child).only_code(143);
    second.enough();
    // Stopped, and so not finished; but its lease ended with its session.
    let (_, said) = second.run(&["exec", "upgrade.toml"]).only_code(8);
    assert!(said.contains("nothing says that it is finished"), "{said}");
    first.run(&["abandon", "--last", "--reason", "put right by hand"]).only_code(0);
    second.run(&["exec", "upgrade.toml"]).only_code(0);
}

#[test]
fn a_finished_run_of_the_same_machine_is_no_riddle() {
    let server = Server::new(Db::MariaDb, "same");
    let host = server.host("alpha", "5m");
    host.enough();
    host.run(&["exec", "upgrade.toml"]).only_code(0);
    // As if it had been killed between its last record and the release of its lock.
    let holder = format!(
        "update runbook_locks set run_id = '{}', host = 'alpha', boot_id = 'boot of alpha', state_dir = '{}', expires_at = utc_timestamp(6)",
        host.run_id(),
        host.sandbox.path("state").display()
    );
    server.sql(&server.database, &holder);
    host.run(&["exec", "upgrade.toml"]).only_code(0);
}
