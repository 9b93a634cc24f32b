//! What a dump reads of a row: its text, the server's checksum of that text, and beside it the values that stand in it by their own checksum only.
//!
//! So the server turns each value into text once, for the file and for the checksum. The checksum is computed here as well, from the text that came:
//! a row that was changed on its way, or whose checksum is that of something else, ends the dump.

use mysql_async::Value as Raw;
use runbook_core::action::{Failure, FailureKind};
use runbook_sqltext::{Inserts, Kind, RowFault};

use super::column::Column;
use super::row_text::{RowText, push_beside};
use crate::sql::quote::name;
use crate::sql::session::Flavour;

/// The columns of a table that are read and written.
pub(super) struct Fields<'t> {
    table: &'t str,
    columns: &'t [Column],
}

impl<'t> Fields<'t> {
    /// For a table whose columns are all of known types.
    pub(super) fn new(table: &'t str, columns: &'t [Column]) -> Self {
        Self { table, columns }
    }

    fn written(&self) -> impl Iterator<Item = (&'t Column, Kind)> + use<'t> {
        self.columns.iter().filter(|column| !column.generated).filter_map(|column| Some((column, column.kind?)))
    }

    /// What is read of each row.
    pub(super) fn selected(&self, flavour: Flavour) -> String {
        let text = RowText::NEWEST.expression(self.columns);
        let mut selected = match flavour {
            // Computes an expression that is written twice once.
            Flavour::OceanBase => format!("{text}, CRC32({text})"),
            // Computes it twice; a variable does not.
            Flavour::MariaDb | Flavour::MySql => format!("@runbook_row := {text}, CRC32(@runbook_row)"),
        };
        for (column, _) in self.written().filter(|(_, kind)| !kind.is_inside()) {
            selected.push_str(", ");
            push_beside(&mut selected, column);
        }
        selected
    }

    /// What writes the rows.
    pub(super) fn inserts(&self) -> Inserts {
        let columns: Vec<(String, Kind)> = self.written().map(|(column, kind)| (name(&column.name), kind)).collect();
        Inserts::new(&name(self.table), &columns)
    }

    /// Why a row cannot be written.
    pub(super) fn failure(&self, fault: RowFault) -> Failure {
        let mend = "mend the value, or make the column binary";
        let failed = |message: &str| Failure::new(FailureKind::Failed, message);
        match fault {
            RowFault::NoChecksum => failed("the server gives no checksum for a row"),
            RowFault::Changed => failed("a row did not come as the server's checksum of it says"),
            RowFault::Ambiguous => no_retry(failed("a row holds a text that is not valid in its own character set").help(mend)),
            RowFault::NotText(at) => {
                let column = self.written().nth(at).map_or("", |(column, _)| column.name.as_str());
                let message = format!("a value of `{}`.`{column}` is not valid in its own character set", self.table);
                no_retry(failed(&message).help(mend))
            }
        }
    }
}

/// A value at a place of a row as the text protocol brings it; none where it is null.
pub(super) fn at(values: &[Option<Raw>], at: usize) -> Option<&[u8]> {
    match values.get(at) {
        Some(Some(Raw::Bytes(bytes))) => Some(bytes),
        _ => None,
    }
}

fn no_retry(mut failure: Failure) -> Failure {
    failure.retryable = false;
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use runbook_sqltext::Row;

    fn column(name: &str, declared: &str) -> Column {
        Column {
            name: name.to_owned(),
            declared: declared.to_owned(),
            kind: Kind::of(declared),
            generated: false,
            nullable: true,
            charset: None,
        }
    }

    #[test]
    fn long_values_are_read_beside_the_text() {
        let columns = [column("a", "int"), column("b", "blob"), column("c", "varchar"), column("d", "text")];
        let fields = Fields::new("t", &columns);
        assert!(fields.selected(Flavour::OceanBase).ends_with(", `b`, `d`"), "{}", fields.selected(Flavour::OceanBase));
        assert!(fields.selected(Flavour::MariaDb).starts_with("@runbook_row := CONCAT_WS("), "{}", fields.selected(Flavour::MariaDb));
    }

    #[test]
    fn generated_columns_are_left_out() {
        let mut columns = [column("g", "int"), column("a`", "int"), column("b", "text")];
        columns[0].generated = true;
        let fields = Fields::new("t", &columns);
        let text = b"1\xFF\xFE";
        let row = Row::new(Some(text), Some(b"331969756"), &|_| None).unwrap_or_else(|fault| panic!("{fault:?}"));
        let mut inserts = fields.inserts();
        inserts.push(&row).unwrap();
        assert_eq!(inserts.finish(), Some((b"INSERT INTO `t` (`a```, `b`) VALUES\n(1, NULL);\n".to_vec(), 1)));
        assert_eq!(fields.failure(RowFault::NotText(1)).message, "a value of `t`.`b` is not valid in its own character set");
    }
}
