//! Sending an archive to the engine, with progress, and with an end where nothing moves any more.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration as Span;

use bollard::query_parameters::ImportImageOptionsBuilder;
use futures_util::{Stream as Chunks, StreamExt as _};
use hyper::body::Bytes;
use runbook_core::action::{CancelKind, Cx, Failure, FailureKind, Progress, Residue, Stream, Unit};
use tokio::io::AsyncReadExt as _;

use super::super::client::Client;
use super::super::halt::{Halt, Run};
use super::archive::cannot_open;

/// The library's time-out would end a long upload: it runs until the engine begins to answer.
const NEVER: Span = Span::from_hours(24);
/// When neither a byte is taken nor a word said for so long, the engine is stuck.
const STUCK: Span = Span::from_mins(10);
const PERIOD: Span = Span::from_millis(250);
const PIECE: usize = 256 * 1024;

/// Sends the archive and waits until the engine has taken it in. Gives the names and ids that the engine reports.
pub(super) async fn upload(cx: Cx<'_>, client: &Client, path: &Path, size: u64) -> Run<Vec<String>> {
    let file = tokio::fs::File::open(path).await.map_err(|error| cannot_open(path, &error))?;
    let sent = Arc::new(AtomicU64::new(0));
    let options = ImportImageOptionsBuilder::new().quiet(false).build();
    let docker = client.within(NEVER);
    let mut answers = docker.import_image_stream(options, pieces(file, Arc::clone(&sent)), None);
    let mut reported = Vec::new();
    let (mut quiet_since, mut last_sent) = (cx.now(), 0);
    let mut look = cx.sleep(PERIOD);
    loop {
        let done = sent.load(Ordering::Relaxed);
        // Once the engine has everything it goes on by itself, so its answer is awaited.
        let at_least = if done < size { CancelKind::Graceful } else { CancelKind::Kill };
        tokio::select! {
            answer = answers.next() => {
                quiet_since = cx.now();
                match answer {
                    None => return Ok(reported),
                    Some(Err(error)) => return Err(Halt::refused(&error, "load the archive").after(Residue::Unknown)),
                    Some(Ok(answer)) => reported.extend(answer.stream.as_deref().and_then(|words| loaded(cx, words))),
                }
            }
            () = cx.cancelled(at_least) => {
                let residue = if done < size { Residue::None } else { Residue::Unknown };
                return Err(Halt::told().after(residue));
            }
            () = &mut look => {
                cx.progress(Progress { what: "sending the archive to the Docker Engine".to_owned(), done, total: Some(size), unit: Unit::Bytes });
                if done != last_sent {
                    (last_sent, quiet_since) = (done, cx.now());
                }
                if cx.now().duration_since(quiet_since).unsigned_abs() > STUCK {
                    let message = "the Docker Engine has taken no more of the archive, and said nothing, for 10m";
                    let failure = Failure::new(FailureKind::TimedOut, message).help("look at the engine's own log (`journalctl -u docker`)");
                    return Err(Halt::failed(failure).after(Residue::Unknown));
                }
                look = cx.sleep(PERIOD);
            }
        }
    }
}

/// The file in pieces; memory stays at one piece.
fn pieces(file: tokio::fs::File, sent: Arc<AtomicU64>) -> impl Chunks<Item = io::Result<Bytes>> + Send + 'static {
    futures_util::stream::unfold((file, sent), |(mut file, sent)| async move {
        let mut piece = Vec::with_capacity(PIECE);
        match (&mut file).take(PIECE as u64).read_to_end(&mut piece).await {
            Ok(0) => None,
            Ok(count) => {
                sent.fetch_add(count as u64, Ordering::Relaxed);
                Some((Ok(Bytes::from(piece)), (file, sent)))
            }
            Err(error) => Some((Err(error), (file, sent))),
        }
    })
}

/// `Loaded image: NAME` or `Loaded image ID: ID`; everything that the engine says is passed on.
fn loaded(cx: Cx<'_>, words: &str) -> Option<String> {
    cx.output(Stream::Stdout, words.as_bytes());
    let name = words.strip_prefix("Loaded image: ").or_else(|| words.strip_prefix("Loaded image ID: "))?;
    Some(name.trim().to_owned())
}
