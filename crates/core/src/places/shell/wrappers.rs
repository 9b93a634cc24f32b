//! Programs that run the command that stands in their arguments: `sudo -u odc rm …`, `timeout 5 curl …`.

use super::lexer::Lexer;
use super::words::{HOLE, Word, assigned_name};

/// How a program comes to the command that it runs.
struct Wrapper {
    name: &'static str,
    /// Options that take an argument of their own.
    with_argument: &'static [&'static str],
    /// How many operands stand before the command.
    operands: usize,
    /// Whether `NAME=VALUE` before the command is an assignment.
    assigns: bool,
}

const fn wrapper(name: &'static str, with_argument: &'static [&'static str], operands: usize) -> Wrapper {
    Wrapper { name, with_argument, operands, assigns: false }
}

const WRAPPERS: &[Wrapper] = &[
    wrapper("builtin", &[], 0),
    wrapper("chroot", &["--userspec", "--groups"], 1),
    wrapper("chrt", &[], 1),
    wrapper("command", &[], 0),
    wrapper("doas", &["-u", "-C"], 0),
    Wrapper { assigns: true, ..wrapper("env", &["-u", "-C", "--unset", "--chdir"], 0) },
    wrapper("exec", &["-a"], 0),
    wrapper("flock", &["-w", "-E", "--timeout", "--wait", "--conflict-exit-code"], 1),
    wrapper("gosu", &[], 1),
    wrapper("ionice", &["-c", "-n", "--class", "--classdata"], 0),
    wrapper("nice", &["-n", "--adjustment"], 0),
    wrapper("nohup", &[], 0),
    wrapper("setpriv", &["--reuid", "--regid", "--groups"], 0),
    wrapper("setsid", &[], 0),
    wrapper("stdbuf", &["-i", "-o", "-e"], 0),
    wrapper("su-exec", &[], 1),
    Wrapper {
        assigns: true,
        ..wrapper("sudo", &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group", "--host", "--prompt"], 0)
    },
    wrapper("taskset", &["-c"], 0),
    wrapper("time", &["-f", "-o"], 0),
    wrapper("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
];

/// What a wrapper leads to.
pub(super) enum Led<'w> {
    /// It is no wrapper.
    Itself,
    /// The command that it runs, and its arguments.
    To(&'w Word, &'w [Word]),
    /// What it does is not understood.
    Nowhere,
}

impl Lexer<'_> {
    /// The command that a wrapper runs.
    pub(super) fn led<'w>(&mut self, name: &str, words: &'w [Word]) -> Led<'w> {
        let base = name.rsplit('/').next().unwrap_or(name);
        let Some(rule) = WRAPPERS.iter().find(|wrapper| wrapper.name == base) else { return Led::Itself };
        let mut operands = rule.operands;
        let mut rest = words.iter().enumerate();
        while let Some((at, word)) = rest.next() {
            if let Some(name) = assigned_name(&word.text).filter(|_| rule.assigns) {
                let name = name.to_owned();
                self.role(word, super::Role::Assignment);
                self.assign_word(&name, word);
                continue;
            }
            match word.literal() {
                Some("--") if operands == 0 => return from(words, at + 1),
                Some(option) if option.starts_with('-') && option.len() > 1 => {
                    // `-S` makes words of a text; `-l` and `-i` of a login hand on to a shell.
                    if matches!(
                        (base, option),
                        ("env", "-S") | ("sudo", "-i" | "-s" | "-e") | ("command", "-v" | "-V") | ("exec", "-l" | "-c" | "-cl")
                    ) || option.starts_with("--split-string")
                    {
                        return Led::Nowhere;
                    }
                    if rule.with_argument.contains(&option) {
                        match rest.next() {
                            Some((_, argument)) if argument.literal().is_some() => {}
                            _ => return Led::Nowhere,
                        }
                    }
                }
                // `timeout {{…}} …`: a value that is no duration is refused by it.
                None if operands > 0 && base == "timeout" && word.text.chars().all(|c| c == HOLE) => {
                    operands -= 1;
                    self.flow.may_be_option(word.beginning());
                }
                Some(_) if operands > 0 => operands -= 1,
                Some(_) => return from(words, at),
                None => return Led::Nowhere,
            }
        }
        Led::Nowhere
    }
}

/// The command at a place of the words.
fn from(words: &[Word], at: usize) -> Led<'_> {
    match (words.get(at), words.get(at + 1..)) {
        (Some(word), Some(rest)) if word.literal().is_some() => Led::To(word, rest),
        _ => Led::Nowhere,
    }
}
