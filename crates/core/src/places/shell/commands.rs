//! What commands do with their arguments and with their input.

use super::lexer::BY_ENV;

/// How a command treats its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treats {
    /// As data.
    AsData,
    /// As data behind the first argument, which is a format.
    AsDataAfterFormat,
    /// `test` and `[`: as data, as long as the operators are written out and none looks at names.
    AsOperands,
    /// `export` and its like: `export x={{…}}` is exact, `export {{…}}` is a name.
    AsAssignments,
    /// As names of variables, code, or a program text.
    AsCode,
    /// Printed or not, depending on the shell and the value.
    Unreliably,
}

/// Reserved words after which a command begins again.
pub(super) const BEFORE_COMMANDS: &[&str] = &["if", "then", "else", "elif", "do", "while", "until", "!", "{"];

/// Reserved words that begin or end a compound command.
pub(super) const COMPOUND: &[&str] = &["if", "while", "until", "{", "for", "}", "fi", "done"];

/// Builtins of the shell that take names, run their arguments, or run another command in their own way.
const BUILTINS: &[&str] = &[
    ".",
    "alias",
    "bind",
    "builtin",
    "command",
    "compgen",
    "complete",
    "coproc",
    "declare",
    "enable",
    "eval",
    "exec",
    "fc",
    "getopts",
    "hash",
    "jobs",
    "let",
    "mapfile",
    "read",
    "readarray",
    "set",
    "shopt",
    "source",
    "time",
    "trap",
    "typeset",
    "unset",
    "wait",
];

/// Shells, languages and clients that run what stands in their arguments and what they read.
const INTERPRETERS: &[&str] = &[
    "ash", "bash", "bc", "busybox", "crontab", "csh", "dash", "dc", "ed", "elvish", "ex", "expect", "fish", "gdb", "gnuplot", "julia",
    "ksh", "lua", "m4", "make", "mariadb", "mksh", "mysql", "node", "nu", "obclient", "perl", "php", "psql", "pwsh", "python", "python2",
    "python3", "rbash", "ruby", "sh", "sqlite3", "tclsh", "tcsh", "zsh",
];

/// Programs that run another one with the arguments that they are given, and hand it what they read.
const WRAPPERS: &[&str] = &[
    "at",
    "batch",
    "chroot",
    "chrt",
    "doas",
    "env",
    "flock",
    "gosu",
    "ionice",
    "nice",
    "nohup",
    "nsenter",
    "parallel",
    "runuser",
    "screen",
    "script",
    "setpriv",
    "setsid",
    "socat",
    "ssh",
    "sshpass",
    "stdbuf",
    "strace",
    "su",
    "su-exec",
    "sudo",
    "systemd-run",
    "taskset",
    "timeout",
    "tmux",
    "unshare",
    "watch",
    "xargs",
];

/// Programs whose arguments are a program text, or options that run something.
const PROGRAM_TEXTS: &[&str] =
    &["awk", "expr", "find", "gawk", "git", "jq", "mawk", "nawk", "nc", "ncat", "rsync", "sed", "tar", "vi", "view", "vim", "yq", "zip"];

/// Names that the shell itself obeys, or evaluates as a number when they are assigned to (tried with bash 5.2: `RANDOM`, `SRANDOM`, `OPTIND`,
/// `HISTCMD`, and `SECONDS` as the variable of a loop), and names that make programs load code.
const OBEYED: &[&str] = &[
    "CDPATH",
    "COLUMNS",
    "DIRSTACK",
    "ENV",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNEST",
    "GLOBIGNORE",
    "HISTCMD",
    "HISTSIZE",
    "IFS",
    "LINENO",
    "LINES",
    "OPTIND",
    "PATH",
    "POSIXLY_CORRECT",
    "PPID",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS4",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
    "TMOUT",
    "UID",
];

/// Whether the shell or the loader obeys a variable of that name.
pub(super) fn is_obeyed(name: &str) -> bool {
    OBEYED.contains(&name) || name.starts_with("BASH") || name.starts_with("LD_")
}

/// What a command is called, without its folder.
fn base(command: &str) -> &str {
    command.rsplit('/').next().unwrap_or(command)
}

/// What the shell itself, an interpreter or a wrapper does with arguments. Interpreters are too many to be all listed; these are the ones that runbooks
/// meet.
pub(super) fn treats(command: &str) -> Treats {
    match base(command) {
        "printf" => Treats::AsDataAfterFormat,
        "test" | "[" => Treats::AsOperands,
        "echo" => Treats::Unreliably,
        "export" | "local" | "readonly" => Treats::AsAssignments,
        name if BUILTINS.contains(&name) || is_interpreter(name) || WRAPPERS.contains(&name) || PROGRAM_TEXTS.contains(&name) => {
            Treats::AsCode
        }
        _ => Treats::AsData,
    }
}

/// Whether a word names a program that runs what stands in its arguments: `docker exec NAME sh -c …`.
pub(super) fn is_interpreter(word: &str) -> bool {
    let name = base(word);
    INTERPRETERS.contains(&name) || name.strip_prefix("python3.").is_some_and(|minor| minor.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a command runs what it reads.
pub(super) fn runs_its_input(command: &str) -> bool {
    let name = base(command);
    is_interpreter(name)
        || WRAPPERS.contains(&name)
        || matches!(name, "docker" | "podman" | "kubectl" | "nerdctl" | "ctr" | "." | "source" | "eval")
}

/// Whether what a command prints is the contents of the files that it is given, not the arguments themselves.
pub(super) fn prints_files(command: &str) -> bool {
    matches!(base(command), "cat" | "zcat" | "gunzip" | "gzip" | "bzcat" | "xz" | "xzcat" | "zstd" | "zstdcat" | "pv" | "head" | "tail")
}

/// What to write where a value may not be given to a command.
pub(super) fn advice(command: &str) -> &'static str {
    match base(command) {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh" | "su" | "sudo" | "env" | "timeout" | "nohup" | "xargs" | "find" => {
            "let the inner script read the environment: `env = { NAME = \"{{…}}\" }`, and sh -c 'ls \"$NAME\"' with single quotes"
        }
        "mysql" | "mariadb" | "obclient" => {
            "use `sql.execute` or `sql.query`, which write values so that the server cannot take them for SQL"
        }
        "awk" | "gawk" | "mawk" | "nawk" => {
            "let it read the environment: `env = { NAME = \"{{…}}\" }`, and ENVIRON[\"NAME\"] in the program"
        }
        "jq" | "yq" => "let it read the environment: `env = { NAME = \"{{…}}\" }`, and env.NAME in the program",
        "eval" | "trap" | "." | "source" => "write the commands out; a value can be an argument of a command, never a command",
        _ => BY_ENV,
    }
}
