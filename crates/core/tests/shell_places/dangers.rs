//! Scripts put together from dangerous pieces: whatever of them is accepted executes no value, in any shell.

use std::fmt::Write as _;

use proptest::prelude::*;
use runbook_core::places::shell::{Form, Script, analyse, quoted};

use crate::shells::{Folder, Shell, shells};

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
    "case ◊ in ◊) ",
    "[[ ◊ == ",
    "[[ $x -eq ",
    "a=(",
    "${a[",
    "]}",
    "a[$x]=",
    "$((x",
    " + ◊))",
    "<<-E\n\t◊\n\tE\n",
    "cat <<E\n\"◊\n$(",
    "sh -c '\"$1\"' _ ",
    "sudo ",
    "find . -name ",
    "-exec ",
    " {} +",
    "awk ",
    "sed -e ",
    "ssh h ",
    "$'a",
    "$\"a",
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
    "sleep 0 ◊",
    "case ◊ in \"$x\") true ;; esac",
    "case $x in ◊|a*) sh -c \"$x\" ;; esac",
    "case a in a) x=◊ ;; *) eval \"$x\" ;; esac",
    "f() { printf '%s' \"$1\"; }",
    "f() { sh -c \"$1\"; }",
    "f() { x=$1; }",
    "f() { \"$@\"; }",
    "f() { printf '%s' ◊; }",
    "f() { sh; }",
    "f ◊",
    "f \"$x\"",
    "printf '%s' ◊ | f",
    "f | sh",
    "f | cat",
    "g() { [ \"$1\" -gt 1 ]; }; g ◊",
    "g() { local n=$1; echo $(( n )); }; g ◊",
    "a=(◊ b)",
    "a+=(\"$x\")",
    "a[0]=◊",
    "a[$x]=1",
    "a[x]=1",
    "printf '%s' \"${a[@]}\"",
    "printf '%s' \"${a[$x]}\"",
    "sh -c \"${a[0]}\"",
    "\"${a[@]}\"",
    "declare x=◊",
    "declare -i x=◊",
    "declare -i x; x=◊",
    "declare -a x=◊",
    "declare -a x; declare x=◊",
    "readonly -a r=◊",
    "typeset -n x=◊",
    "local x=◊",
    "x=(); declare x=\"$y\"",
    "(( x > 1 ))",
    "(( ◊ > 1 ))",
    "y=$(( x + 1 ))",
    "y=$(( ◊ + 1 ))",
    "for ((i = 0; i < x; i++)); do true; done",
    "let y=x",
    "[[ $x -gt 1 ]]",
    "[[ ◊ -gt 1 ]]",
    "[[ ◊ == \"$x\" && -n ◊ ]]",
    "[[ $y =~ ◊ ]]",
    "[[ -v $x ]]",
    "printf '%s' \"${x:0:2}\" \"${x#a}\" \"${x//a/b}\" \"${#x}\"",
    "printf '%s' \"${x:$y}\"",
    "printf '%s' \"${x:-$(sh -c \"$y\")}\"",
    "printf '%s' \"${!x}\"",
    "printf '%s' \"${x@P}\"",
    "cat <<E\n◊ $x $(printf '%s' \"$y\")\nE\n",
    "cat <<E | sh\n◊\nE\n",
    "sh <<E\n◊\nE\n",
    "f <<E\n◊\nE\n",
    "while read -r x; do f \"$x\"; done <<E\n◊\nE\n",
    "cat <<-E\n\t◊\n\tE\n",
    "cat <(printf '%s' ◊)",
    "sh <(printf '%s' ◊)",
    ". <(printf '%s' \"$x\")",
    "printf '%s' ◊ > >(sh)",
    "printf '%s' ◊ > >(cat)",
    "sh -c 'printf %s \"$1\"' _ ◊",
    "sh -c '$1' _ ◊",
    "sh -c 'eval \"$1\"' _ \"$x\"",
    "export x=◊; sh -c 'printf %s \"$x\"'",
    "export x=◊; sh -c 'eval \"$x\"'",
    "x=◊ bash -c '(( x ))'",
    "sh -c \"printf %s ◈\"",
    "sh -c \"printf %s '◈'\"",
    "sh -c \"sh -c ◈\"",
    "sh <<E\nprintf %s ◈\nE\n",
    "sh <<E\nprintf %s \"◈\"\nE\n",
    "eval \"printf %s ◈\"",
    "printf '%s' ◈",
    "env x=◊ sh -c 'printf %s \"$x\"'",
    "env x=◊ sh -c '$x'",
    "timeout 1 sh -c '\"$1\"' _ ◊",
    "timeout 1 printf '%s' ◊",
    "nice -n 5 printf '%s' ◊",
    "exec 3<<< ◊",
    "find . -maxdepth 0 -name ◊",
    "find . -maxdepth 0 -exec printf '%s' ◊ {} +",
    "find . -maxdepth 0 -exec sh -c ◊ {} +",
    "find . -maxdepth 0 -exec sh -c 'printf %s \"$1\"' _ ◊ \\;",
    "find ◊ -maxdepth 0",
    "awk 'BEGIN { print ARGV[1] }' ◊",
    "awk \"BEGIN { print \\\"◊\\\" }\"",
    "awk -v x=◊ 'BEGIN { print x }'",
    "sed -n 's/a/b/p' ◊",
    "sed -n ◊",
    "sed -e ◊ /dev/null",
    "set -- ◊; x=$1",
    "set -- ◊; for z do sh -c \"$z\"; done",
    "set -- ◊; for z; do printf '%s' \"$z\"; done",
    "trap 'eval \"$x\"' EXIT",
    "trap '(( x ))' EXIT",
    "unset 'a[$x]'",
    "read 'a[x]' < /dev/null",
    "[ -v 'a[x]' ]",
    "IFS=◊; cat < /dev/null",
    "function h { sh -c \"$1\"; }; h ◊",
    "mapfile -t a < /dev/null; sh -c \"${a[0]}\"",
    "x=$'a◊'",
    "x=$\"◊\"",
];

/// Each executes in some place where it must not stand.
const HOSTILE: &[&str] = &[
    "a[$(touch pwned)]",
    "x[$(touch pwned)]",
    "([$(touch pwned)]=1)",
    "($(touch pwned))",
    "$(touch pwned)",
    "`touch pwned`",
    "touch pwned",
    "; touch pwned #",
    "-va[$(touch pwned)]",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "\n touch pwned \n",
    "BEGIN { system(\"touch pwned\") }",
    "1e touch pwned",
    "{a,$(touch pwned)}",
    "5",
];

/// Whether one of the values, in all places of the script, was executed.
fn executes(shell: &Shell, script: &str, folder: &Folder) -> Option<&'static str> {
    let texts: Vec<&str> = script.split(['◊', '◈']).collect();
    let forms: Vec<Form> = script.chars().filter_map(form).collect();
    let analysis = analyse(&Script { texts: &texts, forms: &forms, env: &[] }).ok()?;
    if analysis.bash_only.is_some() && !shell.is_bash() {
        return None;
    }
    let mut text = texts[0].to_owned();
    for (place, piece) in analysis.places.iter().zip(&texts[1..]) {
        text.push_str(&place.expansion(if place.form == Form::Sh { "RUNBOOK_P2" } else { "RUNBOOK_P1" }));
        text.push_str(piece);
    }
    folder.write("script", &text);
    let allowed = |value: &&&str| analysis.places.iter().all(|place| place.objection(value).is_none());
    let values: Vec<&'static str> = HOSTILE.iter().filter(allowed).copied().collect();
    let guilty = |values: &[&'static str]| {
        let mut runs = String::new();
        for value in values {
            let word = quoted(value);
            let _ = writeln!(runs, "( RUNBOOK_P1={word}; RUNBOOK_P2={}; . ./script )", quoted(&word));
        }
        folder.write("driver", &runs);
        shell.command().arg("driver").current_dir(folder.path()).stdin(std::process::Stdio::null()).output().unwrap();
        folder.take("pwned")
    };
    if guilty(&values) { Some(values.iter().find(|value| guilty(&[value])).copied().unwrap_or("?")) } else { None }
}

fn form(mark: char) -> Option<Form> {
    match mark {
        '◊' => Some(Form::Value),
        '◈' => Some(Form::Sh),
        _ => None,
    }
}

fn scripts() -> impl Strategy<Value = String> {
    let joiner = prop::sample::select(&["; ", "\n", "\n", " | ", " && ", " || "][..]);
    let whole = prop::collection::vec((prop::sample::select(COMMANDS), joiner), 1..6)
        .prop_map(|commands| commands.into_iter().flat_map(|(command, joiner)| [command, joiner]).chain(["true"]).collect::<String>());
    let parts = prop::collection::vec(prop::sample::select(DANGERS), 1..9).prop_map(|parts| parts.concat());
    prop_oneof![4 => whole, 1 => parts]
}

/// Each command on its own, so that none of them is accepted by mistake.
#[test]
fn no_accepted_command_executes_a_value() {
    let folder = Folder::new("commands");
    for shell in shells() {
        for command in COMMANDS {
            assert_eq!(executes(&shell, command, &folder), None, "{}: {command:?}", shell.name);
        }
    }
}

fn cases() -> u32 {
    std::env::var("COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn no_accepted_script_executes_a_value(script in scripts()) {
        let folder = Folder::new("dangers");
        for shell in shells() {
            let guilty = executes(&shell, &script, &folder);
            prop_assert!(guilty.is_none(), "{} executed {guilty:?} in {script:?}", shell.name);
        }
    }

    #[test]
    fn the_lexer_never_panics(texts in prop::collection::vec("[ -~\\n]{0,12}|[$(){}'\"`\\\\<>&|;#=\\n a\\[\\]]{0,8}", 1..5)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let forms = [Form::Value, Form::Sh, Form::Words, Form::Raw];
        let _ = analyse(&Script { texts: &texts, forms: &forms, env: &["x"] });
        let _ = runbook_core::places::sql::places(&texts);
    }
}
