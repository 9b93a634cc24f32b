//! From a stream of the engine to a thread that reads it, and from a thread that writes to a request: bounded, so that memory stays at a few pieces.

use std::io::{self, Read, Write};

use futures_util::Stream as Chunks;
use hyper::body::Bytes;
use tokio::sync::mpsc;

/// Pieces that may wait between the two ends.
const PIECES: usize = 16;

/// The thread's reading end. It ends where the other side does; that side's error is its own.
pub(super) struct Reader {
    from: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

/// A sending end for a [`Reader`].
pub(super) type Feed = mpsc::Sender<io::Result<Bytes>>;

/// A pipe whose reader is for a thread.
pub(super) fn reader() -> (Feed, Reader) {
    let (feed, from) = mpsc::channel(PIECES);
    (feed, Reader { from, piece: Bytes::new() })
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.from.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        let piece = self.piece.split_to(count);
        if let Some(place) = buffer.get_mut(..count) {
            place.copy_from_slice(&piece);
        }
        Ok(count)
    }
}

/// The thread's writing end; a write fails when nobody reads any more.
pub(super) struct Writer(mpsc::Sender<Bytes>);

/// A pipe whose writer is for a thread.
pub(super) fn writer() -> (Writer, impl Chunks<Item = Bytes> + Send + 'static) {
    let (to, from) = mpsc::channel(PIECES);
    let chunks = futures_util::stream::unfold(from, |mut from| async move { from.recv().await.map(|piece| (piece, from)) });
    (Writer(to), chunks)
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.blocking_send(Bytes::copy_from_slice(bytes)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
