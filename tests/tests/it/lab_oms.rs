//! The shipped OMS runbooks on the lab: real containers, three real databases, a `docker_init.sh` that really alters them.

use crate::oms::{Oms, Untouched};
use crate::terminal::Terminal;

#[test]
fn an_upgrade_ends_on_the_new_version_with_ha_as_it_was() {
    let oms = Oms::old();
    let mounts = oms.inspect(&oms.old, "{{range .Mounts}}{{.Source}}:{{.Destination}}\n{{end}}");
    oms.runbook("oms-upgrade", &[]).only_code(0);

    oms.wait_for_health();
    assert_eq!(oms.sql(&oms.rm, "select version from cluster_info"), ["3.4.0"]);
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(lines(&oms.inspect(&oms.new, "{{range .Mounts}}{{.Source}}:{{.Destination}}\n{{end}}")), lines(&mounts));
    let settings = "{{.HostConfig.NetworkMode}} {{.HostConfig.Privileged}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Ulimits}}";
    assert_eq!(oms.inspect(&oms.new, settings), oms.inspect(&oms.old, settings).replace(" no ", " always "));
    assert_eq!(oms.inspect(&oms.old, "{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}"), "false no");
    assert_eq!((oms.ha("enable").as_str(), oms.ha("refetchStoreIntervalMin").as_str()), ("true", "30"));
    assert_eq!(oms.stray_stores(), 0, "HA was on while OMS was down");
    let backup = oms.sandbox.path("backup");
    for part in ["rm", "cm", "cm_hb"] {
        oms.sandbox.run(["backup", "verify", &backup.join(part).display().to_string()]).only_code(0);
    }
    let manifest = oms.sandbox.read("backup/cm_hb/manifest.json");
    assert!(!manifest.contains("\"rows\": 2"), "the old numbers were backed up too: {manifest}");
}

#[test]
fn a_half_run_docker_init_is_rolled_back_by_itself() {
    let oms = Oms::old();
    let before = oms.contents();
    oms.knob("LAB_OMS_FAIL_AT=2");
    oms.runbook("oms-upgrade", &[]).only_code(5);
    oms.assert_back(&before);
    let aside = oms.sandbox.path("backup-upgraded");
    assert!(aside.join("rm/manifest.json").exists(), "the altered database is kept as a dump");
}

#[test]
fn a_mistake_in_the_image_costs_no_restore() {
    let oms = Oms::old();
    let before = oms.contents();
    // An image for the right machine that is no OMS, and stays up.
    let (_, said) = oms.runbook("oms-upgrade", &["image=runbook-lab/odc:4.3.4"]).only_code(5);
    assert!(said.contains("`is-oms` failed"), "{said}");
    assert!(!oms.sandbox.path("backup-upgraded").exists(), "a database was restored");
    oms.assert_back(&before);
}

#[test]
fn a_docker_init_without_its_closing_line_is_a_failed_one() {
    let oms = Oms::old();
    let before = oms.contents();
    oms.knob("LAB_OMS_NO_CLOSING_LINE=1");
    let (_, said) = oms.runbook("oms-upgrade", &[]).only_code(5);
    assert!(said.contains("docker-init"), "{said}");
    oms.assert_back(&before);
}

#[test]
fn a_stopped_upgrade_is_rolled_back_from_the_backup_alone() {
    let oms = Oms::old();
    let before = oms.contents();
    oms.knob("LAB_OMS_FAIL_AT=5");
    oms.runbook_with("oms-upgrade", &[], &["--on-failure", "stop"]).only_code(1);
    assert_ne!(oms.contents(), before);
    // The old image meets the altered databases: it is "Up" and dead.
    oms.lab.docker_ok(&["stop", "--time", "20", &oms.new]);
    oms.lab.docker_ok(&["start", &oms.old]);
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert!(!oms.healthy());
    assert_eq!(oms.inspect(&oms.old, "{{.State.Running}}"), "true");
    let programs = oms.lab.docker(&["exec", &oms.old, "supervisorctl", "status"], &[]);
    assert!(String::from_utf8_lossy(&programs.stdout).contains("FATAL"), "{programs:?}");
    oms.lab.docker_ok(&["stop", "--time", "20", &oms.old]);

    // Days later, on another machine: nothing of the run is left.
    std::fs::rename(oms.sandbox.path("state"), oms.sandbox.path("state-lost")).expect("the state");
    oms.runbook("oms-rollback", &[]).only_code(0);
    oms.assert_back(&before);
}

#[test]
fn an_upgrade_that_is_not_wanted_any_more_is_rolled_back() {
    let oms = Oms::old();
    let before = oms.contents();
    oms.runbook("oms-upgrade", &[]).only_code(0);
    oms.runbook("oms-rollback", &[]).only_code(0);
    oms.assert_back(&before);
}

#[test]
fn a_rollback_that_is_not_wanted_any_more_is_taken_back() {
    let oms = Oms::old();
    oms.runbook("oms-upgrade", &[]).only_code(0);
    oms.wait_for_health();
    let before = oms.contents();
    oms.runbook("oms-rollback", &[]).only_code(0);
    oms.sandbox.run(["rollback", "--last", "--yes", "--no-input"]).only_code(0);
    oms.wait_for_health();
    assert_eq!(oms.contents(), before);
    assert_eq!(oms.ha("enable"), "true", "HA was left off");
    let state = "{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}";
    assert_eq!(oms.inspect(&oms.new, state), "true always");
    assert_eq!(oms.inspect(&oms.old, state), "false no", "the old OMS comes back with the engine");
}

#[test]
fn a_backup_wants_ha_off_and_starts_oms_again() {
    let oms = Oms::old();
    let untouched = Untouched::of(&oms);
    let (_, said) = oms.runbook("oms-backup", &[]).only_code(9);
    assert!(said.contains("`ha` failed"), "{said}");
    oms.assert_untouched(&untouched);

    oms.sql(&oms.rm, "update oms_normal_config set cfg_value = json_set(cfg_value, '$.enable', false) where cfg_name = 'ha.config'");
    oms.runbook("oms-backup", &[]).only_code(0);
    oms.wait_for_health();
    assert!(oms.sandbox.path("backup/cm_hb/manifest.json").exists());
}

/// The question about HA, as it stands on the terminal.
const HA_OFF: &str = "set `enable` to false. Is it done?";

#[test]
fn a_person_who_says_no_ends_it_before_oms_is_stopped() {
    let oms = Oms::old();
    let untouched = Untouched::of(&oms);
    let words = oms.words("oms-upgrade", &["attended=true"]);
    let mut terminal = Terminal::start(&oms.sandbox, 400, &words.iter().map(String::as_str).collect::<Vec<_>>());
    terminal.wait_for(HA_OFF);
    terminal.type_in("no\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 10, "{shown}");
    oms.assert_untouched(&untouched);
}

/// Row "HA still on": what a person says is read back, and asked again until it is so.
#[test]
fn a_person_is_believed_when_the_database_says_the_same() {
    let oms = Oms::old();
    let words = oms.words("oms-upgrade", &["attended=true"]);
    let mut terminal = Terminal::start(&oms.sandbox, 400, &words.iter().map(String::as_str).collect::<Vec<_>>());
    terminal.wait_for(HA_OFF);
    // Said, and not done.
    terminal.type_in("yes\n");
    terminal.wait_for("the proof does not hold yet");
    assert_eq!(oms.inspect(&oms.old, "{{.State.Running}}"), "true");
    let console = |set: &str| {
        oms.sql(&oms.rm, &format!("update oms_normal_config set cfg_value = json_set(cfg_value, {set}) where cfg_name = 'ha.config'"))
    };
    console("'$.enable', false");
    terminal.type_in("yes\n");
    terminal.wait_for("or more (or `perceiveStoreClientCheckpoint` to true). Is it done?");
    // On again, and not looking back far enough.
    console("'$.enable', true, '$.refetchStoreIntervalMin', 0");
    terminal.type_in("yes\n");
    while terminal.shown().matches("the proof does not hold yet").count() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    console("'$.refetchStoreIntervalMin', 30");
    terminal.type_in("yes\n");
    terminal.wait_for("Clear the browser's cache");
    terminal.type_in("yes\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    oms.wait_for_health();
    assert_eq!(oms.stray_stores(), 0);
}

#[test]
fn nobody_to_ask_is_a_person_that_is_waited_for() {
    let oms = Oms::old();
    let untouched = Untouched::of(&oms);
    let (_, said) = oms.runbook("oms-upgrade", &["attended=true"]).only_code(7);
    assert!(said.contains("`ha-off-in-console` failed: a person is needed here, and nobody can be asked"), "{said}");
    oms.assert_untouched(&untouched);
}

/// Refusals before anything is stopped, on one OMS: each leaves it as it was.
#[test]
fn bad_input_is_refused_before_oms_is_stopped() {
    let oms = Oms::old();
    let untouched = Untouched::of(&oms);
    let config = oms.sandbox.read("config.yaml");
    let refused = |more: &[&str], code: i32, words: &[&str]| {
        let (_, said) = oms.runbook("oms-upgrade", more).only_code(code);
        for word in words {
            assert!(said.contains(word), "`{word}` is not said:\n{said}");
        }
        oms.assert_untouched(&untouched);
    };

    // The file is the one that is mounted, so what stands in it is changed in place.
    let with = |text: &str, words: &[&str]| {
        std::fs::write(oms.sandbox.path("config.yaml"), text).expect("a file");
        refused(&[], 9, words);
    };
    with(&config.replace("drc_cm_db:", "drc_cm_xx:"), &["drc_cm_db"]);
    with(&config.replace(&format!("drc_rm_db: {}", oms.rm), "drc_rm_db: oceanbase"), &["databases"]);
    with(&config.replace(" - ", " - 10.9.9.9 # "), &["address"]);
    with(&config.replace("oms_meta_password: '", "oms_meta_password: 'x"), &["Access denied"]);
    with("a: [unclosed\n", &["config.yaml"]);
    std::fs::write(oms.sandbox.path("config.yaml"), &config).expect("a file");
    let other = oms.sandbox.path("other.yaml");
    std::fs::write(&other, &config).expect("a file");
    refused(&[&format!("config_path={}", other.display())], 9, &["old-container"]);

    // Nothing of a name that only begins so is taken for the container.
    refused(&[&format!("container={}", &oms.old[..oms.old.len() - 1])], 9, &["there is no container"]);
    refused(&[&format!("new_container={}", oms.old)], 9, &["new-name-is-free"]);
    refused(&["host_ip=10.9.9.9"], 9, &["address", "old-address"]);
    refused(&["upgrades_from=[\"3.2.2\", \"3.3.0\"]"], 9, &["path"]);
    refused(&["image=runbook-lab/oms:9.9.9"], 9, &["the image `runbook-lab/oms:9.9.9` is not on this host"]);
    refused(&["image_archive=/nowhere/oms.tar.gz"], 9, &["archive"]);

    // What HA is can only be read where it is JSON.
    let ha = oms.sql(&oms.rm, "select cfg_value from oms_normal_config where cfg_name = 'ha.config'").join("");
    oms.sql(&oms.rm, "update oms_normal_config set cfg_value = 'enable = yes' where cfg_name = 'ha.config'");
    let (_, said) = oms.runbook("oms-upgrade", &[]).only_code(9);
    assert!(said.contains("JSON"), "{said}");
    oms.sql(&oms.rm, &format!("update oms_normal_config set cfg_value = '{ha}' where cfg_name = 'ha.config'"));
    oms.assert_untouched(&untouched);
}

#[test]
fn a_bad_image_archive_is_refused_before_oms_is_stopped() {
    let oms = Oms::old();
    let untouched = Untouched::of(&oms);
    let images = oms.lab.images();
    let whole = std::fs::read(images.join("runbook-lab-oms-3.4.0.tar")).expect("the archive");
    let cut = oms.sandbox.path("cut.tar");
    std::fs::write(&cut, &whole[..whole.len() / 2]).expect("a file");
    let (_, said) = oms.runbook("oms-upgrade", &[&format!("image_archive={}", cut.display())]).only_code(5);
    assert!(said.contains("is damaged or not complete"), "{said}");
    oms.assert_untouched(&untouched);

    let other = images.join("runbook-lab-odc-4.3.4.tar");
    let (_, said) = oms.runbook("oms-upgrade", &[&format!("image_archive={}", other.display())]).only_code(5);
    assert!(said.contains("does not hold the image `runbook-lab/oms:3.4.0`"), "{said}");
    oms.assert_untouched(&untouched);
}
