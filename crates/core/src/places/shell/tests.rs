use super::*;

fn of(text: &str) -> Result<Vec<Quoting>, String> {
    let texts: Vec<&str> = text.split('◊').collect();
    places(&texts)
        .map(|places| places.into_iter().map(|place| place.quoting).collect())
        .map_err(|faults| faults.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join("; "))
}

#[test]
fn words_and_quotes_are_places() {
    use Quoting::{InDouble, InSingle, Word};
    for (text, wanted) in [
        ("ls ◊", vec![Word]),
        ("cp -- ◊ /tmp/◊.bak", vec![Word, Word]),
        ("printf '%s\\n' \"a ◊ b\"", vec![InDouble]),
        ("printf '%s\\n' 'a ◊ b'", vec![InSingle]),
        ("x=◊; y=\"◊\" cmd", vec![Word, InDouble]),
        ("export A=◊\nlocal b='◊'", vec![Word, InSingle]),
        ("cat < ◊ > /tmp/◊ 2>&1", vec![Word, Word]),
        ("if test -f ◊; then rm -f ◊; fi", vec![Word, Word]),
        ("[ ◊ = ◊ ] && ls ◊ || exit 1", vec![Word, Word, Word]),
        ("x=$(cat ◊ | wc -l)", vec![Word]),
        ("ls \"$(basename ◊)\" ◊", vec![Word, Word]),
        ("for f in ◊ b; do cat \"$f\"; done", vec![Word]),
        ("cat <<'EOF'\n$(x) `y`\nEOF\nls ◊", vec![Word]),
        ("# comment\nls ◊ # another", vec![Word]),
        ("ls ${x:-d} $y ◊", vec![Word]),
        ("set -e\nmkdir -p ◊", vec![Word]),
        ("x=◊; sh -c \"$y\"", vec![Word]),
        ("x=◊; cp -- \"$x\" /tmp", vec![Word]),
        ("cat ◊ | mysql", vec![Word]),
        ("mysql < ◊", vec![Word]),
        ("printf '%s\\n' ◊ | sort | cat", vec![Word]),
        ("[ ! -f ◊ ] && [ -n ◊ ] && [ ! ◊ = b ] && [ ◊ ]", vec![Word, Word, Word, Word]),
        ("cat <<EOF\n$x ${y}\nEOF\nls ◊", vec![Word]),
        ("read -r line < ◊; cat \"$line\"", vec![Word]),
        ("tar -czf \"$OUT\" . && ls ◊", vec![Word]),
        ("trap 'rm -f \"$x\"' EXIT; x=◊", vec![Word]),
    ] {
        assert_eq!(of(text), Ok(wanted), "{text}");
    }
}

#[test]
fn what_executes_or_is_not_understood_is_refused() {
    for text in [
        "◊",
        "◊ -l",
        "eval ◊",
        "echo ◊",
        "printf ◊",
        "printf -v x %s ◊",
        "sh -c ◊",
        "sudo ◊",
        "sudo -u ◊ ls",
        "env -S ◊",
        "timeout 5 ◊",
        "exec ◊",
        "find . -exec ◊ {} +",
        "sed -e ◊ f",
        "awk -v x=◊ '{ }'",
        "tar -I ◊ -xf a",
        "cat <<'EOF'\n◊\nEOF",
        "sh <<EOF\n◊\nEOF",
        "cat <<EOF | sh\n◊\nEOF",
        "case a in ◊x) eval ◊ ;; esac",
        "n=a◊; (( n ))",
        "(( a◊ ))",
        "declare -a x=◊",
        "readonly -a x=◊",
        "declare -a x; declare x=◊",
        "x=(); declare x=◊",
        "sh -c '$1' _ ◊",
        "sh -c 'eval \"$1\"' _ ◊",
        "export x=◊; sh -c 'eval \"$x\"'",
        "f() { $1; }; f ◊",
        "f() { g \"$1\"; }; g() { eval \"$1\"; }; f ◊",
        "trap 'eval \"$x\"' EXIT; x=◊",
        "bash <(printf '%s' ◊)",
        "printf '%s' ◊ > >(sh)",
        "x=◊; echo \"${!x}\"",
        "x=◊; echo \"${x@P}\"",
        "unset 'a[$x]'; ssh h ◊",
        "ls ${x:-◊}",
        "sh -c 'ls ◊'",
        "[ ◊ -a x ]",
        "test -v ◊",
        "ls `cat ◊`",
        "ls ${◊}",
        "ls $◊",
        "f() { eval $1; }; f ◊",
        "ls \\◊",
        "# ◊",
        "ls '◊",
        "ls \"◊",
        "awk ◊",
        "read ◊",
        "export ◊",
        "PATH=◊ ls",
        "trap ◊ EXIT",
        // Through a variable, a loop, a substitution, a pipe.
        "x=◊; sh -c \"$x\"",
        "x=◊; y=\"a $x\"; trap \"rm $y\" EXIT",
        "while true; do sh -c \"$x\"; x=◊; done",
        "for f in ◊; do sh -c \"$f\"; done",
        "x=$(printf '%s' ◊); $x",
        "$(printf '%s' ◊) -l",
        "x=◊; command eval \"$x\"",
        "x=◊; [ -v \"$x\" ]",
        "x=◊; printf \"$x\" y",
        "x=◊; unset \"$x\"",
        "printf '%s' ◊ | sh",
        "printf '%s' ◊ | tee /tmp/x | bash -s",
        "printf '%s' ◊ | { sh; }",
        "{ printf '%s' ◊; } | sh",
        "printf '%s' ◊ | while read -r x; do sh -c \"$x\"; done",
        "if true; then printf '%s' ◊; fi | mysql",
        "sh <<< ◊",
        "x=◊\nsh <<EOF\n$x\nEOF",
        "x=◊\n{ sh; } <<EOF\n$x\nEOF",
        "docker exec c sh -c ◊",
        "docker exec c sh -c 'ls ◊'",
        "$CMD ◊",
        // Tried with bash 5.2: each of these executes.
        "RANDOM=◊",
        "OPTIND=◊",
        "x=◊; HISTCMD=$x",
        "for SECONDS in ◊; do :; done",
        "local -n x=◊",
        "[ ◊ ◊ ]",
        "[ ◊ ◊ ◊ ]",
        "for x do ◊; done",
        "for ◊ in a; do :; done",
        "time -p ◊",
        "cat <<E◊\nx\nE",
        "cat <<EOF\nx\\\nEOF\nls ◊\nEOF",
        "LD_PRELOAD=◊ ls",
        "BASH_ENV=◊ ls",
    ] {
        assert!(of(text).is_err(), "{text} was accepted");
    }
}

/// What stands where, and whether the script calculates with it.
fn described(text: &str) -> Vec<String> {
    let texts: Vec<&str> = text.split('◊').collect();
    places(&texts).unwrap_or_else(|faults| panic!("{text}: {faults:?}")).iter().map(ToString::to_string).collect()
}

#[test]
fn a_reviewer_reads_where_a_value_stands() {
    for (text, wanted) in [
        ("n=◊; x=$((n + ◊))", vec!["what a variable gets; the script calculates with it: a whole number", "a calculation: a whole number"]),
        (
            "(( n = ◊ )); a[◊]=◊",
            vec![
                "a calculation: a whole number",
                "an element of an array; the script calculates with it: a whole number",
                "an element of an array",
            ],
        ),
        ("case ◊ in \"◊\") ;; esac", vec!["the word of `case`", "a pattern of `case`, matched as it is, inside \"…\""]),
        ("[[ ◊ -eq 1 ]]", vec!["an operand of `[[ ]]`, matched as it is; the script calculates with it: a whole number"]),
        ("cat <<E > ◊\n◊\nE\n", vec!["the file of a redirection; must not be empty", "a here-document"]),
        ("rm ◊ /x/'◊'", vec!["an argument; must not begin with `-`; must not be empty", "an argument, inside '…'; must not be empty"]),
        ("a=(◊ $'◊')", vec!["an element of an array", "an element of an array, inside $'…'"]),
    ] {
        assert_eq!(described(text), wanted, "{text}");
    }
}

#[test]
fn what_only_bash_knows_is_named() {
    for (text, wanted) in [
        ("ls ◊", None),
        ("case ◊ in a) ;; esac; f() { :; }; : $((1))", None),
        ("[[ a = ◊ ]]", Some("`[[ ]]`")),
        ("a=(◊)", Some("arrays")),
        ("cat <<< ◊", Some("`<<<`")),
        ("cat <(ls ◊)", Some("process substitution")),
        ("ls $'◊'", Some("`$'…'`")),
        ("(( 1 )); ls ◊", Some("`((…))`")),
        ("ls ${x//a/b} ◊", Some("`${x/…/…}`")),
    ] {
        let texts: Vec<&str> = text.split('◊').collect();
        let analysis = analyse(&Script { texts: &texts, forms: &[], env: &[] }).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        assert_eq!(analysis.bash_only, wanted, "{text}");
    }
}

#[test]
fn a_variable_of_the_environment_is_followed_too() {
    let used = |text: &str| analyse(&Script { texts: &[text], forms: &[], env: &["X"] }).unwrap_or_default().env.remove(0);
    assert_eq!(used("ls -- \"$X\""), EnvUse::default());
    assert!(used("(( X > 1 ))").number && used("f() { echo $(( $1 )); }; f \"$X\"").number);
    for text in ["eval \"$X\"", "sh -c \"$X\"", "y=$X; $y", "printf '%s' \"$X\" | sh", "sh -c 'eval \"$X\"'", "python3 -c \"$X\""] {
        assert!(used(text).fault.is_some(), "{text}");
    }
}

#[test]
fn a_refusal_says_which_value_and_what_to_write() {
    let faults = places(&["ls ", "; echo ", ""]).unwrap_err();
    assert_eq!(
        faults,
        [PlaceFault {
            hole: 1,
            message: "what `echo` prints for a value depends on the value and the shell".to_owned(),
            help: "write printf '%s\\n' {{…}}".to_owned(),
        }]
    );
}

/// The marks of each place: `-` where it could be an option, `/` where an empty value would leave a folder.
fn marks(text: &str) -> Vec<String> {
    let texts: Vec<&str> = text.split('◊').collect();
    let mark = |place: ShellPlace| format!("{}{}", if place.may_be_option { "-" } else { "" }, if place.ends_path { "/" } else { "" });
    places(&texts).unwrap_or_else(|faults| panic!("{text}: {faults:?}")).into_iter().map(mark).collect()
}

#[test]
fn what_a_value_must_not_be_is_known_by_its_place() {
    for (text, wanted) in [
        ("sort ◊ -- ◊", vec!["-", ""]),
        ("sort \"◊\" 'a◊'", vec!["-", ""]),
        ("x=◊; sort \"$x\"", vec!["-"]),
        ("x=◊; sort -- \"$x\"", vec![""]),
        ("sudo -u odc rm -f ◊; timeout 5 sort -- ◊", vec!["-", ""]),
        ("f() { sort \"$1\"; }; f ◊", vec!["-"]),
        ("for f in ◊; do sort \"$f\"; done", vec!["-"]),
        ("sort $(printf '%s' ◊)", vec!["-"]),
        ("printf '%s' ◊; [ ◊ = b ]; x=◊; cat < ◊", vec!["", "", "", ""]),
        ("rm -rf /data/◊", vec!["/"]),
        ("rm -rf \"/data/\"◊/x", vec!["/"]),
        ("rm -f /data/◊.tar /data/a◊", vec!["", ""]),
        ("d=/data/◊; cat > /data/◊", vec!["/", "/"]),
        ("printf '%s' /data/◊", vec![""]),
    ] {
        assert_eq!(marks(text), wanted, "{text}");
    }
}

#[test]
fn a_value_is_held_against_its_place() {
    let free = ShellPlace {
        quoting: Quoting::Word,
        form: Form::Value,
        role: Role::Argument,
        may_be_option: false,
        ends_path: false,
        whole_argument: false,
        number: false,
    };
    assert!(free.objection("-rf").is_none() && free.objection("").is_none());
    let strict = ShellPlace { may_be_option: true, ends_path: true, ..free };
    assert!(strict.objection("-rf").is_some() && strict.objection("").is_some() && strict.objection("a-b").is_none());
    assert!(ShellPlace { form: Form::AllowEmpty, ..strict }.objection("").is_none());
    let number = ShellPlace { number: true, ..free };
    for (text, fits) in
        [("5", true), ("-5", true), ("0", true), ("010", false), ("+5", false), ("", false), ("a", false), ("9223372036854775808", false)]
    {
        assert_eq!(number.objection(text).is_none(), fits, "{text}");
    }
}
