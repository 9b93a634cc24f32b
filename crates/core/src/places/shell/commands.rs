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
    /// `for NAME in …`.
    AsList,
    /// As an option of a shell, its script, or arguments of the script.
    AsShell,
    /// `ssh`: as a destination, or as words of a script that a shell reads elsewhere.
    AsRemote,
    /// As a program text, then as data.
    AsProgram,
    /// Printed or not, depending on the shell and the value.
    Unreliably,
}

/// Reserved words after which a command begins again.
pub(super) const BEFORE_COMMANDS: &[&str] = &["if", "then", "else", "elif", "do", "while", "until", "!", "{"];

/// Reserved words that begin or end a compound command.
pub(super) const COMPOUND: &[&str] = &["if", "while", "until", "{", "for", "}", "fi", "done"];

/// Builtins of the shell that take names, run their arguments, or change what other commands mean.
const BUILTINS: &[&str] = &[
    ".",
    "alias",
    "bind",
    "compgen",
    "complete",
    "enable",
    "eval",
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
    "trap",
    "unset",
    "wait",
];

/// Shells. What stands behind `-c`, and what they read, is a script in the script.
const SHELLS: &[&str] = &["ash", "bash", "dash", "ksh", "mksh", "rbash", "sh", "zsh"];

/// Languages and clients that run what stands in their arguments and what they read.
const INTERPRETERS: &[&str] = &[
    "R",
    "Rscript",
    "bc",
    "bun",
    "busybox",
    "clickhouse-client",
    "cqlsh",
    "crontab",
    "csh",
    "dc",
    "deno",
    "ed",
    "elvish",
    "ex",
    "expect",
    "fdisk",
    "fish",
    "ftp",
    "gdb",
    "gnuplot",
    "irb",
    "julia",
    "lftp",
    "lua",
    "m4",
    "make",
    "mariadb",
    "mongo",
    "mongosh",
    "mysql",
    "node",
    "nsupdate",
    "nu",
    "obclient",
    "perl",
    "php",
    "psql",
    "pwsh",
    "python",
    "python2",
    "python3",
    "redis-cli",
    "ruby",
    "sftp",
    "sqlite3",
    "sqlplus",
    "tclsh",
    "tcsh",
    "telnet",
];

/// Programs that run another one in a way that is not understood here.
const RUNNERS: &[&str] = &[
    "at",
    "batch",
    "nsenter",
    "parallel",
    "screen",
    "script",
    "socat",
    "sshpass",
    "strace",
    "systemd-run",
    "tmux",
    "unshare",
    "watch",
    "xargs",
];

/// Programs whose arguments are a program text, or options that run something.
const PROGRAM_TEXTS: &[&str] = &["expr", "git", "rsync", "vi", "view", "vim", "yq", "zip"];

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

/// Names that programs obey: what stands in them is run, or are options that run something.
const OBEYED_BY_PROGRAMS: &[&str] = &[
    "BROWSER",
    "EDITOR",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "MAKEFLAGS",
    "MANPAGER",
    "NODE_OPTIONS",
    "PAGER",
    "RSYNC_RSH",
    "RUBYLIB",
    "RUBYOPT",
    "SHELL",
    "SSH_ASKPASS",
    "TAR_OPTIONS",
    "VISUAL",
    "_JAVA_OPTIONS",
];

/// Whether the shell, the loader or a program obeys a variable of that name.
pub(super) fn is_obeyed(name: &str) -> bool {
    let begins = ["BASH", "LD_", "PYTHON", "PERL", "GIT_"];
    among(OBEYED, name) || among(OBEYED_BY_PROGRAMS, name) || begins.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a name stands in one of the lists, which are sorted: each word of each script is looked up.
fn among(list: &[&str], name: &str) -> bool {
    list.binary_search(&name).is_ok()
}

/// What a command is called, without its folder.
fn base(command: &str) -> &str {
    command.rfind('/').and_then(|slash| command.get(slash + 1..)).unwrap_or(command)
}

/// What a command does with its arguments. Interpreters are too many to be all listed; these are the ones that runbooks meet.
pub(super) fn treats(command: &str) -> Treats {
    match base(command) {
        "printf" => Treats::AsDataAfterFormat,
        "test" | "[" => Treats::AsOperands,
        "echo" => Treats::Unreliably,
        "export" | "local" | "readonly" | "declare" | "typeset" => Treats::AsAssignments,
        "for" => Treats::AsList,
        name if is_shell(name) => Treats::AsShell,
        "su" | "runuser" => Treats::AsShell,
        "ssh" => Treats::AsRemote,
        "awk" | "gawk" | "mawk" | "nawk" | "sed" | "jq" | "find" | "tar" | "nc" | "ncat" | "netcat" | "python" | "python2" | "python3" => {
            Treats::AsProgram
        }
        name if is_python(name) => Treats::AsProgram,
        name if among(BUILTINS, name) || is_interpreter(name) || among(RUNNERS, name) || among(PROGRAM_TEXTS, name) => Treats::AsCode,
        _ => Treats::AsData,
    }
}

/// Whether it is a shell of the family that reads POSIX quotes.
pub(super) fn is_shell(command: &str) -> bool {
    among(SHELLS, base(command))
}

fn is_python(name: &str) -> bool {
    name.strip_prefix("python3.").is_some_and(|minor| minor.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a word names a program that runs what stands in its arguments: `docker exec NAME sh -c …`.
pub(super) fn is_interpreter(word: &str) -> bool {
    let name = base(word);
    is_shell(name) || among(INTERPRETERS, name) || is_python(name)
}

/// Whether a command runs what it reads.
pub(super) fn runs_its_input(command: &str) -> bool {
    let name = base(command);
    is_interpreter(name)
        || among(RUNNERS, name)
        || matches!(name, "docker" | "podman" | "kubectl" | "nerdctl" | "ctr" | "." | "source" | "eval" | "ssh" | "su" | "runuser")
}

/// Whether an interpreter is given its program in its arguments, so that what it reads is data to it.
pub(super) fn is_given_its_program(command: &str, arguments: &[Option<&str>]) -> bool {
    match base(command) {
        name if is_shell(name) => {
            arguments.iter().flatten().find(|word| !word.starts_with(['-', '+'])).is_some_and(|_| !has(arguments, "-s"))
        }
        "python" | "python2" | "python3" | "perl" | "ruby" | "node" => {
            arguments.iter().flatten().any(|word| !matches!(*word, "-" | "-u" | "-E" | "-I"))
        }
        name if is_python(name) => arguments.iter().flatten().any(|word| *word != "-"),
        "docker" | "podman" | "nerdctl" => {
            has(arguments, "exec") && !arguments.iter().flatten().any(|word| is_interpreter(word) || among(RUNNERS, base(word)))
        }
        _ => false,
    }
}

fn has(arguments: &[Option<&str>], wanted: &str) -> bool {
    arguments.iter().flatten().any(|word| *word == wanted)
}

/// Whether what a command prints is the contents of the files that it is given, not the arguments themselves.
pub(super) fn prints_files(command: &str) -> bool {
    matches!(base(command), "cat" | "zcat" | "gunzip" | "gzip" | "bzcat" | "xz" | "xzcat" | "zstd" | "zstdcat" | "pv" | "head" | "tail")
}

/// What to write where a value may not be given to a command.
pub(super) fn advice(command: &str) -> &'static str {
    match base(command) {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh" | "su" | "runuser" => {
            "write `sh -c '… \"$1\"' _ {{…}}`, or `{{sh …}}` where the inner script is in no further quotes"
        }
        "ssh" => "write `{{sh …}}` for a word of the remote command, which a shell reads there",
        "xargs" | "find" | "watch" | "parallel" => {
            "let the inner script read the environment: `env = { NAME = \"{{…}}\" }`, and sh -c 'ls \"$NAME\"' with single quotes"
        }
        "mysql" | "mariadb" | "obclient" => {
            "use `sql.execute` or `sql.query`, which write values so that the server cannot take them for SQL"
        }
        "awk" | "gawk" | "mawk" | "nawk" => {
            "let it read the environment: `env = { NAME = \"{{…}}\" }`, and ENVIRON[\"NAME\"] in the program"
        }
        "jq" | "yq" => {
            "write `--arg name {{…}}` and $name in the program, or let it read the environment: `env = { NAME = \"{{…}}\" }`, and env.NAME"
        }
        "python" | "python2" | "python3" => {
            "write it behind the program, which finds it in sys.argv, or let it read the environment: os.environ[\"NAME\"]"
        }
        "perl" | "ruby" | "node" | "php" | "lua" => {
            "let it read the environment: `env = { NAME = \"{{…}}\" }`, and $ENV{NAME} (perl), ENV[\"NAME\"] (ruby), process.env.NAME (node)"
        }
        "sed" => "let awk read the environment instead: `env = { NAME = \"{{…}}\" }`, and ENVIRON[\"NAME\"]",
        "eval" | "trap" | "." | "source" => "write the commands out; a value can be an argument of a command, never a command",
        _ => BY_ENV,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        for list in [BUILTINS, SHELLS, INTERPRETERS, RUNNERS, PROGRAM_TEXTS, OBEYED, OBEYED_BY_PROGRAMS] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }
}
