//! Runs one child to its end.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use runbook_core::action::{BoxFuture, CancelKind, Cx, Exit, Failure, FailureKind, ProcessSpec, Processes, Sink, Stdin, Stream};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::process::Child;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout};

use super::environment::Environment;
use super::pump::{self, Kept};
use super::{command, marked};
use crate::crash;

/// How long output is waited for after the child's end: something that it left behind may hold the pipe for ever.
const DRAIN: Duration = Duration::from_secs(2);

/// How long a killed child may take to be gone. Only a process that hangs in the kernel takes longer.
const KILLED: Duration = Duration::from_secs(10);

/// What the supervision of a child leaves for others to know.
pub(crate) trait Traces: Send + Sync {
    /// Notes where a child can be found, without waiting. It need not be on disk before the child goes on: after a power cut there is no child, and after a
    /// crash of this program the write is in the system's cache.
    fn note(&self, evidence: Value);
    /// Notes what a person should see beside the effect's end.
    fn warn(&self, text: String);
}

/// The engine's process supervision, for one effect.
pub(crate) struct Supervisor {
    inherited: Arc<Environment>,
    base: PathBuf,
    traces: Box<dyn Traces>,
}

impl Supervisor {
    /// `base` is the folder in which a child starts unless it is told otherwise.
    pub(crate) fn new(inherited: Arc<Environment>, base: PathBuf, traces: Box<dyn Traces>) -> Self {
        Self { inherited, base, traces }
    }

    /// Starts the child, on another thread: who starts one is held up until it has become the program, which would keep everything else waiting.
    async fn spawn(&self, spec: ProcessSpec, mark: String) -> Result<(Child, ProcessSpec), Failure> {
        let (inherited, base) = (Arc::clone(&self.inherited), self.base.clone());
        let started = spawn_blocking(move || {
            let mut command = command::build(&spec, &mark, &inherited, &base)?;
            crash::point("process.before-spawn");
            let child = command.spawn().map_err(|error| command::spawn_failure(&spec, &error))?;
            // The command, which ends here, holds this side's copies of files and pipes.
            crash::point("process.after-spawn");
            Ok((child, spec))
        });
        started.await.map_err(|error| Failure::new(FailureKind::Internal, format!("the start of a child broke off: {error}")))?
    }
}

impl Processes for Supervisor {
    fn run<'a>(&'a self, cx: Cx<'a>, spec: ProcessSpec) -> BoxFuture<'a, Result<Exit, Failure>> {
        Box::pin(async move {
            let (child, spec) = self.spawn(spec, cx.mark().to_owned()).await?;
            let mut group = Group::of(child, &spec)?;
            self.traces.note(json!({ "pid": group.pid.as_raw_nonzero().get(), "start": marked::start_time(group.pid) }));
            let exit = group.supervise(cx, &spec).await?;
            if exit.left_behind {
                let program = &spec.program;
                self.traces.warn(format!("`{program}` ended, but something that it started still holds its output and goes on"));
            }
            Ok(exit)
        })
    }

    fn settle<'a>(&'a self, mark: &'a str, end_it: bool, wait: Duration) -> BoxFuture<'a, Vec<u32>> {
        Box::pin(marked::settle(mark, end_it, wait))
    }
}

/// A child that leads a process group.
struct Group {
    child: Child,
    pid: Pid,
    /// When SIGKILL follows the SIGTERM that was sent.
    kill_at: Option<Instant>,
    killed_at: Option<Instant>,
}

impl Group {
    fn of(child: Child, spec: &ProcessSpec) -> Result<Self, Failure> {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        match pid {
            Some(pid) => Ok(Self { child, pid, kill_at: None, killed_at: None }),
            None => Err(Failure::new(FailureKind::Internal, format!("`{}` has no process id", spec.program))),
        }
    }

    async fn supervise(&mut self, cx: Cx<'_>, spec: &ProcessSpec) -> Result<Exit, Failure> {
        let (mut stdout, mut stderr) = (Kept::default(), Kept::default());
        let left_behind;
        let status;
        {
            let input: &[u8] = match &spec.stdin {
                Stdin::Bytes(bytes) => bytes,
                Stdin::Null | Stdin::File(_) => &[],
            };
            let (stdin_pipe, stdout_pipe, stderr_pipe) = (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take());
            let flow = async {
                tokio::join!(
                    pump::feed(stdin_pipe, input),
                    pump::read(stdout_pipe, Stream::Stdout, cx, limit(&spec.stdout), &mut stdout),
                    pump::read(stderr_pipe, Stream::Stderr, cx, limit(&spec.stderr), &mut stderr),
                )
            };
            tokio::pin!(flow);
            let mut flowing = true;
            status = loop {
                tokio::select! {
                    _ = &mut flow, if flowing => flowing = false,
                    ended = self.ended(cx, spec) => break ended?,
                }
            };
            if self.kill_at.is_some() {
                // The leader is gone; what else was in its group is not to go on either.
                self.signal(Signal::KILL);
            }
            left_behind = flowing && timeout(DRAIN, flow).await.is_err();
        }
        crash::point("process.after-exit");
        Ok(exit(status, stdout, stderr, self.kill_at.is_some(), left_behind))
    }

    /// Ends when the child has ended, and sees to it that it does where the action is cancelled. Can be dropped and called again.
    async fn ended(&mut self, cx: Cx<'_>, spec: &ProcessSpec) -> Result<ExitStatus, Failure> {
        loop {
            let (kill_at, killed_at) = (self.kill_at, self.killed_at);
            tokio::select! {
                biased;
                status = self.child.wait() => return status.map_err(|error| lost(spec, &error)),
                () = cx.cancelled(CancelKind::Graceful), if kill_at.is_none() => {
                    self.signal(Signal::TERM);
                    self.kill_at = Some(Instant::now() + spec.grace);
                }
                () = cx.cancelled(CancelKind::Kill), if kill_at.is_some() && killed_at.is_none() => self.kill(),
                () = until(kill_at), if kill_at.is_some() && killed_at.is_none() => self.kill(),
                () = until(killed_at.map(|at| at + KILLED)), if killed_at.is_some() => return Err(unkillable(spec, self.pid)),
            }
        }
    }

    fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.killed_at = Some(Instant::now());
    }

    fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.pid, signal) {
            tracing::debug!(%error, ?signal, "the process group is gone already");
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn limit(sink: &Sink) -> usize {
    match sink {
        Sink::Capture(bytes) => *bytes,
        Sink::File(_) => 0,
    }
}

fn exit(status: ExitStatus, stdout: Kept, stderr: Kept, cancelled: bool, left_behind: bool) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    let (stdout, stderr) = (stdout.whole(), stderr.whole());
    Exit {
        code: status.code(),
        signal: status.signal(),
        truncated: stdout.truncated || stderr.truncated,
        stdout: stdout.bytes,
        stderr: stderr.bytes,
        cancelled,
        left_behind,
    }
}

fn lost(spec: &ProcessSpec, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Internal, format!("`{}` cannot be waited for: {error}", spec.program))
}

fn unkillable(spec: &ProcessSpec, pid: Pid) -> Failure {
    Failure::new(FailureKind::TimedOut, format!("`{}` (process {}) does not end, not even by SIGKILL", spec.program, pid.as_raw_nonzero()))
        .help("it hangs in the kernel, usually on a disk or a network file system: look at `cat /proc/PID/stack` as root")
}
