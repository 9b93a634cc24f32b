//! What a dump reads of a row: its text, the server's checksum of that text, and beside it the values that stand in it by their own checksum only.
//!
//! So the server turns each value into text once, for the file and for the checksum. The checksum is computed here as well, from the text that came:
//! a row that was changed on its way, or whose checksum is that of something else, ends the dump.

use memchr::memchr;
use mysql_async::Value as Raw;
use runbook_core::action::{Failure, FailureKind};

use super::column::Column;
use super::row_text::{END, NULL, RowText, is_inside, push_beside};
use crate::sql::session::Flavour;

/// How the rows of a table are read.
pub(in crate::sql) struct Fields {
    selected: String,
    /// For each column that is written: whether its value stands in the text.
    inside: Vec<bool>,
}

/// A row that came.
pub(in crate::sql) struct Row {
    values: Vec<Option<Raw>>,
    /// The CRC-32 of its text.
    pub(in crate::sql) crc: u32,
}

impl Row {
    /// A row as the text protocol brings it.
    pub(in crate::sql) fn new(values: Vec<Option<Raw>>) -> Result<Self, Failure> {
        let crc = at(&values, 1).and_then(|crc| std::str::from_utf8(crc).ok()?.parse().ok());
        match (at(&values, 0), crc) {
            (Some(text), Some(crc)) if crc32fast::hash(text) == crc => Ok(Self { values, crc }),
            (Some(_), Some(_)) => Err(Failure::new(FailureKind::Failed, "a row did not come as the server's checksum of it says")),
            // Where the server gives none, nothing would prove the row.
            _ => Err(Failure::new(FailureKind::Failed, "the server gives no checksum for a row")),
        }
    }
}

impl Fields {
    /// For a table whose columns are all of known types.
    pub(in crate::sql) fn new(flavour: Flavour, columns: &[Column]) -> Self {
        let text = RowText::NEWEST.expression(columns);
        let mut selected = match flavour {
            // Computes an expression that is written twice once.
            Flavour::OceanBase => format!("{text}, CRC32({text})"),
            // Computes it twice; a variable does not.
            Flavour::MariaDb | Flavour::MySql => format!("@runbook_row := {text}, CRC32(@runbook_row)"),
        };
        let mut inside = Vec::new();
        for column in columns.iter().filter(|column| !column.generated) {
            if let Some(kind) = column.kind {
                inside.push(is_inside(kind));
                if !is_inside(kind) {
                    selected.push_str(", ");
                    push_beside(&mut selected, column);
                }
            }
        }
        Self { selected, inside }
    }

    /// What is read of each row.
    pub(in crate::sql) fn selected(&self) -> &str {
        &self.selected
    }

    /// The values of a row in the order of the columns, bytes or null.
    pub(in crate::sql) fn values<'r>(&self, row: &'r Row) -> Result<Vec<Option<&'r [u8]>>, Failure> {
        let mut rest = Some(at(&row.values, 0).unwrap_or_default());
        let mut beside = 2..;
        let mut values = Vec::with_capacity(self.inside.len());
        for inside in &self.inside {
            let left = rest.ok_or_else(ambiguous)?;
            let (text, behind) = match memchr(END, left) {
                Some(end) => (left.get(..end).unwrap_or_default(), left.get(end + 1..)),
                None => (left, None),
            };
            rest = behind;
            values.push(if *inside {
                Some(text).filter(|text| *text != [NULL])
            } else {
                beside.next().and_then(|place| at(&row.values, place))
            });
        }
        // Where a text is not what its character set allows, a value may look like two.
        if rest.is_some() && !self.inside.is_empty() {
            return Err(ambiguous());
        }
        Ok(values)
    }
}

/// A value at a place; none where it is null.
fn at(values: &[Option<Raw>], at: usize) -> Option<&[u8]> {
    match values.get(at) {
        Some(Some(Raw::Bytes(bytes))) => Some(bytes),
        _ => None,
    }
}

fn ambiguous() -> Failure {
    let mut failure = Failure::new(FailureKind::Failed, "a row holds a text that is not valid in its own character set")
        .help("mend the value, or make the column binary");
    failure.retryable = false;
    failure
}

#[cfg(test)]
mod tests {
    use super::super::column::Kind;
    use super::*;

    fn column(name: &str, declared: &str) -> Column {
        Column {
            name: name.to_owned(),
            declared: declared.to_owned(),
            kind: Kind::of(declared),
            generated: false,
            nullable: true,
            charset: None,
        }
    }

    fn came(text: &[u8], crc: u32, beside: &[Option<&[u8]>]) -> Vec<Option<Raw>> {
        let own = [Some(Raw::Bytes(text.to_vec())), Some(Raw::Bytes(crc.to_string().into_bytes()))];
        own.into_iter().chain(beside.iter().map(|value| value.map(|bytes| Raw::Bytes(bytes.to_vec())))).collect()
    }

    #[test]
    fn values_come_from_the_text_and_from_beside_it() {
        let fields =
            Fields::new(Flavour::OceanBase, &[column("a", "int"), column("b", "blob"), column("c", "varchar"), column("d", "text")]);
        assert!(fields.selected().ends_with(", `b`, `d`"), "{}", fields.selected());
        let text = b"7\xFF123\xFF\xFF\xFE";
        let row = Row::new(came(text, crc32fast::hash(text), &[Some(b"\xFF\x00"), None])).unwrap();
        let wanted: [Option<&[u8]>; 4] = [Some(b"7"), Some(b"\xFF\x00"), Some(b""), None];
        assert_eq!(fields.values(&row).unwrap(), wanted);
        let text = b"\xFE\xFF\xFE\xFF\xFE\xFF9";
        let row = Row::new(came(text, crc32fast::hash(text), &[None, Some(b"x")])).unwrap();
        assert_eq!(fields.values(&row).unwrap(), [None, None, None, Some(b"x".as_slice())]);
    }

    #[test]
    fn a_row_that_is_not_what_its_checksum_says_is_refused() {
        let fields = Fields::new(Flavour::MariaDb, &[column("a", "int")]);
        assert!(fields.selected().starts_with("@runbook_row := CONCAT_WS("), "{}", fields.selected());
        assert!(Row::new(came(b"7", crc32fast::hash(b"8"), &[])).is_err());
        assert!(Row::new(vec![Some(Raw::NULL), Some(Raw::NULL)]).is_err());
        assert!(Row::new(vec![None, None]).is_err());
    }

    #[test]
    fn more_or_fewer_values_than_columns_are_no_row() {
        let fields = Fields::new(Flavour::OceanBase, &[column("a", "varchar"), column("b", "int")]);
        for text in [b"x\xFFy\xFF1".as_slice(), b"x"] {
            let row = Row::new(came(text, crc32fast::hash(text), &[])).unwrap();
            assert!(fields.values(&row).unwrap_err().message.contains("character set"));
        }
        let none = Fields::new(Flavour::OceanBase, &[]);
        let row = Row::new(came(b"", crc32fast::hash(b""), &[])).unwrap();
        assert!(none.values(&row).unwrap().is_empty());
    }
}
