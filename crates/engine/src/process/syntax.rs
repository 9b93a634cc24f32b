//! Whether a shell can read a script, asked before anything is run.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::environment::Environment;

/// What a shell says of a script that it cannot read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxFault {
    /// The line of the script, from 1; none where the shell named none.
    pub line: Option<usize>,
    /// The shell's own words.
    pub message: String,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// It can be read.
    Sound,
    /// It cannot.
    Faulty(SyntaxFault),
    /// There is no such shell, or it cannot be started: why.
    NoShell(String),
}

/// Has the shell read the script without carrying anything out (`-n`). The environment is that of a step.
pub fn syntax(shell: &str, script: &str) -> Syntax {
    let environment = Environment::cleaned(std::env::vars_os());
    let mut command = Command::new(shell);
    // What a script switches on while it runs decides how the rest of it is read.
    if shell.rsplit('/').next() == Some("bash") && script.contains("extglob") {
        command.args(["-O", "extglob"]);
    }
    command.arg("-n").env_clear().envs(environment.iter()).env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Syntax::NoShell(crate::disk::io_message(&error)),
    };
    if let Some(mut input) = child.stdin.take() {
        // A shell that has seen enough closes its end.
        let _ = input.write_all(script.as_bytes());
    }
    match child.wait_with_output() {
        Ok(output) if output.status.success() => Syntax::Sound,
        Ok(output) => Syntax::Faulty(fault(&String::from_utf8_lossy(&output.stderr))),
        Err(error) => Syntax::NoShell(crate::disk::io_message(&error)),
    }
}

/// `bash: line 3: syntax error …`, `sh: 3: Syntax error: …`, `sh: line 3: syntax error: …`.
fn fault(said: &str) -> SyntaxFault {
    let first = said
        .lines()
        .find(|line| line.to_ascii_lowercase().contains("error") || line.contains("unexpected"))
        .or_else(|| said.lines().next())
        .unwrap_or_default();
    let mut parts = first.splitn(3, ": ");
    if let (Some(_), Some(line), Some(message)) = (parts.next(), parts.next(), parts.next())
        && let Ok(line) = line.trim_start_matches("line ").parse()
    {
        return SyntaxFault { line: Some(line), message: message.trim().to_owned() };
    }
    SyntaxFault { line: None, message: first.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_says_where_it_stumbles() {
        for (shell, script, line) in [("bash", "true\nif true; fi\n", 2), ("dash", "true\n\nif true; fi\n", 3), ("bash", "x='a\n", 1)] {
            let Syntax::Faulty(fault) = syntax(shell, script) else { panic!("{shell} reads {script:?}") };
            assert!(fault.line.is_some_and(|found| found >= line && found <= line + 1), "{shell}: {fault:?}");
            assert!(!fault.message.is_empty() && !fault.message.contains("line "), "{fault:?}");
        }
    }

    #[test]
    fn nothing_is_carried_out() {
        let file = std::env::temp_dir().join(format!("runbook-syntax-{}", std::process::id()));
        assert_eq!(syntax("bash", &format!("touch {0}\n: $(touch {0})\n", file.display())), Syntax::Sound);
        assert_eq!(syntax("bash", "shopt -s extglob\ncase a in @(a|b)) : ;; esac\n"), Syntax::Sound);
        assert!(!file.exists());
        assert!(matches!(syntax("no-such-shell", "true"), Syntax::NoShell(_)));
    }
}
