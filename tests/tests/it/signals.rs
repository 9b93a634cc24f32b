//! Ctrl-C and its like, and children that do not behave.

use crate::sandbox::Sandbox;

fn one_step(script: &str, more: &str) -> String {
    format!(
        "format = 1\nname = \"one\"\n\n[[step]]\nid = \"only\"\nleaves = \"nothing\"\nshell.script = {{ text = '''\n{script}\n''' }}\n{more}\n"
    )
}

#[test]
fn ctrl_c_ends_the_step_and_the_run_can_be_continued() {
    let sandbox = Sandbox::new().file("a.toml", one_step("trap 'touch ended; exit 1' TERM\ntouch begun\nwhile :; do sleep 0.05; done", ""));
    let child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for("begun");
    Sandbox::signal(&child, rustix::process::Signal::INT);
    let (stdout, stderr) = sandbox.wait(child).only_code(130);
    assert!(stdout.contains("signal 2: ending in good order; once more to end at once"), "{stdout}");
    assert!(stderr.contains("stopped by signal 2 (run [RUN])"), "{stderr}");
    assert!(sandbox.path("ended").exists(), "it was asked, not killed");
}

#[test]
fn a_second_ctrl_c_kills_what_does_not_listen() {
    let sandbox = Sandbox::new().file("a.toml", one_step("trap '' TERM INT\ntouch begun\nwhile :; do sleep 0.05; done", ""));
    let child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for("begun");
    Sandbox::signal(&child, rustix::process::Signal::INT);
    sandbox.wait_for_record("cancel_requested");
    Sandbox::signal(&child, rustix::process::Signal::INT);
    let (stdout, _) = sandbox.wait(child).only_code(130);
    assert!(stdout.contains("signal 2: ending at once"), "{stdout}");
}

#[test]
fn sigterm_is_told_by_its_number() {
    let sandbox = Sandbox::new().file("a.toml", one_step("touch begun\nwhile :; do sleep 0.05; done", ""));
    let child = sandbox.spawn(["exec", "a.toml", "--output", "quiet"]);
    sandbox.wait_for("begun");
    Sandbox::signal(&child, rustix::process::Signal::TERM);
    sandbox.wait(child).only_code(143);
}

#[test]
fn what_must_not_be_interrupted_is_waited_for() {
    let script = "touch begun\nwhile test ! -e go; do sleep 0.05; done\ntouch ended";
    let sandbox = Sandbox::new().file("a.toml", one_step(script, "interrupt = \"never\""));
    let child = sandbox.spawn(["exec", "a.toml", "--output", "quiet"]);
    sandbox.wait_for("begun");
    Sandbox::signal(&child, rustix::process::Signal::INT);
    sandbox.wait_for_record("stop_requested");
    std::fs::write(sandbox.path("go"), "").expect("a file");
    let code = sandbox.wait(child).any_code();
    assert!(matches!(code, 0 | 130), "{code}");
    assert!(sandbox.path("ended").exists());
}

#[test]
fn a_flood_of_output_is_bounded_and_the_end_is_kept() {
    let script = "head -c 50000000 /dev/zero | tr '\\0' x | fold -w 1000\necho the end";
    let sandbox = Sandbox::new().file("a.toml", one_step(script, ""));
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(0);
    let (log, _) = sandbox.run(["runs", "log", "--last"]).only_code(0);
    assert!(log.ends_with("the end\n"));
    assert!(log.len() < 3_000_000, "{}", log.len());
}

#[test]
fn a_grandchild_on_the_pipe_does_not_hold_the_run_up() {
    let script = "setsid sh -c 'touch grandchild; exec sleep 600' &\nwhile test ! -e grandchild; do sleep 0.05; done\necho done";
    let sandbox = Sandbox::new().file("a.toml", one_step(script, ""));
    let (stdout, _) = sandbox.run(["exec", "a.toml"]).only_code(0);
    assert!(stdout.contains("only| done"), "{stdout}");
    assert!(stdout.contains("warning: `bash` ended, but something that it started still holds its output and goes on"), "{stdout}");
    sandbox.end_marked();
}

#[test]
fn a_reader_that_goes_away_ends_no_run() {
    let sandbox = Sandbox::new().file("a.toml", one_step("for i in $(seq 2000); do echo line $i; done\ntouch ended", ""));
    let mut child = sandbox.spawn(["exec", "a.toml"]);
    drop(child.stdout.take());
    sandbox.wait(child).only_code(0);
    assert!(sandbox.path("ended").exists());
}
