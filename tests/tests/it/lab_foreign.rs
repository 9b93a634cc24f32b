//! The obdumper and obloader way of the shipped runbooks, on the lab: the published tools' stand-ins, a real database, and the proof that a native
//! backup is held to as well.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::lab::{Db, NEW, OLD, Odc, Release};
use crate::sandbox::Ran;

/// The variables of obdumper's way; `ob_tenant` so that `-t` is on the command line.
fn tools(odc: &Odc) -> Vec<String> {
    vec![
        format!("obdumper={}", odc.lab.tool("obdumper")),
        format!("obloader={}", odc.lab.tool("obloader")),
        "ob_user=root".to_owned(),
        "ob_tenant=sys".to_owned(),
    ]
}

/// Runs a shipped runbook with variables of its own.
fn run(odc: &Odc, env: &[(&str, &str)], runbook: &str, release: Option<Release>, vars: &[String], more: &[&str]) -> Ran {
    let text = std::fs::read_to_string(format!("{}/../runbooks/{runbook}.toml", env!("CARGO_MANIFEST_DIR"))).expect("a runbook");
    let known = |one: &&String| one.split('=').next().is_some_and(|name| text.contains(&format!("[vars.{name}]")));
    let mut words: Vec<&str> = vars.iter().filter(known).flat_map(|one| ["--var", one]).collect();
    words.extend(more);
    odc.runbook_with(env, runbook, release, &words)
}

/// The old release, backed up by obdumper, and its variables for that.
fn backed_up() -> (Odc, Vec<String>) {
    let odc = Odc::old(Db::OceanBase);
    let mut vars = tools(&odc);
    vars.extend(["tool=obdumper".to_owned(), odc.backup()]);
    run(&odc, &[], "odc-backup", None, &vars, &[]).only_code(0);
    odc.wait_for(OLD.version);
    (odc, vars)
}

/// Upgrades to the new release, with a backup of its own.
fn upgrade(odc: &Odc) {
    let second = format!("backup_dir={}", odc.sandbox.path("second").display());
    odc.runbook("odc-upgrade", Some(NEW), &["--var", &second]).only_code(0);
    odc.wait_for(NEW.version);
}

#[test]
fn a_backup_of_obdumper_brings_the_old_version_back() {
    let (odc, vars) = backed_up();
    let before = odc.contents();
    let backup = odc.sandbox.path("backup").display().to_string();
    let (shown, _) = odc.sandbox.run(["backup", "verify", &backup]).only_code(0);
    assert!(shown.contains("obdumper"), "{shown}");
    upgrade(&odc);
    assert_ne!(odc.contents(), before);

    run(&odc, &[], "odc-rollback", Some(OLD), &vars, &[]).only_code(0);
    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    assert!(odc.sandbox.path("backup-upgraded/manifest.json").exists(), "the upgraded database is kept as a dump");
}

#[test]
fn a_loader_that_hides_its_errors_is_found_out_and_undone() {
    let (odc, vars) = backed_up();
    upgrade(&odc);
    let new = odc.contents();
    let lies = [("LAB_OB_FAIL", "audit_event"), ("LAB_OB_EXIT_ZERO", "1")];
    let (shown, said) = run(&odc, &lies, "odc-rollback", Some(OLD), &vars, &["--on-failure", "rollback"]).only_code(5);
    assert!(format!("{shown}{said}").contains("table `audit_event`"), "nothing names the table:\n{shown}{said}");
    odc.wait_for(NEW.version);
    assert_eq!(odc.contents(), new);
}

#[test]
fn a_dump_that_hides_its_errors_is_no_backup() {
    let odc = Odc::old(Db::OceanBase);
    let mut vars = tools(&odc);
    vars.extend(["tool=obdumper".to_owned(), odc.backup()]);
    let lies = [("LAB_OB_FAIL", "iam_user"), ("LAB_OB_EXIT_ZERO", "1")];
    let (shown, said) = run(&odc, &lies, "odc-backup", None, &vars, &[]).only_code(5);
    assert!(format!("{shown}{said}").contains("FAILURE"), "{shown}{said}");
    assert!(!odc.sandbox.path("backup/manifest.json").exists());
    odc.wait_for(OLD.version);

    // A dump of what goes on being written is of no one moment.
    vars.pop();
    vars.extend(["keep_running=true".to_owned(), format!("backup_dir={}", odc.sandbox.path("other").display())]);
    run(&odc, &[], "odc-backup", None, &vars, &[]).only_code(9);
    assert!(!odc.sandbox.path("other").exists());
}

/// Runs a tool's stand-in by hand, with the password through its standard input.
fn tool(odc: &Odc, name: &str, password: &str, words: &[&str]) -> Output {
    let folder = odc.sandbox.path("tool").display().to_string();
    let port = odc.lab.port(Db::OceanBase).to_string();
    let mut tool = Command::new(odc.lab.tool(name));
    tool.args(["--thread", "1", "-h", "127.0.0.1", "-P", &port, "-u", "root@sys", "-D", &odc.database]);
    tool.args(["--ddl", "--csv", "--no-sys", "--all", "-f", &folder]).args(words).arg("-p");
    let mut child = tool.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a stand-in");
    let _ = child.stdin.take().expect("a pipe").write_all(format!("{password}\n").as_bytes());
    child.wait_with_output().expect("its output")
}

#[test]
fn the_stand_ins_refuse_what_the_real_tools_refuse() {
    let odc = Odc::old(Db::OceanBase);
    let password = odc.lab.password(Db::OceanBase).to_owned();
    let said = |output: &Output| format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));

    let wrong = tool(&odc, "obdumper", "wrong", &[]);
    assert_eq!(wrong.status.code(), Some(1), "{}", said(&wrong));
    assert!(!odc.sandbox.path("tool").exists());
    let good = tool(&odc, "obdumper", &password, &[]);
    assert_eq!(good.status.code(), Some(0), "{}", said(&good));
    assert!(said(&good).contains("| No.#   | Type   | Name"), "{}", said(&good));
    let again = tool(&odc, "obdumper", &password, &[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("not empty"), "{}", said(&again));

    // Over what is there already: definitions stay, rows are refused one after the other.
    let over = tool(&odc, "obloader", &password, &["--skip-header"]);
    assert_eq!(over.status.code(), Some(1), "{}", said(&over));
    assert!(said(&over).contains("FAILURE"), "{}", said(&over));
    let replaced = tool(&odc, "obloader", &password, &["--skip-header", "--replace-object"]);
    assert_eq!(replaced.status.code(), Some(0), "{}", said(&replaced));
    // Without it, the header is a row like the others.
    let header = tool(&odc, "obloader", &password, &["--replace-object"]);
    assert_eq!(header.status.code(), Some(1), "{}", said(&header));
}
