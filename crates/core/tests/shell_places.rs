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

#[test]
fn what_a_script_starts_does_not_inherit_its_values() {
    let script = "#!/bin/sh\nprintf '%s' \"${RUNBOOK_P1?}${RUNBOOK_P2?}\"; env | grep -c RUNBOOK_P; exit $LINENO";
    let value = "a b\n*$(x)\n";
    let env = [("RUNBOOK_P1".to_owned(), value.to_owned()), ("RUNBOOK_P2".to_owned(), String::new())];
    let text = runbook_core::action::ShellText { script: script.to_owned(), env: env.clone().into_iter().collect() };
    for shell in ["bash", "dash"] {
        let output = Command::new(shell).args(["-u", "-c", &text.guarded()]).envs(env.clone()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{value}0\n"), "{shell}");
        assert_eq!(output.status.code(), Some(2), "{shell} counts lines from the first");
    }
}

/// What a script could do with a value that makes a shell execute it.
const DANGERS: &[&str] = &[
    "x=◊",
    "y=\"$x\"",
    "y=$x",
    "$x",
    "\"$x\"",
    "\"$y\"",
    "${x}",
    "◊",
    "\"◊\"",
    "'◊'",
    " ",
    " ",
    " ",
    "; ",
    "\n",
    " | ",
    " && ",
    " || ",
    "printf '%s\\n' ",
    "printf ",
    "printf -v z ",
    "cat ",
    "test ",
    "[ ",
    " ]",
    "-v ",
    "-n ",
    "-eq 1",
    "= ",
    "! ",
    "for z in ",
    "for RANDOM in ",
    "; do ",
    "; done",
    "do ",
    "done",
    "if ",
    "; then ",
    "; fi",
    "local ",
    "-i ",
    "export ",
    "readonly ",
    "read z ",
    "read ",
    "<<< ",
    "<<EOF\n",
    "\nEOF\n",
    "sh -c ",
    "sh",
    "bash",
    "env ",
    "command ",
    "builtin ",
    "eval ",
    "exec ",
    "unset ",
    "RANDOM=",
    "OPTIND=",
    "PS4=",
    "HISTCMD=",
    "$(",
    ")",
    "(",
    "{ ",
    "; }",
    "'",
    "\"",
    "\\",
    "`",
    "#",
    "case ",
    " in ",
    "a) ",
    ";; ",
    "esac",
    "[[ ",
    " ]]",
    "(( ",
    " ))",
    "$((",
    "))",
    "a[",
    "]=1",
    "f() ",
    "function f ",
    "f ",
    "time -p ",
    "set -- ",
    "\"$1\"",
    "trap ",
    " EXIT",
    "declare ",
    "let ",
    "wait -p ",
    "mapfile -C ",
    "2>&1",
    "> /dev/null",
    "< /dev/null",
    "&",
    "<(",
    "coproc ",
    "alias ",
    "getopts ",
    "true",
    "xargs ",
    "${!x}",
    "${x:$y}",
    "${x@P}",
    "while read z",
    "while true",
];

/// Whole commands, so that more of what is put together makes sense.
const COMMANDS: &[&str] = &[
    "x=◊",
    "x=\"a ◊\"",
    "x=$(printf '%s' ◊)",
    "x=$(cat)",
    "y=$x",
    "y=\"$x\"",
    "printf '%s' ◊",
    "printf '%s' \"$x\"",
    "printf \"$x\" a",
    "printf \"$y\" \"$x\"",
    "cat",
    "read x",
    "read y",
    "read \"$x\"",
    "sh -c \"$x\"",
    "bash -c \"$y\"",
    "sh",
    "bash -s",
    "bash <<< \"$x\"",
    "bash <<< $y",
    "cat <<< ◊",
    "[ ◊ = \"$x\" ]",
    "[ \"$x\" \"$y\" ]",
    "[ -v \"$x\" ]",
    "test \"$x\" ◊",
    "test -n ◊",
    "[ ! \"$x\" \"$y\" ]",
    "[ \"$x\" -eq 1 ]",
    "RANDOM=$x",
    "OPTIND=\"$y\"",
    "export x=◊",
    "export \"$x\"",
    "export y=\"$x\"",
    "readonly z=◊",
    "readonly \"$y\"",
    "unset \"$x\"",
    "{ cat; }",
    "{ sh; }",
    "(sh)",
    "(cat)",
    "{ printf '%s' ◊; }",
    "(printf '%s' \"$x\")",
    "for x in ◊; do cat < /dev/null; done",
    "for y in \"$x\" b; do sh -c \"$y\"; done",
    "for RANDOM in \"$x\"; do true; done",
    "if test ◊; then sh; fi",
    "if true; then printf '%s' ◊; fi",
    "while read x; do sh -c \"$x\"; done",
    "while read x; do printf '%s' \"$x\"; done",
    "$x",
    "\"$y\" a",
    "env \"$x\"",
    "env sh -c \"$y\"",
    "xargs -I{} sh -c '{}'",
    "command eval \"$x\"",
    "wait -p \"$x\"",
    "set -- \"$x\"",
    "sh -c \"$1\"",
    "$1",
    "trap \"$x\" EXIT",
    "trap 'printf %s \"$x\"' EXIT",
    "sh <<EOF\n$x\nEOF\n",
    "cat <<EOF\n$x\nEOF\n",
    "cat <<'EOF'\n$x\nEOF\n",
    "x=◊ sh -c 'true'",
    "exec 3< /dev/null",
    "printf '%d' ◊",
    "printf '%b' ◊",
    "cd ◊",
    "exit ◊",
    "return ◊",
    "shift ◊",
    "umask ◊",
    "kill ◊",
    "type ◊",
    "pushd ◊",
    "ulimit -n ◊",
    "printf '%s' ◊ > /dev/null",
    "cat < ◊",
    "x+=◊",
    "x=${y:-a}",
    "z=${x}",
    "eval \"$z\"",
    "sh -c \"$z\"",
    "true \\\n ◊",
    "caller ◊",
    "disown ◊",
    "jobs ◊",
    "fg ◊",
    "history ◊",
    "break ◊",
    "sleep ◊",
];

/// Each executes in some place where it must not stand.
const HOSTILE: &[&str] = &[
    "a[$(touch pwned)]",
    "$(touch pwned)",
    "touch pwned",
    "; touch pwned #",
    "-va[$(touch pwned)]",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "-v",
];

/// Runs a script with one value in all its places; gives whether it executed the value.
fn executes(shell: &str, texts: &[&str], value: &str, folder: &std::path::Path) -> bool {
    let places = places(texts).unwrap();
    let mut script = texts[0].to_owned();
    for (place, text) in places.iter().zip(&texts[1..]) {
        script.push_str(&place.expansion("RUNBOOK_P1"));
        script.push_str(text);
    }
    std::fs::write(folder.join("script"), script).unwrap();
    let mut command = Command::new("timeout");
    command.args(["2", shell, "script"]).env_clear().env("PATH", "/usr/bin:/bin").env("RUNBOOK_P1", value);
    command.current_dir(folder).stdin(std::process::Stdio::null()).output().unwrap();
    let pwned = folder.join("pwned").exists();
    let _ = std::fs::remove_file(folder.join("pwned"));
    pwned
}

fn scripts() -> impl Strategy<Value = String> {
    let joiner = prop::sample::select(&["; ", "\n", " | ", " | ", " && ", " || "][..]);
    let whole = prop::collection::vec((prop::sample::select(COMMANDS), joiner), 1..5)
        .prop_map(|commands| commands.into_iter().flat_map(|(command, joiner)| [command, joiner]).chain(["true"]).collect::<String>());
    let parts = prop::collection::vec(prop::sample::select(DANGERS), 1..9).prop_map(|parts| parts.concat());
    prop_oneof![whole, parts]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn no_accepted_script_executes_a_value(script in scripts()) {
        let texts: Vec<&str> = script.split('◊').collect();
        if texts.len() > 1 && places(&texts).is_ok() {
            let folder = std::env::temp_dir().join(format!("runbook-dangers-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            for value in HOSTILE {
                for shell in ["bash", "dash"] {
                    prop_assert!(!executes(shell, &texts, value, &folder), "{shell} executed {value:?} in {script:?}");
                }
            }
            std::fs::remove_dir_all(&folder).unwrap();
        }
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
