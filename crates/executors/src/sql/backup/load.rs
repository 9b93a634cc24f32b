//! Loading a backup's files into a database that is there and empty, over several connections.
//!
//! Parts come one after the other. Within a part, files of rows are loaded side by side, and so are the statements that make tables and their keys,
//! each of which is about one table. The rest goes over one connection, in its order.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use runbook_core::action::{Cx, Failure, FailureKind, Progress, Unit};

use super::manifest::{FileEntry, Part};
use super::verify::Report;
use super::workers::{Queue, side_by_side};
use crate::sql::failure::Sql;
use crate::sql::session::{Dialer, Session};
use crate::sql::split::{Splitter, Statement, head};
use crate::sql::statements::{Pieces, Runner, Tally, cannot_split, changes_mode};

/// Statements of about so many bytes are held to be handed out.
const AT_ONCE: usize = 4 << 20;

/// Carries out all files over `connections` connections, and stops at the first error.
pub(in crate::sql) async fn load(dialer: &Dialer<'_>, into: &str, report: &Report, connections: usize) -> Sql<Tally> {
    let files = &report.manifest.files;
    let most = report.manifest.contents.tables.len().max(files.len());
    let mut sessions = Vec::new();
    for _ in 0..connections.min(most).max(1) {
        sessions.push(dialer.connect(Some(into)).await?);
    }
    let load =
        Load { cx: dialer.cx(), folder: report.folder(), total: files.iter().map(|file| file.statements).sum(), tally: Mutex::default() };
    let mut rest = files.as_slice();
    while let Some(first) = rest.first() {
        let (part, after) = rest.split_at(rest.iter().position(|file| file.part != first.part).unwrap_or(rest.len()));
        rest = after;
        match first.part {
            Part::Data => load.files(dialer, &mut sessions, part).await?,
            Part::Tables | Part::Keys => {
                for file in part {
                    load.statements(dialer, &mut sessions, file).await?;
                }
            }
            Part::Foreign => {
                return Err(Failure::new(FailureKind::Invalid, format!("`{}` was written by another tool", first.name))
                    .field("manifest")
                    .into());
            }
            // Foreign keys as well: a statement locks both tables, and those of tables that point at each other would lock each other out.
            Part::Sequences | Part::ForeignKeys | Part::Routines | Part::Views | Part::Triggers | Part::Events => {
                load.files(dialer, sessions.get_mut(..1).unwrap_or_default(), part).await?;
            }
        }
    }
    for session in sessions {
        session.close().await;
    }
    Ok(load.tally())
}

struct Load<'l> {
    cx: Cx<'l>,
    folder: &'l Path,
    total: u64,
    tally: Mutex<Tally>,
}

impl Load<'_> {
    fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, file: &FileEntry) -> PathBuf {
        self.folder.join(&file.name)
    }

    fn add(&self, statements: u64) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.statements += statements;
        let done = tally.statements;
        drop(tally);
        self.cx.progress(Progress { what: "restoring".to_owned(), done, total: Some(self.total), unit: Unit::Items });
    }

    /// Each file on one connection, files side by side.
    async fn files(&self, dialer: &Dialer<'_>, sessions: &mut [Session<'_>], files: &[FileEntry]) -> Sql<()> {
        let queue = Queue::new(files);
        let queue_ref = &queue;
        let work = sessions.iter_mut().map(|session| -> BoxFuture<'_, Sql<()>> {
            Box::pin(async move {
                while let Some(file) = queue_ref.next().await? {
                    let mut tally = Tally::default();
                    let mut seen = 0;
                    let mut progress = |tally: &Tally| {
                        self.add(tally.statements - seen);
                        seen = tally.statements;
                    };
                    let mut runner = Runner { name: title(file), field: "manifest", session, tally: &mut tally };
                    runner.file(&self.path(file), &mut progress).await?;
                    queue_ref.done();
                }
                Ok(())
            })
        });
        side_by_side(Some(dialer), &queue, work.collect()).await?;
        Ok(())
    }

    /// The statements of one file side by side. What sets the session up is carried out on every connection, before what comes after it.
    async fn statements(&self, dialer: &Dialer<'_>, sessions: &mut [Session<'_>], file: &FileEntry) -> Sql<()> {
        let mut splitter = Splitter::new(sessions.first().map(|session| session.mode).unwrap_or_default());
        let mut pieces = Pieces::of(&self.path(file));
        let mut waiting = Waiting::default();
        loop {
            let piece = pieces.next().await.map_err(|fault| fault.field("manifest"))?;
            match &piece {
                Some(piece) => splitter.push(piece),
                None => splitter.end(),
            }
            while let Some(statement) = splitter.next().map_err(|fault| cannot_split(&title(file), "manifest", &fault))? {
                if !is_set(&statement) {
                    waiting.bytes += statement.sql.len();
                    waiting.statements.push(statement);
                    continue;
                }
                self.spread(dialer, sessions, file, std::mem::take(&mut waiting)).await?;
                for session in &mut *sessions {
                    self.send(session, file, &statement).await?;
                    if changes_mode(&statement) {
                        splitter.set_mode(session.refresh_mode().await?);
                    }
                }
                self.add(1);
            }
            if piece.is_none() || waiting.bytes >= AT_ONCE {
                self.spread(dialer, sessions, file, std::mem::take(&mut waiting)).await?;
            }
            if piece.is_none() {
                return Ok(());
            }
        }
    }

    async fn send(&self, session: &mut Session<'_>, file: &FileEntry, statement: &Statement) -> Sql<()> {
        let mut tally = Tally::default();
        Runner { name: title(file), field: "manifest", session, tally: &mut tally }.send(statement).await
    }

    async fn spread(&self, dialer: &Dialer<'_>, sessions: &mut [Session<'_>], file: &FileEntry, waiting: Waiting) -> Sql<()> {
        if waiting.statements.is_empty() {
            return Ok(());
        }
        let queue = Queue::new(waiting.statements);
        let queue_ref = &queue;
        let work = sessions.iter_mut().map(|session| -> BoxFuture<'_, Sql<()>> {
            Box::pin(async move {
                while let Some(statement) = queue_ref.next().await? {
                    self.send(session, file, &statement).await?;
                    self.add(1);
                    queue_ref.done();
                }
                Ok(())
            })
        });
        side_by_side(Some(dialer), &queue, work.collect()).await?;
        Ok(())
    }
}

#[derive(Default)]
struct Waiting {
    statements: Vec<Statement>,
    bytes: usize,
}

fn title(file: &FileEntry) -> String {
    format!("`{}`", file.name)
}

fn is_set(statement: &Statement) -> bool {
    let beginning = statement.sql.get(..statement.sql.len().min(64)).unwrap_or_default();
    head(&String::from_utf8_lossy(beginning), 1).first().is_some_and(|word| word == "set")
}
