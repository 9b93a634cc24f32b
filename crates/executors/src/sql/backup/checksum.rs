//! The rows and the checksum of a table, computed by the server.

use super::column::Column;
use super::contents::Checksum;
use crate::sql::failure::Sql;
use crate::sql::quote::name;
use crate::sql::session::Session;
use crate::sql::value::{int_at, text_at};

/// Counts the rows and sums up their checksums. `as_of` is what follows the table's name to read a snapshot.
pub(in crate::sql) async fn checksum(session: &mut Session<'_>, table: &str, columns: &[Column], as_of: &str) -> Sql<(u64, Checksum)> {
    let row = session.one(&query(table, columns, as_of)).await?;
    let Some(row) = row else { return Ok((0, Checksum::default())) };
    // Over no rows the sum is null.
    let text = |at| text_at(&row, at).unwrap_or_else(|| "0".to_owned());
    Ok((int_at(&row, 0).unwrap_or(0), Checksum { xor: text(1), sum: text(2) }))
}

fn query(table: &str, columns: &[Column], as_of: &str) -> String {
    let mut row = String::new();
    for column in columns.iter().filter(|column| !column.generated) {
        if let Some(kind) = column.kind {
            if !row.is_empty() {
                row.push_str(", ");
            }
            kind.push_check(&mut row, &column.name);
        }
    }
    if row.is_empty() {
        row.push_str("''");
    }
    let crc = format!("CRC32(CONCAT_WS('#', {row}))");
    format!("SELECT COUNT(*), BIT_XOR(CAST({crc} AS UNSIGNED)), SUM({crc}) FROM {}{as_of}", name(table))
}
