//! Values of a result set as JSON, without loss.
//!
//! Results come in the text protocol: the binary one widens `FLOAT` and drops the scale of `TIME`. Whole numbers and floating point numbers are JSON
//! numbers; decimals, dates and times are texts, exactly as the server wrote them; bytes (`BIT`, binary character set) are texts `0x…`.

use mysql_async::consts::ColumnType;
use mysql_async::{Column, Row, Value as Raw};
use serde_json::Value;

/// The number of the character set `binary`.
const BINARY: u16 = 63;

/// How the values of a column are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Int,
    Float,
    Text,
    Bytes,
}

/// Decides it from the column's type. JSON columns report the binary character set too, so the type comes first.
pub(super) fn reading(column: &Column) -> Reading {
    match column.column_type() {
        ColumnType::MYSQL_TYPE_TINY
        | ColumnType::MYSQL_TYPE_SHORT
        | ColumnType::MYSQL_TYPE_INT24
        | ColumnType::MYSQL_TYPE_LONG
        | ColumnType::MYSQL_TYPE_LONGLONG
        | ColumnType::MYSQL_TYPE_YEAR => Reading::Int,
        ColumnType::MYSQL_TYPE_FLOAT | ColumnType::MYSQL_TYPE_DOUBLE => Reading::Float,
        ColumnType::MYSQL_TYPE_BIT | ColumnType::MYSQL_TYPE_GEOMETRY => Reading::Bytes,
        ColumnType::MYSQL_TYPE_VARCHAR
        | ColumnType::MYSQL_TYPE_VAR_STRING
        | ColumnType::MYSQL_TYPE_STRING
        | ColumnType::MYSQL_TYPE_TINY_BLOB
        | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
        | ColumnType::MYSQL_TYPE_LONG_BLOB
        | ColumnType::MYSQL_TYPE_BLOB
            if column.character_set() == BINARY =>
        {
            Reading::Bytes
        }
        // Texts, decimals, dates, times, JSON, enums, sets, and what future servers bring.
        _ => Reading::Text,
    }
}

/// One value.
pub(super) fn to_json(raw: &Raw, reading: Reading) -> Value {
    let bytes = match raw {
        Raw::NULL => return Value::Null,
        Raw::Bytes(bytes) => bytes.as_slice(),
        // The text protocol sends nothing but bytes.
        other => return Value::String(other.as_sql(false)),
    };
    match (reading, std::str::from_utf8(bytes)) {
        (Reading::Bytes, _) | (_, Err(_)) => Value::String(hex(bytes)),
        (Reading::Text, Ok(text)) => Value::String(text.to_owned()),
        (Reading::Int, Ok(text)) => integer(text).unwrap_or_else(|| Value::String(text.to_owned())),
        (Reading::Float, Ok(text)) => float(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn integer(text: &str) -> Option<Value> {
    text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok()
}

fn float(text: &str) -> Option<Value> {
    serde_json::Number::from_f64(text.parse().ok()?).map(Value::Number)
}

/// `0x` and the bytes in upper-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 + bytes.len() * 2);
    out.push_str("0x");
    push_hex(&mut out, bytes);
    out
}

/// Appends two upper-case digits per byte.
pub(super) fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// A value as text, for the crate's own queries; bytes that are not UTF-8 are replaced.
pub(super) fn text_at(row: &Row, at: usize) -> Option<String> {
    match row.as_ref(at) {
        Some(Raw::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Some(Raw::NULL) | None => None,
        Some(other) => Some(other.as_sql(true)),
    }
}

/// A value as a whole number, for the crate's own queries.
pub(super) fn int_at(row: &Row, at: usize) -> Option<u64> {
    text_at(row, at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bytes(text: &[u8]) -> Raw {
        Raw::Bytes(text.to_vec())
    }

    #[test]
    fn nothing_is_lost() {
        assert_eq!(to_json(&Raw::NULL, Reading::Int), json!(null));
        assert_eq!(to_json(&bytes(b"18446744073709551615"), Reading::Int), json!(18_446_744_073_709_551_615_u64));
        assert_eq!(to_json(&bytes(b"-9223372036854775808"), Reading::Int), json!(i64::MIN));
        assert_eq!(to_json(&bytes(b"1.50"), Reading::Text), json!("1.50"));
        assert_eq!(to_json(&bytes(b"1e300"), Reading::Float), json!(1e300));
        assert_eq!(to_json(&bytes(&[0, 255]), Reading::Bytes), json!("0x00FF"));
        assert_eq!(to_json(&bytes(&[0xC3]), Reading::Text), json!("0xC3"));
        assert_eq!(to_json(&bytes("名".as_bytes()), Reading::Text), json!("名"));
    }
}
