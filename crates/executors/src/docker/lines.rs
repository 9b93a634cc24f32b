//! The lines of a container's log, since its last start or since a moment.
//!
//! The engine keeps the log over restarts, so what an earlier run said stands before what this one says. Its own filter counts whole seconds; here the
//! time of each line decides. Where this start begins: the engine notes the start a little after the process's first words, and the end of the run
//! before a little before its last ones were read; so the middle between the two parts them.

use std::pin::Pin;
use std::time::Duration as Span;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::{Stream as Chunks, StreamExt as _};
use jiff::Timestamp;
use runbook_core::action::Stream;

use super::client::Client;
use super::container::Container;

/// So much later than the process's first words its start may be noted.
const NOTED_LATE: Span = Span::from_millis(250);
/// Longer lines are cut here.
const LONGEST: usize = 64 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// When the engine read it.
    pub(super) at: Option<Timestamp>,
    /// Which of the two outputs it came from.
    pub(super) stream: Stream,
    /// Without the line break.
    pub(super) text: String,
}

/// Where the container's last start begins in its log; none where its log has no other.
pub(super) fn this_start(container: &Container) -> Option<Timestamp> {
    let time = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let started = time(&container.started_at)?;
    match time(&container.finished_at) {
        None => None,
        Some(ended) if ended < started && container.running => ended.checked_add(started.duration_since(ended) / 2).ok(),
        // It has ended since, and when the run before ended is not known any more. What is over at once can have ended before its start was noted.
        Some(ended) => started.min(ended).checked_sub(NOTED_LATE).ok(),
    }
}

/// Reads a log, line by line.
pub(super) struct Lines {
    pieces: Pin<Box<dyn Chunks<Item = Result<LogOutput, Error>> + Send>>,
    since: Option<Timestamp>,
    /// What has come of a line so far, for both outputs: a long one comes in pieces.
    begun: [Option<Line>; 2],
}

impl Lines {
    /// Opens a log; `follow` goes on until the container ends.
    pub(super) fn open(client: &Client, id: &str, since: Option<Timestamp>, follow: bool) -> Self {
        let seconds = since.map_or(0, |since| i32::try_from(since.as_second()).unwrap_or_default().max(0));
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).timestamps(true).follow(follow).since(seconds).build();
        let (docker, id) = (client.quick(), id.to_owned());
        // The stream borrows its client, so both live in one task-less generator.
        let pieces = futures_util::stream::once(async move { docker.logs(&id, Some(options)).boxed() }).flatten();
        Self { pieces: Box::pin(pieces), since, begun: [None, None] }
    }

    /// The next whole line; nothing at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Line, Error>> {
        loop {
            let Some(piece) = self.pieces.next().await else {
                return self.begun.iter_mut().find_map(Option::take).map(Ok);
            };
            match piece {
                Ok(piece) => {
                    if let Some(line) = self.take(&piece)
                        && self.since.is_none_or(|since| line.at.is_none_or(|at| at >= since))
                    {
                        return Some(Ok(line));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn take(&mut self, piece: &LogOutput) -> Option<Line> {
        let (at, stream) = match piece {
            LogOutput::StdErr { .. } => (1, Stream::Stderr),
            LogOutput::StdOut { .. } | LogOutput::StdIn { .. } | LogOutput::Console { .. } => (0, Stream::Stdout),
        };
        let text = String::from_utf8_lossy(piece.as_ref());
        let (time, rest) = timed(&text);
        let line = self.begun[at].get_or_insert_with(|| Line { at: time, stream, text: String::new() });
        let room = LONGEST.saturating_sub(line.text.len());
        line.text.extend(rest.chars().scan(0, |used, c| {
            *used += c.len_utf8();
            (*used <= room).then_some(c)
        }));
        if !rest.ends_with('\n') {
            return None;
        }
        let mut line = self.begun[at].take()?;
        line.text.truncate(line.text.trim_end_matches(['\n', '\r']).len());
        Some(line)
    }
}

/// The time that the engine puts in front, and the rest.
fn timed(text: &str) -> (Option<Timestamp>, &str) {
    match text.split_once(' ').map(|(time, rest)| (time.parse::<Timestamp>(), rest)) {
        Some((Ok(time), rest)) => (Some(time), rest),
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(since: Option<&str>, pieces: &[(bool, &'static str)]) -> Vec<String> {
        let outputs = pieces.iter().map(|(err, text)| {
            let message = bytes(text);
            Ok(if *err { LogOutput::StdErr { message } } else { LogOutput::StdOut { message } })
        });
        let stream = futures_util::stream::iter(outputs.collect::<Vec<_>>());
        let mut lines = Lines { pieces: Box::pin(stream), since: since.map(|s| s.parse().unwrap()), begun: [None, None] };
        let read = async {
            let mut all = Vec::new();
            while let Some(Ok(line)) = lines.next().await {
                all.push(line.text);
            }
            all
        };
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(read)
    }

    fn bytes(text: &'static str) -> hyper::body::Bytes {
        hyper::body::Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn lines_of_both_outputs_are_put_together_from_their_pieces() {
        let pieces = [
            (false, "2026-11-21T03:00:00.5Z half "),
            (true, "2026-11-21T03:00:00.6Z complaint\r\n"),
            (false, "2026-11-21T03:00:00.7Z and half\n"),
            (false, "2026-11-21T03:00:01Z the end"),
        ];
        assert_eq!(lines(None, &pieces), ["complaint", "half and half", "the end"]);
    }

    #[test]
    fn a_line_of_the_run_before_is_left_out_to_the_fraction_of_a_second() {
        let pieces = [(false, "2026-11-21T03:00:00.100Z Software degrade is not allowed\n"), (false, "2026-11-21T03:00:00.900Z Started\n")];
        assert_eq!(lines(Some("2026-11-21T03:00:00.5Z"), &pieces), ["Started"]);
    }

    #[test]
    fn a_start_begins_between_the_end_before_and_the_note_of_it() {
        let mut container = Container::from(bollard::models::ContainerInspectResponse::default());
        container.started_at = Some("2026-11-21T03:00:01.000000000Z".to_owned());
        assert_eq!(this_start(&container), None, "there is no other in its log");
        container.finished_at = Some("2026-11-21T03:00:00.500000000Z".to_owned());
        assert_eq!(this_start(&container).unwrap().to_string(), "2026-11-21T03:00:00.25Z", "it ended before its start was noted");
        container.running = true;
        assert_eq!(this_start(&container).unwrap().to_string(), "2026-11-21T03:00:00.75Z");
        container.running = false;
        container.finished_at = Some("2026-11-21T03:05:00Z".to_owned());
        assert_eq!(this_start(&container).unwrap().to_string(), "2026-11-21T03:00:00.75Z", "it has ended since: a little before the note");
    }
}
