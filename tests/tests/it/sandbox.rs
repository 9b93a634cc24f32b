//! A folder with files, and the program run in it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use regex::Regex;
use snapbox::{Data, IntoData};

/// A folder of a test's own, removed at its end.
pub(crate) struct Sandbox {
    dir: PathBuf,
    env: BTreeMap<String, String>,
    stdin: Option<String>,
}

/// What a run of the program left. [`code`](Self::code) ends the assertion: what was not named before must be empty.
#[must_use = "a run is only asserted by `code`"]
pub(crate) struct Ran {
    stdout: String,
    stderr: String,
    code: Option<i32>,
    expected_stdout: Option<Data>,
    expected_stderr: Option<Data>,
}

impl Sandbox {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("runbook-it-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a folder for the test");
        let dir = dir.canonicalize().expect("the folder's real path");
        Self { dir, env: BTreeMap::new(), stdin: None }
    }

    /// With a file; folders above it are made. `@UNIQUE@` in it becomes a name that no other test has: locks are for the whole host.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        let content = match std::str::from_utf8(content.as_ref()) {
            Ok(text) => text.replace("@UNIQUE@", &self.name()).into_bytes(),
            Err(_) => content.as_ref().to_owned(),
        };
        fs::write(path, content).expect("a file");
        self
    }

    fn name(&self) -> String {
        self.dir.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// With an environment variable for the program.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With something to read on its standard input; otherwise that is closed.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// A path in the folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    /// The content of a file in the folder.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Waits until a file of that name is there: a step's way to say how far it is.
    pub(crate) fn wait_for(&self, path: &str) {
        until(&format!("the file {path}"), || self.path(path).exists());
    }

    /// Waits until the journal of a run has a record of that type.
    pub(crate) fn wait_for_record(&self, kind: &str) {
        self.wait_for_text("state/runs", &format!("\"type\":\"{kind}\""));
    }

    /// Waits until a file below a folder has that text in it.
    pub(crate) fn wait_for_text(&self, folder: &str, wanted: &str) {
        until(wanted, || self.everything_below(folder).iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(wanted)));
    }

    /// Sends a signal to the program alone.
    pub(crate) fn signal(child: &Child, signal: rustix::process::Signal) {
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("a signal");
    }

    /// Ends what a test's runs left behind on purpose: what has this folder in its environment.
    pub(crate) fn end_marked(&self) {
        let wanted = format!("HOME={}", self.dir.display());
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(rustix::process::Pid::from_raw) else {
                continue;
            };
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }

    /// Every file below a folder with its content, to look for what must not be there.
    pub(crate) fn everything_below(&self, path: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(&self.path(path), &mut found);
        found
    }

    /// Runs the program to its end.
    pub(crate) fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Ran {
        let mut child = self.spawn(args);
        if let Some(text) = &self.stdin {
            let mut stdin = child.stdin.take().expect("a pipe");
            // A program that does not read to the end closes the pipe.
            let _ = stdin.write_all(text.as_bytes());
        }
        self.wait(child)
    }

    /// Starts the program.
    pub(crate) fn spawn<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Child {
        self.command(args).spawn().expect("the program")
    }

    /// The program with its arguments and a clean environment.
    pub(crate) fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(binary());
        command.args(args).current_dir(&self.dir).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.dir).env("LANG", "C.UTF-8").env("RUNBOOK_STATE_DIR", self.path("state")).envs(&self.env);
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() }).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Waits for its end.
    pub(crate) fn wait(&self, child: Child) -> Ran {
        let output = child.wait_with_output().expect("its output");
        Ran {
            stdout: self.redacted(&output.stdout),
            stderr: self.redacted(&output.stderr),
            code: output.status.code(),
            expected_stdout: None,
            expected_stderr: None,
        }
    }

    /// Runs a line of a shell in the folder, the program on its path, and gives both streams as a terminal would show them.
    pub(crate) fn shell(&self, line: &str) -> String {
        let folder = binary().parent().expect("the program's folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("exec 2>&1; {line}")]).current_dir(&self.dir).env_clear().envs(&self.env);
        shell.env("PATH", format!("{}:{path}", folder.display())).env("HOME", &self.dir).env("LANG", "C.UTF-8");
        let output = shell.env("RUNBOOK_STATE_DIR", self.path("state")).stdin(Stdio::null()).output().expect("a shell");
        self.redacted(&output.stdout)
    }

    /// Without what differs from run to run: the folder, ids of runs, times, durations.
    pub(crate) fn redacted(&self, bytes: &[u8]) -> String {
        static PATTERNS: OnceLock<Vec<(Regex, &str)>> = OnceLock::new();
        let patterns = PATTERNS.get_or_init(|| {
            let pattern = |text: &str, by: &'static str| (Regex::new(text).expect("a pattern"), by);
            vec![
                pattern(r"\b\d{8}-\d{6}-[0-9a-z]{4}\b", "[RUN]"),
                pattern(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?( UTC)?", "[TIME]"),
                pattern(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "[TIME]"),
                pattern(r"\[TIME\] by \S+", "[TIME] by [USER]"),
                pattern(r"(resumed|rollback begun) by \S+ on \S+", "$1 by [USER] on [HOST]"),
                pattern(r"\b\d\d:\d\d:\d\d\b", "[CLOCK]"),
                pattern(r"\b\d+\.\ds\b", "[TOOK]"),
                // An age of ten seconds or more has no parts of seconds.
                pattern(r"\((\d+[dhms] ?)+ ago\)", "([TOOK] ago)"),
            ]
        });
        let text = String::from_utf8_lossy(bytes).replace(&*self.dir.to_string_lossy(), "[DIR]").replace(&self.name(), "[UNIQUE]");
        patterns.iter().fold(text, |text, (pattern, by)| pattern.replace_all(&text, *by).into_owned())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Ran {
    /// What standard output must be.
    pub(crate) fn stdout(mut self, expected: impl IntoData) -> Self {
        self.expected_stdout = Some(expected.into_data());
        self
    }

    /// What standard error must be.
    pub(crate) fn stderr(mut self, expected: impl IntoData) -> Self {
        self.expected_stderr = Some(expected.into_data());
        self
    }

    /// The exit code must be this, and both streams what was said before; empty where nothing was said.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) {
        assert_eq!(self.code, Some(expected), "exit code\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        snapbox::assert_data_eq!(self.stdout.clone(), self.expected_stdout.unwrap_or_else(|| "".into_data()).raw());
        snapbox::assert_data_eq!(self.stderr.clone(), self.expected_stderr.unwrap_or_else(|| "".into_data()).raw());
    }

    /// The exit code, whatever it is; none where a signal ended it.
    pub(crate) fn ended(self) -> Option<i32> {
        self.code
    }

    /// The same with both streams, one after the other.
    pub(crate) fn seen(self) -> (Option<i32>, String) {
        (self.code, self.stdout + &self.stderr)
    }

    /// The exit code, whatever it is.
    #[track_caller]
    pub(crate) fn any_code(self) -> i32 {
        self.code.expect("an exit code")
    }

    /// Only the exit code: for the few outputs that are long and told elsewhere. Gives both streams.
    #[track_caller]
    pub(crate) fn only_code(self, expected: i32) -> (String, String) {
        assert_eq!(self.code, Some(expected), "exit code\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        (self.stdout, self.stderr)
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let patience = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !holds() {
        assert!(std::time::Instant::now() < patience, "waited in vain for {what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn collect(path: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push((path.clone(), fs::read(&path).unwrap_or_default()));
        }
    }
}

/// The program: `RUNBOOK_BIN`, or the one of this build, which cargo brings up to date first.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("RUNBOOK_BIN") {
            return PathBuf::from(path);
        }
        // target/PROFILE/deps/it-HASH
        let exe = std::env::current_exe().expect("this test's path");
        let profile = exe.ancestors().nth(2).expect("the profile's folder");
        let target = profile.parent().expect("the target folder");
        let release = profile.file_name().is_some_and(|name| name == "release");
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--package", "runbook", "--target-dir"])
            .arg(target)
            .args(release.then_some("--release"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "the program does not build");
        profile.join("runbook")
    })
}
