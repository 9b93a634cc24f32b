//! A secret reaches the step that needs it and nothing else.

use crate::sandbox::Sandbox;

const SECRET: &str = "correct-horse-\"battery'-staple";

#[test]
fn a_secret_is_in_no_output_and_in_no_file() {
    let text = r#"
format = 1
name = "secret"

[vars.password]
type = "string"
secret = true

[[step]]
id = "use"
shell.script = { text = "printf '%s' {{vars.password}} | sha256sum; printf '%s\n' {{vars.password}} | tee used.txt; printf '%s' {{vars.password}} | base64; set -x; true {{vars.password}}" }
leaves = "nothing"

[[step]]
id = "show"
shell.run = { argv = ["env"], env = { TOKEN = "{{vars.password}}" } }
leaves = "nothing"

[[step]]
id = "fail"
shell.run = { argv = ["sh", "-c", "echo \"no: $TOKEN\" >&2; exit 1"], env = { TOKEN = "{{vars.password}}" } }
leaves = "nothing"
"#;
    for mode in ["plain", "jsonl", "quiet"] {
        let sandbox = Sandbox::new().file("a.toml", text).env("RUNBOOK_VAR_PASSWORD", SECRET).env("RUNBOOK_LOG", "trace");
        let (stdout, stderr) = sandbox.run(["exec", "a.toml", "--output", mode]).only_code(1);
        assert_eq!(sandbox.read("used.txt"), format!("{SECRET}\n"), "the step had it");
        let (show, log) = (sandbox.run(["runs", "show", "--last"]).only_code(0), sandbox.run(["runs", "log", "--last"]).only_code(0));
        let (json, _) = sandbox.run(["runs", "show", "--last", "--json"]).only_code(0);
        for text in [&stdout, &stderr, &show.0, &log.0, &json] {
            assert!(!text.contains("correct-horse"), "{mode}: {text}");
            assert!(!text.contains("Y29ycmVjdC1ob3JzZS"), "{mode}: {text}");
        }
        for (path, bytes) in sandbox.everything_below("state") {
            assert!(!contains(&bytes, b"correct-horse"), "{mode}: {}", path.display());
        }
        assert!(log.0.contains("‹vars.password›"), "{}", log.0);
    }
}

#[test]
fn a_secret_on_a_command_line_is_refused() {
    let text = r#"
format = 1
name = "secret"

[vars.password]
type = "string"
secret = true

[[step]]
id = "use"
shell.run = { argv = ["echo", "{{vars.password}}"] }
leaves = "nothing"
"#;
    let (_, stderr) = Sandbox::new().file("a.toml", text).run(["check", "a.toml"]).only_code(3);
    assert!(stderr.contains("{{vars.password}}"), "{stderr}");
}

#[test]
fn a_secret_is_not_taken_from_our_own_command_line() {
    let text = "format = 1\nname = \"own\"\n\n[vars.password]\ntype = \"string\"\nsecret = true\n\n[[step]]\nid = \"a\"\nshell.run = { argv = [\"true\"] }\nleaves = \"nothing\"\n";
    let (_, stderr) = Sandbox::new().file("a.toml", text).run(["plan", "a.toml", "--var", "password=correct-horse"]).only_code(3);
    assert!(stderr.contains("RUNBOOK_VAR_PASSWORD") && !stderr.contains("correct-horse"), "{stderr}");
}

#[test]
fn the_command_that_prints_one_secret_does_not_see_another() {
    let text = "format = 1\nname = \"own\"\n\n[vars.password]\ntype = \"string\"\nsecret = true\n\n[vars.seen]\ntype = \"string\"\n\n[[step]]\nid = \"a\"\nshell.run = { argv = [\"echo\", \"{{vars.seen}}\"] }\nleaves = \"nothing\"\n";
    let sandbox = Sandbox::new().file("a.toml", text).env("RUNBOOK_VAR_PASSWORD", "correct-horse");
    let (stdout, _) = sandbox.run(["exec", "a.toml", "--var", "seen.command=env | grep -c RUNBOOK_VAR; true"]).only_code(0);
    assert!(stdout.contains("a| 0"), "{stdout}");
}

#[test]
fn children_inherit_no_variables_of_ours() {
    let text = "format = 1\nname = \"env\"\n\n[[step]]\nid = \"env\"\nshell.run = { argv = [\"env\"] }\nleaves = \"nothing\"\n";
    let sandbox =
        Sandbox::new().file("a.toml", text).env("RUNBOOK_VAR_OTHER", "correct-horse").env("BASH_ENV", "/evil").env("LD_PRELOAD", "");
    let (stdout, _) = sandbox.run(["exec", "a.toml"]).only_code(0);
    assert!(!stdout.contains("correct-horse") && !stdout.contains("BASH_ENV") && !stdout.contains("LD_PRELOAD"), "{stdout}");
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
