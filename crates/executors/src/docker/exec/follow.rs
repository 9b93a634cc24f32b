//! Following a program inside a container to its end: input in, output out, and the end that was asked for.

use std::pin::Pin;
use std::time::Duration as Span;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::ExecInspectResponse;
use futures_util::{Stream as Chunks, StreamExt as _};
use runbook_core::action::{CancelKind, Cx, Stream};
use serde_json::json;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::super::halt::{Halt, Run};
use super::capture::Tail;
use super::process::{Process, Signal};

const STDOUT: usize = 32 * 1024;
const STDERR: usize = 16 * 1024;
/// Between two looks at whether it still runs: its output may be held open by a child of it.
const PERIOD: Span = Span::from_millis(500);
/// The same when its output has ended: then it usually has ended too.
const SOON: Span = Span::from_millis(50);
/// After so many looks at a process that was killed and still runs it is given up.
const LOOKS_AFTER_KILL: u32 = 20;
/// How long output is still read after its end.
const DRAIN: Span = Span::from_secs(2);

type Output = Pin<Box<dyn Chunks<Item = Result<LogOutput, Error>> + Send>>;
type Input = Pin<Box<dyn AsyncWrite + Send>>;

/// What was read.
pub(super) struct Kept {
    pub(super) stdout: Tail,
    pub(super) stderr: Tail,
}

/// Passes the output on until the process has ended. Says whether it was told to end.
pub(super) async fn follow(cx: Cx<'_>, process: &Process<'_>, output: Output, feed: impl Future<Output = ()>) -> Run<(Kept, bool)> {
    let mut output = output.fuse();
    let mut kept = Kept { stdout: Tail::new(STDOUT), stderr: Tail::new(STDERR) };
    tokio::pin!(feed);
    // Kept over the turns of the loop: an output that never pauses must not keep us from looking.
    let mut look = cx.sleep(PERIOD);
    let (mut all_fed, mut open, mut pid_said) = (false, true, false);
    let (mut told, mut looks_since_kill) = (None::<CancelKind>, 0);
    loop {
        let next = if told.is_some() || !cx.interruptible() { CancelKind::Kill } else { CancelKind::Graceful };
        tokio::select! {
            piece = output.next(), if open => match piece {
                Some(Ok(piece)) => take(cx, &piece, &mut kept),
                Some(Err(error)) => return Err(Halt::refused(&error, "pass on the output of a command in a container")),
                None => {
                    open = false;
                    look = cx.sleep(Span::ZERO);
                }
            },
            () = &mut feed, if !all_fed => all_fed = true,
            () = cx.cancelled(next), if told != Some(CancelKind::Kill) => {
                told = Some(next);
                process.signal(cx, if next == CancelKind::Kill { Signal::Kill } else { Signal::Term }).await;
            }
            () = &mut look => {
                let state = process.state().await?;
                if !pid_said && let Some(pid) = state.as_ref().and_then(|state| state.pid).filter(|pid| *pid > 0) {
                    pid_said = true;
                    cx.evidence(json!({ "container": process.container, "exec": process.exec, "pid": pid })).await?;
                }
                if state.is_none_or(|state| has_ended(&state)) {
                    drain(cx, &mut output, &mut kept).await;
                    return Ok((kept, told.is_some()));
                }
                if told == Some(CancelKind::Kill) {
                    looks_since_kill += 1;
                    if looks_since_kill > LOOKS_AFTER_KILL {
                        return Err(Halt::told());
                    }
                    process.signal(cx, Signal::Kill).await;
                }
                look = cx.sleep(if open { PERIOD } else { SOON });
            }
        }
    }
}

/// Neither runs it nor is it about to: for a moment after the engine's answer it has no exit code and does not run yet.
fn has_ended(state: &ExecInspectResponse) -> bool {
    !state.running.unwrap_or_default() && state.exit_code.is_some()
}

/// Writes what the program reads, then says that there is no more. A program that does not read to the end is its own business.
pub(super) async fn feed(mut input: Input, bytes: &[u8]) {
    let _ = input.write_all(bytes).await;
    let _ = input.shutdown().await;
}

fn take(cx: Cx<'_>, piece: &LogOutput, kept: &mut Kept) {
    match piece {
        LogOutput::StdErr { message } => {
            cx.output(Stream::Stderr, message);
            kept.stderr.push(message);
        }
        LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
            cx.output(Stream::Stdout, message);
            kept.stdout.push(message);
        }
    }
}

/// Reads what is left; a child that holds the output open does not hold up the step.
async fn drain(cx: Cx<'_>, output: &mut (impl Chunks<Item = Result<LogOutput, Error>> + Unpin), kept: &mut Kept) {
    let rest = async {
        while let Some(Ok(piece)) = output.next().await {
            take(cx, &piece, kept);
        }
    };
    let _ = tokio::time::timeout(DRAIN, rest).await;
}
