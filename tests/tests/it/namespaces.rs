//! A machine of a test's own, as far as namespaces make one: what is mounted or named in it goes with it.

use std::process::{Command, Stdio};

use crate::sandbox::Sandbox;

/// A command in such namespaces (`--mount`, `--uts`), with the folder and the environment that the program has in the sandbox. Its words are to be added.
pub(crate) fn command(sandbox: &Sandbox, namespaces: &[&str]) -> Command {
    let program = sandbox.command([]);
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(namespaces).arg("--").env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(sandbox.path("")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
