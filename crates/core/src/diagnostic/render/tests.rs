use std::sync::Arc;

use super::*;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

fn diagnostics(text: &str, marks: &[(&str, &str)]) -> Diagnostics {
    let source = Arc::new(Source::new("some, thing.toml", text));
    let mut fault = Diagnostic::error(Code::Syntax, "`id` is set twice").help("remove one");
    for (needle, label) in marks {
        let at = text.find(needle).unwrap();
        fault = fault.at(&source, Span::new(at, at + needle.len()), *label);
    }
    let mut all = Diagnostics::new();
    all.push(fault);
    all
}

#[test]
fn people_see_the_lines_in_question() {
    let text = format!("first\n{}id = 'a'\n{}id = 'b'\n", "#\n".repeat(9), "#\n".repeat(9));
    let shown = human(&diagnostics(&text, &[("id = 'b'", "the second time"), ("id = 'a'", "the first time")]), Style::default());
    assert_eq!(
        shown,
        "\
error[RB101]: `id` is set twice
  --> some, thing.toml:21:1
   |
21 | id = 'b'
   | ^^^^^^^^ the second time
   |
  ::: some, thing.toml:11:1
   |
11 | id = 'a'
   | -------- the first time
   |
   = help: remove one

"
    );
}

#[test]
fn wide_characters_do_not_shift_the_caret() {
    let shown = human(&diagnostics("title = \"升级前\" x\n", &[("x", "here")]), Style::default());
    assert!(shown.contains("1 | title = \"升级前\" x\n  |                  ^ here"), "{shown}");
}

#[test]
fn nothing_from_the_file_reaches_the_terminal_raw() {
    let text = "a = 'x\u{1b}[31m\u{202e}y\u{0}z'\n";
    let mut all = diagnostics(text, &[("y", "a label with \u{1b} in it")]);
    all.push(Diagnostic::warning(Code::Syntax, "a message\u{7} with\u{2066} things").help("help\u{9b}"));
    for shown in [human(&all, Style::default()), github(&all), json(&all), sarif(&all, "0.1.0")] {
        // JSON escapes what is below a space; the rest is a reader's business there.
        let raw: Vec<char> = shown.chars().filter(|c| c.is_control() && *c != '\n' && *c != '\t' && *c < '\u{80}').collect();
        assert_eq!(raw, Vec::<char>::new(), "{shown}");
    }
    let shown = human(&all, Style::default());
    assert!(!shown.contains(['\u{202e}', '\u{2066}', '\u{9b}']), "{shown}");
    assert!(shown.contains("a message\\u{7} with\\u{2066} things"), "{shown}");
}

#[test]
fn a_long_line_is_cut_to_the_width() {
    let text = format!("a = '{}' b\n", "x".repeat(5000));
    let shown = human(&diagnostics(&text, &[("b", "here")]), Style { width: 80, color: false });
    assert!(shown.lines().all(|line| line.chars().count() <= 90), "{shown}");
    assert!(shown.contains("here"));
}

#[test]
fn a_place_of_many_lines_is_marked_by_its_first() {
    let shown = human(&diagnostics("a = '''\n1\n2\n3\n4'''\n", &[("'''\n1\n2\n3\n4'''", "this")]), Style::default());
    assert_eq!(
        shown,
        "error[RB101]: `id` is set twice\n --> some, thing.toml:1:5\n  |\n1 | a = '''\n  |     ^^^ this\n  |\n  = help: remove one\n\n"
    );
}

#[test]
fn github_gets_one_line_each() {
    assert_eq!(
        github(&diagnostics("id = 1\n", &[("id", "50% of\nit")])),
        "::error file=some%2C thing.toml,line=1,endLine=1,col=1,endColumn=3,title=RB101::`id` is set twice: 50%25 of%0Ait%0Ahelp: remove one\n"
    );
}

#[test]
fn json_counts_and_places() {
    let data: serde_json::Value = serde_json::from_str(&json(&diagnostics("é id\n", &[("id", "x")]))).unwrap();
    assert_eq!(data["valid"], false);
    assert_eq!(data["error_count"], 1);
    assert_eq!(data["diagnostics"][0]["labels"][0]["start"], serde_json::json!({ "line": 1, "column": 3, "offset": 3 }));
}

#[test]
fn sarif_names_the_rule() {
    let data: serde_json::Value = serde_json::from_str(&sarif(&diagnostics("id\n", &[("id", "x")]), "0.1.0")).unwrap();
    let run = &data["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "RB101");
    assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "some%2C%20thing.toml");
    assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
}

#[test]
fn counts_are_grammatical() {
    let mut all = diagnostics("id", &[]);
    assert_eq!(summary(&all).as_deref(), Some("1 error"));
    all.push(Diagnostic::warning(Code::Syntax, "x"));
    all.push(Diagnostic::warning(Code::Syntax, "y"));
    assert_eq!(summary(&all).as_deref(), Some("1 error and 2 warnings"));
    assert_eq!(summary(&Diagnostics::new()), None);
}
