//! Carrying out the statements of a text or a file, one after the other, and saying where one failed.

use std::io::Read;
use std::path::{Path, PathBuf};

use runbook_core::action::{Failure, FailureKind, Residue};
use tokio::sync::mpsc;

use super::failure::{Fault, Sql};
use super::session::Session;
use super::split::{SplitFault, Splitter, Statement, head};

/// A piece of a file on its way to the splitter.
const PIECE: usize = 1 << 18;
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
        let (pieces, mut incoming) = mpsc::channel::<std::io::Result<Vec<u8>>>(WAITING);
        let owned: PathBuf = path.to_owned();
        // The thread ends when the file does or when nobody listens any more.
        let reader = tokio::task::spawn_blocking(move || read_pieces(&owned, &pieces));
        while let Some(piece) = incoming.recv().await {
            let piece = piece.map_err(|error| unreadable(path, &error).field(self.field))?;
            splitter.push(&piece);
            self.drain(&mut splitter, progress).await?;
        }
        reader.await.map_err(|error| Failure::new(FailureKind::Internal, format!("a thread ended early: {error}")))?;
        splitter.end();
        self.drain(&mut splitter, progress).await
    }

    async fn drain(&mut self, splitter: &mut Splitter, progress: &mut (dyn FnMut(&Tally) + Send)) -> Sql<()> {
        while let Some(statement) = splitter.next().map_err(|fault| self.cannot_split(&fault))? {
            self.send(&statement).await?;
            progress(self.tally);
            if changes_mode(&statement) {
                splitter.set_mode(self.session.refresh_mode().await?);
            }
        }
        Ok(())
    }

    async fn send(&mut self, statement: &Statement) -> Sql<()> {
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
        Failure::new(FailureKind::Invalid, format!("{}, line {}: {}", self.name, fault.line, fault.what)).field(self.field).into()
    }
}

fn changes_mode(statement: &Statement) -> bool {
    const LONGEST: usize = 4096;
    statement.sql.len() < LONGEST && {
        let text = statement.text();
        head(&text, 1).first().is_some_and(|word| word == "set") && text.to_ascii_lowercase().contains("sql_mode")
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
        let mut piece = vec![0; PIECE];
        let sent = match input.read(&mut piece) {
            Ok(0) => return,
            Ok(read) => {
                piece.truncate(read);
                pieces.blocking_send(Ok(piece))
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let _ = pieces.blocking_send(Err(error));
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
