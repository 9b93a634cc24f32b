//! The program on a terminal: a real one, with a person (us) at its other end.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::sandbox::Sandbox;

/// The program on a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
}

/// The same with Ctrl-C and Ctrl-\ as a shell at a terminal leaves them: who runs these tests in the background has them ignored.
fn as_a_shell_would(command: &Command) -> Command {
    let mut with_signals = Command::new("/usr/bin/env");
    // A sandbox has nothing of ours in its environment.
    with_signals.env_clear();
    with_signals.arg("--default-signal=INT,QUIT").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => with_signals.env(name, value),
            None => with_signals.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        with_signals.current_dir(folder);
    }
    with_signals
}

impl Terminal {
    pub(crate) fn start(sandbox: &Sandbox, columns: u16, args: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("a terminal");
        unlockpt(&ours).expect("a terminal");
        tcsetwinsize(&ours, Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).expect("its size");
        let name = ptsname(&ours, Vec::new()).expect("its name").into_string().expect("text");
        let theirs: OwnedFd = File::options().read(true).write(true).open(name).expect("its other end").into();
        let end = || theirs.try_clone().expect("a copy");
        let child = as_a_shell_would(&sandbox.command(args.iter().copied()))
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the program");
        let keyboard = File::from(ours);
        let screen = Arc::new(Mutex::new(String::new()));
        let mut reader = keyboard.try_clone().expect("a copy");
        let shown = Arc::clone(&screen);
        // Ends when the program has closed its end.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read) = reader.read(&mut bytes) {
                if read == 0 {
                    break;
                }
                shown.lock().expect("the screen").push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Self { child, keyboard, screen }
    }

    pub(crate) fn shown(&self) -> String {
        self.screen.lock().expect("the screen").clone()
    }

    pub(crate) fn wait_for(&self, text: &str) {
        let patience = Instant::now() + Duration::from_mins(1);
        while !self.shown().contains(text) {
            assert!(Instant::now() < patience, "waited in vain for {text:?} in:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How the terminal takes what is typed.
    fn modes(&self) -> LocalModes {
        tcgetattr(&self.keyboard).expect("its modes").local_modes
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the keyboard");
    }

    /// The exit code and all that was shown.
    pub(crate) fn end(mut self) -> (i32, String) {
        let code = self.child.wait().expect("its end").code().expect("an exit code");
        let patience = Instant::now() + Duration::from_secs(5);
        // What it wrote last may still be on its way to us.
        let mut shown = self.shown();
        while Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.shown();
            if now == shown {
                break;
            }
            shown = now;
        }
        (code, shown)
    }
}

const RISKY: &str = r#"
format = 1
name = "risky"
title = "Change something of weight"
risk = "high"

[[step]]
id = "talk"
title = "Talk for a while"
shell.script = { text = "for i in 1 2 3; do echo line $i; sleep 0.2; done" }
leaves = "nothing"

[[step]]
id = "ask"
title = "Ask a person"
manual.confirm = { text = "Is the console closed?" }
leaves = "nothing"
"#;

#[test]
fn a_person_is_asked_and_the_live_picture_keeps_every_line() {
    let sandbox = Sandbox::new().file("a.toml", RISKY);
    let mut terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml"]);
    terminal.wait_for("Start? [yes/no] ");
    terminal.type_in("maybe\n");
    terminal.wait_for("please type one of: yes, no");
    terminal.type_in("y\n");
    terminal.wait_for("Is the console closed? [yes/no] ");
    terminal.type_in("yes\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    for text in ["Change something of weight", "│ line 1", "│ line 2", "│ line 3", "✓", "Talk for a while", "Ask a person", "done in"]
    {
        assert!(shown.contains(text), "{text}: {shown}");
    }
}

#[test]
fn a_no_before_the_start_changes_nothing() {
    let sandbox = Sandbox::new().file("a.toml", RISKY);
    let mut terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml"]);
    terminal.wait_for("Start? [yes/no] ");
    terminal.type_in("no\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 10, "{shown}");
    assert!(shown.contains("a person said no; nothing was changed"), "{shown}");
}

#[test]
fn a_closed_input_is_nobody() {
    let sandbox = Sandbox::new().file("a.toml", RISKY);
    let mut terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml"]);
    terminal.wait_for("Start? [yes/no] ");
    // End of input.
    terminal.type_in("\u{4}");
    let (code, shown) = terminal.end();
    assert_eq!(code, 7, "{shown}");
}

#[test]
fn ctrl_c_takes_a_question_back() {
    let sandbox = Sandbox::new().file("a.toml", RISKY);
    let terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml"]);
    terminal.wait_for("Start? [yes/no] ");
    Sandbox::signal(&terminal.child, rustix::process::Signal::INT);
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
}

#[test]
fn ctrl_c_takes_the_question_of_a_step_back() {
    let sandbox = Sandbox::new().file("a.toml", RISKY);
    let terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml", "--yes"]);
    terminal.wait_for("Is the console closed? [yes/no] ");
    Sandbox::signal(&terminal.child, rustix::process::Signal::INT);
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("ending in good order") && shown.contains("go on"), "{shown}");
    // The question was not answered: it is asked again.
    let mut terminal = Terminal::start(&sandbox, 100, &["resume", "--last"]);
    terminal.wait_for("Is the console closed? [yes/no] ");
    terminal.type_in("yes\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn a_missing_secret_is_asked_for_without_echo() {
    let text = r#"
format = 1
name = "secret"

[vars.user]
type = "string"
example = "admin"
description = "Who"

[vars.password]
type = "string"
secret = true

[[step]]
id = "use"
shell.run = { argv = ["sh", "-c", "printf %s \"$TOKEN\" > used.txt"], env = { TOKEN = "{{vars.password}}" } }
leaves = "nothing"
"#;
    let sandbox = Sandbox::new().file("a.toml", text);
    let mut terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml"]);
    terminal.wait_for("? user (Who), such as admin: ");
    terminal.type_in("me\n");
    terminal.wait_for("? password, not shown: ");
    terminal.type_in("correct-horse\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(sandbox.read("used.txt"), "correct-horse");
    assert!(!shown.contains("correct-horse"), "{shown}");
}

/// A runbook that asks for a secret, at the question, with the terminal as it is then.
fn at_a_hidden_line(rest: &str) -> (Sandbox, Terminal) {
    let text = format!(
        "format = 1\nname = \"secret\"\n\n[vars.password]\ntype = \"string\"\nsecret = true\n\n[[step]]\nid = \"use\"\nshell.run = {{ argv = [\"true\"], env = {{ TOKEN = \"{{{{vars.password}}}}\" }} }}\nleaves = \"nothing\"\n{rest}"
    );
    let sandbox = Sandbox::new().file("a.toml", &text);
    let terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml"]);
    terminal.wait_for("? password, not shown: ");
    let patience = Instant::now() + Duration::from_secs(10);
    while terminal.modes().contains(LocalModes::ECHO) {
        assert!(Instant::now() < patience, "what is typed would be shown");
        std::thread::sleep(Duration::from_millis(10));
    }
    (sandbox, terminal)
}

#[test]
fn a_signal_at_a_hidden_line_leaves_the_terminal_as_it_was() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let (_sandbox, mut terminal) = at_a_hidden_line("");
        terminal.type_in("corr");
        kill_process(Pid::from_child(&terminal.child), signal).expect("a signal");
        let ended = terminal.child.wait().expect("its end");
        assert_eq!(ended.code(), Some(code), "{ended:?}: {}", terminal.shown());
        assert!(terminal.modes().contains(LocalModes::ECHO | LocalModes::ISIG), "{:?}", terminal.modes());
    }
}

#[test]
fn a_signal_after_a_hidden_line_stops_the_run_in_good_order() {
    let more = "\n[[step]]\nid = \"long\"\nshell.run = { argv = [\"sleep\", \"600\"] }\nleaves = \"nothing\"\n";
    let (_sandbox, mut terminal) = at_a_hidden_line(more);
    terminal.type_in("correct-horse\n");
    terminal.wait_for("long");
    kill_process(Pid::from_child(&terminal.child), Signal::TERM).expect("a signal");
    let (code, shown) = terminal.end();
    assert_eq!(code, 143, "{shown}");
    assert!(shown.contains("stopped by signal 15"), "{shown}");
}

#[test]
fn ctrl_c_at_a_hidden_line_leaves_the_terminal_as_it_was() {
    let (_sandbox, mut terminal) = at_a_hidden_line("");
    terminal.type_in("corr\u{3}");
    let ended = terminal.child.wait().expect("its end");
    assert_eq!(ended.signal(), Some(2), "{}", terminal.shown());
    assert!(terminal.modes().contains(LocalModes::ECHO | LocalModes::ISIG), "{:?}", terminal.modes());
    assert!(!terminal.shown().contains("corr"), "{}", terminal.shown());
}

#[test]
fn a_narrow_terminal_wraps_and_loses_nothing() {
    let text = "format = 1\nname = \"narrow\"\ntitle = \"升级到新版本并确认所有的表都还在那里\"\n\n[[step]]\nid = \"one\"\ntitle = \"A title that is a good deal longer than the terminal is wide\"\nshell.run = { argv = [\"false\"] }\nleaves = \"nothing\"\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    let (code, shown) = Terminal::start(&sandbox, 40, &["exec", "a.toml"]).end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("A title that is a good deal"), "{shown}");
    assert!(shown.contains("terminal is wide"), "{shown}");
}

#[test]
fn no_color_is_honoured() {
    let sandbox = Sandbox::new().file("a.toml", "format = 2\n").env("NO_COLOR", "1");
    let (_, shown) = Terminal::start(&sandbox, 100, &["check", "a.toml"]).end();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let sandbox = Sandbox::new().file("a.toml", "format = 2\n");
    let (_, shown) = Terminal::start(&sandbox, 100, &["check", "a.toml"]).end();
    assert!(shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn each_step_is_asked_for_where_the_operator_wishes_so() {
    let text = "format = 1\nname = \"steps\"\n\n[[step]]\nid = \"one\"\nshell.run = { argv = [\"touch\", \"one\"] }\nleaves = \"a file\"\n\n[[step]]\nid = \"two\"\nshell.run = { argv = [\"touch\", \"two\"] }\nleaves = \"a file\"\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    let mut terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml", "--step"]);
    terminal.wait_for("Do `one`? [yes/no/all] ");
    terminal.type_in("yes\n");
    terminal.wait_for("Do `two`? [yes/no/all] ");
    terminal.type_in("no\n");
    let (code, shown) = terminal.end();
    assert!(sandbox.path("one").exists() && !sandbox.path("two").exists());
    assert_eq!(code, 1, "{shown}");
}

#[test]
fn a_failure_is_asked_about_where_the_operator_wishes_so() {
    let text = "format = 1\nname = \"asks\"\n\n[[step]]\nid = \"flaky\"\nshell.script = { text = \"echo looking for it; test -e fixed\" }\nsafety = \"idempotent\"\nleaves = \"nothing\"\n";
    let sandbox = Sandbox::new().file("a.toml", text);
    let mut terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml", "--on-failure", "ask"]);
    terminal.wait_for("it ended with: `bash` exited with 1, expected 0");
    terminal.wait_for("[retry/skip/rollback/stop/log] ");
    terminal.type_in("log\n");
    terminal.wait_for("  │ looking for it");
    std::fs::write(sandbox.path("fixed"), "").expect("a file");
    terminal.type_in("retry\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}
