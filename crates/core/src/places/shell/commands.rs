//! Which commands may be given a value, and where.

/// How a command treats its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treats {
    /// As data.
    AsData,
    /// As data behind the first argument, which is a format.
    AsDataAfterFormat,
    /// `test` and `[`: as data, unless it is told to combine or to look at names.
    AsOperands,
    /// As names of variables, code, or a program text.
    AsCode,
    /// Printed or not, depending on the shell and the value.
    Unreliably,
}

/// Names that assign: `export x={{…}}` is exact, `export {{…}}` is a name.
pub(super) const ASSIGNING: &[&str] = &["export", "local", "readonly"];

/// Reserved words after which a command begins again.
pub(super) const BEFORE_COMMANDS: &[&str] = &["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time"];

/// What the shell itself, an interpreter or a wrapper does with arguments. Interpreters are too many to be all listed; the ones here are those that runbooks meet.
pub(super) fn treats(command: &str) -> Treats {
    let name = command.rsplit('/').next().unwrap_or(command);
    match name {
        "printf" => Treats::AsDataAfterFormat,
        "test" | "[" => Treats::AsOperands,
        "echo" => Treats::Unreliably,
        "eval" | "trap" | "alias" | "source" | "." | "read" | "unset" | "declare" | "typeset" | "let" | "mapfile" | "readarray"
        | "getopts" | "exec" | "command" | "builtin" | "enable" | "complete" | "compgen" | "bind" | "hash" | "set" | "shopt" | "coproc"
        | "wait" | "nameref" | "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" | "mksh" | "busybox" | "su" | "sudo" | "doas" | "ssh"
        | "runuser" | "chroot" | "nsenter" | "unshare" | "env" | "xargs" | "find" | "parallel" | "watch" | "timeout" | "nohup" | "nice"
        | "ionice" | "setsid" | "script" | "expect" | "awk" | "gawk" | "mawk" | "nawk" | "sed" | "perl" | "python" | "python2"
        | "python3" | "ruby" | "node" | "php" | "lua" | "tclsh" | "jq" | "yq" | "bc" | "dc" | "expr" | "m4" | "make" | "mysql"
        | "mariadb" | "obclient" | "psql" | "sqlite3" | "vim" | "vi" | "ed" | "ex" | "crontab" | "at" | "batch" | "tar" | "git"
        | "rsync" | "gdb" | "strace" | "flock" => Treats::AsCode,
        _ => Treats::AsData,
    }
}
