//! The process of an exec: whether it runs, and its end.
//!
//! The engine has no request that ends an exec, and dropping its stream does not stop it. So its environment carries a mark, which its children inherit,
//! and a second exec in the same container finds and signals what carries it. Where the container has no shell to do that with, the engine's supervision of the host's processes
//! is asked, which sees the same processes when the engine is local.

use std::time::Duration as Span;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::ExecInspectResponse;
use futures_util::StreamExt as _;
use runbook_core::action::{Cx, Failure};

use super::super::client::Client;
use super::super::failure;

/// The variable that marks a process of an effect; the same as for processes on the host.
pub(super) const MARK: &str = "RUNBOOK_EFFECT";

/// What to do with the processes that carry the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Only find them.
    Nothing,
    /// Ask them to end.
    Term,
    /// End them.
    Kill,
}

/// Finds by whole entries of the environment. Fails with 3 where the container's tools cannot do that, so that "nothing found" can be believed.
///
/// What is found is stopped before it is signalled, round after round until nothing new appears: a shell whose child alone was ended would go on with its
/// next command, and a child that is made in the meantime would be missed.
const SCRIPT: &str = r#"printf 'x\000y\000' | tr '\000' '\n' | grep -qxF y || exit 3
all=
while :; do
  new=
  for p in /proc/[0-9]*; do
    pid=${p#/proc/}
    case " $all " in *" $pid "*) continue ;; esac
    if tr '\000' '\n' 2>/dev/null <"$p/environ" | grep -qxF "$1"; then new="$new $pid"; fi
  done 2>/dev/null
  [ -n "$new" ] || break
  [ "$2" = 0 ] || kill -STOP $new 2>/dev/null
  all="$all$new"
done
for pid in $all; do echo "$pid"; done
if [ "$2" != 0 ] && [ -n "$all" ]; then
  kill "-$2" $all 2>/dev/null
  kill -CONT $all 2>/dev/null
fi
exit 0"#;

/// A process that an exec started.
pub(super) struct Process<'a> {
    pub(super) client: &'a Client,
    pub(super) container: &'a str,
    pub(super) exec: &'a str,
}

impl Process<'_> {
    /// What the engine knows of it; none where it does not know it any more.
    pub(super) async fn state(&self) -> Result<Option<ExecInspectResponse>, Failure> {
        match self.client.quick().inspect_exec(self.exec).await {
            Ok(state) => Ok(Some(state)),
            Err(error) if failure::is_missing(&error) => Ok(None),
            Err(error) => Err(failure::of(&error, "inspect a command in a container")),
        }
    }

    /// Whether it, or where the engine has forgotten it, anything with the mark, still runs.
    pub(super) async fn runs(&self, cx: Cx<'_>) -> Result<bool, Failure> {
        match self.state().await? {
            Some(state) => Ok(state.running.unwrap_or_default()),
            None => Ok(self.signal(cx, Signal::Nothing).await.is_none_or(|found| !found.is_empty())),
        }
    }

    /// Signals everything that carries the mark; gives the pids inside the container, or none where they could not be looked for.
    pub(super) async fn signal(&self, cx: Cx<'_>, signal: Signal) -> Option<Vec<u32>> {
        // With all capabilities, for others' environments cannot be read without; a container that refuses this may allow less.
        for privileged in [true, false] {
            if let Some(found) = self.look(cx.mark(), signal, privileged).await {
                return Some(found);
            }
        }
        let end_it = signal != Signal::Nothing;
        let left = cx.processes().settle(cx.mark(), end_it, Span::from_secs(10)).await;
        (!left.is_empty()).then_some(left)
    }

    async fn look(&self, mark: &str, signal: Signal, privileged: bool) -> Option<Vec<u32>> {
        let signal = match signal {
            Signal::Nothing => "0",
            Signal::Term => "TERM",
            Signal::Kill => "KILL",
        };
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(vec![
                "sh".to_owned(),
                "-c".to_owned(),
                SCRIPT.to_owned(),
                "runbook".to_owned(),
                format!("{MARK}={mark}"),
                signal.to_owned(),
            ]),
            user: Some("0".to_owned()),
            privileged: Some(privileged),
            ..CreateExecOptions::default()
        };
        let docker = self.client.quick();
        let search = docker.create_exec(self.container, options).await.ok()?;
        let StartExecResults::Attached { mut output, .. } = docker.start_exec(&search.id, None).await.ok()? else { return None };
        let mut text = Vec::new();
        let read = async {
            while let Some(Ok(piece)) = output.next().await {
                if let LogOutput::StdOut { message } = piece {
                    text.extend_from_slice(&message);
                }
            }
        };
        tokio::time::timeout(Span::from_secs(20), read).await.ok()?;
        let state = docker.inspect_exec(&search.id).await.ok()?;
        if state.exit_code != Some(0) {
            return None;
        }
        Some(String::from_utf8_lossy(&text).lines().filter_map(|line| line.trim().parse().ok()).collect())
    }
}
