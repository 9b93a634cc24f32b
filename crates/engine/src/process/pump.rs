//! Between a child and its effect: input is fed, output is shown and a bounded part of it is kept.

use runbook_core::action::{Cx, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;

/// The beginning of an output, up to a limit.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub bytes: Vec<u8>,
    pub truncated: bool,
}

impl Kept {
    fn take(&mut self, chunk: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.bytes.len()).min(chunk.len());
        self.bytes.extend_from_slice(chunk.get(..room).unwrap_or_default());
        self.truncated |= room < chunk.len();
    }
}

/// Reads until the pipe is closed.
pub(super) async fn read(pipe: Option<impl AsyncRead + Unpin>, stream: Stream, cx: Cx<'_>, limit: usize, kept: &mut Kept) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = vec![0; 32 * 1024];
    loop {
        match pipe.read(&mut buffer).await {
            // A read error of a pipe leaves nothing to read.
            Ok(0) | Err(_) => return,
            Ok(read) => {
                let chunk = buffer.get(..read).unwrap_or_default();
                cx.output(stream, chunk);
                kept.take(chunk, limit);
            }
        }
    }
}

/// Feeds the input and closes it. A child that does not read it all is its own affair.
pub(super) async fn feed(pipe: Option<ChildStdin>, bytes: &[u8]) {
    if let Some(mut pipe) = pipe
        && let Err(error) = pipe.write_all(bytes).await
    {
        tracing::debug!(%error, "the child did not read all of its input");
    }
}
