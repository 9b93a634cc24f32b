//! The rows and the checksum of a table, computed by the server.
//!
//! A row's checksum is the CRC-32 of one text: the values that are not null, then for each column what tells where its value ends or that there is
//! none (the length of a text, else whether it is null), with `#` between all of them. Numbers and times hold no `#`, so neighbours cannot be taken
//! for each other. Long values stand there by their own CRC-32: a text over `max_allowed_packet` would silently become null.
//!
//! The expression is as plain as that because it is most of the work of a comparison: with a conversion and a length in front of each value it took
//! a server four to eight times as long.

use super::column::{Column, Kind};
use super::contents::Checksum;
use super::key::Range;
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
pub(in crate::sql) async fn sum(session: &mut Session<'_>, table: &str, columns: &[Column], as_of: &str, range: &Range) -> Sql<Sum> {
    // Without the limit, servers would put the expression in place of its name and compute it twice.
    let sql = format!(
        "SELECT COUNT(*), BIT_XOR(c), SUM(c) FROM (SELECT {}{} AS c FROM {}{as_of}{} LIMIT 9223372036854775807) AS r",
        one_plan(session.flavour, table),
        row_crc(columns),
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

/// The expression of a row's checksum.
pub(in crate::sql) fn row_crc(columns: &[Column]) -> String {
    let (mut values, mut ends) = (String::new(), String::new());
    for column in columns.iter().filter(|column| !column.generated) {
        if let Some(kind) = column.kind {
            value(&mut values, kind, column);
            end(&mut ends, kind, column);
        }
    }
    // A separator of bytes makes bytes of everything: columns of different collations can stand side by side.
    format!("CRC32(CONCAT_WS(_binary'#'{values}{ends}, ''))")
}

/// The bytes of a text in utf8mb4, whatever its own character set is.
fn utf8(column: &Column) -> String {
    let quoted = name(&column.name);
    if column.is_utf8() { quoted } else { format!("CAST(CONVERT({quoted} USING utf8mb4) AS BINARY)") }
}

fn value(out: &mut String, kind: Kind, column: &Column) {
    out.push_str(", ");
    match kind {
        Kind::Exact | Kind::Float | Kind::Bits => kind.push_read(out, &column.name),
        Kind::Bytes => {
            out.push_str("CRC32(");
            out.push_str(&name(&column.name));
            out.push(')');
        }
        Kind::LongText => {
            out.push_str("CRC32(");
            out.push_str(&utf8(column));
            out.push(')');
        }
        // Types that a server keeps as bytes and shows as texts.
        Kind::Text if column.is_declared(&["uuid", "inet4", "inet6"]) => {
            out.push_str("CAST(CAST(");
            out.push_str(&name(&column.name));
            out.push_str(" AS CHAR) AS BINARY)");
        }
        Kind::Text => out.push_str(&utf8(column)),
    }
}

fn end(out: &mut String, kind: Kind, column: &Column) {
    let quoted = name(&column.name);
    let length = match kind {
        Kind::Bytes => Some(quoted.clone()),
        Kind::LongText => Some(utf8(column)),
        Kind::Text if column.charset.is_some() => Some(utf8(column)),
        Kind::Text | Kind::Exact | Kind::Float | Kind::Bits => None,
    };
    let end = match (length, column.nullable) {
        (Some(bytes), true) => format!("IFNULL(LENGTH({bytes}), -1)"),
        (Some(bytes), false) => format!("LENGTH({bytes})"),
        (None, true) => format!("ISNULL({quoted})"),
        (None, false) => "0".to_owned(),
    };
    out.push_str(", ");
    out.push_str(&end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, declared: &str, charset: Option<&str>, nullable: bool) -> Column {
        Column {
            name: name.to_owned(),
            declared: declared.to_owned(),
            kind: Kind::of(declared),
            generated: false,
            nullable,
            charset: charset.map(str::to_owned),
        }
    }

    #[test]
    fn a_row_is_its_values_and_where_they_end() {
        let columns = [
            column("a`", "int", None, false),
            column("b", "varchar", Some("utf8mb4"), true),
            column("c", "varchar", Some("latin1"), false),
            column("d", "blob", None, true),
            column("e", "double", None, true),
        ];
        assert_eq!(
            row_crc(&columns),
            "CRC32(CONCAT_WS(_binary'#', `a```, `b`, CAST(CONVERT(`c` USING utf8mb4) AS BINARY), CRC32(`d`), `e` * 1e0, \
             0, IFNULL(LENGTH(`b`), -1), LENGTH(CAST(CONVERT(`c` USING utf8mb4) AS BINARY)), IFNULL(LENGTH(`d`), -1), ISNULL(`e`), ''))"
        );
        assert_eq!(row_crc(&[]), "CRC32(CONCAT_WS(_binary'#', ''))");
    }

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
