//! A Docker Engine that goes away and comes back in the middle of a run: nothing is lost, and nothing comes back that was set aside.

use crate::lab::{BROKEN, Db, Lab, NEW, OLD, Odc};
use crate::own_engine::OwnEngine;
use crate::sandbox::{Ran, Sandbox};

/// An ODC on an engine that a test may stop.
fn staged(engine: &OwnEngine) -> Odc {
    Odc::old_in(engine.lab(), Db::OceanBase)
}

fn resume(odc: &Odc, more: &[&str]) -> Ran {
    odc.sandbox.run(["resume", "--last", "--yes", "--no-input"].iter().chain(more).copied())
}

/// Waits until a step has begun.
fn wait_for_step(sandbox: &Sandbox, step: &str) {
    sandbox.wait_for_text("state/runs", &format!(r#""type":"started","effect":{{"path":[{{"step":"{step}"}}],"role":"do""#));
}

/// The states of the container at work and of the one that was set aside.
fn states(odc: &Odc) -> (String, Vec<String>) {
    let state = |name: &str| odc.inspect(name, "{{.Config.Image}} {{.State.Running}} {{.HostConfig.RestartPolicy.Name}}");
    (state(&odc.container), odc.containers("-before-").iter().map(|name| state(name)).collect())
}

fn upgraded() -> (String, Vec<String>) {
    (format!("{} true always", NEW.image), vec![format!("{} false no", OLD.image)])
}

/// Under way is the stop of the old version, which takes its time; the engine is told to stop, and takes all containers with it.
#[test]
fn one_that_is_stopped_under_a_step_is_gone_on_with_and_nothing_set_aside_comes_back() {
    let mut engine = OwnEngine::new(&[OLD.image, NEW.image]);
    let odc = staged(&engine);
    std::fs::write(odc.sandbox.path("data/lab-knobs"), "LAB_ODC_STOP_SECONDS=6\n").expect("a file");
    odc.lab.docker_ok(&["restart", "--time", "20", &odc.container]);
    odc.wait_for(OLD.version);
    let backup = odc.backup();
    let (code, said) = std::thread::scope(|scope| {
        let run = scope.spawn(|| odc.runbook("odc-upgrade", Some(NEW), &["--var", &backup, "--on-failure", "stop"]).seen());
        // Its log names the stop of the restart above, and then this one.
        while odc.sandbox.read("log/odc.log").matches("Stopping OdcServer").count() < 2 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        engine.stop();
        run.join().expect("a run")
    });
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("  perhaps     stop-old: ") && said.contains("  go on       runbook resume "), "{said}");
    let (code, said) = resume(&odc, &["--on-failure", "stop"]).seen();
    assert_eq!(code, Some(1), "without an engine nothing goes on: {said}");
    assert!(said.contains("there is no Docker Engine: ") && said.contains("  perhaps     stop-old: "), "{said}");

    engine.start();
    let (code, said) = resume(&odc, &[]).seen();
    assert_eq!(code, Some(0), "{said}");
    odc.wait_for(NEW.version);
    assert_eq!(states(&odc), upgraded());

    // Days later the machine is started anew.
    engine.stop();
    engine.start();
    odc.wait_for(NEW.version);
    assert_eq!(states(&odc), upgraded());
}

/// It is gone while a step works that does not need it; the rollback needs it too.
#[test]
fn one_that_is_killed_between_steps_is_named_and_the_run_is_taken_back_when_it_is_there_again() {
    let mut engine = OwnEngine::new(&[OLD.image, NEW.image]);
    let odc = staged(&engine);
    let before = odc.contents();
    let backup = odc.backup();
    let (code, said) = std::thread::scope(|scope| {
        let run = scope.spawn(|| odc.runbook("odc-upgrade", Some(NEW), &["--var", &backup]).seen());
        wait_for_step(&odc.sandbox, "dump");
        engine.kill();
        run.join().expect("a run")
    });
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("`set-aside` failed: ") && said.contains("the undo of `stop-old` failed: "), "{said}");
    assert!(said.contains("Docker"), "{said}");
    engine.start();
    let (code, said) = resume(&odc, &[]).seen();
    assert_eq!(code, Some(5), "{said}");
    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    assert_eq!(states(&odc), (format!("{} true always", OLD.image), Vec::new()));
}

/// Its restart policy taken away, the old version does not come back with the engine. Nobody stopped it, and still it is as it was after a rollback.
#[test]
fn one_that_takes_the_old_version_down_gives_it_back_in_a_rollback() {
    let mut engine = OwnEngine::new(&[OLD.image, BROKEN.image]);
    let odc = staged(&engine);
    let before = odc.contents();
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../runbooks/odc-upgrade.toml")).expect("a runbook");
    let waits = "[[step]]\nid = \"wait\"\nshell.script = { text = \"until [ -e go ]; do sleep 0.05; done\" }\nsafety = \"read_only\"\n\n[[step]]\nid = \"stop-old\"";
    std::fs::write(odc.sandbox.path("slow.toml"), text.replace("[[step]]\nid = \"stop-old\"", waits)).expect("a file");
    let file = odc.sandbox.path("slow.toml").display().to_string();
    let backup = odc.backup();
    let (code, said) = std::thread::scope(|scope| {
        let run = scope.spawn(|| odc.runbook_file(&file, Some(BROKEN), &["--var", "docker_room=256MiB", "--var", &backup]).seen());
        wait_for_step(&odc.sandbox, "wait");
        engine.stop();
        engine.start();
        assert_eq!(odc.inspect(&odc.container, "{{.State.Running}}"), "false");
        std::fs::write(odc.sandbox.path("go"), "").expect("a file");
        run.join().expect("a run")
    });
    assert_eq!(code, Some(5), "{said}");
    odc.wait_for(OLD.version);
    assert_eq!(odc.contents(), before);
    assert_eq!(states(&odc), (format!("{} true always", OLD.image), Vec::new()));
}

const WATCHED: &str = r#"
format = 1
name = "watched"

[[step]]
id = "wait"
shell.script = { text = "touch began; until [ -e go ]; do sleep 0.02; done" }
safety = "read_only"

[[step]]
id = "look"
docker.inspect = { container = "it-watched" }

[[monitor]]
id = "runs"
every = "100ms"
failures = 2
then = "THEN"
docker.inspect = { container = "it-watched" }
expect = ["eq running true"]
"#;

/// A monitor says that it is gone and that it is there again; what it then does is the author's.
#[test]
fn one_that_comes_back_is_seen_by_a_monitor_and_by_the_next_step() {
    let image = "runbook-it/watched:1";
    let mut engine = OwnEngine::new(&[]);
    let lab: Lab = engine.lab();
    lab.busybox_image(image);
    lab.docker_ok(&["run", "--detach", "--network", "host", "--restart", "always", "--name", "it-watched", image, "sleep", "600"]);
    for (then, code) in [("warn", 0), ("stop", 1)] {
        let sandbox = Sandbox::new().file("watched.toml", WATCHED.replace("THEN", then)).env("DOCKER_HOST", lab.docker_host());
        let child = sandbox.spawn(["exec", "watched.toml"]);
        sandbox.wait_for("began");
        sandbox.wait_for_record("watched");
        engine.stop();
        sandbox.wait_for_text("state/runs", "\"tripped\":true");
        engine.start();
        if then == "warn" {
            sandbox.wait_for_text("state/runs", "\"changes\":2");
        }
        std::fs::write(sandbox.path("go"), "").expect("a file");
        let (stdout, stderr) = sandbox.wait(child).only_code(code);
        if then == "warn" {
            assert!(stdout.contains("monitor runs: TRIPPED after 2 failures in a row"), "{stdout}");
            assert!(stdout.contains("monitor runs: holds again\n"), "{stdout}");
        } else {
            assert!(stderr.contains("stopped at `runs`; nothing was rolled back"), "{stderr}");
            sandbox.run(["resume", "--last"]).only_code(0);
        }
    }
}
