//! The lexer agrees with the shells: what it accepts they can read, and the value is where it says.

use runbook_core::places::shell::places;

use crate::shells::shells;

/// Forms of quoting, each with a value behind it: where the lexer thinks that the quotes end matters for it.
const FORMS: &[&str] = &[
    "'a'",
    "\"a\"",
    "'a\"b'",
    "\"a'b\"",
    "\"a\\\"b\"",
    "'a\\'",
    "\\'",
    "\\\"",
    "\"\\\\\"",
    "a\\ b",
    "$x",
    "${x}",
    "${x:-a}",
    "${x:-\"a b\"}",
    "\"${x:-a}\"",
    "\"${x:-\"a\"}\"",
    "${x#'}'}",
    "${x%\"}\"}",
    "\"${x#\\}}\"",
    "${x:-'a b'}",
    "$(printf a)",
    "$(printf ')')",
    "$(printf \")\")",
    "\"$(printf \"a\")\"",
    "\"$(printf '\"')\"",
    "$(printf a # )\n)",
    "$(cat <<E\n)\nE\n)",
    "$(case a in a) printf b ;; esac)",
    "$(case a in (a) printf b ;; esac)",
    "\"$(case a in a) printf \"b\" ;; esac)\"",
    "$((1 + 2))",
    "$(( (1) + $(printf 2) ))",
    "\"$((1))\"",
    "$(printf a; (printf b))",
    "$( (printf a) )",
    "a#b",
    "\"#\"",
    "$#",
    "${#x}",
    "$$",
    "$?",
    "$!x",
    "\"$\"",
    "a$",
    "\"a\\\nb\"",
    "a\\\nb",
    "''",
    "\"\"",
    "'a'\"b\"c",
    "{a,b}",
    "a{b",
    "~",
    "*",
    "a=b",
    "\"\\a\"",
    "\"\\$x\"",
    "\"!\"",
    "'!'",
    "%",
    "@",
    "^",
    "a]",
    "[a]",
    "+",
    ",",
    "-",
    "\"${x+\\\"}\"",
];

const BASH_FORMS: &[&str] = &[
    "$'a\\'b'",
    "$'\\\\'",
    "$'a\"b'",
    "$\"a\"",
    "$\"a\\\"b\"",
    "${x//a/b}",
    "${x//\\//b}",
    "${x^^}",
    "${x:1:2}",
    "${x: -1}",
    "${a[@]}",
    "${a[0]}",
    "${#a[@]}",
    "${!a[@]}",
    "${x@Q}",
    "<(printf a)",
    "$(printf a <<< 'b')",
    "\"${a[*]}\"",
    "${x/'}'/a}",
    "${a[$((0))]}",
    "@(a|b)",
];

/// Whole scripts, before a value.
const SCRIPTS: &[&str] = &[
    "true\n",
    "# it's\n",
    "true # \"\n",
    "if true; then true; fi\n",
    "while false; do true; done\n",
    "until true; do :; done\n",
    "for i in a 'b c'; do :; done\n",
    "for i\ndo :; done\n",
    "case a in\n  a|'b') : ;;\n  *) : ;;\nesac\n",
    "case a in a) case b in b) : ;; esac ;; esac\n",
    "case a in esac\n",
    "f() { :; }\n",
    "f()\n{\n  :\n}\n",
    "f() (\n :\n)\n",
    "{ :; }\n",
    "( : )\n",
    "( ( : ) )\n",
    "! true\n",
    "true && true || true\n",
    "true | true\n",
    "true & wait\n",
    "cat <<EOF\na\nEOF\n",
    "cat <<'EOF'\n$(\nEOF\n",
    "cat <<\"E O\"\na\nE O\n",
    "cat <<-E\n\ta\n\tE\n",
    "cat <<A; cat <<B\na\nA\nb\nB\n",
    "cat <<E | cat\n'\nE\n",
    "x=$(cat <<E\n'\nE\n)\n",
    "x=1 y='2' true\n",
    ": > /dev/null 2>&1 < /dev/null\n",
    ": 2>/dev/null >&2\n",
    ": >| /dev/null\n",
    "exec 3>&1 3>&-\n",
    "x=`true`x\n",
    "set -- a b; shift\n",
    "\n\n  \t\n",
    "a=1;b=2\n",
    "[ a = b ] || :\n",
    "trap 'true' EXIT\n",
    "eval 'x=1'\n",
];

const BASH_SCRIPTS: &[&str] = &[
    "[[ a == b ]] || :\n",
    "[[ a =~ ^(a|b)$ && ( -n x ) ]]\n",
    "(( 1 + 1 ))\n",
    "for ((i = 0; i < 1; i++)); do :; done\n",
    "a=(1 '2 3' \"4\")\n",
    "a=(\n 1 # one\n 2\n)\n",
    "function f { :; }\n",
    "function f() { :; }\n",
    "declare -A m=([a]=1 [b]=2)\n",
    ": &> /dev/null\n",
    ": |& cat\n",
    "case a in a) : ;& b) : ;;& esac\n",
    "cat <<< \"a\"\n",
    "time true\n",
    "a+=(1)\n",
    "a[1]=2\n",
    "let x=1\n",
    "select_x=1\n",
];

/// What stands before a value, and the form that it holds: for bash, or for any shell.
pub(crate) fn beginnings(bash: bool) -> Vec<(String, &'static str)> {
    let arrays = if bash { "a=(); " } else { "" };
    let forms = FORMS.iter().chain(bash.then_some(BASH_FORMS).into_iter().flatten());
    let forms = forms.map(|form| (format!("x=; {arrays}set -- ; printf '<%s>' {form} >/dev/null; printf '[%s]' "), *form));
    let scripts = SCRIPTS.iter().chain(bash.then_some(BASH_SCRIPTS).into_iter().flatten());
    forms.chain(scripts.map(|script| (format!("{{ :\n{script}\n}} >/dev/null\nprintf '[%s]' "), *script))).collect()
}

/// Where the value's expansion is a word of its own, the shell prints it; where the lexer thinks so and the shell does not, it does not come back.
#[test]
fn the_value_stands_where_the_lexer_thinks() {
    let (mut accepted, mut all) = (0, 0);
    for shell in shells() {
        for (before, form) in beginnings(shell.is_bash()) {
            for (quotes, after) in [("", "\n"), ("\"", "\"\n"), ("'", "'\n")] {
                all += 1;
                let texts = [format!("{before}{quotes}"), after.to_owned()];
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let Ok(places) = places(&texts) else { continue };
                accepted += 1;
                let script = format!("{}{}{}", texts[0], places[0].expansion("V"), texts[1]);
                assert!(shell.reads(&script), "{} cannot read {script:?}", shell.name);
                let output = shell.command().args(["-c", &script]).env("V", "'\"$(x) *\n").output().unwrap();
                let out = String::from_utf8_lossy(&output.stdout);
                assert!(
                    out.ends_with("['\"$(x) *\n]"),
                    "{}: {form:?} {quotes}: {out:?} {}",
                    shell.name,
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
    assert!(accepted * 100 >= all * 90, "{accepted} of {all} were accepted: too many forms are refused");
}
