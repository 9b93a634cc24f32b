//! How the values of a column are read, written and checked.

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
    /// Whether it can hold nulls.
    pub(in crate::sql) nullable: bool,
    /// The character set of a text.
    pub(in crate::sql) charset: Option<String>,
}

impl Column {
    /// Whether its texts are valid UTF-8 as they are stored.
    pub(in crate::sql) fn is_utf8(&self) -> bool {
        matches!(self.charset.as_deref(), None | Some("utf8mb4" | "utf8mb3" | "utf8" | "ascii"))
    }

    /// Whether it is declared as one of these types.
    pub(in crate::sql) fn is_declared(&self, types: &[&str]) -> bool {
        let declared = self.declared.split(['(', ' ']).next().unwrap_or_default();
        types.iter().any(|kind| declared.eq_ignore_ascii_case(kind))
    }
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
