//! The table of contexts: in each of them any value comes back byte for byte.

use std::fmt::Write as _;

use proptest::prelude::*;
use runbook_core::places::shell::{Form, Script, analyse, quoted};

use crate::shells::{Folder, Shell, shells};
use crate::values::values;

/// What a context costs: whether every value is tried in it, or some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Nothing is started: all values.
    Cheap,
    /// Something is started for each value: some of them.
    Forks,
}

use Cost::{Cheap, Forks};

/// `◊` is the value, `◈` the same as `{{sh …}}`. The script prints it, in square brackets and followed by a NUL.
pub(crate) const CONTEXTS: &[(&str, Cost, &str)] = &[
    ("a word", Cheap, "printf '[%s]\\0' ◊"),
    ("in double quotes", Cheap, "printf '%s\\0' \"[◊]\""),
    ("in single quotes", Cheap, "printf '%s\\0' '[◊]'"),
    ("glued", Cheap, "printf '%s\\0' [◊\"]\""),
    ("between quotes of all kinds", Cheap, "printf '%s\\0' \"[\"◊''']'"),
    ("assignment", Cheap, "x=◊; printf '[%s]\\0' \"$x\""),
    ("assignment, glued", Cheap, "x=[◊']'; printf '%s\\0' \"$x\""),
    ("assignment in double quotes", Cheap, "x=\"[◊]\"; printf '%s\\0' \"$x\""),
    ("assignment in single quotes", Cheap, "x='[◊]'; printf '%s\\0' \"$x\""),
    ("export", Cheap, "export X=◊; printf '[%s]\\0' \"$X\""),
    ("appended in a loop", Cheap, "x=; for i in 1; do x=\"$x◊\"; done; printf '[%s]\\0' \"$x\""),
    ("the list of for", Cheap, "for f in ◊; do printf '[%s]\\0' \"$f\"; done"),
    ("case word and pattern", Cheap, "case ◊ in x◊y) ;; ◊) printf '[%s]\\0' ◊ ;; *) printf 'no\\0' ;; esac"),
    ("case pattern in quotes", Cheap, "case x◊ in \"x◊\") printf '[%s]\\0' ◊ ;; *) printf 'no\\0' ;; esac"),
    ("case pattern beside others", Cheap, "case \"◊\" in ab*c|'◊') printf '[%s]\\0' ◊ ;; esac"),
    ("test", Cheap, "if [ ◊ = ◊ ] && [ x◊ != \"◊\" ]; then printf '[%s]\\0' ◊; fi"),
    ("test of one", Cheap, "if [ -n x◊ ] || [ -z ◊ ]; then printf '[%s]\\0' ◊; fi"),
    ("an argument of a function", Cheap, "f() { printf '[%s]\\0' \"$1\"; }; f ◊"),
    ("a local variable", Cheap, "g() { local y=\"$1\"; printf '[%s]\\0' \"$y\"; }; g ◊"),
    ("positional parameters", Cheap, "set -- ◊; printf '[%s]\\0' \"$@\""),
    ("expansions of it", Cheap, "x=◊; printf '[%s]\\0' \"${x:-}${x##*}\""),
    ("set -eu", Cheap, "set -eu; printf '[%s]\\0' ◊; set +eu"),
    ("another IFS", Cheap, "IFS=:; printf '[%s]\\0' ◊; IFS=' '"),
    ("in braces", Cheap, "{ printf '[%s]\\0' ◊; }"),
    ("read through a here-document", Forks, "{ printf '[%s]\\0' \"$(cat)\"; } <<EOF\n◊.\nEOF\n"),
    ("a here-document", Forks, "cat <<EOF\n[◊]\nEOF\nprintf '\\0'"),
    ("a here-document with tabs before it", Forks, "cat <<-EOF\n\t[◊]\n\tEOF\nprintf '\\0'"),
    (
        "a here-document with quotes in it",
        Forks,
        "cat <<E'O'F >/dev/null\nit's \"\nEOF\ncat <<EOF\n\"[◊]' $(printf '%s' ◊ >/dev/null)\nEOF\nprintf '\\0'",
    ),
    ("a substitution", Forks, "x=$(printf '%s.' ◊); printf '[%s]\\0' \"${x%.}\""),
    ("a substitution in quotes", Forks, "printf '[%s]\\0' \"$(printf '%s' \"◊\"; printf .)\" | tr -d '\\n' >/dev/null; printf '[%s]\\0' ◊"),
    ("a pipe", Forks, "printf '[%s]\\0' ◊ | cat | cat"),
    ("a subshell", Forks, "(cd / && printf '[%s]\\0' ◊)"),
    ("a program's argument", Forks, "/usr/bin/printf '[%s]\\0' ◊"),
    ("a program's environment", Forks, "X=◊ sh -c 'printf \"[%s]\\\\0\" \"$X\"'"),
    ("an argument of an inner script", Forks, "sh -c 'printf \"[%s]\\\\0\" \"$1\"' _ ◊"),
    ("a word of an inner script", Forks, "sh -c \"printf '[%s]\\\\0' ◈\""),
    ("a here-document of a shell", Forks, "sh <<EOF\nprintf '[%s]\\\\0' ◈\nEOF\n"),
    ("env", Forks, "env X=◊ sh -c 'printf \"[%s]\\\\0\" \"$X\"'"),
    ("python's argument", Forks, "python3 -c 'import sys; sys.stdout.write(\"[\" + sys.argv[1] + \"]\\0\")' ◊"),
    ("awk's argument", Forks, "awk 'BEGIN { printf \"[%s]%c\", ARGV[1], 0 }' ./◊ | sed 's|^\\[\\./|[|'"),
    ("find", Forks, "find . -maxdepth 0 -exec printf '%s\\0' [◊] \\;"),
];

/// What bash knows beside.
const BASH: &[(&str, Cost, &str)] = &[
    ("[[ ]]", Cheap, "if [[ ◊ == ◊ && x◊ != ◊ && ! ◊ < ◊ ]]; then printf '[%s]\\0' ◊; fi"),
    ("[[ =~ ]]", Cheap, "if [[ ( x◊ =~ ^x◊$ ) ]]; then printf '[%s]\\0' ◊; fi"),
    ("[[ -n ]]", Cheap, "if [[ -n ◊ || -z ◊ ]]; then printf '[%s]\\0' ◊; fi"),
    ("an array", Cheap, "a=(x ◊ y); printf '[%s]\\0' \"${a[1]}\""),
    ("an element of an array", Cheap, "a=(); a[3]=◊; a+=(◊); printf '[%s]\\0' \"${a[3]}\""),
    ("an associative array", Cheap, "declare -A m; m[key]=◊; printf '[%s]\\0' \"${m[key]}\"; unset m"),
    ("declare", Cheap, "declare x=◊; declare -x y=\"◊\"; printf '[%s]\\0' \"$x\""),
    ("$'…'", Cheap, "printf '%s\\0' $'[◊\\135'"),
    ("$\"…\"", Cheap, "printf '%s\\0' $\"[◊]\""),
    ("pieces of it", Cheap, "x=◊; printf '[%s]\\0' \"${x//a/a}${x:${#x}}\""),
    ("<<<", Forks, "printf '[%s]\\0' \"$(cat <<< ◊; printf .)\" > /dev/null; printf '[%s]\\0' ◊"),
    ("process substitution", Forks, "cat <(printf '[%s]\\0' ◊)"),
    ("pipefail", Forks, "set -euo pipefail; printf '[%s]\\0' ◊ | cat; set +euo pipefail"),
];

fn parsed(context: &str) -> (Vec<&str>, Vec<Form>) {
    let forms = context.chars().filter(|c| matches!(c, '◊' | '◈')).map(|c| if c == '◈' { Form::Sh } else { Form::Value }).collect();
    (context.split(['◊', '◈']).collect(), forms)
}

/// The context with `RUNBOOK_P1` for the value and `RUNBOOK_P2` for the quoted one.
fn rendered(context: &str) -> String {
    let (texts, forms) = parsed(context);
    let analysis = analyse(&Script { texts: &texts, forms: &forms, env: &[] }).unwrap_or_else(|faults| panic!("{context}: {faults:?}"));
    let mut script = texts[0].to_owned();
    for (place, text) in analysis.places.iter().zip(&texts[1..]) {
        script.push_str(&place.expansion(if place.form == Form::Sh { "RUNBOOK_P2" } else { "RUNBOOK_P1" }));
        script.push_str(text);
    }
    script
}

/// Runs a context over many values in one process.
fn exact(shell: &Shell, name: &str, context: &str, values: &[&str], locale: &str) {
    let folder = Folder::new("places");
    let once = rendered(context);
    // The values stand in the script's own text; that they come from the environment otherwise changes nothing for the expansion.
    let mut script = String::new();
    for value in values {
        let word = quoted(value);
        let _ = write!(script, "RUNBOOK_P1={word}\nRUNBOOK_P2={}\n{once}\n", quoted(&word));
    }
    folder.write("script", &script);
    let output = shell.command().arg("script").env("LC_ALL", locale).current_dir(folder.path()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let mut found = output.stdout.split(|byte| *byte == 0);
    for value in values {
        let wanted = if context.contains("◊.\nEOF") { format!("[{value}.]") } else { format!("[{value}]") };
        let line = found.next().unwrap_or_default();
        // What a here-document or a text ends with belongs to the context.
        let line = String::from_utf8_lossy(line);
        let line = if context.contains("cat <<") { line.strip_suffix('\n').unwrap_or(&line).trim_start_matches('"') } else { &line };
        let line = line.strip_suffix("' ").unwrap_or(line);
        assert_eq!(line, wanted, "{}, {locale}: {name}: {value:?}: {errors}", shell.name);
    }
    assert!(!folder.take("pwned"), "{}: {name}: something was executed", shell.name);
}

/// How many values are tried where nothing is started; `COUNT` says another number.
fn count() -> usize {
    std::env::var("COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

fn contexts(shell: &Shell) -> impl Iterator<Item = &'static (&'static str, Cost, &'static str)> {
    CONTEXTS.iter().chain(shell.is_bash().then_some(BASH).into_iter().flatten())
}

#[test]
fn ten_thousand_values_come_back_from_every_context() {
    let values = values(count());
    let all: Vec<&str> = values.iter().map(String::as_str).collect();
    for shell in shells() {
        for (at, (name, cost, context)) in contexts(&shell).enumerate() {
            let few: Vec<&str> = all.iter().copied().take(110).chain(all.iter().copied().skip(200 + at).step_by(all.len() / 30)).collect();
            let locale = if at % 2 == 0 { "C" } else { "C.UTF-8" };
            exact(&shell, name, context, if *cost == Cheap { &all } else { &few }, locale);
        }
    }
}

#[test]
fn a_file_of_any_name_is_read_and_written() {
    for shell in shells() {
        let folder = Folder::new("files");
        for value in values(400)
            .iter()
            .filter(|value| !value.is_empty() && value.len() < 200 && !value.contains('/') && !matches!(value.as_str(), "." | ".."))
        {
            let script = format!("RUNBOOK_P1={}\n{}", quoted(value), rendered("printf x > ./◊; cat < ./◊; rm -f ./◊"));
            folder.write("script", &script);
            let output = shell.command().arg("script").current_dir(folder.path()).output().unwrap();
            // Two names belong to this test.
            if !matches!(value.as_str(), "script") {
                assert_eq!(output.stdout, b"x", "{}: {value:?}: {}", shell.name, String::from_utf8_lossy(&output.stderr));
            }
        }
        assert!(!folder.take("pwned"), "{}: something was executed", shell.name);
    }
}

#[test]
fn numbers_stay_numbers() {
    for shell in shells() {
        let contexts = [
            "printf '%s\\0' $(( ◊ + 1 ))",
            "printf '%s\\0' $((1+◊))",
            "printf '%s\\0' \"$(( 2 - ◊ - 1 ))\" >/dev/null; n=◊; printf '%s\\0' $((n + 1))",
        ];
        let bash = [
            "a=(1 2 3); printf '%s\\0' $((${a[◊ - ◊]} + ◊))",
            "declare -i n=◊; n+=1; printf '%s\\0' $n",
            "(( n = ◊ + 1 )); printf '%s\\0' $n",
            "[[ ◊ -lt 9223372036854775807 ]] && printf '%s\\0' $(( ◊ + 1 ))",
        ];
        for context in contexts.iter().chain(shell.is_bash().then_some(&bash[..]).into_iter().flatten()) {
            let (texts, forms) = parsed(context);
            let places =
                analyse(&Script { texts: &texts, forms: &forms, env: &[] }).unwrap_or_else(|faults| panic!("{context}: {faults:?}")).places;
            assert!(places.iter().all(|place| place.number), "{context}");
            assert!(
                places.iter().all(|place| place.objection("010").is_some()
                    && place.objection("a[$(x)]").is_some()
                    && place.objection("-7").is_none())
            );
            for number in [0_i64, 1, -1, -5, 42, 4_611_686_018_427_387_904] {
                let folder = Folder::new("numbers");
                folder.write("script", &format!("RUNBOOK_P1={number}\n{}", rendered(context)));
                let output = shell.command().arg("script").current_dir(folder.path()).output().unwrap();
                let wanted = format!("{}\0", number + 1);
                assert_eq!(
                    String::from_utf8_lossy(&output.stdout),
                    wanted,
                    "{}: {context}: {number}: {}",
                    shell.name,
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    #[test]
    fn any_value_comes_back(values in prop::collection::vec("[^\\x00]{0,40}", 20)) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        for shell in shells() {
            for (name, _, context) in contexts(&shell).filter(|(_, cost, _)| *cost == Cheap) {
                exact(&shell, name, context, &values, "C.UTF-8");
            }
        }
    }
}
