//! `runbook check`.

use snapbox::str;

use crate::sandbox::Sandbox;

#[test]
fn a_file_that_is_not_there_is_named() {
    Sandbox::new()
        .run(["check", "nowhere.toml"])
        .stderr(str![[r#"
error[RB100]: `nowhere.toml` cannot be read: there is no such file


"#]])
        .stdout(str![[r#"
checked 1 runbook: 1 error

"#]])
        .code(3);
}

const GOOD: &str = "format = 1\nname = \"good\"\n\n[[check]]\nid = \"here\"\nfile.assert = { path = \".\" }\n";
const BAD: &str = "format = 1\nname = \"bad\"\n\n[[step]]\nid = \"a\"\nshell.run = { argv = [\"true\"], evn = {} }\nleaves = \"nothing\"\n";
const WARNED: &str = "format = 1\nname = \"warned\"\n\n[vars.unused]\ntype = \"string\"\ndefault = \"x\"\n\n[[check]]\nid = \"here\"\nfile.assert = { path = \".\" }\n";

#[test]
fn folders_are_searched_and_other_toml_is_left_out() {
    Sandbox::new()
        .file("books/good.toml", GOOD)
        .file("books/deep/bad.toml", BAD)
        .file("books/.hidden/bad.toml", BAD)
        .file("books/Cargo.toml", "[package]\nname = \"x\"\n")
        .file("books/site.toml", "host = \"x\"\n")
        .run(["check", "books"])
        .stdout(str![[r#"
checked 2 runbooks: 1 error

"#]])
        .stderr(str![[r#"
error[RB110]: `shell.run` has no key `evn`
 --> books/deep/bad.toml:6:32
  |
6 | shell.run = { argv = ["true"], evn = {} }
  |                                ^^^ unknown key
  |
  = help: did you mean `env`?


"#]])
        .code(3);
}

#[test]
fn a_folder_without_a_runbook_is_no_success() {
    let sandbox = Sandbox::new().file("books/site.toml", "host = \"x\"\n").file("good.toml", GOOD);
    sandbox
        .run(["check", "books"])
        .stdout(str![[r#"
checked 0 runbooks: 1 error

"#]])
        .stderr(str![[r#"
error[RB303]: there is no runbook below `books`, so nothing was checked
 |
 = help: in a folder, every TOML file counts that has a top-level `format` key or a `[[step]]`; hidden folders and links to folders are left out


"#]])
        .code(3);
    let (stdout, _) = sandbox.run(["check", "good.toml", "books", "--format", "json"]).only_code(3);
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!((&report["valid"], &report["diagnostics"][0]["code"]), (&false.into(), &"RB303".into()));
}

#[test]
fn warnings_count_where_they_are_denied() {
    let sandbox = Sandbox::new().file("warned.toml", WARNED);
    sandbox
        .run(["check", "warned.toml"])
        .stdout(str![[r#"
checked 1 runbook: 1 warning

"#]])
        .stderr(str![[r#"
warning[RB414]: nothing uses the variable `unused`
 --> warned.toml:4:7
  |
4 | [vars.unused]
  |       ^^^^^^
  |
  = help: remove it, or use it as `{{vars.unused}}`


"#]])
        .code(0);
    sandbox.run(["check", "warned.toml", "--deny-warnings"]).only_code(3);
}

#[test]
fn annotations_for_github() {
    Sandbox::new().file("bad.toml", BAD).run(["check", "bad.toml", "--format", "github"]).stdout(str![[r#"
::error file=bad.toml,line=6,endLine=6,col=32,endColumn=35,title=RB110::`shell.run` has no key `evn`: unknown key%0Ahelp: did you mean `env`?

"#]]).code(3);
}

#[test]
fn json_for_programs() {
    let (stdout, stderr) = Sandbox::new()
        .file("bad.toml", BAD)
        .file("good.toml", GOOD)
        .run(["check", "bad.toml", "good.toml", "--format", "json"])
        .only_code(3);
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!((report["valid"].as_bool(), report["error_count"].as_u64()), (Some(false), Some(1)));
    assert_eq!(report["diagnostics"][0]["code"], "RB110");
    assert_eq!(report["diagnostics"][0]["labels"][0]["start"]["line"], 6);
    assert_eq!(stderr, "");
}

#[test]
fn sarif_for_code_scanning() {
    let (stdout, _) = Sandbox::new().file("bad.toml", BAD).run(["check", "bad.toml", "--format", "sarif"]).only_code(3);
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(report["version"], "2.1.0");
    assert_eq!(report["runs"][0]["results"][0]["ruleId"], "RB110");
}
