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
