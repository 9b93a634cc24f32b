//! Standard output and standard error: what is the result goes to the first, what is about it to the second.

use std::io::{self, IsTerminal as _, Write};

use crate::text::Paint;

/// Lines are not wrapped to more than this, however wide the terminal is: long lines read badly.
const WIDEST: usize = 140;
/// Where there is no terminal.
const WIDTH: usize = 100;

/// One of the two.
pub(crate) struct Stream {
    to: Box<dyn Write + Send>,
    terminal: bool,
    paint: Paint,
    fault: Option<io::Error>,
}

/// Both.
pub(crate) struct Streams {
    /// Results.
    pub(crate) out: Stream,
    /// Diagnostics, and what is about a run.
    pub(crate) err: Stream,
}

impl Streams {
    /// Those of this process.
    pub(crate) fn standard() -> Self {
        let colours =
            std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let (out, err) = (io::stdout(), io::stderr());
        let (out_terminal, err_terminal) = (out.is_terminal(), err.is_terminal());
        Self {
            out: Stream {
                to: Box::new(io::BufWriter::new(out)),
                terminal: out_terminal,
                paint: Paint(colours && out_terminal),
                fault: None,
            },
            err: Stream { to: Box::new(err), terminal: err_terminal, paint: Paint(colours && err_terminal), fault: None },
        }
    }
}

impl Stream {
    /// Whether to use colours.
    pub(crate) const fn paint(&self) -> Paint {
        self.paint
    }

    /// Columns to fit text into.
    pub(crate) fn width(&self) -> usize {
        let columns = if self.terminal {
            rustix::termios::tcgetwinsize(io::stderr()).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
        } else {
            std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok())
        };
        columns.unwrap_or(WIDTH).min(WIDEST)
    }

    /// Writes a line. A reader that has gone away is not an error of ours; any other fault is kept for [`finish`](Self::finish).
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) {
        self.put(format_args!("{text}\n"));
    }

    /// Writes without a line break.
    pub(crate) fn put(&mut self, text: impl std::fmt::Display) {
        if self.fault.is_none()
            && let Err(error) = write!(self.to, "{text}")
        {
            self.fault = Some(error);
        }
    }

    /// Writes out what is still held back.
    pub(crate) fn flush(&mut self) {
        if self.fault.is_none()
            && let Err(error) = self.to.flush()
        {
            self.fault = Some(error);
        }
    }

    /// Whether all of it arrived, or its reader did not want more.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.flush();
        match self.fault.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Some(_) | None => Ok(()),
        }
    }
}
