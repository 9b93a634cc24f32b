//! A shipped runbook called by another one, on the lab.

use crate::lab::{Db, OLD, Odc};

/// Backs up by the shipped runbook, proves the backup, and breaks where it is told to.
const CAREFUL: &str = r#"
format = 1
name = "careful"
on_failure = "rollback"

[vars.container]
type = "string"

[vars.metadb_host]
type = "string"

[vars.metadb_port]
type = "port"

[vars.metadb_user]
type = "string"

[vars.metadb_password]
type = "string"
secret = true

[vars.metadb_name]
type = "string"

[vars.odc_port]
type = "port"

[vars.backup_dir]
type = "path"

[vars.ends]
type = "bool"

[[step]]
id = "backup"
title = "Back up first"
runbook.call = { file = "odc-backup.toml", vars = { container = "{{vars.container}}", metadb_host = "{{vars.metadb_host}}", metadb_port = "{{vars.metadb_port}}", metadb_user = "{{vars.metadb_user}}", metadb_password = "{{vars.metadb_password}}", metadb_name = "{{vars.metadb_name}}", odc_port = "{{vars.odc_port}}", backup_dir = "{{vars.backup_dir}}" } }

[[step]]
id = "prove"
sql.verify_backup = { manifest = "{{steps.backup.manifest}}" }
expect = ["gt tables 5"]

[[step]]
id = "end"
shell.run = { argv = ["test", "{{vars.ends}}", "=", "true"] }
leaves = "nothing"
"#;

fn careful(ends: bool) -> (Odc, String) {
    let odc = Odc::old(Db::OceanBase);
    let shipped = std::fs::read(format!("{}/../runbooks/odc-backup.toml", env!("CARGO_MANIFEST_DIR"))).expect("the runbook");
    std::fs::write(odc.sandbox.path("odc-backup.toml"), shipped).expect("a file");
    std::fs::write(odc.sandbox.path("careful.toml"), CAREFUL).expect("a file");
    (odc, format!("ends={ends}"))
}

#[test]
fn a_shipped_runbook_is_a_part_of_another_one() {
    let (odc, ends) = careful(true);
    let file = odc.sandbox.path("careful.toml").display().to_string();
    let (stdout, _) = odc.runbook_file(&file, None, &["--var", &odc.backup(), "--var", &ends]).only_code(0);
    let at = |line: &str| stdout.find(line).unwrap_or_else(|| panic!("`{line}` is not in\n{stdout}"));
    assert!(at("check backup/container-is-there: done") < at("step backup/stop: begins"));
    assert!(at("step backup/answers: done") < at("step prove: begins"));
    odc.wait_for(OLD.version);
    let backup = odc.sandbox.path("backup").display().to_string();
    odc.sandbox.run(["backup", "verify", &backup]).only_code(0);
}

#[test]
fn what_a_called_runbook_did_is_undone_with_its_caller() {
    let (odc, ends) = careful(false);
    let before = odc.contents();
    let file = odc.sandbox.path("careful.toml").display().to_string();
    let (stdout, stderr) = odc.runbook_file(&file, None, &["--var", &odc.backup(), "--var", &ends]).only_code(5);
    assert!(stdout.contains("undo backup/stop: done"), "{stdout}");
    assert!(stderr.contains("backup/stop") && stderr.contains("backup/dump"), "{stderr}");
    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    assert!(odc.sandbox.path("backup/manifest.json").exists(), "the backup stays");
}
