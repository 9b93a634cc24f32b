//! How the values of a column's type are treated.

/// How a type's values are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
    pub fn of(data_type: &str) -> Option<Self> {
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

    /// Whether a value stands in its row's text itself and not by its CRC-32.
    pub const fn is_inside(self) -> bool {
        match self {
            Self::Exact | Self::Float | Self::Bits | Self::Text => true,
            Self::Bytes | Self::LongText => false,
        }
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
}
