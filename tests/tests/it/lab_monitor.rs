//! `upgrade-template` on the lab, unchanged: an upgrade of the ODC stand-in as of any other product, and what its monitors see.

use std::time::Duration;

use crate::lab::{Db, NEW, OLD, Odc};
use crate::sandbox::Ran;

/// A copy of the template with changes, as a team would make it, run against this ODC.
fn upgrade(odc: &Odc, change: impl Fn(&str) -> String, more: &[&str]) -> Ran {
    let file = format!("{}/../runbooks/upgrade-template.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).expect("the template");
    std::fs::write(odc.sandbox.path("upgrade.toml"), change(&text)).expect("a file");
    let set = [
        format!("service={}", odc.container),
        format!("image={}", NEW.image),
        format!("health_url=http://127.0.0.1:{}/api/v1/info", odc.port),
        "database_host=127.0.0.1".to_owned(),
        format!("database_port={}", odc.lab.port(odc.db)),
        format!("database_user={}", odc.user),
        format!("database={}", odc.database),
        odc.backup(),
    ];
    let mut words = vec!["exec", "upgrade.toml", "--yes", "--no-input", "--report", "ticket.md"];
    for one in &set {
        words.extend(["--var", one]);
    }
    words.extend(more);
    let child = odc.sandbox.command(words).env("RUNBOOK_VAR_DATABASE_PASSWORD", &odc.password).spawn().expect("the program");
    odc.sandbox.wait(child)
}

#[test]
fn the_template_upgrades_another_product_and_is_watched_outside_its_downtime() {
    let odc = Odc::old(Db::OceanBase);
    // A step behind `healthy` that takes its time, as somebody's would.
    let slow = "[[step]]\nid = \"warm-up\"\nshell.run = { argv = [\"sleep\", \"3\"] }\nsafety = \"read_only\"\n\n[[verify]]\nid = \"same-settings\"";
    let change = |text: &str| text.replace("[[verify]]\nid = \"same-settings\"", slow).replace("every = \"5s\"", "every = \"500ms\"");
    let (stdout, _) = upgrade(&odc, change, &[]).only_code(0);
    odc.wait_for(NEW.version);
    assert!(stdout.contains("monitor old-works: watched: ") && stdout.contains("monitor new-works: watched: "), "{stdout}");
    assert!(!stdout.contains("monitor old-works: fails") && !stdout.contains("monitor new-works: fails"), "{stdout}");
    let ticket = odc.sandbox.read("ticket.md");
    assert!(ticket.contains("| `new-works` | The new version works from the moment when it was first healthy | done: "), "{ticket}");
}

#[test]
fn a_new_version_that_falls_over_after_it_was_healthy_is_rolled_back() {
    let odc = Odc::old(Db::OceanBase);
    let before = odc.contents();
    let stops = "[[step]]\nid = \"falls-over\"\ndocker.stop = { container = \"{{vars.service}}\" }\nleaves = \"nothing\"\n\n\
                 [[step]]\nid = \"goes-on\"\nshell.run = { argv = [\"sleep\", \"8\"] }\nsafety = \"read_only\"\n\n[[verify]]\nid = \"same-settings\"";
    let change = |text: &str| text.replace("[[verify]]\nid = \"same-settings\"", stops).replace("every = \"5s\"", "every = \"500ms\"");
    let (stdout, stderr) = upgrade(&odc, change, &[]).only_code(5);
    assert!(stderr.contains("`new-works` failed: 3 probes failed in a row"), "{stdout}\n{stderr}");
    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    let ticket = odc.sandbox.read("ticket.md");
    assert!(ticket.contains("**tripped** at "), "{ticket}");
}

#[test]
fn an_old_version_that_falls_over_by_itself_is_not_upgraded() {
    let odc = Odc::old(Db::OceanBase);
    let waits = "[[step]]\nid = \"load\"\nshell.script = { text = \"touch loading; sleep 5\" }\nsafety = \"read_only\"\n\n[[step]]\nid = \"no-restart\"";
    let change = |text: &str| text.replacen("[[step]]\nid = \"no-restart\"", waits, 1).replace("every = \"5s\"", "every = \"300ms\"");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            odc.sandbox.wait_for("loading");
            std::thread::sleep(Duration::from_millis(500));
            odc.lab.docker_ok(&["stop", "--time", "1", &odc.container]);
        });
        let (_, stderr) = upgrade(&odc, change, &[]).only_code(1);
        assert!(stderr.contains("stopped at `old-works`; nothing was rolled back"), "{stderr}");
    });
    assert!(!odc.sandbox.path("backup").exists(), "something was done");
    assert_eq!(odc.inspect(&odc.container, "{{.Config.Image}} {{.HostConfig.RestartPolicy.Name}}"), format!("{} always", OLD.image));
}
