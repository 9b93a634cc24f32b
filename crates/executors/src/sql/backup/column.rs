//! How the values of a column are read, written and checked.

use crate::sql::quote::push_name;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) struct Column {
    /// Its name.
    pub(in crate::sql) name: String,
    /// Its full type, as the server writes it.
    pub(in crate::sql) declared: String,
    /// How it is treated; none for a type that is not known here.
    pub(in crate::sql) kind: Option<Kind>,
    /// Whether the server computes it: such values are not written.
    pub(in crate::sql) generated: bool,
}

/// How a type's values are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sql) enum Kind {
    /// Digits that are a literal as they stand: whole numbers, decimals, years.
    Exact,
    /// Binary floating point. As text servers cut a `FLOAT` to 6 digits; times `1e0` it is a `DOUBLE`, written with all digits it needs.
    Float,
    /// Bits: read as a whole number.
    Bits,
    /// Bytes: written in hexadecimal.
    Bytes,
    /// A short text, date or time: written as a literal.
    Text,
    /// A text that may be long.
    LongText,
}

impl Kind {
    /// From `information_schema.columns.data_type`. What is not listed is not guessed at.
    pub(in crate::sql) fn of(data_type: &str) -> Option<Self> {
        Some(match data_type.to_ascii_lowercase().as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "decimal" | "numeric" | "year" => Self::Exact,
            "float" | "double" | "real" => Self::Float,
            "bit" => Self::Bits,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry" | "point" | "linestring" | "polygon"
            | "multipoint" | "multilinestring" | "multipolygon" | "geometrycollection" | "geomcollection" => Self::Bytes,
            "char" | "varchar" | "enum" | "set" | "date" | "time" | "datetime" | "timestamp" | "uuid" | "inet4" | "inet6" => Self::Text,
            "tinytext" | "text" | "mediumtext" | "longtext" | "json" => Self::LongText,
            _ => return None,
        })
    }

    /// The expression that is selected to write the value.
    pub(in crate::sql) fn push_read(self, out: &mut String, name: &str) {
        push_name(out, name);
        match self {
            Self::Float => out.push_str(" * 1e0"),
            Self::Bits => out.push_str(" + 0"),
            Self::Exact | Self::Bytes | Self::Text | Self::LongText => {}
        }
    }

    /// The expression that stands for the value in a row's checksum: never null for a value, the same bytes for the same value, no ambiguity
    /// between neighbours (each is written with its length), and short, since a text over `max_allowed_packet` would silently become null.
    pub(in crate::sql) fn push_check(self, out: &mut String, name: &str) {
        let mut column = String::new();
        self.push_read(&mut column, name);
        // Bytes of one character set, so that columns of different collations can stand side by side.
        let bytes = match self {
            Self::Bytes => column,
            Self::Exact | Self::Float | Self::Bits => format!("CAST({column} AS CHAR)"),
            Self::Text | Self::LongText => format!("CAST(CONVERT({column} USING utf8mb4) AS BINARY)"),
        };
        let value = match self {
            Self::Exact | Self::Float | Self::Bits | Self::Text => format!("LENGTH({bytes}), ':', {bytes}"),
            Self::Bytes | Self::LongText => format!("LENGTH({bytes}), ':', CRC32({bytes})"),
        };
        out.push_str("IFNULL(CONCAT(");
        out.push_str(&value);
        out.push_str("), 'N')");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_types_are_not_guessed_at() {
        assert_eq!(Kind::of("vector"), None);
        assert_eq!(Kind::of("BIGINT"), Some(Kind::Exact));
    }

    #[test]
    fn names_are_quoted_in_expressions() {
        let mut out = String::new();
        Kind::Float.push_read(&mut out, "a`b");
        assert_eq!(out, "`a``b` * 1e0");
    }
}
