//! Two databases, or a database and a manifest: what differs, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::contents::{Contents, TableEntry};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What differs: `database`, or the kind and name of an object, such as `` table `t` ``.
    pub object: String,
    /// In which respect: `missing`, `extra`, `rows`, `data`, `columns`, `definition`, `auto_increment`, `charset` or `collation`.
    pub what: String,
    /// What was expected, where it can be said.
    pub expected: Option<String>,
    /// What is there, where it can be said.
    pub actual: Option<String>,
}

impl Difference {
    fn new(object: &str, what: &str, expected: Option<String>, actual: Option<String>) -> Self {
        Self { object: object.to_owned(), what: what.to_owned(), expected, actual }
    }

    /// As a person would say it.
    pub fn sentence(&self) -> String {
        let object = &self.object;
        match (self.what.as_str(), &self.expected, &self.actual) {
            ("missing", ..) => format!("{object} is missing"),
            ("extra", ..) => format!("{object} should not be there"),
            ("data", ..) => format!("{object} has other values in its rows"),
            (what, Some(expected), Some(actual)) => format!("{object}: {what} should be {expected} and is {actual}"),
            (what, ..) => format!("{object} has another {what}"),
        }
    }
}

/// Everything that differs. Definitions count only where both were written by the same version of the same server.
pub(in crate::sql) fn differences(expected: &Contents, actual: &Contents, definitions: bool) -> Vec<Difference> {
    let mut found = Vec::new();
    for (what, wanted, is) in [("charset", &expected.charset, &actual.charset), ("collation", &expected.collation, &actual.collation)] {
        if wanted != is {
            found.push(Difference::new("database", what, Some(wanted.clone()), Some(is.clone())));
        }
    }
    let named = |contents: &Contents| -> BTreeMap<String, TableEntry> {
        contents.tables.iter().map(|table| (table.name.clone(), table.clone())).collect()
    };
    let (wanted, is) = (named(expected), named(actual));
    for (name, table) in &wanted {
        let object = format!("table `{name}`");
        match is.get(name) {
            None => found.push(Difference::new(&object, "missing", None, None)),
            Some(other) => tables(&object, table, other, definitions, &mut found),
        }
    }
    for name in is.keys().filter(|name| !wanted.contains_key(*name)) {
        found.push(Difference::new(&format!("table `{name}`"), "extra", None, None));
    }
    objects(expected, actual, definitions, &mut found);
    found
}

fn tables(object: &str, expected: &TableEntry, actual: &TableEntry, definitions: bool, found: &mut Vec<Difference>) {
    let mut differ = |what: &str, expected: String, actual: String| {
        found.push(Difference::new(object, what, Some(expected), Some(actual)));
    };
    if expected.columns != actual.columns {
        differ("columns", expected.columns.join(", "), actual.columns.join(", "));
    } else if expected.rows != actual.rows {
        differ("rows", expected.rows.to_string(), actual.rows.to_string());
    } else if expected.checksum != actual.checksum {
        differ("data", expected.checksum.xor.clone(), actual.checksum.xor.clone());
    }
    if definitions && expected.definition != actual.definition {
        found.push(Difference::new(object, "definition", None, None));
    }
    // A server may have handed out keys in advance; less than expected would give a key twice.
    if let Some(wanted) = expected.auto_increment
        && actual.auto_increment.is_none_or(|is| is < wanted)
    {
        let is = actual.auto_increment.map_or_else(|| "none".to_owned(), |is| is.to_string());
        found.push(Difference::new(object, "auto_increment", Some(wanted.to_string()), Some(is)));
    }
}

fn objects(expected: &Contents, actual: &Contents, definitions: bool, found: &mut Vec<Difference>) {
    let named = |contents: &Contents| -> BTreeMap<String, String> {
        contents.objects.iter().map(|object| (format!("{} `{}`", object.kind.as_str(), object.name), object.definition.clone())).collect()
    };
    let (wanted, is) = (named(expected), named(actual));
    for (object, definition) in &wanted {
        match is.get(object) {
            None => found.push(Difference::new(object, "missing", None, None)),
            Some(other) if definitions && other != definition => found.push(Difference::new(object, "definition", None, None)),
            Some(_) => {}
        }
    }
    for object in is.keys().filter(|object| !wanted.contains_key(*object)) {
        found.push(Difference::new(object, "extra", None, None));
    }
}

/// Whether everything in `part` is in `whole` as well, with the same rows: then `part` may be lost as long as `whole` is kept.
pub(in crate::sql) fn is_part_of(part: &Contents, whole: &Contents) -> bool {
    let tables: BTreeMap<&str, &TableEntry> = whole.tables.iter().map(|table| (table.name.as_str(), table)).collect();
    part.tables.iter().all(|table| {
        tables.get(table.name.as_str()).is_some_and(|other| {
            table.columns == other.columns
                && table.rows == other.rows
                && table.checksum == other.checksum
                && table.definition == other.definition
        })
    }) && part.objects.iter().all(|object| whole.objects.contains(object))
}

#[cfg(test)]
mod tests {
    use super::super::contents::{Checksum, ObjectEntry, ObjectKind};
    use super::super::row_text::RowText;
    use super::*;

    fn contents() -> Contents {
        Contents {
            charset: "utf8mb4".to_owned(),
            collation: "utf8mb4_bin".to_owned(),
            row_text: RowText::NEWEST,
            tables: vec![TableEntry {
                name: "t".to_owned(),
                rows: 2,
                checksum: Checksum { xor: "5".to_owned(), sum: "9".to_owned() },
                columns: vec!["a".to_owned()],
                auto_increment: Some(3),
                definition: "d".to_owned(),
            }],
            objects: vec![ObjectEntry { kind: ObjectKind::View, name: "v".to_owned(), definition: "d".to_owned() }],
        }
    }

    fn sentences(change: impl Fn(&mut Contents)) -> Vec<String> {
        let mut actual = contents();
        change(&mut actual);
        differences(&contents(), &actual, true).iter().map(Difference::sentence).collect()
    }

    #[test]
    fn each_difference_is_named() {
        assert!(sentences(|_| {}).is_empty());
        assert_eq!(sentences(|c| c.tables.clear()), ["table `t` is missing"]);
        assert_eq!(sentences(|c| c.tables[0].rows = 1), ["table `t`: rows should be 2 and is 1"]);
        assert_eq!(sentences(|c| c.tables[0].checksum.sum = "8".to_owned()), ["table `t` has other values in its rows"]);
        assert_eq!(sentences(|c| c.tables[0].auto_increment = Some(2)), ["table `t`: auto_increment should be 3 and is 2"]);
        assert_eq!(sentences(|c| c.tables[0].definition.clear()), ["table `t` has another definition"]);
        assert_eq!(sentences(|c| c.objects[0].name = "w".to_owned()), ["view `v` is missing", "view `w` should not be there"]);
        assert_eq!(sentences(|c| c.collation = "x".to_owned()), ["database: collation should be utf8mb4_bin and is x"]);
    }

    #[test]
    fn a_half_dropped_database_is_part_of_its_dump() {
        let mut part = contents();
        part.objects.clear();
        assert!(is_part_of(&part, &contents()));
        part.tables[0].rows = 3;
        assert!(!is_part_of(&part, &contents()));
    }
}
