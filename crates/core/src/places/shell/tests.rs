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
        "sh -c 'ls ◊'",
        "sudo rm ◊",
        "n=◊; echo $((n))",
        "(( n = ◊ ))",
        "let x=◊",
        "[[ ◊ -eq 1 ]]",
        "[ ◊ -a x ]",
        "test -v ◊",
        "ls `cat ◊`",
        "ls ${◊}",
        "ls $◊",
        "ls ${x:◊}",
        "x=1; ls ${x:x} ◊",
        "f() { eval $1; }; f ◊",
        "cat <<EOF\n◊\nEOF",
        "case ◊ in a) ;; esac",
        "a=(◊)",
        "diff <(cat ◊) b",
        "ls $'◊'",
        "ls \\◊",
        "# ◊",
        "ls '◊",
        "ls \"◊",
        "awk ◊",
        "read ◊",
        "export ◊",
        "PATH=◊ ls",
        "trap ◊ EXIT",
        "declare x=◊",
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
        "local -i x=◊",
        "local -n x=◊",
        "[ ◊ ◊ ]",
        "[ ◊ ◊ ◊ ]",
        "for x do ◊; done",
        "for ◊ in a; do :; done",
        "time -p ◊",
        "a[$x]=1; x=◊",
        "a[1]=◊",
        "cat <<E◊\nx\nE",
        "cat <<EOF\nx\\\nEOF\nls ◊\nEOF",
        "LD_PRELOAD=◊ ls",
        "BASH_ENV=◊ ls",
    ] {
        assert!(of(text).is_err(), "{text} was accepted");
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
    let place = ShellPlace { quoting: Quoting::Word, may_be_option: true, ends_path: true };
    assert!(place.objection("-rf").is_some() && place.objection("").is_some() && place.objection("a-b").is_none());
    let place = ShellPlace { quoting: Quoting::Word, may_be_option: false, ends_path: false };
    assert!(place.objection("-rf").is_none() && place.objection("").is_none());
}
