//! Failures of an OMS upgrade that are known only when the service is down: each is taken back by itself, and its report says for how long it was down.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::oms::{Oms, Untouched};
use crate::own_engine::OwnEngine;
use crate::terminal::Terminal;

/// Each stage of `docker_init.sh`, one after the other: the next upgrade begins where the last one was taken back.
#[test]
fn any_stage_of_docker_init_that_fails_is_taken_back() {
    let oms = Oms::old();
    let before = oms.contents();
    for stage in ["1", "3", "4"] {
        oms.knob(&format!("LAB_OMS_FAIL_AT={stage}"));
        let backup = format!("backup_dir={}", oms.sandbox.path(&format!("backup-{stage}")).display());
        let (_, said) = oms.runbook_with("oms-upgrade", &[&backup], &["--report", "ticket.md"]).only_code(5);
        assert!(said.contains("`docker-init` failed"), "stage {stage}: {said}");
        oms.assert_back(&before);
        // From the stop of the old version to its health: what was started in between never answered.
        let ticket = oms.sandbox.read("ticket.md");
        let downs: Vec<&str> = ticket.lines().filter(|line| line.contains("down: ") && line.starts_with("- ")).collect();
        let [down] = downs.as_slice() else { panic!("{ticket}") };
        assert!(down.contains(", from `stop-old` at ") && down.contains(" to `stop-old` at "), "{down}");
    }
}

#[test]
fn a_new_version_that_never_comes_online_is_taken_back() {
    let oms = Oms::old();
    let before = oms.contents();
    oms.knob("LAB_OMS_NEVER_ONLINE=3.4.0");
    let long = "title = \"All servers are online, this one among them\"";
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../runbooks/oms-upgrade.toml")).expect("a runbook");
    let step = text.split(long).nth(1).and_then(|rest| rest.split("\n\n").next()).expect("the step").to_owned();
    let short = oms.shortened("oms-upgrade", &[(&step, &step.replace("for = \"15m\"", "for = \"5s\""))]);
    let (_, said) = oms.runbook_file(&short, &[]).only_code(5);
    assert!(said.contains("`online` failed"), "{said}");
    oms.assert_back(&before);
}

/// A runbook that somebody has changed: what is left out of the new container is seen before `docker_init.sh`.
#[test]
fn is_upgrade_that_is_left_out_costs_no_restore() {
    let oms = Oms::old();
    let before = oms.contents();
    let without = oms
        .shortened("oms-upgrade", &[("OMS_HOST_IP = \"{{vars.host_ip}}\", IS_UPGRADE = \"true\"", "OMS_HOST_IP = \"{{vars.host_ip}}\"")]);
    let (_, said) = oms.runbook_file(&without, &[]).only_code(5);
    assert!(said.contains("`new-settings` failed") && said.contains("IS_UPGRADE"), "{said}");
    assert!(!oms.sandbox.path("backup-upgraded").exists(), "a database was restored");
    oms.assert_back(&before);
}

/// An image for another machine: as an archive, and as one that is on the host already.
#[test]
fn an_image_for_another_machine_is_refused_before_oms_is_stopped() {
    let oms = Oms::old();
    let untouched = Untouched::of(&oms);
    let tag = format!("runbook-lab/oms-elsewhere:{}", std::process::id());
    let archive = elsewhere(&oms, &tag);
    let image = format!("image={tag}");
    let (_, said) = oms.runbook("oms-upgrade", &[&image, &format!("image_archive={archive}")]).only_code(5);
    assert!(said.contains("`load-image` failed") && said.contains("s390x"), "{said}");
    oms.assert_untouched(&untouched);

    oms.lab.docker_ok(&["load", "--input", &archive]);
    let (_, said) = oms.runbook("oms-upgrade", &[&image]).only_code(9);
    oms.lab.docker_ok(&["rmi", &tag]);
    assert!(said.contains("`image` failed") && said.contains("s390x"), "{said}");
    oms.assert_untouched(&untouched);
}

/// The archive of the new version, as if it had been built on another machine, under another tag.
fn elsewhere(oms: &Oms, tag: &str) -> String {
    let folder = oms.sandbox.path("elsewhere");
    std::fs::create_dir(&folder).expect("a folder");
    let tar = |words: &[&str]| {
        let status = std::process::Command::new("tar").args(words).current_dir(&folder).status();
        assert!(status.is_ok_and(|status| status.success()), "tar {words:?}");
    };
    tar(&["-xf", &oms.lab.images().join("runbook-lab-oms-3.4.0.tar").display().to_string()]);
    let change = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(folder.join(name)).expect("a file of the archive");
        assert!(text.contains(from), "{name} has no {from}: {text}");
        std::fs::write(folder.join(name), text.replace(from, to)).expect("a file");
    };
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).expect("a manifest")).expect("JSON");
    let config = manifest[0]["Config"].as_str().expect("a configuration").to_owned();
    let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    change(&config, &format!("\"architecture\":\"{own}\""), "\"architecture\":\"s390x\"");
    // A configuration is named by its digest.
    let named = format!("{:x}.json", Sha256::digest(std::fs::read(folder.join(&config)).expect("a file")));
    std::fs::rename(folder.join(&config), folder.join(&named)).expect("a rename");
    change("manifest.json", &config, &named);
    change("manifest.json", "runbook-lab/oms:3.4.0", tag);
    let archive = oms.sandbox.path("elsewhere.tar").display().to_string();
    tar(&["-cf", &archive, "."]);
    archive
}

/// Less room in Docker's folder than the new version needs.
#[test]
fn too_little_room_for_docker_is_refused_before_oms_is_stopped() {
    let oms = Oms::old();
    let untouched = Untouched::of(&oms);
    let (_, said) = oms.runbook("oms-upgrade", &["docker_room=1000TiB"]).only_code(9);
    let root = oms.lab.docker_ok(&["info", "--format", "{{.DockerRootDir}}"]);
    assert!(said.contains("`docker-room` failed") && said.contains(&root), "{said}");
    oms.assert_untouched(&untouched);
}

/// A new version that falls over while a person is in the console: a monitor sees it, HA is not believed to be well, and the run is gone on with later.
#[test]
fn a_new_version_that_falls_over_while_a_person_works_stops_the_run() {
    let oms = Oms::old();
    let console = |set: &str| {
        oms.sql(&oms.rm, &format!("update oms_normal_config set cfg_value = json_set(cfg_value, {set}) where cfg_name = 'ha.config'"))
    };
    let quick = oms.shortened("oms-upgrade", &[("every = \"5s\"", "every = \"300ms\"")]);
    let words = oms.words_of(&quick, &["attended=true"]);
    let mut terminal = Terminal::start(&oms.sandbox, 400, &words.iter().map(String::as_str).collect::<Vec<_>>());
    terminal.wait_for("set `enable` to false. Is it done?");
    console("'$.enable', false");
    terminal.type_in("yes\n");
    terminal.wait_for("or more (or `perceiveStoreClientCheckpoint` to true). Is it done?");
    oms.lab.docker_ok(&["exec", &oms.new, "supervisorctl", "stop", "oms_console"]);
    oms.sandbox.wait_for_text("state/runs", "\"tripped\":true");
    console("'$.enable', true, '$.refetchStoreIntervalMin', 30");
    terminal.type_in("yes\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("stopped at `still-works`; nothing was rolled back"), "{shown}");

    oms.lab.docker_ok(&["exec", &oms.new, "supervisorctl", "start", "oms_console"]);
    oms.wait_for_health();
    let resume = ["resume", "--last", "--yes", "--no-input", "--answer", "browser-cache=yes", "--report", "ticket.md"];
    let (code, said) = oms.sandbox.run(resume).seen();
    assert_eq!(code, Some(0), "{said}");
    let ticket = oms.sandbox.read("ticket.md");
    assert!(ticket.contains("## Monitors") && ticket.contains("**tripped** at "), "{ticket}");
}

/// One that falls over before it was looked at to the end is taken back, without waiting for what never comes.
#[test]
fn a_new_version_that_falls_over_under_the_proofs_is_rolled_back() {
    let oms = Oms::old();
    let before = oms.contents();
    oms.knob("LAB_OMS_NO_HEARTBEAT=3.4.0");
    let quick = oms.shortened("oms-upgrade", &[("every = \"5s\"", "every = \"300ms\""), ("for = \"2m\"", "for = \"10s\"")]);
    let (code, said) = std::thread::scope(|scope| {
        let run = scope.spawn(|| oms.runbook_file(&quick, &[]).seen());
        oms.sandbox.wait_for_text("state/runs", r#""type":"started","effect":{"path":[{"step":"heartbeat-advances"}]"#);
        oms.lab.docker_ok(&["exec", &oms.new, "supervisorctl", "stop", "oms_console"]);
        run.join().expect("a run")
    });
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("`new-works` failed: 3 probes failed in a row"), "{said}");
    oms.assert_back(&before);
}

/// The machine is started anew after an upgrade, and after its rollback: what was set aside stays down.
#[test]
fn what_was_set_aside_does_not_come_back_with_the_engine() {
    let mut engine = OwnEngine::new(&[crate::oms::OLD, "runbook-lab/oms:3.4.0"]);
    let oms = Oms::old_in(engine.lab());
    let state = "{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}";
    let mut again = || {
        engine.stop();
        engine.start();
        oms.wait_for_health();
        std::thread::sleep(Duration::from_secs(2));
        (oms.inspect(&oms.old, state), oms.inspect(&oms.new, state))
    };
    let is = |old: &str, new: &str| (old.to_owned(), new.to_owned());
    oms.runbook("oms-upgrade", &[]).only_code(0);
    assert_eq!(again(), is("false no", "true always"));
    oms.runbook("oms-rollback", &[]).only_code(0);
    assert_eq!(again(), is("true always", "false no"));
}
