//! The values travel in the environment, and what the script starts does not inherit them.

use runbook_core::action::ShellText;

use crate::shells::shells;

#[test]
fn what_a_script_starts_does_not_inherit_its_values() {
    let script = "#!/bin/sh\nprintf '%s' \"${RUNBOOK_P1?}${RUNBOOK_P2?}\"; env | grep -c RUNBOOK_P; exit $LINENO";
    let value = "a b\n*$(x)\n";
    let env = [("RUNBOOK_P1".to_owned(), value.to_owned()), ("RUNBOOK_P2".to_owned(), String::new())];
    let text = ShellText { script: script.to_owned(), env: env.clone().into_iter().collect(), bash_only: None };
    for shell in shells() {
        let output = shell.command().args(["-u", "-c", &text.guarded()]).envs(env.clone()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{value}0\n"), "{}", shell.name);
        // busybox counts otherwise, with and without what stands before.
        let counted = if shell.name == "busybox sh" { 1 } else { 2 };
        assert_eq!(output.status.code(), Some(counted), "{} counts lines from the first", shell.name);
    }
}

#[test]
fn a_value_is_exact_on_its_way_through_the_environment() {
    let script = "printf '[%s]\\0' \"${RUNBOOK_P1?}\"";
    for shell in shells() {
        for value in crate::values::values(300) {
            let env = [("RUNBOOK_P1".to_owned(), value.clone())];
            let text = ShellText { script: script.to_owned(), env: env.clone().into_iter().collect(), bash_only: None };
            let output = shell.command().args(["-eu", "-c", &text.guarded()]).envs(env).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("[{value}]\0"), "{}", shell.name);
        }
    }
}
