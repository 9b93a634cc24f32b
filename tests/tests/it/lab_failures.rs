//! Failure by failure: what `docs/failures.md` lists and no other test of the lab injects. Each says where it is caught, and that the system is as it was or
//! comes back.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::lab::{BROKEN, Db, NEW, OLD, Odc};
use crate::oms::{self, Oms, Untouched};
use crate::way::Way;

/// Somebody who works on a database, until it goes out of scope.
struct Busy(Child);

impl Busy {
    fn on(lab: &crate::lab::Lab, db: Db, database: &str) -> Self {
        let mut client = lab.client_command(db);
        // It waits for statements that never come.
        client.arg(database).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let busy = Self(client.spawn().expect("the mariadb client"));
        let asked = format!("select count(*) from information_schema.processlist where db = '{database}' and command = 'Sleep'");
        while lab.sql(db, "", &asked) == ["0"] {
            std::thread::sleep(Duration::from_millis(50));
        }
        busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Faults that are there before anything begins, on one OMS: a mount left out, no room, clocks apart, an application that is dead in a running container.
#[test]
fn what_can_be_known_before_is_refused_before_oms_is_stopped() {
    let oms = Oms::old();
    let mut untouched = Untouched::of(&oms);
    let refused = |untouched: &Untouched, more: &[&str], words: &[&str]| {
        let (_, said) = oms.runbook("oms-upgrade", more).only_code(9);
        for word in words {
            assert!(said.contains(word), "`{word}` is not said:\n{said}");
        }
        oms.assert_untouched(untouched);
    };
    // A file system without a free byte.
    refused(&untouched, &["backup_dir=/proc/backup"], &["`room` failed"]);

    // A database whose clock is two minutes late: MariaDB can be told so for one user.
    let mariadb = |text: &str| oms.lab.sql(Db::MariaDb, "", text);
    let late = format!("late_{}", oms.rm);
    mariadb(&format!("create user if not exists '{late}'@'%' identified by 'late'"));
    mariadb(
        "set global init_connect = \"begin not atomic if current_user() like 'late\\_%' then set timestamp = unix_timestamp() - 120; end if; end\"",
    );
    let config = oms.sandbox.read("config.yaml");
    let port = |db: Db| format!("oms_meta_port: {}", oms.lab.port(db));
    let with_late =
        config.replace(&port(Db::OceanBase), &port(Db::MariaDb)).replace("oms_meta_user: root@sys", &format!("oms_meta_user: {late}"));
    let password = with_late.lines().find(|line| line.starts_with("oms_meta_password")).expect("a password").to_owned();
    std::fs::write(oms.sandbox.path("config.yaml"), with_late.replace(&password, "oms_meta_password: late")).expect("a file");
    let (_, said) = oms.runbook("oms-upgrade", &[]).only_code(9);
    std::fs::write(oms.sandbox.path("config.yaml"), &config).expect("a file");
    mariadb("set global init_connect = ''");
    mariadb(&format!("drop user '{late}'@'%'"));
    assert!(said.contains("`clocks` failed"), "{said}");
    oms.assert_untouched(&untouched);

    // The container is "Up", and its console is dead.
    oms.lab.docker_ok(&["exec", &oms.old, "supervisorctl", "stop", "oms_console"]);
    refused(&untouched, &[], &["`old-healthy` failed"]);
    oms.lab.docker_ok(&["exec", &oms.old, "supervisorctl", "start", "oms_console"]);

    // The old container was run without the store's mount; IS_UPGRADE is no reason for a refusal.
    oms.lab.docker_ok(&["rm", "--force", &oms.old]);
    let config = format!("{}:/home/admin/conf/config.yaml", oms.sandbox.path("config.yaml").display());
    let run = format!("{}:/home/ds/run", oms.sandbox.path("run").display());
    let address = format!("OMS_HOST_IP={}", oms.ip);
    oms.lab.docker_ok(&[
        "run",
        "-d",
        "--net",
        "host",
        "--restart",
        "always",
        "-v",
        &config,
        "-v",
        &run,
        "-e",
        &address,
        "--privileged=true",
        "--name",
        &oms.old,
        oms::OLD,
    ]);
    oms.wait_for_health();
    untouched = Untouched::of(&oms);
    refused(&untouched, &[], &["`old-container` failed", "/home/ds/store"]);
}

/// A port that somebody else has, and somebody who still works on a database: known only when OMS is down, so it is brought back.
#[test]
fn a_port_in_use_brings_the_old_oms_back() {
    let oms = Oms::old();
    let before = oms.contents();
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    let port = taken.local_addr().expect("its number").port();
    let mut ports: Vec<String> = oms.ports.values().map(u16::to_string).collect();
    ports.push(port.to_string());
    let (_, said) = oms.runbook("oms-upgrade", &[&format!("ports=[{}]", ports.join(", "))]).only_code(5);
    assert!(said.contains("`ports` failed") && said.contains(&port.to_string()), "{said}");
    assert!(!oms.sandbox.path("backup").exists());
    oms.assert_back(&before);
}

/// `IS_UPGRADE=TRUE` of the old container does not get through, and Ctrl-C does not end `docker_init.sh`.
#[test]
fn docker_init_is_waited_for_and_the_upgrade_is_taken_up_after_it() {
    let oms = Oms::old();
    oms.lab.docker_ok(&["rm", "--force", &oms.old]);
    oms.run_with(&oms.old, oms::OLD, &["-e", "IS_UPGRADE=TRUE"]);
    oms.wait_for_health();
    oms.knob("LAB_OMS_STAGE_SECONDS=2");
    // The new one also gets a certificate, beside the old one's mounts.
    for name in ["crt", "key"] {
        std::fs::write(oms.sandbox.path(name), "PEM").expect("a file");
    }
    let [certificate, key] =
        [("https_certificate", "crt"), ("https_key", "key")].map(|(var, file)| format!("{var}={}", oms.sandbox.path(file).display()));
    let mut words = oms.words("oms-upgrade", &[&certificate, &key]);
    words.push("--no-input".to_owned());
    let child = oms.sandbox.command(words.iter().map(String::as_str)).spawn().expect("the program");
    let log = oms.sandbox.path("logs/docker_init.log");
    std::fs::write(&log, "").expect("a file");
    while !std::fs::read_to_string(&log).unwrap_or_default().contains("【2/5】") {
        std::thread::sleep(Duration::from_millis(50));
    }
    crate::sandbox::Sandbox::signal(&child, Signal::INT);
    let (_, said) = oms.sandbox.wait(child).only_code(130);
    let log = std::fs::read_to_string(&log).expect("the log");
    assert!(log.ends_with("【结束】全部初始化步骤执行成功\n"), "docker_init.sh was interrupted:\n{log}\n{said}");
    assert_eq!(
        oms.inspect(&oms.new, "{{range .Config.Env}}{{println .}}{{end}}").lines().filter(|line| *line == "IS_UPGRADE=true").count(),
        1
    );

    let mounts = oms.inspect(&oms.new, "{{range .Mounts}}{{println .Destination}}{{end}}");
    assert!(mounts.lines().any(|mount| mount == "/etc/pki/nginx/oms_server.key"), "{mounts}");
    oms.sandbox.run(["resume", "--last", "--yes", "--no-input"]).only_code(0);
    let again = std::fs::read_to_string(oms.sandbox.path("logs/docker_init.log")).expect("the log");
    assert_eq!(again, log, "docker_init.sh ran twice");
    oms.wait_for_health();
    assert_eq!((oms.ha("enable").as_str(), oms.stray_stores()), ("true", 0));
}

/// A server that says ONLINE, and whose heartbeat stands still.
#[test]
fn a_heartbeat_that_stands_still_is_no_server_online() {
    let oms = Oms::old();
    let before = oms.contents();
    oms.knob("LAB_OMS_NO_HEARTBEAT=3.4.0");
    let short = oms.shortened("oms-upgrade", &[("retry = { every = \"2s\", for = \"2m\" }", "retry = { every = \"1s\", for = \"3s\" }")]);
    let (_, said) = oms.runbook_file(&short, &[]).only_code(5);
    assert!(said.contains("`heartbeat-advances` failed"), "{said}");
    oms.assert_back(&before);
}

/// A backup that was damaged since: nothing is dropped, nothing is stopped.
#[test]
fn a_damaged_backup_is_never_restored_from() {
    let oms = Oms::old();
    oms.runbook("oms-upgrade", &[]).only_code(0);
    let after = oms.contents();
    let data =
        oms.sandbox.everything_below("backup/cm").into_iter().find(|(path, _)| path.to_string_lossy().contains("data")).expect("rows");
    for damaged in [&data.1[..data.1.len() / 2], &[]] {
        std::fs::write(&data.0, damaged).expect("a file");
        let (_, said) = oms.runbook("oms-rollback", &[]).only_code(9);
        assert!(said.contains("`backup-cm` failed"), "{said}");
        assert_eq!(oms.inspect(&oms.new, "{{.State.Running}}"), "true");
    }
    std::fs::write(&data.0, &data.1).expect("a file");
    // A backup of another database is none of this one.
    std::fs::rename(oms.sandbox.path("backup/cm"), oms.sandbox.path("kept")).expect("a rename");
    std::fs::create_dir(oms.sandbox.path("backup/cm")).expect("a folder");
    for (path, bytes) in oms.sandbox.everything_below("backup/cm_hb") {
        std::fs::write(oms.sandbox.path("backup/cm").join(path.file_name().expect("a name")), bytes).expect("a file");
    }
    let (_, said) = oms.runbook("oms-rollback", &[]).only_code(9);
    assert!(said.contains("`backup-cm` failed"), "{said}");
    assert_eq!(oms.contents(), after);
}

/// ODC: a migration that is half done, and a second node that still works on the same database.
#[test]
fn an_odc_in_the_middle_of_something_is_not_upgraded() {
    let odc = Odc::old(Db::OceanBase);
    let started = odc.inspect(&odc.container, "{{.State.StartedAt}}");
    odc.sql("insert into migrate_schema_history(version, description, type, script, checksum, installed_by, execution_millis, success) values ('4.2.4.99', 'x', 'SQL', 'V_4_2_4_99__x.sql', 'x', 'x', 1, 0)");
    let (_, said) = odc.runbook("odc-upgrade", Some(NEW), &["--var", &odc.backup()]).only_code(9);
    assert!(said.contains("`no-half-migration` failed"), "{said}");
    assert_eq!(odc.inspect(&odc.container, "{{.State.StartedAt}}"), started);
    odc.sql("delete from migrate_schema_history where version = '4.2.4.99'");

    let before = odc.contents();
    let node = Busy::on(&odc.lab, odc.db, &odc.database);
    let (_, said) = odc.runbook("odc-upgrade", Some(BROKEN), &["--var", &odc.backup()]).only_code(5);
    drop(node);
    assert!(said.contains("`nobody-connected` failed"), "{said}");
    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    assert!(!odc.sandbox.path("backup").exists(), "a dump was taken while somebody worked");
}

/// A second node on the same database, which nobody thought of: it works on behind the dump, so the first one comes back and nothing is written.
#[test]
fn a_second_node_that_still_runs_brings_the_first_one_back() {
    let odc = Odc::old(Db::OceanBase);
    let second = format!("{}-second", odc.container);
    let port = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|listener| listener.local_addr()).expect("a free port").port();
    odc.run(&second, OLD, port);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let before = odc.contents();
    let (_, said) = odc.runbook("odc-upgrade", Some(NEW), &["--var", &odc.backup()]).only_code(5);
    assert!(said.contains("`nobody-connected` failed"), "{said}");
    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    assert!(!odc.sandbox.path("backup").exists(), "a dump was taken while the second node worked");
    assert_eq!(odc.inspect(&second, "{{.State.Running}} {{.RestartCount}}"), "true 0");
}

/// The way to the database is cut in the middle of a rollback's restore: half of the old metadb is there, and the dump kept aside. Then it is gone on with.
#[test]
fn a_restore_that_is_cut_off_is_started_over_when_the_database_is_there_again() {
    let odc = Odc::old(Db::OceanBase);
    let before = odc.contents();
    let mut way = Way::new(odc.lab.port(odc.db));
    let port = format!("metadb_port={}", way.port);
    let half = format!(
        "select count(*) from information_schema.tables where table_schema = '{}' and table_name = '__runbook_restore'",
        odc.database
    );
    let backup = odc.backup();
    let (code, said) = std::thread::scope(|scope| {
        let run = scope.spawn(|| odc.runbook("odc-upgrade", Some(BROKEN), &["--var", &backup, "--var", &port]).seen());
        while odc.lab.sql(odc.db, "", &half) == ["0"] && !run.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        way.cut();
        run.join().expect("a run")
    });
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("the undo of `start-new` failed: ") && said.contains("  go on       runbook resume "), "{said}");
    for folder in ["backup", "backup-upgraded"] {
        assert_eq!(odc.sandbox.run(["backup", "verify", folder]).any_code(), 0, "{folder}");
    }
    way.mend();
    let (code, said) = odc.sandbox.run(["resume", "--last", "--yes", "--no-input"]).seen();
    assert_eq!(code, Some(5), "{said}");
    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    way.cut();
}

/// What the runbooks themselves must not have.
#[test]
fn the_oms_runbooks_have_no_shell_and_no_terminal() {
    for name in ["oms-backup", "oms-upgrade", "oms-rollback"] {
        let text = std::fs::read_to_string(format!("{}/../runbooks/{name}.toml", env!("CARGO_MANIFEST_DIR"))).expect("a runbook");
        assert!(!text.contains("shell."), "{name} has a shell step");
        assert!(!text.contains("tty"), "{name} wants a terminal");
    }
}
