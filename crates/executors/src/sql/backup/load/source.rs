//! A file's statements, which connections take one by one.

use std::path::Path;

use runbook_sqltext::{Splitter, Statement, head};
use tokio::sync::Mutex;

use super::{Load, title};
use crate::sql::backup::manifest::FileEntry;
use crate::sql::failure::Sql;
use crate::sql::session::Session;
use crate::sql::statements::{Pieces, cannot_split, changes_mode};

/// A file that is read.
pub(super) struct Source {
    pieces: Pieces,
    splitter: Option<Splitter>,
    ended: bool,
    /// Whether several connections take from it.
    shared: bool,
    /// Then what sets a session up, as far as it was met: every connection has to carry it out before what comes after it.
    sets: Vec<Statement>,
}

/// How many of the statements that set a session up one connection has carried out.
#[derive(Default)]
pub(super) struct Applied(usize);

impl Source {
    /// Begins to read, for one connection.
    pub(super) fn of(path: &Path) -> Self {
        Self { pieces: Pieces::of(path), splitter: None, ended: false, shared: false, sets: Vec::new() }
    }

    /// Begins to read, for several.
    pub(super) fn shared(path: &Path) -> Mutex<Self> {
        Mutex::new(Self { shared: true, ..Self::of(path) })
    }

    /// The next statement, for `session`. What sets up more than itself was carried out there already.
    pub(super) async fn next(
        &mut self,
        load: &Load<'_>,
        session: &mut Session<'_>,
        file: &FileEntry,
        applied: &mut Applied,
    ) -> Sql<Option<Statement>> {
        // What others met is carried out before more is read: it may say how that is to be read.
        for set in self.sets.iter().skip(applied.0) {
            session.run_bytes(&set.sql).await.map_err(|fault| fault.at(&title(file)).field("manifest"))?;
            if changes_mode(set) {
                session.refresh_mode().await?;
            }
        }
        applied.0 = self.sets.len();
        let mut splitter = self.splitter.take().unwrap_or_else(|| Splitter::new(session.mode));
        let next = loop {
            if let Some(statement) = splitter.next_statement().map_err(|fault| cannot_split(&title(file), "manifest", &fault))? {
                let (for_all, mode) = (self.shared && is_set(&statement), changes_mode(&statement));
                if !for_all && !mode {
                    break Some(statement);
                }
                load.send(session, file, statement.clone()).await?;
                if mode {
                    splitter.set_mode(session.refresh_mode().await?);
                }
                if for_all {
                    self.sets.push(statement);
                    applied.0 = self.sets.len();
                }
            } else if self.ended {
                break None;
            } else if let Some(piece) = self.pieces.next().await.map_err(|fault| fault.field("manifest"))? {
                splitter.push(&piece);
            } else {
                splitter.end();
                self.ended = true;
            }
        };
        self.splitter = Some(splitter);
        Ok(next)
    }
}

fn is_set(statement: &Statement) -> bool {
    let beginning = statement.sql.get(..statement.sql.len().min(64)).unwrap_or_default();
    head(&String::from_utf8_lossy(beginning), 1).first().is_some_and(|word| word == "set")
}
