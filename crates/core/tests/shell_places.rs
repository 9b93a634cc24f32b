//! Real shells as oracles: whatever the value, an accepted place gives it back byte for byte and executes nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says no more than that it failed")]

use std::process::Command;

use proptest::prelude::*;
use runbook_core::places::shell::places;

/// Scripts that print the value exactly once, each followed by a NUL; `◊` is the value.
const CONTEXTS: &[&str] = &[
    "printf '%s\\0' ◊",
    "printf '%s\\0' \"◊\"",
    "printf '%s\\0' '◊'",
    "x=◊; printf '%s\\0' \"$x\"",
    "x=\"◊\"\nprintf '%s\\0' \"$x\"",
    "x='◊' && printf '%s\\0' \"$x\"",
    "export X=◊; printf '%s\\0' \"$X\"",
    "set -eu\nprintf '%s\\0' ◊ | cat",
    "IFS=:; printf '%s\\0' ◊",
    "for f in ◊; do printf '%s\\0' \"$f\"; done",
    "if [ ◊ = ◊ ]; then printf '%s\\0' ◊; fi",
    "x=$(printf '%s' ◊ | cat); printf '%s\\0' \"$x\"",
    "{ printf '%s\\0' ◊; }",
    "(cd / && printf '%s\\0' ◊)",
    "# a comment\nprintf '%s\\0' ◊ 2>/dev/null # and another",
];

fn run(shell: &str, context: &str, value: &str, folder: &std::path::Path) -> Vec<u8> {
    let texts: Vec<&str> = context.split('◊').collect();
    let places = places(&texts).unwrap_or_else(|faults| panic!("{context}: {faults:?}"));
    let mut script = texts[0].to_owned();
    for (place, text) in places.iter().zip(&texts[1..]) {
        script.push_str(&place.expansion("RUNBOOK_P1"));
        script.push_str(text);
    }
    let file = folder.join("script");
    std::fs::write(&file, script).unwrap();
    let output = Command::new(shell).arg(&file).env("RUNBOOK_P1", value).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{shell}: {context}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn exact(value: &str) {
    let folder = std::env::temp_dir().join(format!("runbook-places-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::create_dir_all(&folder).unwrap();
    for shell in ["bash", "dash"] {
        for context in CONTEXTS {
            // A command substitution strips what ends in line ends, with or without us.
            if context.contains("$(") && value.ends_with('\n') {
                continue;
            }
            let out = run(shell, context, value, &folder);
            assert_eq!(String::from_utf8_lossy(&out), format!("{value}\0"), "{shell}: {context}");
        }
    }
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["script"], "something was executed");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn hostile_values_come_back_and_execute_nothing() {
    for value in [
        "",
        " ",
        "-n",
        "--",
        "*",
        "?",
        "~",
        "~root",
        "$(touch pwned)",
        "`touch pwned`",
        "; touch pwned",
        "| touch pwned",
        "&& touch pwned",
        "\n touch pwned\n",
        "' ; touch pwned ; '",
        "\" ; touch pwned ; \"",
        "a[$(touch pwned)]",
        "${x:=$(touch pwned)}",
        "\\",
        "\\\\",
        "\\n",
        "!",
        "!!",
        "p'a\"$(x)!\\ 中文",
        "{a,b}",
        "<(x)",
        ">pwned",
        "a b  c\t",
        "\u{1b}[31m",
        "#",
        "%s%n",
        "x=1",
        "-o",
        "(",
        ")",
        "!",
        "\r",
        "\u{7f}",
        "é",
        "👍",
    ] {
        exact(value);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_value_comes_back(value in "[^\\x00]{0,40}") {
        exact(&value);
    }

    #[test]
    fn the_lexer_never_panics(texts in prop::collection::vec("[ -~\\n]{0,12}|[$(){}'\"`\\\\<>&|;#=\\n a]{0,8}", 1..5)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let _ = places(&texts);
        let _ = runbook_core::places::sql::places(&texts);
    }
}
