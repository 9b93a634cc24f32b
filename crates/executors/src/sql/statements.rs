//! Carrying out the statements of a text or a file, one after the other, and saying where one failed.

use std::io::Read;
use std::path::{Path, PathBuf};

use runbook_core::action::{Failure, FailureKind, Residue};
use runbook_sqltext::{SplitFault, Splitter, Statement, head};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::failure::{Fault, Sql};
use super::session::Session;

/// A piece of a file on its way to the splitter.
const PIECE: usize = 1 << 17;
/// Pieces that may wait for the server.
const WAITING: usize = 2;

/// What was done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Statements that succeeded.
    pub(super) statements: u64,
    /// Rows that they matched.
    pub(super) rows: u64,
    /// Warnings that they gave.
    pub(super) warnings: u64,
    /// Whether the last statement's end is not known.
    pub(super) in_doubt: bool,
}

impl Tally {
    /// What a failure now leaves behind.
    pub(super) const fn residue(self) -> Residue {
        if self.in_doubt {
            Residue::Unknown
        } else if self.statements > 0 {
            Residue::Partial
        } else {
            Residue::None
        }
    }
}

/// Sends statements over a session.
pub(super) struct Runner<'r, 'a> {
    /// What the text is called in messages.
    pub(super) name: String,
    /// The field of the action that is responsible for it.
    pub(super) field: &'static str,
    /// Where the statements go.
    pub(super) session: &'r mut Session<'a>,
    /// What was done; goes on from text to text.
    pub(super) tally: &'r mut Tally,
}

impl Runner<'_, '_> {
    /// All statements of a text.
    pub(super) async fn text(&mut self, text: &str) -> Sql<()> {
        let mut splitter = Splitter::new(self.session.mode);
        splitter.push(text.as_bytes());
        splitter.end();
        self.drain(&mut splitter, &mut |_| {}).await
    }

    /// All statements of a file, which is unpacked where its name ends in `.gz`. `progress` is told the bytes of text that went by.
    pub(super) async fn file(&mut self, path: &Path, progress: &mut (dyn FnMut(&Tally) + Send)) -> Sql<()> {
        let mut splitter = Splitter::new(self.session.mode);
        let mut pieces = Pieces::of(path);
        while let Some(piece) = pieces.next().await.map_err(|fault| fault.field(self.field))? {
            splitter.push(&piece);
            self.drain(&mut splitter, progress).await?;
        }
        splitter.end();
        self.drain(&mut splitter, progress).await
    }

    async fn drain(&mut self, splitter: &mut Splitter, progress: &mut (dyn FnMut(&Tally) + Send)) -> Sql<()> {
        while let Some(statement) = splitter.next_statement().map_err(|fault| self.cannot_split(&fault))? {
            self.send(&statement).await?;
            progress(self.tally);
            if changes_mode(&statement) {
                splitter.set_mode(self.session.refresh_mode().await?);
            }
        }
        Ok(())
    }

    /// One statement.
    pub(super) async fn send(&mut self, statement: &Statement) -> Sql<()> {
        let Statement { number, line, .. } = statement;
        let done = self.session.run_bytes(&statement.sql).await.map_err(|fault| {
            // What the server refused did nothing; what was never sent did nothing either.
            self.tally.in_doubt = fault.is_loss();
            fault.at(&format!("{}, line {line}, statement {number}", self.name)).field(self.field)
        })?;
        self.tally.statements += 1;
        self.tally.rows += done.matched;
        self.tally.warnings += u64::from(done.warnings);
        Ok(())
    }

    fn cannot_split(&self, fault: &SplitFault) -> Fault {
        cannot_split(&self.name, self.field, fault)
    }
}

/// Says where a text cannot be cut.
pub(super) fn cannot_split(name: &str, field: &str, fault: &SplitFault) -> Fault {
    Failure::new(FailureKind::Invalid, format!("{name}, line {}: {}", fault.line, fault.what)).field(field).into()
}

/// Whether a statement may change how texts are read.
pub(super) fn changes_mode(statement: &Statement) -> bool {
    const LONGEST: usize = 4096;
    statement.sql.len() < LONGEST && {
        let text = statement.text();
        head(&text, 1).first().is_some_and(|word| word == "set") && text.to_ascii_lowercase().contains("sql_mode")
    }
}

/// A file, read by a thread of its own while the server works. The thread ends when the file does or when nobody listens any more.
pub(super) struct Pieces {
    path: PathBuf,
    incoming: mpsc::Receiver<std::io::Result<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Pieces {
    /// Of a file, which is unpacked where its name ends in `.gz`.
    pub(super) fn of(path: &Path) -> Self {
        let (pieces, incoming) = mpsc::channel(WAITING);
        let owned = path.to_owned();
        let reader = tokio::task::spawn_blocking(move || read_pieces(&owned, &pieces));
        Self { path: path.to_owned(), incoming, reader: Some(reader) }
    }

    /// The next piece; none at the end.
    pub(super) async fn next(&mut self) -> Sql<Option<Vec<u8>>> {
        if let Some(piece) = self.incoming.recv().await {
            return Ok(Some(piece.map_err(|error| unreadable(&self.path, &error))?));
        }
        // A thread that fell over must not look like the end of the file.
        if let Some(reader) = self.reader.take() {
            reader.await.map_err(|error| Failure::new(FailureKind::Internal, format!("a thread ended early: {error}")))?;
        }
        Ok(None)
    }
}

fn read_pieces(path: &Path, pieces: &mpsc::Sender<std::io::Result<Vec<u8>>>) {
    let opened = std::fs::File::open(path).map(|file| -> Box<dyn Read> {
        if path.extension().is_some_and(|extension| extension == "gz") {
            Box::new(flate2::read::MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        }
    });
    let mut input = match opened {
        Ok(input) => input,
        Err(error) => {
            let _ = pieces.blocking_send(Err(error));
            return;
        }
    };
    loop {
        // Not filled with zeros first.
        let mut piece = Vec::with_capacity(PIECE);
        let sent = match input.by_ref().take(PIECE as u64).read_to_end(&mut piece) {
            Ok(0) => return,
            Ok(_) => pieces.blocking_send(Ok(piece)),
            Err(error) => {
                // What came before the fault is good.
                let _ = pieces.blocking_send(Ok(piece)).and_then(|()| pieces.blocking_send(Err(error)));
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// What a disk says of a file that is to be read.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => FailureKind::NotFound,
        std::io::ErrorKind::PermissionDenied => FailureKind::Denied,
        _ => FailureKind::Failed,
    };
    Failure::new(kind, format!("cannot read `{}`: {error}", path.display()))
}
