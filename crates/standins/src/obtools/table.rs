//! What both tools ask about a table.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};

/// A column that holds data.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    kind: String,
}

impl Column {
    fn is_binary(&self) -> bool {
        ["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry"].contains(&self.kind.as_str())
    }

    /// How it is read, so that its text can be written again.
    pub(crate) fn expression(&self) -> String {
        let name = quoted(&self.name);
        match self.kind.as_str() {
            _ if self.is_binary() => format!("hex({name})"),
            "bit" => format!("{name} + 0"),
            "float" | "double" => format!("{name} * 1e0"),
            _ => name,
        }
    }

    /// A value of it in an `INSERT`.
    pub(crate) fn literal(&self, value: Option<&[u8]>) -> Vec<u8> {
        let Some(value) = value else { return b"NULL".to_vec() };
        if self.is_binary() {
            return [b"X'", value, b"'"].concat();
        }
        // Digits in quotes would be the bits of their characters.
        if self.kind == "bit" && value.iter().all(u8::is_ascii_digit) {
            return value.to_vec();
        }
        let mut literal = vec![b'\''];
        for &byte in value {
            match byte {
                b'\'' | b'\\' => literal.extend_from_slice(&[b'\\', byte]),
                b'\n' => literal.extend_from_slice(b"\\n"),
                b'\r' => literal.extend_from_slice(b"\\r"),
                0 => literal.extend_from_slice(b"\\0"),
                _ => literal.push(byte),
            }
        }
        literal.push(b'\'');
        literal
    }
}

/// A name in back-quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The columns that hold data, in their order.
pub(crate) async fn columns(conn: &mut Conn, database: &str, table: &str) -> Result<Vec<Column>, Error> {
    let literal = |text: &str| text.replace('\\', "\\\\").replace('\'', "''");
    let rows: Vec<(String, String, String)> = conn
        .query(format!(
            "select column_name, data_type, extra from information_schema.columns where table_schema = '{}' and table_name = '{}' order by ordinal_position",
            literal(database),
            literal(table)
        ))
        .await?;
    Ok(rows
        .into_iter()
        .filter(|(.., extra)| !extra.to_ascii_uppercase().contains("GENERATED") || extra.eq_ignore_ascii_case("DEFAULT_GENERATED"))
        .map(|(name, kind, _)| Column { name, kind: kind.to_ascii_lowercase() })
        .collect())
}

/// An `INSERT` of some rows.
pub(crate) fn insert(table: &str, columns: &[Column], rows: &[super::csv::Fields]) -> Vec<u8> {
    let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    let mut sql = format!("INSERT INTO {} ({}) VALUES ", quoted(table), names.join(", ")).into_bytes();
    for (at, row) in rows.iter().enumerate() {
        sql.extend_from_slice(if at == 0 { b"(" } else { b",(" });
        for (at, (column, value)) in columns.iter().zip(row).enumerate() {
            if at > 0 {
                sql.push(b',');
            }
            sql.extend_from_slice(&column.literal(value.as_deref()));
        }
        sql.push(b')');
    }
    sql
}

/// Brings a session into a state in which any value can be read and written.
pub(crate) async fn prepare(conn: &mut Conn) -> Result<(), Error> {
    for statement in [
        "set names utf8mb4",
        "set session time_zone = '+00:00'",
        "set session sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
        "set session foreign_key_checks = 0",
    ] {
        conn.query_drop(statement).await?;
    }
    // Only OceanBase knows them.
    let _ = conn.query_drop("set session ob_query_timeout = 3600000000, ob_trx_timeout = 3600000000").await;
    Ok(())
}
