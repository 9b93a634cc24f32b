//! What comes from outside and means no good, or is broken: it is told, and nothing of it is obeyed.

use snapbox::str;

use crate::sandbox::Sandbox;

#[test]
fn control_characters_of_a_child_are_shown_not_obeyed() {
    let text = "format = 1\nname = \"esc\"\n\n[[step]]\nid = \"esc\"\nleaves = \"nothing\"\nshell.script = { text = '''\nprintf '\\033]0;owned\\007 \\342\\200\\256 back 10%%\\r20%%\\n'\nprintf '\\377\\376 not UTF-8\\n'\nprintf '\\033[2J' >&2; exit 1\n''' }\n";
    Sandbox::new()
        .file("a.toml", text)
        .run(["exec", "a.toml"])
        .stdout(str![[r#"
[CLOCK] run [RUN] of esc
[CLOCK] step esc: begins
         esc| \u{1b}]0;owned\u{7} \u{202e} back 10%
         esc| 20%
         esc| �� not UTF-8
         esc| \u{1b}[2J
[CLOCK] step esc: FAILED: `bash` exited with 1, expected 0 ([TOOK])

"#]])
        .stderr(str![[r#"

error[RB506]: `esc` failed: `bash` exited with 1, expected 0
 --> a.toml:7:1
  |
5 | id = "esc"
  |      -----
6 | leaves = "nothing"
7 | shell.script = { text = '''
  | ^^^^^^^^^^^^
    > \u{1b}[2J

stopped at `esc`; nothing was rolled back (run [RUN])
  perhaps     esc, which failed (stays: nothing)
  go on       runbook resume [RUN] --state-dir [DIR]/state
  look        runbook runs log [RUN] --step esc --state-dir [DIR]/state
              runbook runs show [RUN] --state-dir [DIR]/state

"#]])
        .code(1);
}

#[test]
fn control_characters_in_a_file_are_shown_not_obeyed() {
    let text = "format = 1\nname = \"esc\"\ntitle = \"\u{202e}evil\"\nnmae = \"\u{1b}[31m\"\n";
    Sandbox::new()
        .file("a.toml", text)
        .run(["check", "a.toml"])
        .stdout(str![[r#"
checked 1 runbook: 3 errors

"#]])
        .stderr(str![[r#"
error[RB303]: there is nothing to do
 --> a.toml:1:1
  |
1 | format = 1
  | ^^^^^^^^^^ no `[[check]]`, no `[[step]]`, no `[[verify]]`
  |
  = help: add a `[[step]]` with an `id` and an action

error[RB105]: a character that turns the reading direction (U+202E) stands in the file
 --> a.toml:3:10
  |
3 | title = "�evil"
  |          ^ a reader does not see it
  |
  = help: remove it, or write `\u202e` inside a string in double quotes

error[RB105]: an ESC character (U+001B) stands in the file
 --> a.toml:4:9
  |
4 | nmae = "␛[31m"
  |         ^ a reader does not see it
  |
  = help: remove it, or write `\u001b` inside a string in double quotes


"#]])
        .code(3);
}

#[test]
fn bytes_that_are_not_utf8_are_pointed_at() {
    Sandbox::new()
        .file("a.toml", b"format = 1\nname = \"a\xff\"\n")
        .run(["check", "a.toml"])
        .stdout(str![[r#"
checked 1 runbook: 1 error

"#]])
        .stderr(str![[r#"
error[RB102]: the file is not UTF-8
 --> a.toml:2:10
  |
2 | name = "a�"
  |          ^ byte 0xff is no part of a character
  |
  = help: save the file as UTF-8, for example with `iconv -f GB18030 -t UTF-8`


"#]])
        .code(3);
}

#[test]
fn an_enormous_file_is_refused() {
    let sandbox = Sandbox::new().file("a.toml", "");
    std::fs::OpenOptions::new().write(true).open(sandbox.path("a.toml")).and_then(|file| file.set_len(1 << 40)).expect("a large file");
    sandbox
        .run(["check", "a.toml"])
        .stdout(str![[r#"
checked 1 runbook: 1 error

"#]])
        .stderr(str![[r#"
error[RB103]: `a.toml` is larger than 32 MiB
 --> a.toml:1:1
  |
1 |
  | ^
  |
  = help: a runbook is a small text: is this the file that was meant?


"#]])
        .code(3);
}

#[test]
fn a_folder_is_not_a_runbook_to_run() {
    Sandbox::new()
        .file("dir/a.toml", "")
        .run(["exec", "dir"])
        .stderr(str![[r#"
error[RB100]: `dir` cannot be read: it is a folder
 |
 = help: name a file, or look at all of them: `runbook check dir`

nothing was run: 1 error

"#]])
        .code(3);
}

#[test]
fn a_deep_nest_of_brackets_is_no_crash() {
    let text = format!("format = 1\nname = \"a\"\nx = {}\n", "[".repeat(100_000));
    let (_, stderr) = Sandbox::new().file("a.toml", text).run(["check", "a.toml"]).only_code(3);
    assert!(stderr.contains("error[RB1"), "{}", &stderr[..stderr.len().min(400)]);
}

#[test]
fn several_syntax_errors_are_told_at_once() {
    let text = "format = 1\nname = \n[[step]]\nid = 'a\nshell.run = { argv = [\"true\"] }\nleaves = x\n";
    Sandbox::new()
        .file("a.toml", text)
        .run(["check", "a.toml"])
        .stdout(str![[r#"
checked 1 runbook: 3 errors

"#]])
        .stderr(str![[r#"
error[RB101]: a value is missing
 --> a.toml:2:8
  |
2 | name = 
  |        ^ expected a value

error[RB101]: the text is not closed on its line
 --> a.toml:4:8
  |
4 | id = 'a
  |        ^ expected the closing quote

error[RB101]: `x` is not a value
 --> a.toml:6:10
  |
6 | leaves = x
  |          ^ expected a text in quotes, a number, `true` or `false`
  |
  = help: write `"x"`


"#]])
        .code(3);
}

#[test]
fn a_title_of_several_lines_is_one_line_of_the_record() {
    let text = "format = 1\nname = \"lines\"\n\n[[step]]\nid = \"one\"\ntitle = \"Change it\\n03:00:00 step two: done\"\nshell.run = { argv = [\"true\"] }\nleaves = \"nothing\"\n";
    let (stdout, _) = Sandbox::new().file("a.toml", text).run(["exec", "a.toml"]).only_code(0);
    assert!(stdout.contains(" step one: begins: Change it "), "{stdout}");
    assert!(stdout.lines().all(|line| !line.contains("step two") || line.contains("step one")), "{stdout}");
}
