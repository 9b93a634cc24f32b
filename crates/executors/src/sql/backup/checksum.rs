//! The rows and the checksum of a table, computed by the server: the CRC-32 of each row's [text](super::row_text).

use runbook_sqltext::Sum;

use super::column::Column;
use super::contents::Checksum;
use super::key::Range;
use super::row_text::RowText;
use crate::sql::failure::Sql;
use crate::sql::quote::name;
use crate::sql::session::{Flavour, Session};
use crate::sql::value::{int_at, text_at};

/// For a manifest.
pub(in crate::sql) fn checksum(sum: Sum) -> Checksum {
    Checksum { xor: sum.xor.to_string(), sum: sum.total.to_string() }
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
