//! The rows and the checksum of a table, computed by the server: the CRC-32 of each row's [text](super::row_text).

use super::column::Column;
use super::contents::Checksum;
use super::key::Range;
use super::row_text::RowText;
use crate::sql::failure::Sql;
use crate::sql::quote::name;
use crate::sql::session::{Flavour, Session};
use crate::sql::value::{int_at, text_at};

/// Sums up the checksums of rows, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sql) struct Sum {
    pub(in crate::sql) rows: u64,
    xor: u64,
    total: u64,
}

impl Sum {
    /// Adds a row's.
    pub(in crate::sql) fn add(&mut self, crc: u32) {
        self.rows += 1;
        self.xor ^= u64::from(crc);
        self.total += u64::from(crc);
    }

    /// Adds those of other rows.
    pub(in crate::sql) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.xor ^= other.xor;
        self.total += other.total;
    }

    /// For a manifest.
    pub(in crate::sql) fn checksum(self) -> Checksum {
        Checksum { xor: self.xor.to_string(), sum: self.total.to_string() }
    }
}

/// Lets the server sum up a range of a table. `as_of` is what follows the table's name to read a snapshot.
pub(in crate::sql) async fn sum(
    session: &mut Session<'_>,
    table: &str,
    (columns, row_text): (&[Column], RowText),
    as_of: &str,
    range: &Range,
) -> Sql<Sum> {
    // Without the limit, servers would put the expression in place of its name and compute it twice.
    let sql = format!(
        "SELECT COUNT(*), BIT_XOR(c), SUM(c) FROM (SELECT {}CRC32({}) AS c FROM {}{as_of}{} LIMIT 9223372036854775807) AS r",
        one_plan(session.flavour, table),
        row_text.expression(columns),
        name(table),
        range.condition(),
    );
    let Some(row) = session.one(&sql).await? else { return Ok(Sum::default()) };
    // Over no rows the sum is null.
    let number = |at| text_at(&row, at).and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(Sum { rows: int_at(&row, 0).unwrap_or(0), xor: number(1), total: number(2) })
}

/// What tells OceanBase to read a table as it lies and not to weigh plans: where each table is read once, that is a third of the work. Nothing
/// elsewhere, and for a name that cannot stand in a hint, where the end of the comment is looked for before names are.
pub(in crate::sql) fn one_plan(flavour: Flavour, table: &str) -> String {
    let plain = table.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
    if flavour == Flavour::OceanBase && plain { format!("/*+ FULL({}) */ ", name(table)) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_put_together_in_any_order() {
        let mut whole = Sum::default();
        let mut parts = [Sum::default(); 2];
        for crc in [u32::MAX, 0, 7, u32::MAX] {
            whole.add(crc);
            parts[usize::from(crc == 7)].add(crc);
        }
        let mut merged = parts[1];
        merged.merge(parts[0]);
        assert_eq!(merged, whole);
        assert_eq!(whole.checksum(), Checksum { xor: "7".to_owned(), sum: "8589934597".to_owned() });
    }
}
