//! From what an action asks for to a command that can be spawned; every fault names its field.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use runbook_core::action::{Failure, FailureKind, ProcessSpec, Sink, Stdin};
use tokio::process::Command;

use super::environment::{Environment, MARK};
use super::user;
use crate::disk::io_message;

/// Makes the command. `mark` is what the child carries in its environment.
pub(super) fn build(spec: &ProcessSpec, mark: &str, inherited: &Environment, base: &Path) -> Result<Command, Failure> {
    let cwd = spec.cwd.as_deref().unwrap_or(base);
    check_folder(cwd)?;
    let path = spec.env.get("PATH").map(OsStr::new).or_else(|| inherited.get("PATH"));
    let program = find_program(&spec.program, path, cwd)?;

    let mut argv: Vec<String> = Vec::with_capacity(spec.args.len() + 9);
    let mut home = None;
    if let Some(wanted) = &spec.user {
        let user = user::find(wanted)?;
        if user.uid != rustix::process::geteuid().as_raw() {
            argv.extend(as_user(&user, path, cwd)?);
            home = Some(user);
        }
    }
    if let Some(umask) = spec.umask {
        argv.extend(["/bin/sh", "-c", "umask \"$1\" && shift && exec \"$@\"", "sh"].map(str::to_owned));
        argv.push(format!("{umask:04o}"));
    }
    // Without another program before it, the child is the program itself, and `argv[0]` is what was written.
    let mut command = if argv.is_empty() {
        let mut command = Command::new(&program);
        command.arg0(&spec.program);
        command
    } else {
        argv.push(program.to_string_lossy().into_owned());
        let mut command = Command::new(argv.remove(0));
        command.args(argv);
        command
    };
    command.args(&spec.args).current_dir(cwd).process_group(0).env_clear().envs(inherited.iter());
    if let Some(user) = home {
        command.env("HOME", user.home.as_deref().unwrap_or("/"));
        for name in ["USER", "LOGNAME"] {
            command.env(name, user.name.as_deref().unwrap_or_default());
        }
    }
    command.envs(&spec.env).env(MARK, mark);
    command.stdin(input(&spec.stdin)?).stdout(sink(&spec.stdout, "stdout_file")?).stderr(sink(&spec.stderr, "stderr_file")?);
    Ok(command)
}

/// What a failed spawn means. Program and folder were looked at before, so this is rare.
pub(super) fn spawn_failure(spec: &ProcessSpec, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::ArgumentListTooLong {
        return Failure::new(FailureKind::Invalid, format!("the arguments and environment of `{}` are too long", spec.program))
            .field("program")
            .help("one string may hold 131,070 bytes, all together about 2 MiB: use `stdin` or a file");
    }
    let kind = match error.kind() {
        io::ErrorKind::NotFound => FailureKind::NotFound,
        io::ErrorKind::PermissionDenied => FailureKind::Denied,
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => FailureKind::Exhausted,
        _ => FailureKind::Failed,
    };
    Failure::new(kind, format!("`{}` cannot be started: {}", spec.program, io_message(error))).field("program")
}

/// A missing folder and a missing program give the same error from the system, so the folder is looked at apart.
fn check_folder(cwd: &Path) -> Result<(), Failure> {
    let fault = |kind, why: &str| Err(Failure::new(kind, format!("the folder `{}` {why}", cwd.display())).field("cwd"));
    match cwd.metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => fault(FailureKind::Invalid, "is not a folder"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fault(FailureKind::NotFound, "does not exist"),
        Err(error) => fault(FailureKind::Denied, &format!("cannot be entered: {}", io_message(&error))),
    }
}

/// Finds a program as `execvp` would, but says why it did not.
fn find_program(program: &str, path: Option<&OsStr>, cwd: &Path) -> Result<PathBuf, Failure> {
    let fault = |kind, message: String| Err(Failure::new(kind, message).field("program"));
    if program.contains('/') {
        let full = cwd.join(program);
        return match full.metadata() {
            Ok(found) if found.is_file() && is_executable(&found) => Ok(full),
            Ok(found) if found.is_file() => fault(FailureKind::Denied, format!("`{program}` is not executable")),
            Ok(_) => fault(FailureKind::Invalid, format!("`{program}` is not a file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fault(FailureKind::NotFound, format!("there is no program `{program}`"))
            }
            Err(error) => fault(FailureKind::Denied, format!("`{program}` cannot be started: {}", io_message(&error))),
        };
    }
    let path = path.unwrap_or(OsStr::new("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
    let found = std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|file| file.metadata().is_ok_and(|found| found.is_file() && is_executable(&found)));
    match found {
        Some(file) => Ok(file),
        None => fault(FailureKind::NotFound, format!("there is no program `{program}` in `PATH`")),
    }
}

fn is_executable(found: &std::fs::Metadata) -> bool {
    found.permissions().mode() & 0o111 != 0
}

/// `setpriv` takes on the user with all of that user's groups, which the standard library cannot.
fn as_user(user: &user::User, path: Option<&OsStr>, cwd: &Path) -> Result<Vec<String>, Failure> {
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new(FailureKind::Denied, "only root can run a program as another user").field("user"));
    }
    let setpriv = find_program("setpriv", path, cwd).map_err(|_| {
        Failure::new(FailureKind::NotFound, "running as another user needs the program `setpriv`, which is not in `PATH`")
            .field("user")
            .help("install the package `util-linux`")
    })?;
    let groups = if user.name.is_some() { "--init-groups" } else { "--clear-groups" };
    Ok(vec![
        setpriv.to_string_lossy().into_owned(),
        format!("--reuid={}", user.uid),
        format!("--regid={}", user.gid),
        groups.to_owned(),
        "--".to_owned(),
    ])
}

fn input(stdin: &Stdin) -> Result<Stdio, Failure> {
    match stdin {
        Stdin::Null => Ok(Stdio::null()),
        Stdin::Bytes(_) => Ok(Stdio::piped()),
        Stdin::File(path) => match File::open(path) {
            Ok(file) => Ok(file.into()),
            Err(error) => Err(file_failure("read", path, &error, "stdin_file")),
        },
    }
}

fn sink(sink: &Sink, field: &str) -> Result<Stdio, Failure> {
    match sink {
        Sink::Capture(_) => Ok(Stdio::piped()),
        Sink::File(path) => match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => Ok(file.into()),
            Err(error) => Err(file_failure("create", path, &error, field)),
        },
    }
}

fn file_failure(what: &str, path: &Path, error: &io::Error, field: &str) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => FailureKind::NotFound,
        io::ErrorKind::AlreadyExists => FailureKind::Conflict,
        io::ErrorKind::StorageFull => FailureKind::Exhausted,
        _ => FailureKind::Denied,
    };
    Failure::new(kind, format!("cannot {what} `{}`: {}", path.display(), io_message(error))).field(field)
}
