//! Programs inside a running container.

use std::time::Duration;

use runbook_core::action::{CancelKind, FailureKind, Outcome, Residue, Settled};
use serde_json::{Value, json};

use crate::engine::{IMAGE, Named, action, docker, image};
use crate::support::TestContext;

async fn container(about: &str) -> Named {
    image().await;
    let name = Named::new(about);
    let fields = json!({ "image": IMAGE, "name": &*name, "network": "none", "stays_up": "0s", "env": { "INSIDE": "yes" } });
    TestContext::in_run("setup", "start").succeed(&*action("run", fields)).await;
    name
}

fn exec(container: &str, argv: &Value) -> Value {
    json!({ "container": container, "argv": argv })
}

/// How many processes of the container have this text in their command line, seen from outside.
async fn running(container: &str, text: &str) -> usize {
    let top = docker().top_processes(container, None::<bollard::query_parameters::TopOptions>).await.unwrap();
    top.processes.unwrap_or_default().iter().filter(|process| process.iter().any(|column| column.contains(text))).count()
}

#[tokio::test]
async fn arguments_reach_the_program_exactly() {
    let name = container("argv").await;
    let cx = TestContext::in_run("r1", "s");
    let (outputs, changed) = cx.succeed(&*action("exec", exec(&name, &json!(["echo", "a b", "$HOME", "`id`", "'\"\\", "*"])))).await;
    assert!(changed);
    assert_eq!(outputs["stdout"], "a b $HOME `id` '\"\\ *");
    assert_eq!(outputs["exit_code"], 0);
    assert_eq!(cx.output_text(), "a b $HOME `id` '\"\\ *\n");
    let evidence = cx.evidence.lock().unwrap().clone();
    assert!(evidence[0]["exec"].as_str().unwrap().len() == 64, "its id is journaled before it starts: {evidence:?}");
}

/// What could mean something to a shell, to Docker's API or to a terminal.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "-n",
    "--",
    "*",
    "$(touch /pwned)",
    "`touch /pwned`",
    "; touch /pwned",
    "a\nb\n",
    "'\"\\",
    "p'a\"$(x)!\\ 中文",
    "{{.Names}}",
    "%s%n",
    "\u{1b}[31m",
    "\u{202e}x",
    "\t",
    "\r\n",
    "a=b",
    "\u{10ffff}",
    "\\u0041",
    "null",
    "[\"x\"]",
];

#[tokio::test]
async fn any_value_reaches_the_program_as_it_is() {
    let name = container("hostile").await;
    let cx = TestContext::in_run("r1", "s");
    // As an argument, in the environment and on the input; hexadecimal back, so that nothing on the way can change it.
    for value in HOSTILE {
        let script = "for x in \"$1\" \"$V\" \"$(cat; echo .)\"; do printf '%s' \"$x\" | od -An -v -tx1 | tr -d ' \\n'; echo; done; ls /pwned 2>/dev/null || true";
        let mut fields = exec(&name, &json!(["sh", "-c", script, "sh", value]));
        fields["env"] = json!({ "V": value });
        fields["stdin"] = json!(value);
        let (outputs, _) = cx.succeed(&*action("exec", fields)).await;
        let hex: String = value.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(outputs["stdout"], format!("{hex}\n{hex}\n{hex}2e0a").replace("2e0a", "2e"), "{value:?}");
    }
}

#[tokio::test]
async fn environment_user_folder_and_input_are_given() {
    let name = container("given").await;
    let cx = TestContext::in_run("r1", "s");
    let mut fields = exec(&name, &json!(["sh", "-c", "echo $INSIDE $SECRET; id -u; pwd; cat"]));
    fields["env"] = json!({ "SECRET": "p'w\"$x" });
    fields["user"] = json!("7:7");
    fields["workdir"] = json!("/etc");
    fields["stdin"] = json!("from the input\nto its end");
    let (outputs, _) = cx.succeed(&*action("exec", fields)).await;
    assert_eq!(outputs["stdout"], "yes p'w\"$x\n7\n/etc\nfrom the input\nto its end");
}

#[tokio::test]
async fn the_exit_code_is_judged() {
    let name = container("codes").await;
    let cx = TestContext::in_run("r1", "s");
    let mut fields = exec(&name, &json!(["sh", "-c", "echo out; echo broken >&2; exit 3"]));
    let (failure, residue, outputs) = cx.fail(&*action("exec", fields.clone())).await;
    assert_eq!(failure.message, format!("`sh` in the container `{}` exited with 3, expected 0", &*name));
    assert_eq!(failure.detail, ["broken"]);
    assert_eq!((failure.kind, residue), (FailureKind::Failed, Residue::Unknown));
    assert_eq!((&outputs["exit_code"], &outputs["stdout"], &outputs["stderr"]), (&json!(3), &json!("out"), &json!("broken")));
    fields["exit_codes"] = json!([0, 3]);
    assert_eq!(cx.succeed(&*action("exec", fields)).await.0["exit_code"], 3);
}

#[tokio::test]
async fn a_missing_program_changed_nothing() {
    let name = container("noprog").await;
    let (failure, residue, _) = TestContext::in_run("r1", "s").fail(&*action("exec", exec(&name, &json!(["nope"])))).await;
    assert_eq!(failure.message, format!("`nope` cannot be run in the container `{}`", &*name));
    assert_eq!((failure.kind, residue), (FailureKind::NotFound, Residue::None));
    assert_eq!(failure.field.as_deref(), Some("argv[0]"));
}

#[tokio::test]
async fn what_the_engine_could_not_start_changed_nothing() {
    let name = container("nostart").await;
    for (field, value, message) in [
        ("user", "nobody-here", format!("the user `nobody-here` is not known in the container `{}`", &*name)),
        ("workdir", "/nowhere", format!("`/nowhere` is no folder in the container `{}`", &*name)),
    ] {
        let mut fields = exec(&name, &json!(["true"]));
        fields[field] = json!(value);
        let (failure, residue, _) = TestContext::in_run("r1", "s").fail(&*action("exec", fields)).await;
        assert_eq!(failure.message, message);
        assert_eq!((failure.kind, residue, failure.field.as_deref()), (FailureKind::NotFound, Residue::None, Some(field)));
    }
    // A program may say 126 of itself: then it ran.
    let ran = exec(&name, &json!(["sh", "-c", "echo OCI runtime exec failed; exit 126"]));
    let (failure, residue, _) = TestContext::in_run("r1", "s").fail(&*action("exec", ran)).await;
    assert_eq!(failure.message, format!("`sh` in the container `{}` exited with 126, expected 0", &*name));
    assert_eq!(residue, Residue::Unknown);
}

#[tokio::test]
async fn a_container_that_goes_away_is_told_not_the_signal_of_the_program() {
    for (remove, message) in
        [(true, "was removed while `sleep` ran in it"), (false, "ended while `sleep` ran in it: it was killed by SIGKILL (code 137)")]
    {
        let name = container("goes").await;
        let cx = TestContext::in_run("r1", "s");
        let action = action("exec", exec(&name, &json!(["sleep", "4715"])));
        let (outcome, ()) = tokio::join!(cx.run(&*action), async {
            while running(&name, "sleep 4715").await == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            if remove {
                let force = bollard::query_parameters::RemoveContainerOptionsBuilder::new().force(true).build();
                docker().remove_container(&name, Some(force)).await.unwrap();
            } else {
                docker().kill_container(&name, None::<bollard::query_parameters::KillContainerOptions>).await.unwrap();
            }
        });
        let Outcome::Failed { failure, residue, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(failure.message, format!("the container `{}` {message}", &*name));
        assert_eq!((failure.field.as_deref(), residue), (Some("container"), Residue::Unknown));
    }
}

#[tokio::test]
async fn a_container_that_is_stopped_is_said_to_be() {
    let name = container("stopped").await;
    let cx = TestContext::in_run("r1", "s");
    cx.succeed(&*action("stop", json!({ "container": &*name, "grace": "0s" }))).await;
    let (failure, residue, _) = cx.fail(&*action("exec", exec(&name, &json!(["true"])))).await;
    assert_eq!(failure.message, format!("nothing can be run in the container `{}`: it is exited", &*name));
    assert_eq!(residue, Residue::None);
}

#[tokio::test]
async fn a_flood_of_output_is_bounded_and_its_end_is_kept() {
    let name = container("flood").await;
    let cx = TestContext::in_run("r1", "s");
    let script = "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; echo closing line";
    let (outputs, _) = cx.succeed(&*action("exec", exec(&name, &json!(["sh", "-c", script])))).await;
    let stdout = outputs["stdout"].as_str().unwrap();
    assert!(stdout.len() <= 32 * 1024 && stdout.ends_with("closing line"));
    assert_eq!(outputs["truncated"], true);
}

#[tokio::test]
async fn a_child_that_holds_the_output_does_not_hold_up_the_step() {
    let name = container("holds").await;
    let cx = TestContext::in_run("r1", "s");
    let (outputs, _) = cx.succeed(&*action("exec", exec(&name, &json!(["sh", "-c", "sleep 4711 & echo done"])))).await;
    assert_eq!(outputs["stdout"], "done");
}

#[tokio::test]
async fn told_to_end_it_ends_the_program_and_its_children() {
    let name = container("cancel").await;
    let cx = TestContext::in_run("r1", "s");
    let action = action("exec", exec(&name, &json!(["sh", "-c", "sleep 4712 & sleep 4713; touch /went-on"])));
    let (outcome, ()) = tokio::join!(cx.run(&*action), async {
        while running(&name, "sleep 4713").await == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        cx.cancel(CancelKind::Graceful);
    });
    assert_eq!(outcome, Outcome::Cancelled { residue: Residue::Unknown });
    assert_eq!(running(&name, "sleep 471").await, 0);
    let look = crate::engine::action("exec", exec(&name, &json!(["ls", "/went-on"])));
    let (failure, ..) = TestContext::in_run("r1", "look").fail(&*look).await;
    assert!(failure.detail[0].contains("No such file"), "the shell went on with its next command: {:?}", failure.detail);
}

#[tokio::test]
async fn one_that_ignores_sigterm_is_killed() {
    let name = container("stubborn").await;
    let cx = TestContext::in_run("r1", "s");
    let action = action("exec", exec(&name, &json!(["sh", "-c", "trap '' TERM; echo ready; while true; do sleep 1; done"])));
    let (outcome, ()) = tokio::join!(cx.run(&*action), async {
        while !cx.output_text().contains("ready") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        cx.cancel(CancelKind::Graceful);
        tokio::time::sleep(Duration::from_millis(700)).await;
        cx.cancel(CancelKind::Kill);
    });
    assert_eq!(outcome, Outcome::Cancelled { residue: Residue::Unknown });
    assert_eq!(running(&name, "ready").await, 0);
}

#[tokio::test]
async fn what_an_earlier_process_left_running_is_found_and_ended() {
    let name = container("orphan").await;
    let cx = TestContext::in_run("r1", "s");
    let action = action("exec", exec(&name, &json!(["sleep", "4714"])));
    // The process that runs it dies: its future is dropped, and the command goes on.
    tokio::select! {
        _ = cx.run(&*action) => unreachable!(),
        () = async {
            while running(&name, "sleep 4714").await == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        } => {}
    }
    assert_eq!(running(&name, "sleep 4714").await, 1, "dropping the stream does not stop it");
    let evidence = cx.evidence.lock().unwrap().clone();
    assert_eq!(action.settle(&cx, &evidence).await, Settled::AtRest);
    assert_eq!(running(&name, "sleep 4714").await, 0);
}

#[tokio::test]
async fn one_that_may_not_be_interrupted_is_waited_for() {
    let name = container("waits").await;
    let mut cx = TestContext::in_run("r1", "s");
    cx.interruptible = false;
    let action = action("exec", exec(&name, &json!(["sh", "-c", "sleep 2; touch /finished"])));
    tokio::select! {
        _ = cx.run(&*action) => unreachable!(),
        () = async {
            while running(&name, "sleep 2").await == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        } => {}
    }
    let evidence = cx.evidence.lock().unwrap().clone();
    assert_eq!(action.settle(&cx, &evidence).await, Settled::AtRest);
    TestContext::in_run("r1", "look").succeed(&*crate::engine::action("exec", exec(&name, &json!(["ls", "/finished"])))).await;
}
