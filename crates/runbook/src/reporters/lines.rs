//! Lines out of pieces of output.

use runbook_core::action::Stream;

/// A longer line is shown in pieces.
const LONGEST: usize = 4096;

/// The lines of both streams of an effect: they come in pieces, and a piece of one may come between two of the other.
#[derive(Default)]
pub(super) struct Output {
    stdout: Lines,
    stderr: Lines,
}

impl Output {
    /// The lines that a piece completes.
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8]) -> Vec<String> {
        match stream {
            Stream::Stdout => self.stdout.push(bytes),
            Stream::Stderr => self.stderr.push(bytes),
        }
    }

    /// The lines that have no end yet.
    pub(super) fn rest(&mut self) -> Vec<String> {
        self.stdout.rest().into_iter().chain(self.stderr.rest()).collect()
    }
}

/// Puts pieces together into lines. A carriage return ends a line as well: a progress bar of a child becomes lines, none of which overwrites another.
#[derive(Default)]
struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// The lines that a piece completes; bytes that are not UTF-8 become `\u{fffd}`.
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => lines.extend(self.rest()),
                byte => {
                    self.held.push(*byte);
                    // A character of several bytes is not cut in two.
                    if self.held.len() >= LONGEST && (byte.is_ascii() || self.held.len() >= LONGEST + 4) {
                        lines.extend(self.rest());
                    }
                }
            }
        }
        lines
    }

    /// The line that has no end yet; none where it is empty.
    fn rest(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.held);
        (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines_and_a_progress_bar_becomes_several() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"on"), Vec::<String>::new());
        assert_eq!(lines.push(b"e\ntwo\r\n\n10%\r20%"), ["one", "two", "10%"]);
        assert_eq!(lines.rest().as_deref(), Some("20%"));
        assert_eq!(lines.rest(), None);
        assert_eq!(lines.push(b"\xff\n"), ["\u{fffd}"]);
        assert_eq!(lines.push(&vec![b'x'; 10_000]).len(), 2);
    }
}
