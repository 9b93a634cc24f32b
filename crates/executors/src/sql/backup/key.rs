//! Reading a table in ranges of its primary key, so that several connections can work at one table.

use runbook_sqltext::{Kind, push_bytes, push_text};

use super::column::Column;
use crate::sql::quote::name;

/// A primary key by which a table can be read in ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) struct Key {
    /// Its columns in their order: where each stands among the columns that are read, its name and its kind.
    columns: Vec<(usize, String, Kind)>,
    /// Whether the first is a whole number: then its values can be spread evenly between the smallest and the greatest.
    whole: bool,
}

/// A range of the first column of a key, and perhaps a row behind which it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sql) struct Range {
    condition: String,
}

impl Range {
    /// What follows the table's name in a question: nothing for a whole table.
    pub(in crate::sql) fn condition(&self) -> &str {
        &self.condition
    }
}

/// Where a range begins.
#[derive(Clone, Copy, Debug)]
pub(in crate::sql) enum Start<'f> {
    /// Behind this row: the values of the whole key as literals.
    Row(&'f [String]),
    /// Behind this value of the first column.
    Value(&'f str),
}

impl Key {
    /// Of the names of a primary key's columns. None where its order and that of literals may differ, or where nothing can be said about it.
    pub(in crate::sql) fn of(primary: &[String], columns: &[Column]) -> Option<Self> {
        let read: Vec<&Column> = columns.iter().filter(|column| !column.generated && column.kind.is_some()).collect();
        let mut found = Vec::new();
        for wanted in primary {
            let (at, column) = read.iter().enumerate().find(|(_, column)| column.name == *wanted)?;
            let kind = column.kind?;
            // Members of an `ENUM` are sorted by their number, and a floating point number is not what its text says.
            let ordered = match kind {
                Kind::Exact => true,
                Kind::Bytes => column.is_declared(&["binary", "varbinary"]),
                Kind::Text => column.is_declared(&["char", "varchar", "date", "datetime", "timestamp"]) && column.is_utf8(),
                Kind::Float | Kind::Bits | Kind::LongText => false,
            };
            if !ordered {
                return None;
            }
            found.push((at, column.name.clone(), kind));
        }
        let first = read.iter().find(|column| Some(&column.name) == primary.first())?;
        let whole = first.is_declared(&["tinyint", "smallint", "mediumint", "int", "integer", "bigint"]);
        Some(Self { columns: found, whole })
    }

    /// The first column's name, quoted.
    pub(in crate::sql) fn first(&self) -> String {
        self.columns.first().map(|(_, column, _)| name(column)).unwrap_or_default()
    }

    /// Whether the first column is a whole number.
    pub(in crate::sql) fn is_whole(&self) -> bool {
        self.whole
    }

    /// What puts rows in the order of the key.
    pub(in crate::sql) fn order(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|(_, column, _)| name(column)).collect();
        format!(" ORDER BY {}", names.join(", "))
    }

    /// A row's key as literals; `value` gives a value by its place among the columns that are read. None where a value is missing or no text.
    pub(in crate::sql) fn literals<'v>(&self, value: impl Fn(usize) -> Option<&'v [u8]>) -> Option<Vec<String>> {
        self.columns.iter().map(|(at, _, kind)| literal(*kind, value(*at)?)).collect()
    }

    /// A value of the first column as a literal.
    pub(in crate::sql) fn first_literal(&self, value: &[u8]) -> Option<String> {
        literal(self.columns.first()?.2, value)
    }

    /// The range behind `from`, up to and including the value `to` of the first column.
    pub(in crate::sql) fn range(&self, from: Start<'_>, to: Option<&str>) -> Range {
        let mut condition = match from {
            Start::Row(values) => behind(&self.columns, values),
            Start::Value(value) => format!("{} > {value}", self.first()),
        };
        if let Some(to) = to {
            condition = format!("{} <= {to} AND ({condition})", self.first());
        }
        Range { condition: format!(" WHERE {condition}") }
    }

    /// The ranges between values of the first column, those below the first and above the last included.
    pub(in crate::sql) fn whole_ranges(&self, cuts: &[i128]) -> Vec<Range> {
        let first = self.first();
        let below = cuts.first().map(|to| Range { condition: format!(" WHERE {first} <= {to}") });
        let behind = cuts.iter().enumerate().map(|(at, from)| {
            let to = cuts.get(at + 1).map(ToString::to_string);
            self.range(Start::Value(&from.to_string()), to.as_deref())
        });
        below.into_iter().chain(behind).collect()
    }
}

/// `(a > 1 OR (a = 1 AND (b > 2)))`: servers look such a condition up in the key, which not all do for `(a, b) > (1, 2)`.
fn behind(columns: &[(usize, String, Kind)], values: &[String]) -> String {
    let ([(_, column, _), columns @ ..], [value, values @ ..]) = (columns, values) else { return "FALSE".to_owned() };
    let quoted = name(column);
    if columns.is_empty() {
        return format!("{quoted} > {value}");
    }
    format!("{quoted} > {value} OR ({quoted} = {value} AND ({}))", behind(columns, values))
}

fn literal(kind: Kind, value: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    match kind {
        Kind::Exact => out.extend_from_slice(value),
        Kind::Bytes => push_bytes(&mut out, value),
        Kind::Text => push_text(&mut out, value),
        Kind::Float | Kind::Bits | Kind::LongText => return None,
    }
    String::from_utf8(out).ok()
}

/// Values that cut the whole numbers behind `from`, up to `to`, into pieces of about `rows` rows, where so many rows lie in each `span` numbers.
/// The last piece is open: it has no value here.
pub(in crate::sql) fn cuts(from: i128, to: i128, rows: u64, (seen, span): (u64, i128)) -> Vec<i128> {
    /// More would be work for the files alone.
    const MOST: i128 = 4096;
    let width = (span * i128::from(rows) / i128::from(seen.max(1))).max(1).max((to - from) / MOST);
    let mut cuts = Vec::new();
    let mut at = from + width;
    while at < to {
        cuts.push(at);
        at += width;
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, declared: &str) -> Column {
        Column {
            name: name.to_owned(),
            declared: declared.to_owned(),
            kind: Kind::of(declared),
            generated: false,
            nullable: false,
            charset: None,
        }
    }

    #[test]
    fn a_range_begins_behind_a_row() {
        let columns = [column("x", "blob"), column("a", "bigint"), column("b`", "varchar")];
        let key = Key::of(&["a".to_owned(), "b`".to_owned()], &columns).unwrap();
        assert!(key.is_whole());
        assert_eq!(key.order(), " ORDER BY `a`, `b```");
        let row = key.literals(|at| [b"x".as_slice(), b"-7", b"it's"].get(at).copied()).unwrap();
        assert_eq!(
            key.range(Start::Row(&row), Some("9")).condition(),
            " WHERE `a` <= 9 AND (`a` > -7 OR (`a` = -7 AND (`b``` > 'it''s')))"
        );
        assert_eq!(key.range(Start::Value("9"), None).condition(), " WHERE `a` > 9");
    }

    #[test]
    fn keys_without_a_plain_order_are_left_alone() {
        for declared in ["double", "enum('b','a')", "bit(3)"] {
            let kind = declared.split('(').next().unwrap();
            let columns = [Column { kind: Kind::of(kind), ..column("a", declared) }];
            assert_eq!(Key::of(&["a".to_owned()], &columns), None, "{declared}");
        }
        assert_eq!(Key::of(&["gone".to_owned()], &[column("a", "int")]), None);
        assert_eq!(Key::of(&[], &[column("a", "int")]), None);
        let latin = [Column { charset: Some("latin1".to_owned()), ..column("a", "varchar") }];
        assert_eq!(Key::of(&["a".to_owned()], &latin), None);
    }

    #[test]
    fn whole_numbers_are_cut_evenly() {
        assert_eq!(cuts(10, 50, 10, (10, 10)), [20, 30, 40]);
        assert_eq!(cuts(10, 50, 10, (10, 20)), [30]);
        assert_eq!(cuts(10, 50, 100, (10, 10)), Vec::<i128>::new());
        assert!(cuts(0, i128::from(u64::MAX), 1, (1000, 1000)).len() <= 4096);
    }
}
