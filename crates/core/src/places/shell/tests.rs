use super::*;

fn of(text: &str) -> Result<Vec<ShellPlace>, String> {
    let texts: Vec<&str> = text.split('◊').collect();
    places(&texts).map_err(|faults| faults.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join("; "))
}

#[test]
fn words_and_quotes_are_places() {
    use ShellPlace::{InDouble, InSingle, Word};
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
