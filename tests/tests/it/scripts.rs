//! Values in scripts, from the runbook to what the shell does with them.

use std::fs;

use snapbox::str;

use crate::sandbox::Sandbox;

const TEXT: &str = r##"
format = 1
name = "scripts"

[vars.name]
type = "string"
default = 'a $(touch pwned) "b'

[vars.hosts]
type = "list"
default = ["h 1", "$(touch pwned)", "-n"]

[vars.count]
type = "int"
default = 5

[vars.options]
type = "string"
default = "-e -u"

[[step]]
id = "write"
leaves = "some files"

[step.shell.script]
text = '''
for h in {{words vars.hosts}}; do printf '<%s>' "$h"; done > hosts
cat <<END > config
name = {{vars.name}}
END
if (( {{vars.count}} > 3 )); then
  sh -c "printf '%s' {{sh vars.name}}" > inner
fi
case x{{vars.name}} in x"{{vars.name}}") printf same > case ;; esac
set {{raw vars.options reason="several options of set"}}
'''
"##;

fn output(sandbox: &Sandbox, args: &[&str]) -> String {
    String::from_utf8_lossy(&sandbox.command(args.iter().copied()).output().expect("the program").stdout).into_owned()
}

fn exec(sandbox: &Sandbox) {
    let output = sandbox.command(["exec", "a.toml", "--yes", "--output", "quiet"]).output().expect("the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn values_are_exact_wherever_they_stand() {
    let sandbox = Sandbox::new().file("a.toml", TEXT);
    exec(&sandbox);
    let read = |name: &str| fs::read_to_string(sandbox.path(name)).unwrap();
    assert_eq!(read("hosts"), "<h 1><$(touch pwned)><-n>");
    assert_eq!(read("config"), "name = a $(touch pwned) \"b\n");
    assert_eq!(read("inner"), "a $(touch pwned) \"b");
    assert_eq!(read("case"), "same");
    assert!(!sandbox.path("pwned").exists());
}

#[test]
fn a_reviewer_sees_where_each_value_stands_and_what_is_not_escaped() {
    let sandbox = Sandbox::new().file("a.toml", TEXT);
    let section = |args: &[&str]| {
        let ran = output(&sandbox, args);
        let at = ran.find("Values in scripts, SQL texts and URLs").unwrap_or_else(|| panic!("{ran}"));
        ran[at..].to_owned()
    };
    let shown = section(&["plan", "a.toml", "--show-escapes"]);
    snapbox::assert_data_eq!(
        shown,
        str![[r#"
Values in scripts, SQL texts and URLs
  write, line 27, text: vars.hosts
      one argument for each element
  write, line 29, text: vars.name
      a here-document
  write, line 31, text: vars.count
      a calculation: a whole number
  write, line 32, text: vars.name
      a word of a script in the script, quoted for it, inside "…"
  write, line 34, text: vars.name
      the word of `case`
  write, line 34, text: vars.name
      a pattern of `case`, matched as it is, inside "…"
  write, line 35, text: vars.options
      a part of the script's own text, unquoted
      not escaped: several options of set

"#]]
    );
    snapbox::assert_data_eq!(
        section(&["plan", "a.toml", "--format", "markdown"]),
        str![[r#"
Values in scripts, SQL texts and URLs

| unit | line | field | value | stands as |
|---|---|---|---|---|
| `write` | 35 | `text` | `vars.options` | a part of the script's own text, unquoted; **not escaped**: several options of set |

"#]]
    );
    let json: serde_json::Value = serde_json::from_str(&output(&sandbox, &["plan", "a.toml", "--format", "json"])).unwrap();
    assert_eq!(json["escapes"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["escapes"][0]["unescaped"], "several options of set");
}

#[test]
fn what_goes_unescaped_must_not_change_how_the_rest_is_read() {
    let sandbox = Sandbox::new().file("a.toml", TEXT.replace("set {{raw", "printf '%s' {{vars.name}} {{raw"));
    sandbox
        .run(["plan", "a.toml", "--var", "options=\"'", "--format", "json"])
        .stderr(str![[r#"
error[RB501]: `text`: what a `raw` value brings changes how the values around it are read
  --> a.toml:26:8
   |
26 | text = '''
   |        ^^^
   |
   = help: quotes and brackets must end in it as they begin; or take the other values out of this text

nothing was run: 1 error

"#]])
        .code(3);
}

#[test]
fn a_script_that_cannot_be_read_ends_the_run_before_anything_is_changed() {
    let text = r#"
format = 1
name = "unreadable"

[vars.name]
type = "string"
default = "x"

[[step]]
id = "first"
file.write = { path = "written", text = "x" }
leaves = "a file"

[[step]]
id = "second"
leaves = "nothing"
shell.script = { text = """
printf '%s' {{vars.name}}
if true; then
  fi
""" }
"#;
    let sandbox = Sandbox::new().file("a.toml", text);
    sandbox
        .run(["exec", "a.toml", "--yes"])
        .stderr(str![[r#"
error[RB450]: `bash` cannot read this script: syntax error near unexpected token `fi'
  --> a.toml:20:3
   |
20 |   fi
   |   ^^
   |
   = help: nothing was run; `bash -n FILE` says the same of a script in a file

nothing was run: 1 error

"#]])
        .code(3);
    assert!(!sandbox.path("written").exists());
    let sandbox = Sandbox::new()
        .file("a.toml", text.replace("text = \"\"\"", "interpreter = \"/no/such/bash\", verbatim = \"\"\"").replace("{{vars.name}}", "x"));
    let output = sandbox.command(["exec", "a.toml", "--yes"]).output().expect("the program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("error[RB504]: there is no `/no/such/bash` to read this script: "), "{said}");
    assert_eq!(output.status.code(), Some(9));
    assert!(!sandbox.path("written").exists());
}

/// What the operator's own environment says must not reach a script.
#[test]
fn a_hostile_environment_of_the_tool_does_nothing() {
    let text = "format = 1\nname = \"env\"\n\n[vars.name]\ntype = \"string\"\ndefault = \"a b\"\n\n[[step]]\nid = \"one\"\nleaves = \"nothing\"\n\
                shell.script = { text = '''\nset -x\nprintf '%s' {{vars.name}} > out\ntrue | cat\ncd .\nenv > env\n''' }\n";
    let sandbox = Sandbox::new()
        .file("a.toml", text)
        .file("evil.sh", "touch pwned-env\n")
        .env("BASH_ENV", "./evil.sh")
        .env("ENV", "./evil.sh")
        .env("SHELLOPTS", "braceexpand:noexec")
        .env("BASHOPTS", "expand_aliases")
        .env("BASH_FUNC_printf%%", "() { touch pwned-function; }")
        .env("BASH_FUNC_cat%%", "() { touch pwned-function; }")
        .env("PS4", "$(touch pwned-ps4)")
        .env("CDPATH", "/")
        .env("IFS", "ab")
        .env("RUNBOOK_P1", "another value")
        .env("RUNBOOK_VAR_NAME", "x y");
    exec(&sandbox);
    assert_eq!(fs::read_to_string(sandbox.path("out")).unwrap(), "x y");
    let seen = fs::read_to_string(sandbox.path("env")).unwrap();
    for name in ["RUNBOOK_P1", "RUNBOOK_VAR_", "BASH_ENV", "BASH_FUNC_", "CDPATH", "SHELLOPTS"] {
        assert!(!seen.lines().any(|line| line.starts_with(name)), "{name} is inherited:\n{seen}");
    }
    for name in ["pwned-env", "pwned-function", "pwned-ps4"] {
        assert!(!sandbox.path(name).exists(), "{name}");
    }
}
