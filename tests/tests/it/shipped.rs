//! The runbooks that come with the program: in order, and plannable with a site's values.

use std::path::PathBuf;

use crate::sandbox::Sandbox;

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path).canonicalize().expect("the repository")
}

/// What a site keeps in its own file.
const SITE: &str = r#"
metadb_host = "192.0.2.10"
metadb_user = "obodc@obodc#odc_cluster"
metadb_password = "correct-horse-battery"
"#;

#[test]
fn all_are_in_order() {
    let (runbooks, examples) = (repository("runbooks"), repository("docs/examples"));
    let args = ["check", "--deny-warnings", &runbooks.to_string_lossy(), &examples.to_string_lossy()];
    let (stdout, stderr) = Sandbox::new().run(args).only_code(0);
    assert!(stdout.ends_with(": all are in order\n"), "{stdout}{stderr}");
}

#[test]
fn each_can_be_planned_and_its_plan_has_no_secret() {
    let sandbox = Sandbox::new().file("site.toml", SITE);
    let versions = repository("runbooks/versions/odc-4.2.4.toml");
    for name in ["odc-backup", "odc-upgrade", "odc-rollback", "odc-rollback-image"] {
        let file = repository(&format!("runbooks/{name}.toml"));
        let text = std::fs::read_to_string(&file).expect("a runbook");
        let mut args = vec!["plan".to_owned(), file.to_string_lossy().into_owned(), "--var-file".to_owned(), "site.toml".to_owned()];
        if text.contains("[vars.highest_migration]") {
            args.extend(["--var-file".to_owned(), versions.to_string_lossy().into_owned()]);
        }
        if text.contains("[vars.backup_dir]") {
            args.extend(["--var".to_owned(), "backup_dir=/backup/odc/2026-11-21".to_owned()]);
        }
        for format in ["human", "markdown", "json"] {
            let (plan, _) = sandbox.run(args.iter().map(String::as_str).chain(["--format", format])).only_code(0);
            assert!(plan.contains("192.0.2.10") && !plan.contains("correct-horse"), "{name}: {plan}");
        }
    }
}

/// OMS's runbooks take names, addresses and the password from OMS's own configuration.
#[test]
fn those_for_oms_can_be_planned_and_their_plans_have_no_secret() {
    let config = "oms_meta_host: 192.0.2.10\noms_meta_port: 2883\noms_meta_user: root@oms#c\noms_meta_password: correct-horse-battery\n\
        drc_rm_db: rm_331\ndrc_cm_db: cm_331\ndrc_cm_heartbeat_db: cm_hb_331\ncm_url: http://192.0.2.20:8088\ncm_nodes:\n - 192.0.2.20\n";
    let sandbox = Sandbox::new().file("config.yaml", config);
    let config = format!("config_path={}", sandbox.path("config.yaml").display());
    let version = repository("runbooks/versions/oms-3.4.0.toml");
    for name in ["oms-backup", "oms-upgrade", "oms-rollback"] {
        let file = repository(&format!("runbooks/{name}.toml"));
        let mut args = vec!["plan".to_owned(), file.to_string_lossy().into_owned()];
        let site = ["container=oms_331", "new_container=oms_340", "host_ip=192.0.2.20", "backup_dir=/backup/oms/1", &config];
        let text = std::fs::read_to_string(&file).expect("a runbook");
        for one in site.iter().filter(|one| text.contains(&format!("[vars.{}]", one.split('=').next().unwrap_or_default()))) {
            args.extend(["--var".to_owned(), (*one).to_owned()]);
        }
        if name == "oms-upgrade" {
            args.extend(["--var-file".to_owned(), version.to_string_lossy().into_owned()]);
        }
        for format in ["human", "markdown", "json"] {
            let (plan, _) = sandbox.run(args.iter().map(String::as_str).chain(["--format", format])).only_code(0);
            assert!(plan.contains("rm_331") && !plan.contains("correct-horse"), "{name}: {plan}");
        }
    }
}

#[test]
fn the_template_can_be_planned() {
    let file = repository("runbooks/upgrade-template.toml").to_string_lossy().into_owned();
    let site = [
        "service=web",
        "image=web:2",
        "health_url=http://127.0.0.1/",
        "database_host=192.0.2.10",
        "database_user=web",
        "database=web",
        "backup_dir=/backup/1",
    ];
    let args = ["plan", &file].into_iter().chain(site.iter().flat_map(|one| ["--var", one]));
    let (plan, _) = Sandbox::new().env("RUNBOOK_VAR_DATABASE_PASSWORD", "correct-horse-battery").run(args).only_code(0);
    assert!(plan.contains("192.0.2.10") && !plan.contains("correct-horse"), "{plan}");
}
