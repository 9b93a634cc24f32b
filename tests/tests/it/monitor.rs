//! `[[monitor]]`: probes beside the steps, with real shells and a real server.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::process::Signal;

use crate::sandbox::Sandbox;

/// A service whose status a test can change while a runbook runs.
struct Service {
    address: String,
    status: Arc<AtomicU16>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let status = Arc::new(AtomicU16::new(200));
        let said = Arc::clone(&status);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, said.load(Ordering::SeqCst));
            }
        });
        Self { address, status }
    }

    fn says(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

fn answer(mut stream: TcpStream, status: u16) {
    let mut asked = Vec::new();
    let mut piece = [0; 1024];
    while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(read) => asked.extend_from_slice(piece.get(..read).unwrap_or_default()),
        }
    }
    let _ = write!(stream, "HTTP/1.1 {status} so\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

/// Two steps that wait for a file each, each with an undo, and a monitor.
fn runbook(monitor: &str) -> String {
    format!(
        r#"format = 1
name = "watched"

[[step]]
id = "first"
shell.script = {{ text = "touch first; while test ! -e go; do sleep 0.02; done" }}
undo = [{{ shell.run = {{ argv = ["rm", "first"] }} }}]

[[step]]
id = "second"
shell.script = {{ text = "touch second" }}
undo = [{{ shell.run = {{ argv = ["rm", "second"] }} }}]

[[monitor]]
id = "web"
title = "The service answers"
every = "100ms"
{monitor}
"#
    )
}

/// A monitor of the service.
fn web(service: &Service, more: &str) -> String {
    runbook(&format!("http.get = {{ url = \"http://{}/\" }}\nexpect = [\"eq status 200\"]\n{more}", service.address))
}

fn let_go(sandbox: &Sandbox) {
    std::fs::write(sandbox.path("go"), "").expect("a file");
}

/// How many records of a type there are.
fn records(sandbox: &Sandbox, kind: &str) -> usize {
    let wanted = format!("\"type\":\"{kind}\"");
    let journals = sandbox.everything_below("state/runs");
    journals.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).matches(&wanted).count()).sum()
}

#[test]
fn a_service_that_goes_down_rolls_the_run_back() {
    let service = Service::start();
    let sandbox = Sandbox::new().file("a.toml", web(&service, "failures = 2\nthen = \"rollback\""));
    let child = sandbox.spawn(["exec", "a.toml", "--report", "ticket.md"]);
    sandbox.wait_for("first");
    sandbox.wait_for_record("watched");
    service.says(204);
    sandbox.wait_for_text("state/runs", "\"tripped\":true");
    let_go(&sandbox);
    let (stdout, stderr) = sandbox.wait(child).only_code(5);
    assert!(!sandbox.path("first").exists() && !sandbox.path("second").exists(), "{stdout}");
    assert!(stdout.contains("monitor web: fails: `eq status 200` does not hold\n"), "{stdout}");
    assert!(stdout.contains("monitor web: FAILED: 2 probes failed in a row, the last one so: `eq status 200` does not hold ("), "{stdout}");
    assert!(
        stderr.contains("error[RB507]: `web` failed: 2 probes failed in a row, the last one so: `eq status 200` does not hold"),
        "{stderr}"
    );
    assert!(stderr.contains("status is 204"), "it points at the expectation: {stderr}");
    assert!(stderr.contains("watched     web: "), "{stderr}");
    let ticket = sandbox.read("ticket.md");
    assert!(ticket.contains("\n## Monitors\n"), "{ticket}");
    assert!(ticket.contains("**tripped** at "), "{ticket}");
    assert!(ticket.contains("- `web` (line 15)"), "{ticket}");
}

#[test]
fn one_that_stops_lets_the_step_end_and_a_resumed_run_watches_afresh() {
    let service = Service::start();
    let sandbox = Sandbox::new().file("a.toml", web(&service, "failures = 1\nthen = \"stop\""));
    let child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for("first");
    service.says(500);
    sandbox.wait_for_text("state/runs", "\"tripped\":true");
    let_go(&sandbox);
    let (_, stderr) = sandbox.wait(child).only_code(1);
    assert!(stderr.contains("stopped at `web`; nothing was rolled back"), "{stderr}");
    assert!(sandbox.path("first").exists() && !sandbox.path("second").exists());
    service.says(200);
    let (stdout, _) = sandbox.run(["resume", "--last"]).only_code(0);
    assert!(stdout.contains("monitor web: begins: The service answers"), "{stdout}");
    assert!(sandbox.path("second").exists());
}

#[test]
fn one_that_warns_says_so_and_when_all_is_well_again() {
    let sandbox = Sandbox::new().file(
        "a.toml",
        runbook("failures = 2\nthen = \"warn\"\nshell.run = { argv = [\"test\", \"!\", \"-e\", \"down\"] }\nsafety = \"read_only\"\n"),
    );
    let child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for("first");
    std::fs::write(sandbox.path("down"), "").expect("a file");
    sandbox.wait_for_text("state/runs", "\"tripped\":true");
    std::fs::remove_file(sandbox.path("down")).expect("the file");
    sandbox.wait_for_text("state/runs", "\"changes\":2");
    let_go(&sandbox);
    let (stdout, stderr) = sandbox.wait(child).only_code(0);
    assert!(stdout.contains("monitor web: TRIPPED after 2 failures in a row"), "{stdout}");
    assert!(stdout.contains("monitor web: holds again\n"), "{stdout}");
    assert!(stdout.contains("failed, tripped 1 time\n"), "{stdout}");
    assert!(stderr.contains("watched     web: "), "{stderr}");
    let (shown, _) = sandbox.run(["runs", "show", "--last"]).only_code(0);
    assert!(shown.contains("failed, tripped 1 time\n"), "{shown}");
    let (log, _) = sandbox.run(["runs", "log", "--last", "--step", "web"]).only_code(0);
    assert!(log.contains("FAILS: ") && log.contains(" holds ("), "{log}");
    assert_eq!(records(&sandbox, "evidence"), evidence_of_steps(&sandbox), "the processes of probes are in no record");
}

/// The traces of the two steps; those of a monitor would name it.
fn evidence_of_steps(sandbox: &Sandbox) -> usize {
    let journals = sandbox.everything_below("state/runs");
    let text: String = journals.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
    text.matches("\"type\":\"evidence\",\"effect\":{\"path\":[{\"step\":\"first\"}]").count()
        + text.matches("\"type\":\"evidence\",\"effect\":{\"path\":[{\"step\":\"second\"}]").count()
}

#[test]
fn a_probe_that_hangs_is_ended_and_holds_up_nothing() {
    let hangs = "timeout = \"200ms\"\nfailures = 1\nthen = \"stop\"\nshell.script = { text = \"trap '' TERM; while :; do sleep 0.05; done\" }\nsafety = \"read_only\"\n";
    let sandbox = Sandbox::new().file("a.toml", runbook(hangs));
    let child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for_text("state/runs", "\"tripped\":true");
    let_go(&sandbox);
    let (_, stderr) = sandbox.wait(child).only_code(1);
    assert!(stderr.contains("error[RB508]: `web` failed: it timed out after 200ms"), "{stderr}");
}

#[test]
fn neither_the_end_of_a_run_nor_ctrl_c_waits_for_a_probe() {
    let hangs = "timeout = \"1h\"\nthen = \"stop\"\nshell.script = { text = \"touch probing; trap '' TERM INT; while :; do sleep 0.05; done\" }\nsafety = \"read_only\"\n";
    let sandbox = Sandbox::new().file("a.toml", runbook(hangs));
    let child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for("probing");
    sandbox.wait_for("first");
    Sandbox::signal(&child, Signal::INT);
    sandbox.wait(child).only_code(130);
    let_go(&sandbox);
    sandbox.run(["resume", "--last", "--answer", "first=not-done"]).only_code(0);
}

#[test]
fn a_planned_downtime_is_left_out_by_its_window() {
    let step = |id: &str, text: &str| format!("[[step]]\nid = \"{id}\"\nshell.script = {{ text = \"{text}\" }}\nleaves = \"a file\"\n");
    let monitor = |id: &str, window: &str, text: &str| {
        format!(
            "[[monitor]]\nid = \"{id}\"\n{window}\nevery = \"100ms\"\nfailures = 1\nthen = \"stop\"\nshell.script = {{ text = \"{text}\" }}\nsafety = \"read_only\"\n"
        )
    };
    let text = [
        "format = 1\nname = \"window\"\n".to_owned(),
        step("prepare", "touch up; while test ! -e early; do sleep 0.02; done"),
        step("take-down", "rm up; sleep 0.5"),
        step("bring-up", "touch up"),
        step("look", "while test ! -e late; do sleep 0.02; done"),
        monitor("before", "until = \"take-down\"", "touch early; test -e up || test ! -e late"),
        monitor("after", "from = \"bring-up\"", "touch late; test -e up"),
    ]
    .concat();
    let sandbox = Sandbox::new().file("a.toml", text);
    let (plan, _) = sandbox.run(["plan", "a.toml"]).only_code(0);
    assert!(plan.contains("Monitors, beside the steps"), "{plan}");
    assert!(plan.contains("from the first step until `take-down` begins, every [TOOK]"), "{plan}");
    assert!(plan.contains("from the end of `bring-up` until the last verify"), "{plan}");
    sandbox.run(["exec", "a.toml"]).only_code(0);
}

#[test]
fn a_run_that_was_killed_leaves_nothing_of_a_monitor_in_doubt() {
    let service = Service::start();
    let sandbox = Sandbox::new().file("a.toml", web(&service, "then = \"stop\""));
    let mut child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for("first");
    sandbox.wait_for_record("watched");
    child.kill().expect("killed");
    child.wait().expect("its end");
    sandbox.end_marked();
    let_go(&sandbox);
    let (report, _) = sandbox.run(["runs", "report", "--last"]).only_code(0);
    assert!(report.contains("| running: 1 probe |"), "{report}");
    sandbox.run(["rollback", "--last"]).only_code(0);
    assert!(!sandbox.path("first").exists());
}

#[test]
fn a_mended_runbook_may_have_other_monitors() {
    let service = Service::start();
    let sandbox = Sandbox::new().file("a.toml", web(&service, "failures = 1\nthen = \"stop\""));
    let child = sandbox.spawn(["exec", "a.toml"]);
    sandbox.wait_for("first");
    service.says(500);
    sandbox.wait_for_text("state/runs", "\"tripped\":true");
    let_go(&sandbox);
    sandbox.wait(child).only_code(1);
    let without = web(&service, "failures = 1\nthen = \"stop\"").split("[[monitor]]").next().unwrap_or_default().to_owned();
    let sandbox = sandbox.file("a.toml", without);
    sandbox.run(["resume", "--last", "--accept-changes"]).only_code(0);
    let (report, _) = sandbox.run(["runs", "report", "--last"]).only_code(0);
    assert!(report.contains(": done"), "{report}");
}

#[test]
fn one_that_is_left_out_or_whose_condition_does_not_hold_does_not_watch() {
    let fails = "failures = 1\nthen = \"stop\"\nshell.run = { argv = [\"false\"] }\nsafety = \"read_only\"\n";
    let sandbox = Sandbox::new().file("a.toml", runbook(fails)).file("go", "");
    let (stdout, _) = sandbox.run(["exec", "a.toml", "--skip", "web"]).only_code(0);
    assert!(stdout.contains("monitor web: skipped: `--skip web` leaves it out\n"), "{stdout}");
    let sandbox = sandbox.file("b.toml", runbook(&format!("when = \"eq 1 2\"\n{fails}")));
    let (stdout, _) = sandbox.run(["exec", "b.toml"]).only_code(0);
    assert!(stdout.contains("monitor web: skipped: `eq 1 2` does not hold\n"), "{stdout}");
}
