//! Writing tables: several connections take groups of them, and pieces of the large ones, from one queue.
//!
//! Tables are put into groups in the order of their names. Of each table a connection reads the definition and then the first rows in the order of
//! the primary key; only where there are more, the rest is cut into pieces that any connection can take. So small tables cost one question each,
//! and nothing has to be known of sizes beforehand, of which OceanBase tells nothing reliable. Which file a row comes to depends on the data alone.
//!
//! Each row comes as its text and with its checksum: the server computes both while it reads the row anyway.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use mysql_async::Value as Raw;
use runbook_core::action::{Cx, Failure, Progress, Unit};
use runbook_sqltext::{Inserts, Row, Sum};

use super::checksum::one_plan;
use super::column::Column;
use super::ddl::TableDdl;
use super::fields::{self, Fields};
use super::key::{Key, Range, Start, cuts};
use super::manifest::Part;
use super::sink::{Batch, Place, Sink};
use super::snapshot::Snapshot;
use super::survey::table_ddl;
use super::workers::{Queue, side_by_side};
use crate::sql::failure::{Fault, Sql};
use crate::sql::quote::name;
use crate::sql::session::{Dialer, Flavour, Session};
use crate::sql::value::text_at;

/// Tables of one group: their first rows share a file.
const GROUP: usize = 8;
/// The first rows of a table: where there are more, the rest is read in pieces.
const FIRST_ROWS: u64 = 20_000;
/// About how much text a piece becomes.
const PIECE_BYTES: u64 = 16 << 20;
/// The least and the most rows of a piece.
const PIECE_ROWS: (u64, u64) = (2_000, 500_000);
/// Who has written so much text reads more at once from there on.
const MUCH: u64 = 1 << 20;
/// How many rows go by between two looks at whether to stop.
const OFTEN: u64 = 1_000;

/// What was written of a table.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) ddl: TableDdl,
    pub(super) sum: Sum,
    /// Whether it was cut into pieces.
    pub(super) large: bool,
}

/// The tables that are written, and what came of them.
pub(super) struct Tables<'t> {
    pub(super) cx: Cx<'t>,
    pub(super) database: &'t str,
    pub(super) columns: Vec<(&'t String, &'t Vec<Column>)>,
    pub(super) snapshot: &'t Snapshot,
    queue: Queue<Job>,
    written: Mutex<BTreeMap<usize, Written>>,
    rows: AtomicU64,
}

enum Job {
    /// The tables of a group.
    Group(usize),
    /// A piece of a large table.
    Piece { table: usize, key: Key, range: Range, place: Place },
}

/// One connection with its files.
struct Worker<'w, 'a> {
    session: &'w mut Session<'a>,
    sink: &'w mut Sink,
    /// How much text it has written, until it reads more at once.
    before: Option<u64>,
}

/// The end of the first rows.
struct Cut {
    /// The first column's smallest value, and the whole key of the last row that was read; as literals.
    smallest: String,
    last: Vec<String>,
    rows: u64,
    bytes: u64,
}

impl<'t> Tables<'t> {
    pub(super) fn new(cx: Cx<'t>, database: &'t str, columns: &'t BTreeMap<String, Vec<Column>>, snapshot: &'t Snapshot) -> Self {
        let groups = columns.len().div_ceil(GROUP);
        Self {
            cx,
            database,
            columns: columns.iter().collect(),
            snapshot,
            queue: Queue::new((0..groups).map(Job::Group)),
            written: Mutex::default(),
            rows: AtomicU64::new(0),
        }
    }

    /// Writes all of them; returns what was written in their order.
    pub(super) async fn write(self, dialer: &Dialer<'_>, sessions: &mut [Session<'_>], sinks: &mut [Sink]) -> Sql<Vec<Written>> {
        let tables = &self;
        let work = sessions.iter_mut().zip(sinks).map(|(session, sink)| -> BoxFuture<'_, Sql<()>> {
            Box::pin(async move {
                let mut worker = Worker { session, sink, before: Some(0) };
                while let Some(job) = tables.queue.next().await? {
                    worker.job(tables, job).await?;
                    tables.queue.done();
                }
                Ok(())
            })
        });
        side_by_side(Some(dialer), &self.queue, work.collect()).await?;
        let written = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(written.into_values().collect())
    }

    fn table(&self, at: usize) -> (&'t str, &'t [Column]) {
        self.columns.get(at).map_or(("", &[]), |(name, columns)| (name.as_str(), columns.as_slice()))
    }

    fn fault(&self, fault: Fault, table: usize) -> Fault {
        self.snapshot.explained(fault, self.table(table).0, self.cx.now())
    }

    fn with(&self, table: usize, change: impl FnOnce(&mut Written)) {
        if let Some(written) = self.written.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&table) {
            change(written);
        }
    }
}

impl Worker<'_, '_> {
    async fn job(&mut self, tables: &Tables<'_>, job: Job) -> Sql<()> {
        match job {
            Job::Group(group) => {
                let mut pieces = 0;
                for table in (group * GROUP..(group + 1) * GROUP).take_while(|table| *table < tables.columns.len()) {
                    tables.queue.check()?;
                    let begun = self.table(tables, table, Place { part: Part::Data, group: group + 1, piece: 0 }, &mut pieces).await;
                    begun.map_err(|fault| tables.fault(fault, table))?;
                }
                Ok(())
            }
            Job::Piece { table, key, range, place } => {
                let read = self.rows(tables, table, Some(&key), &range, None, place).await;
                let (sum, _) = read.map_err(|fault| tables.fault(fault, table))?;
                tables.with(table, |written| written.sum.merge(sum));
                Ok(())
            }
        }
    }

    /// A table's definition and first rows. Where there are more, pieces are added to the queue.
    async fn table(&mut self, tables: &Tables<'_>, at: usize, place: Place, pieces: &mut usize) -> Sql<()> {
        let (table, columns) = tables.table(at);
        let ddl = table_ddl(self.session, tables.database, table).await?;
        let key = Key::of(&ddl.primary, columns);
        let written = Written { ddl, sum: Sum::default(), large: false };
        tables.written.lock().unwrap_or_else(PoisonError::into_inner).insert(at, written);
        let limit = key.is_some().then_some(FIRST_ROWS);
        let (sum, cut) = self.rows(tables, at, key.as_ref(), &Range::default(), limit, place).await?;
        tables.with(at, |written| written.sum.merge(sum));
        if let (Some(key), Some(cut)) = (key, cut) {
            tables.with(at, |written| written.large = true);
            self.cut(tables, at, &key, &cut, |range| {
                *pieces += 1;
                tables.queue.add(Job::Piece { table: at, key: key.clone(), range, place: Place { piece: *pieces, ..place } });
            })
            .await?;
        }
        Ok(())
    }

    /// Cuts what lies behind the first rows into pieces.
    async fn cut(&mut self, tables: &Tables<'_>, at: usize, key: &Key, cut: &Cut, mut add: impl FnMut(Range) + Send) -> Sql<()> {
        let (table, as_of) = (name(tables.table(at).0), tables.snapshot.as_of());
        let rows = (PIECE_BYTES * cut.rows / cut.bytes.max(1)).clamp(PIECE_ROWS.0, PIECE_ROWS.1);
        let last = cut.last.first().cloned().unwrap_or_default();
        let mut start: Option<String> = None;
        let mut piece = |start: &mut Option<String>, to: Option<String>| {
            let from = start.as_deref().map_or(Start::Row(&cut.last), Start::Value);
            add(key.range(from, to.as_deref()));
            *start = to;
        };
        if key.is_whole() {
            let greatest = self.session.one(&format!("SELECT MAX({}) FROM {table}{as_of}", key.first())).await?;
            let greatest = greatest.and_then(|row| text_at(&row, 0)).and_then(|text| text.parse::<i128>().ok());
            if let (Ok(smallest), Ok(last), Some(greatest)) = (cut.smallest.parse::<i128>(), last.parse::<i128>(), greatest) {
                for to in cuts(last, greatest, rows, (cut.rows, last - smallest + 1)) {
                    piece(&mut start, Some(to.to_string()));
                }
            }
        } else {
            let mut behind = last;
            loop {
                tables.queue.check()?;
                let first = key.first();
                let sql = format!("SELECT {first} FROM {table}{as_of} WHERE {first} > {behind} ORDER BY {first} LIMIT 1 OFFSET {rows}");
                let found = self.session.one(&sql).await?;
                let Some(to) = found.and_then(|row| key.first_literal(bytes(row.as_ref(0)?)?)) else { break };
                behind.clone_from(&to);
                piece(&mut start, Some(to));
            }
        }
        piece(&mut start, None);
        Ok(())
    }

    /// The rows of a range. With a `limit`, tells where the range was cut by it.
    async fn rows(
        &mut self,
        tables: &Tables<'_>,
        at: usize,
        key: Option<&Key>,
        range: &Range,
        limit: Option<u64>,
        place: Place,
    ) -> Sql<(Sum, Option<Cut>)> {
        let (table, columns) = tables.table(at);
        let fields = Fields::new(table, columns);
        let mut passing =
            Passing { inserts: fields.inserts(), fields, sum: Sum::default(), cut_at: key.zip(limit), smallest: None, last: None };
        // Where the rows are to come in the order of the key, no server shall think that sorting all of them is better.
        let oceanbase = self.session.flavour == Flavour::OceanBase;
        let by_key = if key.is_some() && !oceanbase { " FORCE INDEX (PRIMARY)" } else { "" };
        let sql = format!(
            "SELECT {}{} FROM {}{}{by_key}{}{}{}",
            one_plan(self.session.flavour, table),
            passing.fields.selected(self.session.flavour),
            name(table),
            tables.snapshot.as_of(),
            range.condition(),
            key.map_or_else(String::new, Key::order),
            limit.map_or_else(String::new, |limit| format!(" LIMIT {limit}")),
        );
        // A piece comes where there are many rows.
        if self.before.is_some_and(|written| written >= MUCH || place.piece > 0) {
            self.session.read_more_at_once().await?;
            self.before = None;
        }
        let mut result = self.session.query(&sql).await?;
        let mut handed_over = 0;
        while let Some(row) = result.next().await? {
            passing.add(&row.unwrap_raw())?;
            if let Some((text, statements)) = passing.inserts.full() {
                handed_over += text.len() as u64;
                self.sink.write(Batch { place, text, statements }).await?;
            }
            if passing.sum.rows.is_multiple_of(OFTEN) {
                tables.queue.check()?;
                let done = tables.rows.fetch_add(OFTEN, Ordering::Relaxed) + OFTEN;
                tables.cx.progress(Progress { what: "dumping".to_owned(), done, total: None, unit: Unit::Rows });
            }
        }
        result.drop_result().await?;
        tables.rows.fetch_add(passing.sum.rows % OFTEN, Ordering::Relaxed);
        if let Some((text, statements)) = passing.inserts.finish() {
            handed_over += text.len() as u64;
            self.sink.write(Batch { place, text, statements }).await?;
        }
        self.before = self.before.map(|written| written + handed_over);
        let Passing { sum, smallest, last, .. } = passing;
        let cut = last.zip(smallest).map(|(last, smallest)| Cut { smallest, last, rows: sum.rows, bytes: handed_over });
        Ok((sum, cut))
    }
}

/// Rows of a table on their way from the server to a file.
struct Passing<'p> {
    fields: Fields<'p>,
    inserts: Inserts,
    sum: Sum,
    /// Where rows are cut after so many: the key by which they are.
    cut_at: Option<(&'p Key, u64)>,
    /// Of the first row the key's first column, and of the row at the cut the whole key; as literals.
    smallest: Option<String>,
    last: Option<Vec<String>>,
}

impl Passing<'_> {
    /// Takes a row as the text protocol brings it.
    fn add(&mut self, values: &[Option<Raw>]) -> Result<(), Failure> {
        let beside = |at| fields::at(values, 2 + at);
        let row = Row::new(fields::at(values, 0), fields::at(values, 1), &beside).map_err(|fault| self.fields.failure(fault))?;
        self.inserts.push(&row).map_err(|fault| self.fields.failure(fault))?;
        self.sum.add(row.crc);
        if let Some((key, limit)) = self.cut_at.filter(|(_, limit)| self.sum.rows == 1 || self.sum.rows == *limit) {
            let values = self.inserts.values(&row).map_err(|fault| self.fields.failure(fault))?;
            let literals = key.literals(|at| *values.get(at)?);
            if self.sum.rows == 1 {
                self.smallest = literals.as_ref().and_then(|literals| literals.first().cloned());
            }
            if self.sum.rows == limit {
                self.last = literals;
            }
        }
        Ok(())
    }
}

fn bytes(value: &Raw) -> Option<&[u8]> {
    match value {
        Raw::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}
