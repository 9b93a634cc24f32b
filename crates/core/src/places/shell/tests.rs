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
