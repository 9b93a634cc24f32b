//! Twenty secrets, planted everywhere: whatever is written and whoever listens, none of them is found, in no form.
//!
//! The forms that are looked for come from the tools that make them (a real bash) or are spelt out here; they are not the program's own list.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::{Db, Lab};
use crate::sandbox::Sandbox;
use crate::terminal::Terminal;

/// Hostile ones, long ones, ones that overlap, ones that look like something else.
const SECRETS: [&str; 20] = [
    "p'a\"$(x)!\\ 中文",
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkqh\nkiG9w0BAQEFAASCB\n-----END KEY-----",
    "guillemets‹inside›them",
    "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    "  blanks at\tboth ends  ",
    "${HOME}$(touch canary)`id`",
    "<tag attr='1'>&amp;</tag>",
    "url?x=1&y=2#frag/%20+z",
    "Größe-ÄÖÜ-ß-😀-é",
    "abc\u{202e}def\u{2066}-bidi",
    "esc\u{1b}[31mred\u{7}bell",
    "{{vars.other}}-braces-{{",
    "'; drop table x; -- -",
    "back\\slash\\n\\t\\\\literal",
    "4711081519991231",
    "a-long-one-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789-the-end",
    "overlap-abcdef-123456",
    "abcdef-123456-overlap-tail",
    "*?[glob]~!history^x",
    "correct horse \"battery\" staple",
];

fn name(at: usize) -> String {
    format!("s{:02}", at + 1)
}

/// All of them as variables.
fn head(runbook: &str) -> String {
    let mut text = format!("format = 1\nname = \"{runbook}\"\n\n");
    for at in 0..SECRETS.len() {
        let _ = writeln!(text, "[vars.{}]\ntype = \"string\"\nsecret = true\n", name(at));
    }
    text
}

/// `{{vars.s01}}` and so on.
fn places() -> Vec<String> {
    (0..SECRETS.len()).map(|at| format!("{{{{vars.{}}}}}", name(at))).collect()
}

/// A table of an environment with all of them.
fn environment() -> String {
    let pairs: Vec<String> = (0..SECRETS.len()).map(|at| format!("E{0} = \"{{{{vars.{0}}}}}\"", name(at))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn planted(sandbox: Sandbox) -> Sandbox {
    (0..SECRETS.len()).fold(sandbox, |sandbox, at| sandbox.env(&format!("RUNBOOK_VAR_{}", name(at).to_uppercase()), SECRETS[at]))
}

/// What must not be found: for each secret every form, by what it is.
struct Forms(Vec<(String, Vec<u8>)>);

impl Forms {
    fn new() -> Self {
        let mut all = Vec::new();
        for (at, secret) in SECRETS.iter().enumerate() {
            let lines = secret.lines().filter(|line| line.len() >= 8 && secret.contains('\n'));
            for text in std::iter::once(*secret).chain(lines) {
                for (form, bytes) in forms(text) {
                    all.push((format!("{} ({form})", name(at)), bytes));
                }
            }
        }
        Self(all)
    }

    /// Which secrets are in there.
    fn found(&self, bytes: &[u8]) -> Vec<&str> {
        self.0.iter().filter(|(_, form)| contains(bytes, form)).map(|(what, _)| what.as_str()).collect()
    }

    #[track_caller]
    fn none_in(&self, what: &str, bytes: &[u8]) {
        let found = self.found(bytes);
        assert!(found.is_empty(), "{what} shows {found:?}:\n{}", String::from_utf8_lossy(bytes));
    }
}

/// The forms in which tools print a text.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![("raw", text.as_bytes().to_vec())];
    for (form, script) in [
        ("printf %q", "printf %q \"$X\""),
        ("declare -p", "declare -p X | sed -e '1s/^declare -x X=//'"),
        ("${x@Q}", "printf %s \"${X@Q}\""),
        ("set -x", "{ set -x; : \"$X\"; } 2>&1 | sed -e '1s/^+* : //'"),
    ] {
        for locale in ["C", "C.UTF-8"] {
            let output = Command::new("bash").args(["-c", script]).env("X", text).env("LC_ALL", locale).output().expect("bash");
            let mut bytes = output.stdout;
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
            // Quotes around the whole say nothing; without them the form is found inside of longer words too.
            for (open, close) in [(&b"'"[..], &b"'"[..]), (b"$'", b"'"), (b"\"", b"\"")] {
                if let Some(inner) = bytes.strip_prefix(open).and_then(|bytes| bytes.strip_suffix(close)) {
                    bytes = inner.to_vec();
                    break;
                }
            }
            forms.push((form, bytes));
        }
    }
    let json = Value::from(text).to_string();
    let json = &json[1..json.len() - 1];
    let ascii = json.encode_utf16().fold(String::new(), |mut out, unit| {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => out.push(char::from(byte)),
            _ => drop(write!(out, "\\u{unit:04x}")),
        }
        out
    });
    forms.push(("JSON", json.as_bytes().to_vec()));
    forms.push(("JSON \\u", ascii.into_bytes()));
    for space in ["%20", "+"] {
        let url = text.bytes().fold(String::new(), |mut out, byte| {
            match byte {
                b' ' => out.push_str(space),
                byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => out.push(char::from(byte)),
                byte => drop(write!(out, "%{byte:02X}")),
            }
            out
        });
        forms.push(("URL", url.into_bytes()));
    }
    let hex = text.bytes().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    });
    forms.push(("hex", hex.to_uppercase().into_bytes()));
    forms.push(("hex", hex.into_bytes()));
    for before in 0..3 {
        // The middle of it, which depends on nothing that stands before or behind.
        let encoded = base64(&[&vec![0; before], text.as_bytes()].concat());
        let inner = encoded.trim_end_matches('=');
        forms.push(("base64", inner.as_bytes()[[0, 2, 3][before]..inner.len() - 1].to_vec()));
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, at| (word << 8) | u32::from(group.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            let letter = usize::try_from((word >> (18 - 6 * at)) & 63).expect("six bits");
            out.push(if at <= group.len() { char::from(LETTERS[letter]) } else { '=' });
        }
    }
    out
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    // Over megabytes and for hundreds of forms the first byte has to decide nearly always.
    let Some((first, rest)) = wanted.split_first() else { return false };
    bytes.iter().enumerate().any(|(at, byte)| byte == first && bytes.get(at + 1..).is_some_and(|after| after.starts_with(rest)))
}

/// Looks at the command lines of all processes, again and again.
struct CommandLines {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<BTreeSet<Vec<u8>>>,
}

impl CommandLines {
    fn watch() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !asked.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
                    if entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok())
                        && let Ok(line) = std::fs::read(entry.path().join("cmdline"))
                    {
                        seen.insert(line);
                    }
                }
                std::thread::sleep(Duration::from_millis(3));
            }
            seen
        });
        Self { stop, thread }
    }

    fn seen(self) -> Vec<u8> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the watcher").into_iter().flatten().collect()
    }
}

/// A server that answers every request with what it got; with 500 where the path is `/fail`.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or_default() <= 2 {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            let status = if head.starts_with("POST /fail") { "500 Fault" } else { "200 OK" };
            let text = format!("{head}\n{}", String::from_utf8_lossy(&body));
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nx-echo: {}\r\nconnection: close\r\n\r\n{text}",
                text.len(),
                SECRETS[14]
            );
            let _ = reader.get_mut().write_all(answer.as_bytes());
        }
    });
    port
}

/// Everything that runs without Docker and a database.
fn local_steps(port: u16) -> String {
    let (env, all) = (environment(), places());
    let words = all.join(" ");
    let quoted: Vec<String> = all.iter().map(|place| format!("printf '%s\\n' \"<{place}>\" '<{place}>'")).collect();
    let quoted = quoted.join("\n");
    let lines = all.join("\\n");
    let headers = format!("{{ authorization = \"Bearer {}\", x-api-key = \"{}\" }}", all[15], all[3]);
    let body: Vec<String> = all.iter().enumerate().map(|(at, place)| format!("k{at} = \"{place}\"")).collect();
    let body = body.join(", ");
    format!(
        r#"
[[step]]
id = "env"
shell.run = {{ argv = ["env"], env = {env} }}
leaves = "nothing"

[[step]]
id = "stdin"
shell.run = {{ argv = ["sh", "-c", "tee /dev/stderr | od -An -tx1 -v | tr -d ' \\n'"], stdin = "{lines}" }}
leaves = "nothing"

[[step]]
id = "bash"
leaves = "nothing"
shell.script = {{ text = '''
set -x
printf '%s\n' {words}
printf '%q ' {words}
{quoted}
''' }}

[[step]]
id = "forms"
leaves = "nothing"
shell.script = {{ env = {env}, verbatim = '''
for name in $(compgen -e Es); do
    declare -p "$name"; printf '%s\n' "${{!name@Q}}" "${{!name@A}}"
    for before in '' a ab; do
        printf '%s%s-and-more' "$before" "${{!name}}" | base64
        printf '%s%s' "$before" "${{!name}}" | base64 -w 0; echo
    done
    printf '%s' "${{!name}}" | od -An -tx1 -v | tr -d ' \n'; echo
    value=${{!name}}; printf '%s' "${{value:0:5}}"; sleep 0.01; printf '%s\n' "${{value:5}}"
done
''' }}

[[step]]
id = "dash"
leaves = "nothing"
shell.script = {{ interpreter = "sh", text = '''
set -x
for word in {words}; do printf '%s\n' "$word"; done
''' }}

[[step]]
id = "python"
leaves = "nothing"
[step.shell.script]
interpreter = "python3"
env = {env}
verbatim = '''
import json, os, sys, urllib.parse, html
for name, value in os.environ.items():
    if name.startswith("Es"):
        print(json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value))
        print(urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value), html.escape(value))
        print(value.encode().hex(), value.encode().hex().upper())
'''

[[step]]
id = "post"
http.post = {{ url = "http://127.0.0.1:{port}/echo", headers = {headers}, json = {{ {body} }} }}
leaves = "nothing"

[[step]]
id = "write"
file.write = {{ path = "written.txt", text = "{lines}", overwrite = true }}
leaves = "a file"

[[step]]
id = "read"
file.read = {{ path = "written.txt" }}
outputs = {{ again = "text" }}

[[step]]
id = "use"
shell.run = {{ argv = ["cat"], stdin = "{{{{steps.read.text}}}}{{{{upper vars.s20}}}}{{{{steps.post.text}}}}" }}
leaves = "nothing"

[[step]]
id = "refused"
http.post = {{ url = "http://127.0.0.1:{port}/fail", headers = {headers}, json = {{ {body} }} }}
on_failure = "continue"
leaves = "nothing"
"#
    )
}

/// The last step: it fails with everything in its last words.
fn failing_step() -> String {
    let env = environment();
    format!(
        r#"
[[step]]
id = "fail"
leaves = "nothing"
expect = ["eq stdout vars.s01"]
shell.run = {{ argv = ["sh", "-c", "env; env >&2; exit 3"], env = {env} }}
"#
    )
}

/// What the program says of a runbook and its runs in every way that it has, after it was run.
fn everything_said(sandbox: &Sandbox, file: &str) -> Vec<(String, Vec<u8>)> {
    let mut said = Vec::new();
    for words in [
        &["check", file][..],
        &["check", file, "--format", "json"],
        &["plan", file],
        &["plan", file, "--format", "markdown"],
        &["plan", file, "--format", "json"],
        &["plan", file, "--out", "saved.plan"],
        &["runs", "list"],
        &["runs", "show", "--last"],
        &["runs", "show", "--last", "--json"],
        &["runs", "log", "--last"],
    ] {
        let output = sandbox.command(words.iter().copied()).env("RUNBOOK_LOG", "trace").output().expect("the program");
        let silent = output.stdout.is_empty() && output.stderr.is_empty();
        assert!(!silent || words.contains(&"--out"), "{words:?} says nothing");
        said.push((format!("{words:?}"), [output.stdout, output.stderr].concat()));
    }
    for (path, bytes) in sandbox.everything_below("state") {
        said.push((path.display().to_string(), bytes));
    }
    said.push(("the saved plan".to_owned(), std::fs::read(sandbox.path("saved.plan")).expect("the plan")));
    said
}

#[test]
fn the_forms_that_are_looked_for_are_those_that_tools_make() {
    let forms = Forms::new();
    // Otherwise finding none of them would prove nothing.
    for (at, secret) in SECRETS.iter().enumerate() {
        for (what, text) in [("as it is", (*secret).to_owned()), ("in base64", base64(format!("xx{secret}yy").as_bytes()))] {
            assert!(forms.found(text.as_bytes()).iter().any(|found| found.starts_with(&name(at))), "{secret:?} {what}");
        }
    }
    assert!(forms.0.len() > 300 && forms.0.iter().all(|(_, form)| form.len() >= 8), "{}", forms.0.len());
}

#[test]
fn planted_secrets_are_found_nowhere() {
    let forms = Forms::new();
    let text = format!("{}{}{}", head("planted"), local_steps(echo()), failing_step());
    for mode in ["plain", "jsonl", "quiet"] {
        let sandbox = planted(Sandbox::new()).file("a.toml", &text);
        let watch = CommandLines::watch();
        let output = sandbox.command(["exec", "a.toml", "--output", mode]).env("RUNBOOK_LOG", "trace").output().expect("the program");
        let lines = watch.seen();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
        assert!(stderr.contains("`fail` failed"), "{stderr}");
        forms.none_in("standard output", &output.stdout);
        forms.none_in("standard error", &output.stderr);
        forms.none_in("a command line", &lines);
        assert!(contains(&lines, b"a.toml"), "the watcher saw the program");
        let written = sandbox.read("written.txt");
        assert!(SECRETS.iter().all(|secret| written.contains(secret)), "the steps had them");
        assert!(!sandbox.path("canary").exists());
        for (what, bytes) in everything_said(&sandbox, "a.toml") {
            forms.none_in(&what, &bytes);
        }
    }
}

#[test]
fn a_live_picture_and_a_typed_secret_show_nothing() {
    let forms = Forms::new();
    let typed = "\n[[step]]\nid = \"typed\"\nmanual.input = { text = \"The PIN\", secret = true }\n\n\
         [[step]]\nid = \"shown\"\nshell.run = { argv = [\"cat\"], stdin = \"it was {{steps.typed.value}}\\n\" }\nleaves = \"nothing\"\n";
    let text = format!("{}{typed}{}{}", head("live"), local_steps(echo()), failing_step());
    let sandbox = planted(Sandbox::new()).file("a.toml", &text);
    let mut terminal = Terminal::start(&sandbox, 100, &["exec", "a.toml"]);
    terminal.wait_for("The PIN");
    terminal.type_in("typed-battery-staple\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("it was ‹steps.typed›"), "{shown}");
    let mut said = everything_said(&sandbox, "a.toml");
    said.push(("the terminal".to_owned(), shown.into_bytes()));
    for (what, bytes) in said {
        forms.none_in(&what, &bytes);
        assert!(!contains(&bytes, b"typed-battery"), "{what}");
    }
}

#[test]
fn a_run_that_was_killed_leaves_nothing_to_find() {
    let forms = Forms::new();
    let step = format!(
        "[[step]]\nid = \"hang\"\nleaves = \"nothing\"\nshell.script = {{ env = {}, text = '''\nset -x\nenv\nprintf '%s' {{{{vars.s01}}}}\n\
         touch hanging\nsleep 100\n''' }}\n",
        environment()
    );
    let sandbox = planted(Sandbox::new()).file("a.toml", format!("{}{}{step}", head("killed"), local_steps(echo())));
    let mut child = sandbox.spawn(["exec", "a.toml"]);
    // Its pipes have to be read, or it waits for us.
    let mut pipes =
        [Box::new(child.stdout.take().expect("a pipe")) as Box<dyn std::io::Read + Send>, Box::new(child.stderr.take().expect("a pipe"))]
            .map(|mut pipe| {
                std::thread::spawn(move || {
                    let mut bytes = Vec::new();
                    let _ = pipe.read_to_end(&mut bytes);
                    bytes
                })
            })
            .into_iter();
    sandbox.wait_for("hanging");
    child.kill().expect("a kill");
    child.wait().expect("its end");
    sandbox.end_marked();
    for what in ["standard output", "standard error"] {
        let bytes = pipes.next().expect("a pipe").join().expect("what it wrote");
        forms.none_in(what, &bytes);
    }
    for (what, bytes) in everything_said(&sandbox, "a.toml") {
        forms.none_in(&what, &bytes);
    }
}

#[test]
fn what_a_run_keeps_is_for_its_owner_only() {
    let sandbox = planted(Sandbox::new()).file("a.toml", format!("{}{}{}", head("planted"), local_steps(echo()), failing_step()));
    let output = sandbox.command(["exec", "a.toml", "--output", "quiet"]).output().expect("the program");
    assert_eq!(output.status.code(), Some(1));
    let kept: Vec<PathBuf> = sandbox.everything_below("state").into_iter().map(|(path, _)| path).collect();
    let open: Vec<_> = kept.iter().filter(|path| path.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)).collect();
    assert!(open.is_empty() && kept.len() > 8, "{open:?}");
    assert!(kept.iter().any(|path| path.to_string_lossy().contains("/sealed/")), "{kept:?}");
    assert_eq!(sandbox.everything_below("state/keys").len(), 1, "{kept:?}");
}

/// Watches an engine: its events, and what it says of a container.
struct Engine {
    events: Child,
    stop: Arc<AtomicBool>,
    looked: std::thread::JoinHandle<String>,
    told: Arc<Mutex<Vec<u8>>>,
}

impl Engine {
    fn watch(container: String) -> Self {
        let lab = Lab::get();
        let mut events = Command::new(lab.cli());
        events.args(["events", "--format", "{{json .}}"]).env("DOCKER_HOST", lab.docker_host()).stdout(Stdio::piped());
        let mut events = events.spawn().expect("the docker client");
        let mut pipe = events.stdout.take().expect("a pipe");
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut bytes) {
                kept.lock().expect("the events").extend_from_slice(&bytes[..read]);
            }
        });
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let looked = std::thread::spawn(move || {
            let mut all = BTreeSet::new();
            while !asked.load(Ordering::Relaxed) {
                let output = lab.docker(&["inspect", &container], &[]);
                if let Ok(Value::Array(mut found)) = serde_json::from_slice(&output.stdout)
                    && let Some(one) = found.first_mut()
                {
                    // A container's own environment is where the runbook put them: whoever may use the engine sees it there.
                    one["Config"]["Env"] = json!([]);
                    all.insert(one.to_string());
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            all.into_iter().collect()
        });
        Self { events, stop, looked, told }
    }

    fn seen(mut self) -> (Vec<u8>, String) {
        self.stop.store(true, Ordering::Relaxed);
        let looked = self.looked.join().expect("the watcher");
        let _ = self.events.kill();
        let _ = self.events.wait();
        let told = self.told.lock().expect("the events").clone();
        (told, looked)
    }
}

fn lab_steps(container: &str, port: u16) -> String {
    let (env, all) = (environment(), places());
    let columns: Vec<String> = all.iter().enumerate().map(|(at, place)| format!("{place} as c{at}")).collect();
    let columns = columns.join(", ");
    let lines = all.join("\\n");
    format!(
        r#"
[vars.db_password]
type = "string"
secret = true

[target.db]
mysql = {{ host = "127.0.0.1", port = {port}, user = "root", password = "{{{{vars.db_password}}}}" }}

[[check]]
id = "select"
sql.query = {{ target = "db", sql = "select {columns}" }}

[[step]]
id = "create"
docker.run = {{ image = "runbook-lab/planted:1", name = "{container}", command = ["sh", "-c", "env; env >&2; sleep 600"], env = {env} }}
undo = [{{ docker.remove = {{ container = "{container}", force = true }} }}]

[[step]]
id = "logs"
docker.logs = {{ container = "{container}" }}

[[step]]
id = "look"
docker.inspect = {{ container = "{container}" }}

[[step]]
id = "use"
shell.run = {{ argv = ["cat"], stdin = "{{{{json steps.look.env}}}} {{{{steps.look.env.Es01}}}} {{{{json checks.select.rows}}}}" }}
leaves = "nothing"

[[step]]
id = "exec"
docker.exec = {{ container = "{container}", argv = ["sh", "-c", "env; cat"], env = {env}, stdin = "{lines}" }}
leaves = "nothing"

[[step]]
id = "refused"
docker.exec = {{ container = "{container}", argv = ["sh", "-c", "env >&2; cat; exit 4"], env = {env}, stdin = "{lines}" }}
on_failure = "continue"
leaves = "nothing"

[[step]]
id = "broken"
sql.execute = {{ target = "db", sql = "insert into nowhere.at_all values ('{{{{vars.s01}}}}', '{{{{vars.s20}}}}', {{{{vars.s02}}}})" }}
on_failure = "continue"
leaves = "nothing"
"#
    )
}

#[test]
fn lab_planted_secrets_are_found_nowhere() {
    let forms = Forms::new();
    let lab = Lab::get();
    lab.busybox_image("runbook-lab/planted:1");
    for db in [Db::OceanBase, Db::MariaDb] {
        let container = format!("runbook-planted-{}-{db:?}", std::process::id()).to_lowercase();
        let text = format!("{}{}{}", head("planted"), lab_steps(&container, lab.port(db)), failing_step());
        let sandbox = planted(Sandbox::new())
            .file("a.toml", &text)
            .env("RUNBOOK_VAR_DB_PASSWORD", lab.password(db))
            .env("DOCKER_HOST", lab.docker_host());
        let engine = Engine::watch(container.clone());
        let watch = CommandLines::watch();
        let output = sandbox.command(["exec", "a.toml"]).env("RUNBOOK_LOG", "trace").output().expect("the program");
        let lines = watch.seen();
        let (events, inspected) = engine.seen();
        let said = everything_said(&sandbox, "a.toml");
        lab.docker(&["rm", "--force", &container], &[]);
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
        assert!(stderr.contains("`fail` failed"), "{stderr}");
        assert!(contains(&events, b"exec_create") && inspected.contains("runbook.run"), "the watchers saw something: {inspected}");
        let mut everything: BTreeMap<String, Vec<u8>> = said.into_iter().collect();
        everything.insert("a command line".to_owned(), lines);
        everything.insert("an event of the engine".to_owned(), events);
        everything.insert("the engine's word of the container".to_owned(), inspected.into_bytes());
        everything.insert("standard output".to_owned(), output.stdout);
        everything.insert("standard error".to_owned(), output.stderr);
        for (what, bytes) in everything {
            forms.none_in(&format!("{db:?}: {what}"), &bytes);
            assert!(!contains(&bytes, lab.password(db).as_bytes()), "{what} shows the password of {db:?}");
        }
    }
}
