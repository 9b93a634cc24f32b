//! The text of a row, as the server computes it: what its checksum is of, and what a dump reads.
//!
//! A row is the values of its columns with the byte `0xFF` between them; a null is the byte `0xFE`. Neither byte stands in a UTF-8 text, in a number or
//! in a time, so no length and no mark is needed to tell values apart. Bytes and long texts stand there by their own CRC-32: bytes may hold any byte,
//! and a text over `max_allowed_packet` would silently make the whole row null.
//!
//! The expression is as plain as that because it is most of the work of a dump and of a comparison. Two functions more a column, which told where each
//! value ends, made a dump cost the server twice as much ([`RowText::Lengths`]).

use std::fmt::Write as _;

use runbook_sqltext::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::column::Column;
use crate::sql::quote::name;

/// Which text of a row its CRC-32 is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowText {
    /// The values that are not null and then, for each column, its length or whether it is null, with `#` between all of them. Backups of format 1.
    #[default]
    Lengths,
    /// The values with the byte `0xFF` between them, a null as the byte `0xFE`.
    Fields,
}

// Bytes that stand in no text, no number and no time: `runbook_sqltext::row` reads them.
// A hexadecimal literal alone would be taken for a text in the character set beside it, and refused.
const END_SQL: &str = "CAST(X'FF' AS BINARY)";
const NULL_SQL: &str = "CAST(X'FE' AS BINARY)";

impl RowText {
    /// What new backups and comparisons use.
    pub(in crate::sql) const NEWEST: Self = Self::Fields;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde hands over")]
    pub(super) fn is_lengths(&self) -> bool {
        *self == Self::Lengths
    }

    /// The expression of a row's text.
    pub(in crate::sql) fn expression(self, columns: &[Column]) -> String {
        let columns = columns.iter().filter(|column| !column.generated).filter_map(|column| Some((column, column.kind?)));
        match self {
            Self::Fields => fields(columns),
            Self::Lengths => lengths(columns),
        }
    }
}

/// A long value, as it is read beside the text: the very expression whose CRC-32 stands in it, so that a server computes it once.
pub(super) fn push_beside(out: &mut String, column: &Column) {
    let quoted = name(&column.name);
    // Kept as a tree, and written as a text anew for each expression that needs one.
    let _ = if column.is_declared(&["json"]) { write!(out, "CONVERT({quoted} USING utf8mb4)") } else { write!(out, "{quoted}") };
}

fn fields<'c>(columns: impl Iterator<Item = (&'c Column, Kind)>) -> String {
    let mut out = format!("CONCAT_WS({END_SQL}");
    let mut any = false;
    for (column, kind) in columns {
        any = true;
        out.push_str(", ");
        if column.nullable {
            out.push_str("IFNULL(");
        }
        if kind == Kind::LongText && column.is_declared(&["json"]) {
            out.push_str("CRC32(");
            push_beside(&mut out, column);
            out.push(')');
        } else {
            push_value(&mut out, kind, column);
        }
        if column.nullable {
            out.push_str(", ");
            out.push_str(NULL_SQL);
            out.push(')');
        }
    }
    out.push_str(if any { ")" } else { ", '')" });
    out
}

fn lengths<'c>(columns: impl Iterator<Item = (&'c Column, Kind)>) -> String {
    let (mut values, mut ends) = (String::new(), String::new());
    for (column, kind) in columns {
        values.push_str(", ");
        push_value(&mut values, kind, column);
        push_end(&mut ends, kind, column);
    }
    // A separator of bytes makes bytes of everything: columns of different collations can stand side by side.
    format!("CONCAT_WS(_binary'#'{values}{ends}, '')")
}

/// The bytes of a text in utf8mb4, whatever its own character set is.
fn utf8(column: &Column) -> String {
    let quoted = name(&column.name);
    if column.is_utf8() { quoted } else { format!("CAST(CONVERT({quoted} USING utf8mb4) AS BINARY)") }
}

fn push_value(out: &mut String, kind: Kind, column: &Column) {
    let quoted = name(&column.name);
    let _ = match kind {
        Kind::Exact => write!(out, "{quoted}"),
        // As text servers cut a `FLOAT` to 6 digits; times `1e0` it is a `DOUBLE`, written with all digits it needs.
        Kind::Float => write!(out, "{quoted} * 1e0"),
        Kind::Bits => write!(out, "{quoted} + 0"),
        Kind::Bytes => write!(out, "CRC32({quoted})"),
        Kind::LongText => write!(out, "CRC32({})", utf8(column)),
        // Types that a server keeps as bytes and shows as texts.
        Kind::Text if column.is_declared(&["uuid", "inet4", "inet6"]) => write!(out, "CAST(CAST({quoted} AS CHAR) AS BINARY)"),
        Kind::Text => write!(out, "{}", utf8(column)),
    };
}

fn push_end(out: &mut String, kind: Kind, column: &Column) {
    let quoted = name(&column.name);
    let length = match kind {
        Kind::Bytes => Some(quoted.clone()),
        Kind::LongText => Some(utf8(column)),
        Kind::Text if column.charset.is_some() => Some(utf8(column)),
        Kind::Text | Kind::Exact | Kind::Float | Kind::Bits => None,
    };
    let _ = match (length, column.nullable) {
        (Some(bytes), true) => write!(out, ", IFNULL(LENGTH({bytes}), -1)"),
        (Some(bytes), false) => write!(out, ", LENGTH({bytes})"),
        (None, true) => write!(out, ", ISNULL({quoted})"),
        (None, false) => write!(out, ", 0"),
    };
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

    fn columns() -> [Column; 6] {
        [
            column("a`", "int", None, false),
            column("b", "varchar", Some("utf8mb4"), true),
            column("c", "varchar", Some("latin1"), false),
            column("d", "blob", None, true),
            column("e", "double", None, true),
            column("f", "json", None, false),
        ]
    }

    #[test]
    fn a_row_is_its_values_with_a_byte_between_them_that_is_in_none() {
        assert_eq!(
            RowText::Fields.expression(&columns()),
            "CONCAT_WS(CAST(X'FF' AS BINARY), `a```, IFNULL(`b`, CAST(X'FE' AS BINARY)), CAST(CONVERT(`c` USING utf8mb4) AS BINARY), \
             IFNULL(CRC32(`d`), CAST(X'FE' AS BINARY)), IFNULL(`e` * 1e0, CAST(X'FE' AS BINARY)), CRC32(CONVERT(`f` USING utf8mb4)))"
        );
        assert_eq!(RowText::Fields.expression(&[]), "CONCAT_WS(CAST(X'FF' AS BINARY), '')");
    }

    /// Backups that were made with it are compared with it: not a byte of it may change.
    #[test]
    fn the_text_of_the_first_format_stays_what_it_was() {
        assert_eq!(
            RowText::Lengths.expression(&columns()),
            "CONCAT_WS(_binary'#', `a```, `b`, CAST(CONVERT(`c` USING utf8mb4) AS BINARY), CRC32(`d`), `e` * 1e0, CRC32(`f`), \
             0, IFNULL(LENGTH(`b`), -1), LENGTH(CAST(CONVERT(`c` USING utf8mb4) AS BINARY)), IFNULL(LENGTH(`d`), -1), ISNULL(`e`), LENGTH(`f`), '')"
        );
        assert_eq!(RowText::Lengths.expression(&[]), "CONCAT_WS(_binary'#', '')");
    }
}
