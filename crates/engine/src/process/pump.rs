//! Between a child and its effect: input is fed, output is shown and a bounded part of it is kept.

use runbook_core::action::{Cx, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;

/// Secrets that are longer, in any of their forms, come in lines.
const LONGEST_SECRET: usize = 4096;

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

    /// What was kept. Half a secret is found by nobody who masks: what was cut ends with a whole line or, where its last line is a long one, well before.
    pub(super) fn whole(mut self) -> Self {
        if self.truncated {
            let (kept, doubtful) = (self.bytes.len(), LONGEST_SECRET.min(self.bytes.len() / 4));
            let line = self.bytes.iter().rposition(|byte| *byte == b'\n').map(|newline| newline + 1);
            self.bytes.truncate(line.filter(|line| kept - line <= LONGEST_SECRET).unwrap_or(kept - doubtful));
        }
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(output: &str, limit: usize) -> String {
        let mut kept = Kept::default();
        kept.take(output.as_bytes(), limit);
        String::from_utf8(kept.whole().bytes).unwrap()
    }

    #[test]
    fn what_is_cut_shows_no_half_of_a_secret() {
        assert_eq!(kept("token is hunter2-hunter2\n", 100), "token is hunter2-hunter2\n");
        assert_eq!(kept("first line\ntoken is hunter2-hunter2\n", 20), "first line\n");
        // In one long line, as much is left out as a secret is long.
        let line = format!("{}{}", "x".repeat(95_000), "s".repeat(8_000));
        assert_eq!(kept(&line, 96_000), "x".repeat(96_000 - LONGEST_SECRET));
    }
}
