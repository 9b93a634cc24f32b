//! Letting the server sum up tables, over several connections: what is large is cut into ranges of its key, which any of them can take.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use runbook_core::action::{Cx, Progress, Unit};
use runbook_sqltext::Sum;

use super::checksum::sum;
use super::column::Column;
use super::contents::Contents;
use super::ddl::TableDdl;
use super::key::{Key, Range, cuts};
use super::row_text::RowText;
use super::snapshot::Snapshot;
use super::survey::table_ddl;
use super::workers::Queue;
use crate::sql::failure::{Fault, Sql};
use crate::sql::quote::name;
use crate::sql::session::Session;
use crate::sql::value::text_at;

/// About how many rows of a large table are summed up at once.
const PIECE_ROWS: u64 = 100_000;

/// What tables were found to hold, by name.
pub(in crate::sql) type Sums = BTreeMap<String, Sum>;

/// What tables are summed up, and how.
pub(super) struct Wanted<'w> {
    pub(super) cx: Cx<'w>,
    pub(super) database: &'w str,
    /// Names and columns.
    pub(super) tables: Vec<(&'w String, &'w Vec<Column>)>,
    /// What is probably there: tells which tables are large.
    pub(super) expected: Option<&'w Contents>,
    /// What is known already: of these tables only the definition is read.
    pub(super) known: Option<&'w Sums>,
    /// What the checksums are of.
    pub(super) row_text: RowText,
    /// The moment of which they are; none where nobody else writes.
    pub(super) snapshot: Option<&'w Snapshot>,
}

/// The work, and what came of it so far.
pub(super) struct Summing<'w> {
    wanted: Wanted<'w>,
    pub(super) queue: Queue<Job>,
    found: Mutex<BTreeMap<usize, (TableDdl, Sum)>>,
}

/// A table, or a piece of one, that is to be summed up.
pub(super) enum Job {
    Table(usize),
    Piece { table: usize, range: Range },
}

/// Whether a table with so many rows is cut into ranges.
pub(super) fn is_large(rows: u64) -> bool {
    rows > 2 * PIECE_ROWS
}

impl<'w> Summing<'w> {
    pub(super) fn new(wanted: Wanted<'w>) -> Self {
        let queue = Queue::new((0..wanted.tables.len()).map(Job::Table));
        Self { wanted, queue, found: Mutex::default() }
    }

    /// Takes tables and pieces, until there are no more.
    pub(super) async fn work(&self, session: &mut Session<'_>) -> Sql<()> {
        while let Some(job) = self.queue.next().await? {
            let (Job::Table(at) | Job::Piece { table: at, .. }) = job;
            self.job(session, job).await.map_err(|fault| self.explained(fault, at))?;
            self.queue.done();
        }
        Ok(())
    }

    /// The definition and the sum of each table, in their order.
    pub(super) fn found(self) -> Vec<(TableDdl, Sum)> {
        self.found.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    fn explained(&self, fault: Fault, at: usize) -> Fault {
        let table = self.wanted.tables.get(at).map_or("", |(table, _)| table.as_str());
        match self.wanted.snapshot {
            Some(snapshot) => snapshot.explained(fault, table, self.wanted.cx.now()),
            None => fault.at(&format!("table `{table}`")),
        }
    }

    async fn job(&self, session: &mut Session<'_>, job: Job) -> Sql<()> {
        let Wanted { cx, database, tables, known, row_text, .. } = &self.wanted;
        let (Job::Table(at) | Job::Piece { table: at, .. }) = job;
        let Some((table, columns)) = tables.get(at) else { return Ok(()) };
        let range = match job {
            Job::Piece { range, .. } => range,
            Job::Table(_) => {
                let ddl = table_ddl(session, database, table).await?;
                let known = known.and_then(|sums| sums.get(*table)).copied();
                let mut pieces = if known.is_some() { Vec::new() } else { self.pieces(session, table, columns, &ddl).await? };
                let done = {
                    let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.insert(at, (ddl, known.unwrap_or_default()));
                    found.len() as u64
                };
                let what = "comparing tables".to_owned();
                cx.progress(Progress { what, done, total: Some(tables.len() as u64), unit: Unit::Items });
                if known.is_some() {
                    return Ok(());
                }
                let first = pieces.pop().unwrap_or_default();
                for range in pieces {
                    self.queue.add(Job::Piece { table: at, range });
                }
                first
            }
        };
        let part = sum(session, table, (columns.as_slice(), *row_text), &self.as_of(), &range).await?;
        if let Some((_, sum)) = self.found.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&at) {
            sum.merge(part);
        }
        Ok(())
    }

    fn as_of(&self) -> String {
        self.wanted.snapshot.map(Snapshot::as_of).unwrap_or_default()
    }

    /// The pieces of a table that is large, as far as that is known, and has a whole number as its key; else nothing.
    async fn pieces(&self, session: &mut Session<'_>, table: &str, columns: &[Column], ddl: &TableDdl) -> Sql<Vec<Range>> {
        let expected = self.wanted.expected.and_then(|contents| contents.tables.iter().find(|entry| entry.name == table));
        let Some(rows) = expected.map(|entry| entry.rows).filter(|rows| is_large(*rows)) else { return Ok(Vec::new()) };
        let Some(key) = Key::of(&ddl.primary, columns).filter(Key::is_whole) else { return Ok(Vec::new()) };
        let (first, as_of) = (key.first(), self.as_of());
        let row = session.one(&format!("SELECT MIN({first}), MAX({first}) FROM {}{as_of}", name(table))).await?;
        let bound = |at| row.as_ref().and_then(|row| text_at(row, at)).and_then(|text| text.parse::<i128>().ok());
        let (Some(smallest), Some(greatest)) = (bound(0), bound(1)) else { return Ok(Vec::new()) };
        let cuts = cuts(smallest - 1, greatest, PIECE_ROWS, (rows, greatest - smallest + 1));
        Ok(key.whole_ranges(&cuts))
    }
}
