//! Loading a backup's files into a database that is there and empty, over several connections.
//!
//! Parts come one after the other, but tables and their rows: half of the connections make tables, the others load files of rows as soon as their
//! tables are there, and those who have made the last table help them. So a server that takes long for a definition and one that takes long for a row
//! are both kept busy. The rows of a file come in one transaction, which costs one write of the server's log instead of one a table.
//!
//! Tables that refer to each other come before all that: a statement with a foreign key locks the tables that it refers to, and waits here until they
//! are made. Keys of large tables are built side by side, after the rows, but where the server cannot. The rest goes over one connection, in its order.

mod made;
mod source;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use runbook_core::action::{Cx, Failure, FailureKind, Progress, Unit};
use runbook_sqltext::Statement;
use tokio::sync::Mutex;

use super::column::Column;
use super::contents::Contents;
use super::ddl::referred_to;
use super::define::{Place, define};
use super::manifest::{FileEntry, Part, RELATED_TABLES};
use super::summing::{Summing, Sums, Wanted, is_large};
use super::verify::Report;
use super::workers::{Queue, side_by_side};
use super::{inventory, kept};
use crate::sql::failure::{Fault, Sql};
use crate::sql::quote::name;
use crate::sql::session::{Dialer, Flavour, Session};
use made::{Made, first_name};
use source::{Applied, Source};

/// After about so much text a transaction is committed: servers keep what is not in memory.
const COMMIT_BYTES: usize = 4 << 20;

/// From so much text in a file on MariaDB may write the first rows of its tables as whole pages, without a way back for each row. For a few rows there
/// is nothing to spare by that.
const WHOLE_PAGES: u64 = 1 << 20;

/// Carries out all files over `connections` connections, and stops at the first error. Returns what tables were found to hold once all rows were
/// written, where that was asked on the way.
pub(in crate::sql) async fn load(dialer: &Dialer<'_>, into: &str, report: &Report, connections: usize) -> Sql<Sums> {
    let files = &report.manifest.files;
    let most = report.manifest.contents.tables.len().max(files.len()).max(1);
    let mut sessions = dialer.connect_all(into, connections.min(most)).await?;
    for session in &mut sessions {
        session.log_errors_only().await?;
        // Each statement has to see the tables that are made while its transaction is open. MySQL's family writes rows without looking back.
        if session.flavour == Flavour::OceanBase {
            session.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
        }
    }
    let total = files.iter().map(|file| file.statements).sum();
    let load = Load { cx: dialer.cx(), folder: report.folder(), total, done: AtomicU64::new(0), made: Made::default() };
    let of = |wanted: &[Part]| files.iter().filter(|file| wanted.contains(&file.part)).collect::<Vec<_>>();
    if let Some(foreign) = of(&[Part::Foreign]).first() {
        return Err(Failure::new(FailureKind::Invalid, format!("`{}` was written by another tool", foreign.name)).field("manifest").into());
    }
    load.in_order(dialer, sessions.get_mut(..1).unwrap_or_default(), &of(&[Part::Sequences])).await?;
    let (related, others): (Vec<_>, Vec<_>) = of(&[Part::Tables]).into_iter().partition(|file| file.name.starts_with(RELATED_TABLES));
    load.tables_and_rows(dialer, &mut sessions, &related, &[]).await?;
    let (keys, rows) = (of(&[Part::Keys]), of(&[Part::Data]));
    let mut sums = Sums::default();
    if !keys.is_empty() && kept::any(dialer).await? {
        // Slower, and the only order in which there will be keys.
        load.tables_and_rows(dialer, &mut sessions, &others, &[]).await?;
        load.tables_and_rows(dialer, &mut sessions, &keys, &[]).await?;
        load.tables_and_rows(dialer, &mut sessions, &[], &rows).await?;
    } else {
        load.tables_and_rows(dialer, &mut sessions, &others, &rows).await?;
        if !keys.is_empty() {
            sums = load.keys(dialer, into, &mut sessions, &keys, &report.manifest.contents).await?;
        }
    }
    // Foreign keys as well: a statement locks both tables, and those of tables that point at each other would lock each other out.
    let rest = of(&[Part::ForeignKeys, Part::Routines, Part::Views, Part::Triggers, Part::Events]);
    load.in_order(dialer, sessions.get_mut(..1).unwrap_or_default(), &rest).await?;
    for session in sessions {
        session.close().await;
    }
    Ok(sums)
}

struct Load<'l> {
    cx: Cx<'l>,
    folder: &'l Path,
    total: u64,
    /// Statements that were carried out.
    done: AtomicU64,
    /// Tables that are there.
    made: Made,
}

impl Load<'_> {
    fn path(&self, file: &FileEntry) -> PathBuf {
        self.folder.join(&file.name)
    }

    fn add(&self, statements: u64) {
        let done = self.done.fetch_add(statements, Ordering::Relaxed) + statements;
        self.cx.progress(Progress { what: "restoring".to_owned(), done, total: Some(self.total), unit: Unit::Items });
    }

    /// Sends a definition of a file, again where the server wishes so.
    async fn define(&self, session: &mut Session<'_>, file: &FileEntry, statement: Statement) -> Sql<()> {
        let Statement { sql, number, line } = statement;
        define(self.cx, session, &sql, Place::Own).await.map_err(|fault| located(fault, file, line, number))?;
        self.add(1);
        Ok(())
    }

    /// Sends a statement of a file, once: one of rows stands in a transaction, which the server may have taken back as a whole.
    async fn send(&self, session: &mut Session<'_>, file: &FileEntry, statement: Statement) -> Sql<()> {
        let Statement { sql, number, line } = statement;
        session.run_owned(sql).await.map_err(|fault| located(fault, file, line, number))?;
        self.add(1);
        Ok(())
    }

    /// One file after the other, over one connection.
    async fn in_order(&self, dialer: &Dialer<'_>, sessions: &mut [Session<'_>], files: &[&FileEntry]) -> Sql<()> {
        let queue = Queue::new([files]);
        let queue_ref = &queue;
        let work = sessions.iter_mut().map(|session| -> BoxFuture<'_, Sql<()>> {
            Box::pin(async move {
                while let Some(files) = queue_ref.next().await? {
                    for file in files {
                        let mut source = Source::of(&self.path(file));
                        let mut applied = Applied::default();
                        while let Some(statement) = source.next(self, session, file, &mut applied).await? {
                            self.define(session, file, statement).await?;
                        }
                    }
                    queue_ref.done();
                }
                Ok(())
            })
        });
        side_by_side(Some(dialer), &queue, work.collect()).await?;
        Ok(())
    }

    /// What makes tables, or adds to them, over all connections; and rows, if there are any, at the same time.
    async fn tables_and_rows(
        &self,
        dialer: &Dialer<'_>,
        sessions: &mut [Session<'_>],
        tables: &[&FileEntry],
        rows: &[&FileEntry],
    ) -> Sql<()> {
        // Where there are no rows, everybody makes tables; else half of them, the greater one.
        let makers = if rows.is_empty() { sessions.len() } else { sessions.len().div_ceil(2) };
        let sources: Vec<(&FileEntry, Mutex<Source>)> = tables.iter().map(|file| (*file, Source::shared(&self.path(file)))).collect();
        let queue = Queue::new(rows.iter().copied());
        self.made.expect(makers);
        let (sources_ref, made_ref, queue_ref) = (&sources, &self.made, &queue);
        let work = sessions.iter_mut().enumerate().map(|(at, session)| -> BoxFuture<'_, Sql<()>> {
            Box::pin(async move {
                if at < makers {
                    // Also after a fault: nobody shall wait for a table that does not come.
                    let _done = made_ref.maker();
                    for (file, source) in sources_ref {
                        self.make(session, file, source, queue_ref).await?;
                    }
                }
                self.all_rows(session, queue_ref).await
            })
        });
        side_by_side(Some(dialer), &queue, work.collect()).await?;
        Ok(())
    }

    /// Builds keys over all connections. Those that have none to build sum up the large tables meanwhile: MySQL's family builds a key with one thread
    /// and lets the table be read. OceanBase builds it with all it has, and would only do both more slowly.
    async fn keys(
        &self,
        dialer: &Dialer<'_>,
        into: &str,
        sessions: &mut [Session<'_>],
        keys: &[&FileEntry],
        expected: &Contents,
    ) -> Sql<Sums> {
        if sessions.first().is_none_or(|session| session.flavour == Flavour::OceanBase) {
            self.tables_and_rows(dialer, sessions, keys, &[]).await?;
            return Ok(Sums::default());
        }
        let inventory = inventory::read_over(Some(dialer), sessions, into).await?;
        let large = |table: &str| expected.tables.iter().any(|entry| entry.name == table && is_large(entry.rows));
        let tables: Vec<(&String, &Vec<Column>)> = inventory.tables.iter().filter(|(table, _)| large(table)).collect();
        let names: Vec<String> = tables.iter().map(|(table, _)| (*table).clone()).collect();
        let row_text = expected.row_text;
        let summing =
            Summing::new(Wanted { cx: self.cx, database: into, tables, expected: Some(expected), known: None, row_text, snapshot: None });
        let sources: Vec<(&FileEntry, Mutex<Source>)> = keys.iter().map(|file| (*file, Source::shared(&self.path(file)))).collect();
        let (summing_ref, sources_ref) = (&summing, &sources);
        let work = sessions.iter_mut().map(|session| -> BoxFuture<'_, Sql<()>> {
            Box::pin(async move {
                for (file, source) in sources_ref {
                    self.make(session, file, source, &summing_ref.queue).await?;
                }
                // Names are quoted as in no mode at all, and padded columns are compared without their spaces.
                session.run("SET SESSION sql_mode = ''").await?;
                session.refresh_mode().await?;
                summing_ref.work(session).await
            })
        });
        side_by_side(Some(dialer), &summing.queue, work.collect()).await?;
        Ok(names.into_iter().zip(summing.found().into_iter().map(|(_, sum)| sum)).collect())
    }

    /// Takes statements that make tables or add to them from a file, until there are no more.
    async fn make<J>(&self, session: &mut Session<'_>, file: &FileEntry, source: &Mutex<Source>, queue: &Queue<J>) -> Sql<()> {
        let mut applied = Applied::default();
        loop {
            queue.check()?;
            let mut taking = source.lock().await;
            let Some(statement) = taking.next(self, session, file, &mut applied).await? else { return Ok(()) };
            let table = first_name(&statement.sql).map(<[u8]>::to_vec);
            // Before another connection takes a statement that needs the table.
            let making = self.made.begin(table.clone());
            drop(taking);
            let parents = referred_to(&statement.text()).into_iter().map(|parent| name(&parent).into_bytes());
            for parent in parents.filter(|parent| table.as_ref() != Some(parent)) {
                self.made.settled(&parent).await;
            }
            queue.check()?;
            self.define(session, file, statement).await?;
            making.succeeded();
        }
    }

    /// Files of rows, until there are no more.
    async fn all_rows(&self, session: &mut Session<'_>, queue: &Queue<&FileEntry>) -> Sql<()> {
        let mut checks = true;
        while let Some(file) = queue.next().await? {
            let wanted = file.bytes < WHOLE_PAGES;
            if session.flavour == Flavour::MariaDb && checks != wanted {
                session.run(if wanted { "SET SESSION unique_checks = 1" } else { "SET SESSION unique_checks = 0" }).await?;
                checks = wanted;
            }
            self.rows(session, file, queue).await?;
            queue.done();
        }
        Ok(())
    }

    /// A file of rows.
    async fn rows(&self, session: &mut Session<'_>, file: &FileEntry, queue: &Queue<&FileEntry>) -> Sql<()> {
        let mut source = Source::of(&self.path(file));
        let mut applied = Applied::default();
        let mut open = 0;
        while let Some(statement) = source.next(self, session, file, &mut applied).await? {
            if let Some(table) = first_name(&statement.sql) {
                self.made.wait_for(table).await;
            }
            queue.check()?;
            if open == 0 {
                session.run("START TRANSACTION").await?;
            }
            open += statement.sql.len();
            self.send(session, file, statement).await?;
            if open >= COMMIT_BYTES {
                commit(session, file).await?;
                open = 0;
            }
        }
        if open > 0 {
            commit(session, file).await?;
        }
        Ok(())
    }
}

/// Rows that a server took as they came may be refused only now.
async fn commit(session: &mut Session<'_>, file: &FileEntry) -> Sql<()> {
    session.run("COMMIT").await.map_err(|fault| fault.at(&title(file)).field("manifest"))?;
    Ok(())
}

fn located(fault: Fault, file: &FileEntry, line: impl std::fmt::Display, number: impl std::fmt::Display) -> Fault {
    fault.at(&format!("{}, line {line}, statement {number}", title(file))).field("manifest")
}

fn title(file: &FileEntry) -> String {
    format!("`{}`", file.name)
}
