//! The shipped ODC runbooks on the lab: real containers, a real database, a server that really migrates.

use std::net::{Ipv4Addr, TcpListener};

use crate::docs;
use crate::lab::{BROKEN, Db, NEW, OLD, Odc};

/// Everything that a failed start must not have touched.
#[track_caller]
fn untouched(odc: &Odc, started_at: &str) {
    assert_eq!(odc.inspect(&odc.container, "{{.State.StartedAt}}"), started_at, "the container was stopped");
    assert_eq!(odc.inspect(&odc.container, "{{.HostConfig.RestartPolicy.Name}}"), "always");
    assert_eq!(odc.containers("").len(), 1, "there is another container");
    assert!(!odc.sandbox.path("backup").exists(), "something was written");
}

#[test]
fn an_upgrade_ends_on_the_new_version_with_everything_in_place() {
    let odc = Odc::old(Db::OceanBase);
    let mounts = odc.inspect(&odc.container, "{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}");
    odc.runbook("odc-upgrade", Some(NEW), &["--var", &odc.backup()]).only_code(0);

    odc.wait_for(NEW.version);
    assert_eq!(odc.get("/api/v1/lab/objects").map(|(status, _)| status), Some(200), "a file is lost that a row refers to");
    let highest = odc.sql("select count(*) from migrate_schema_history where version = '4.3.4.12' and success = 1");
    assert_eq!(highest, ["1"]);
    let after = odc.inspect(&odc.container, "{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}");
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    assert_eq!(sorted(&after), sorted(&mounts));
    assert_eq!(odc.inspect(&odc.container, "{{.HostConfig.RestartPolicy.Name}}"), "always");
    let aside = odc.containers("-before-");
    let [aside] = aside.as_slice() else { panic!("one old container is set aside, not {aside:?}") };
    assert_eq!(odc.inspect(aside, "{{.State.Running}} {{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}}"), "false 0 no");
    let backup = odc.sandbox.path("backup").display().to_string();
    odc.sandbox.run(["backup", "verify", &backup]).only_code(0);
}

#[test]
fn a_failed_upgrade_rolls_back_by_itself() {
    let odc = Odc::old(Db::OceanBase);
    let before = odc.contents();
    odc.runbook("odc-upgrade", Some(BROKEN), &["--var", &odc.backup()]).only_code(5);

    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    assert_eq!(odc.inspect(&odc.container, "{{.Config.Image}} {{.HostConfig.RestartPolicy.Name}}"), "runbook-lab/odc:4.2.4 always");
    assert_eq!(odc.containers("-failed-").len(), 1, "the failed container is kept");
    assert!(odc.sandbox.path("backup-upgraded/manifest.json").exists(), "the upgraded database is kept as a dump");
}

#[test]
fn a_stopped_upgrade_is_rolled_back_with_its_database() {
    let odc = Odc::old(Db::OceanBase);
    let before = odc.contents();
    let (_, stopped) = odc.runbook("odc-upgrade", Some(BROKEN), &["--var", &odc.backup(), "--on-failure", "stop"]).only_code(1);
    for page in ["README.md", "README.zh-CN.md"] {
        assert_eq!(odc.as_in_the_guides(&stopped).trim(), odc.as_in_the_guides(&docs::shown(page, "console lab")).trim(), "{page}");
    }
    assert_eq!(odc.get("/api/v1/info"), None, "the broken server answers");
    assert_ne!(odc.contents(), before);

    // The procedure without the database refuses, and changes nothing.
    let started = odc.inspect(&odc.container, "{{.State.StartedAt}}");
    let (_, said) = odc.runbook("odc-rollback-image", Some(OLD), &[]).only_code(9);
    assert!(said.contains("not-newer") && said.contains("4.2.4.18"), "the message does not say why:\n{said}");
    assert_eq!(odc.inspect(&odc.container, "{{.State.StartedAt}}"), started);

    let aside = odc.containers("-before-");
    let old = format!("old_container={}", aside[0]);
    odc.runbook("odc-rollback", Some(OLD), &["--var", &odc.backup(), "--var", &old]).only_code(0);

    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    assert_eq!(odc.get("/api/v1/lab/objects").map(|(status, _)| status), Some(200));
    assert_eq!(odc.inspect(&odc.container, "{{.HostConfig.RestartPolicy.Name}}"), "always");
    assert_eq!(odc.containers("-failed-").len(), 1);
}

#[test]
fn a_rollback_makes_the_old_container_anew_where_it_is_gone() {
    let odc = Odc::old(Db::MariaDb);
    let before = odc.contents();
    odc.runbook("odc-upgrade", Some(NEW), &["--var", &odc.backup()]).only_code(0);
    for aside in odc.containers("-before-") {
        odc.lab.docker_ok(&["rm", &aside]);
    }

    odc.runbook("odc-rollback", Some(OLD), &["--var", &odc.backup()]).only_code(0);
    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    assert_eq!(odc.get("/api/v1/lab/objects").map(|(status, _)| status), Some(200), "the mounts are lost");
}

#[test]
fn a_backup_starts_odc_again_and_is_never_written_over() {
    let odc = Odc::old(Db::OceanBase);
    odc.runbook("odc-backup", None, &["--var", &odc.backup()]).only_code(0);
    odc.wait_for(OLD.version);
    let manifest = odc.sandbox.read("backup/manifest.json");

    let (_, said) = odc.runbook("odc-backup", None, &["--var", &odc.backup()]).only_code(9);
    assert!(said.contains("backup"), "{said}");
    assert_eq!(odc.sandbox.read("backup/manifest.json"), manifest);
}

#[test]
fn a_wrong_password_changes_nothing_and_is_never_shown() {
    let odc = Odc::old(Db::OceanBase);
    let started = odc.inspect(&odc.container, "{{.State.StartedAt}}");
    let wrong = [("RUNBOOK_VAR_METADB_PASSWORD", "w4ong-P4ssword")];
    let (shown, said) = odc.runbook_with(&wrong, "odc-upgrade", Some(NEW), &["--var", &odc.backup()]).only_code(9);
    assert!(said.contains("Access denied") || said.contains("password"), "{said}");
    assert!(!format!("{shown}{said}").contains("w4ong-P4ssword"), "the password is shown");
    untouched(&odc, &started);
}

#[test]
fn without_docker_nothing_is_changed() {
    let odc = Odc::old(Db::OceanBase);
    let started = odc.inspect(&odc.container, "{{.State.StartedAt}}");
    let gone = [("DOCKER_HOST", "unix:///nonexistent/docker.sock")];
    let (_, said) = odc.runbook_with(&gone, "odc-upgrade", Some(NEW), &["--var", &odc.backup()]).only_code(9);
    assert!(said.contains("/nonexistent/docker.sock"), "{said}");
    untouched(&odc, &started);
}

#[test]
fn without_a_database_nothing_is_changed() {
    let odc = Odc::old(Db::OceanBase);
    let started = odc.inspect(&odc.container, "{{.State.StartedAt}}");
    // A port that was free a moment ago: nobody listens there.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a free port").port();
    let elsewhere = format!("metadb_port={port}");
    let (_, said) = odc.runbook("odc-upgrade", Some(NEW), &["--var", &odc.backup(), "--var", &elsewhere]).only_code(9);
    assert!(said.contains(&port.to_string()), "{said}");
    untouched(&odc, &started);
}

#[test]
fn a_missing_image_changes_nothing() {
    let odc = Odc::old(Db::OceanBase);
    let started = odc.inspect(&odc.container, "{{.State.StartedAt}}");
    let missing = "image=runbook-lab/odc:9.9.9";
    let (_, said) = odc.runbook("odc-upgrade", Some(NEW), &["--var", &odc.backup(), "--var", missing]).only_code(9);
    assert!(said.contains("runbook-lab/odc:9.9.9"), "{said}");
    untouched(&odc, &started);
}

#[test]
fn a_name_that_is_taken_is_a_failure_that_says_so() {
    let odc = Odc::old(Db::OceanBase);
    let started = odc.inspect(&odc.container, "{{.State.StartedAt}}");
    let text = format!(
        "format = 1\nname = \"taken\"\ntitle = \"Run a second one\"\nrisk = \"low\"\non_failure = \"stop\"\n\n[[step]]\nid = \"run\"\n\
         docker.run = {{ image = \"runbook-lab/odc:4.2.4\", name = \"{}\", network = \"host\" }}\nleaves = \"a container\"\n",
        odc.container
    );
    std::fs::write(odc.sandbox.path("taken.toml"), text).expect("a file");
    let (_, said) = odc.sandbox.run(["exec", "taken.toml", "--no-input"]).only_code(1);
    assert!(said.contains(&odc.container), "{said}");
    assert_eq!(odc.inspect(&odc.container, "{{.State.StartedAt}}"), started, "the container of that name was touched");
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_changed() {
    let odc = Odc::old(Db::OceanBase);
    let text = format!(
        "format = 1\nname = \"taken\"\ntitle = \"Look at the port\"\nrisk = \"low\"\non_failure = \"stop\"\n\n[[check]]\nid = \"port\"\n\
         net.port_free = {{ ports = [{}] }}\n\n[[step]]\nid = \"never\"\nshell.run = {{ argv = [\"touch\", \"changed\"] }}\nleaves = \"a file\"\n",
        odc.port
    );
    std::fs::write(odc.sandbox.path("taken.toml"), text).expect("a file");
    let (_, said) = odc.sandbox.run(["exec", "taken.toml", "--no-input"]).only_code(9);
    assert!(said.contains(&odc.port.to_string()), "{said}");
    assert!(!odc.sandbox.path("changed").exists());
}

#[test]
fn a_stop_without_patience_is_a_kill_and_one_with_it_is_not() {
    let odc = Odc::old(Db::OceanBase);
    std::fs::write(odc.sandbox.path("data/lab-knobs"), "LAB_ODC_STOP_SECONDS=11\n").expect("a file");
    odc.lab.docker_ok(&["restart", "--time", "60", &odc.container]);
    odc.wait_for(OLD.version);
    // As published, with the engine's ten seconds.
    odc.lab.docker_ok(&["stop", &odc.container]);
    assert_eq!(odc.inspect(&odc.container, "{{.State.ExitCode}}"), "137");
    odc.lab.docker_ok(&["start", &odc.container]);
    odc.wait_for(OLD.version);
    // As the shipped runbooks do it.
    odc.runbook("odc-backup", None, &["--var", &odc.backup()]).only_code(0);
    let log = odc.sandbox.read("log/odc.log");
    assert_eq!(log.matches("Stopped OdcServer").count(), 2, "the backup's stop was a kill:\n{log}");
}

#[test]
fn a_database_too_broken_to_be_kept_waits_for_a_person() {
    let odc = Odc::old(Db::MariaDb);
    odc.runbook("odc-backup", None, &["--var", &odc.backup()]).only_code(0);
    odc.wait_for(OLD.version);
    odc.sql("create table gone (a int); create view broken as select a from gone; drop table gone; create table only_here (a int)");
    let (_, said) = odc.runbook("odc-rollback", Some(OLD), &["--var", &odc.backup()]).only_code(7);
    assert!(said.contains("the view `broken` cannot be read"), "nothing says why:\n{said}");
    assert!(said.contains("where a person can be asked"), "nothing says what to do:\n{said}");
    assert_eq!(odc.sql("select count(*) from only_here"), ["0"], "something was dropped");
    assert!(!odc.sandbox.path("backup-upgraded").exists());
}

#[test]
fn a_rollback_that_is_taken_back_leaves_nothing_that_starts_by_itself() {
    let odc = Odc::old(Db::OceanBase);
    let backup = odc.backup();
    odc.runbook("odc-upgrade", Some(NEW), &["--var", &backup]).only_code(0);
    let aside = odc.containers("-before-").remove(0);
    odc.runbook("odc-rollback", Some(OLD), &["--var", &backup, "--var", &format!("old_container={aside}")]).only_code(0);
    odc.sandbox.run(["rollback", "--last", "--yes", "--no-input"]).only_code(0);
    odc.wait_for(NEW.version);
    let state = "{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}";
    assert_eq!(odc.inspect(&odc.container, state), "true always");
    assert_eq!(odc.inspect(&aside, state), "false no", "the old ODC comes back with the engine, and meets a newer database");
}
