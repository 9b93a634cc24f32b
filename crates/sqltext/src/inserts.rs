//! Rows as `INSERT` statements.

use std::io::Write as _;

use crate::find::{equal, find};
use crate::kind::Kind;
use crate::literal::{plain, push_bytes, push_special, push_text};
use crate::row::{END, NULL, Row, RowFault, cut};

/// About how large a batch of statements, and a statement in it, becomes before it is handed over.
const STATEMENT_BYTES: usize = 1 << 20;
/// A value from this size on does not stand in the `INSERT` itself: servers take packets of 16 MiB by default, and hexadecimal doubles the size.
const LARGE: usize = 1 << 20;
/// Such a value is put together from pieces of this size, in a variable of the session.
const PIECE: usize = 1 << 20;

/// Writes the rows of one table.
pub struct Inserts {
    head: Vec<u8>,
    kinds: Vec<Kind>,
    /// How many columns are read beside the text of a row.
    beside: usize,
    out: Vec<u8>,
    statements: u64,
    /// Where the open statement begins in `out`.
    open: Option<usize>,
}

impl Inserts {
    /// For a table and those of its columns that are written, all names quoted.
    pub fn new(table: &str, columns: &[(String, Kind)]) -> Self {
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let kinds: Vec<Kind> = columns.iter().map(|(_, kind)| *kind).collect();
        Self {
            head: format!("INSERT INTO {table} ({}) VALUES\n", names.join(", ")).into_bytes(),
            beside: kinds.iter().filter(|kind| !kind.is_inside()).count(),
            kinds,
            out: Vec::new(),
            statements: 0,
            open: None,
        }
    }

    /// The values of a row in the order of the columns, bytes or null.
    pub fn values<'r>(&self, row: &Row<'r>) -> Result<Vec<Option<&'r [u8]>>, RowFault> {
        row.values(&self.kinds)
    }

    /// Adds a row. After a fault, what was written so far is not to be used.
    #[inline(never)]
    pub fn push(&mut self, row: &Row<'_>) -> Result<(), RowFault> {
        let is_large = |at| (row.beside)(at).is_some_and(|value| value.len() >= LARGE);
        if row.text.len() >= LARGE || (0..self.beside).any(is_large) {
            return self.push_values(&row.values(&self.kinds)?);
        }
        let begin = self.begin_row();
        let mut rest = Some(row.text);
        let mut beside = 0;
        for (at, kind) in self.kinds.iter().enumerate() {
            if at > 0 {
                self.out.extend_from_slice(b", ");
            }
            let text = rest.ok_or(RowFault::Ambiguous)?;
            if *kind == Kind::Text {
                rest = push_first_text(&mut self.out, text);
                continue;
            }
            let (value, behind) = cut(text);
            rest = behind;
            let value = if kind.is_inside() {
                Some(value).filter(|value| *value != [NULL])
            } else {
                beside += 1;
                (row.beside)(beside - 1)
            };
            push_value(&mut self.out, *kind, value);
        }
        if rest.is_some() && !self.kinds.is_empty() {
            return Err(RowFault::Ambiguous);
        }
        // Once for a row: what was put around its values and between them cannot make a text of what is none.
        if std::str::from_utf8(self.out.get(begin..).unwrap_or_default()).is_err() {
            let values = row.values(&self.kinds)?;
            return Err(RowFault::NotText(values.iter().copied().zip(&self.kinds).position(is_no_text).unwrap_or_default()));
        }
        self.end_row(false);
        Ok(())
    }

    /// Adds a row with a large value.
    fn push_values(&mut self, values: &[Option<&[u8]>]) -> Result<(), RowFault> {
        if let Some(at) = values.iter().copied().zip(&self.kinds).position(is_no_text) {
            return Err(RowFault::NotText(at));
        }
        let is_large = |value: Option<&[u8]>| value.is_some_and(|bytes| bytes.len() >= LARGE);
        let large = values.iter().copied().any(is_large);
        if large {
            self.close();
            for (at, value) in values.iter().copied().enumerate().filter(|(_, value)| is_large(*value)) {
                self.variable(at, value.unwrap_or_default());
            }
        }
        self.begin_row();
        for (at, (value, kind)) in values.iter().copied().zip(&self.kinds).enumerate() {
            if at > 0 {
                self.out.extend_from_slice(b", ");
            }
            if is_large(value) {
                let _ = write!(self.out, "@runbook_{at}");
            } else {
                push_value(&mut self.out, *kind, value);
            }
        }
        self.end_row(large);
        Ok(())
    }

    /// What there is, when it is enough to be handed over: whole statements only, and how many.
    pub fn full(&mut self) -> Option<(Vec<u8>, u64)> {
        (self.open.is_none() && self.out.len() >= STATEMENT_BYTES / 4).then(|| {
            // What comes next needs as much room again, where no large value was among it.
            let next = Vec::with_capacity(self.out.capacity().min(2 * STATEMENT_BYTES));
            (std::mem::replace(&mut self.out, next), std::mem::take(&mut self.statements))
        })
    }

    /// Everything that is left.
    pub fn finish(&mut self) -> Option<(Vec<u8>, u64)> {
        self.close();
        (!self.out.is_empty()).then(|| (std::mem::take(&mut self.out), std::mem::take(&mut self.statements)))
    }

    /// Begins a row, and a statement where none is open. Returns where the row begins.
    #[inline]
    fn begin_row(&mut self) -> usize {
        if self.open.is_none() {
            self.open = Some(self.out.len());
            self.out.extend_from_slice(&self.head);
        } else {
            self.out.extend_from_slice(b",\n");
        }
        let begin = self.out.len();
        self.out.push(b'(');
        begin
    }

    #[inline]
    fn end_row(&mut self, last: bool) {
        self.out.push(b')');
        if last || self.open.is_some_and(|open| self.out.len() - open >= STATEMENT_BYTES) {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.out.extend_from_slice(b";\n");
            self.statements += 1;
        }
    }

    /// Puts a large value together in a variable.
    fn variable(&mut self, at: usize, bytes: &[u8]) {
        let binary = self.kinds.get(at) == Some(&Kind::Bytes);
        let mut rest = bytes;
        let mut first = true;
        while !rest.is_empty() {
            let mut end = rest.len().min(PIECE);
            // Not in the middle of a character.
            while !binary && end < rest.len() && rest.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
                end -= 1;
            }
            let (piece, after) = rest.split_at(end);
            // `REPEAT` makes it a long text for OceanBase, whose `CONCAT` of a variable and a literal holds about 1 MiB.
            let _ = if first {
                write!(self.out, "SET @runbook_{at} = REPEAT(")
            } else {
                write!(self.out, "SET @runbook_{at} = CONCAT(@runbook_{at}, REPEAT(")
            };
            if binary {
                push_bytes(&mut self.out, piece);
            } else {
                push_text(&mut self.out, piece);
            }
            self.out.extend_from_slice(if first { b", 1);\n" } else { b", 1));\n" });
            self.statements += 1;
            first = false;
            rest = after;
        }
    }
}

fn push_value(out: &mut Vec<u8>, kind: Kind, value: Option<&[u8]>) {
    let Some(bytes) = value else { return out.extend_from_slice(b"NULL") };
    match kind {
        Kind::Exact | Kind::Bits => out.extend_from_slice(bytes),
        Kind::Float => {
            out.extend_from_slice(bytes);
            // Without an exponent it would be read as a decimal, which knows no `-0`.
            if find(bytes, |word| equal(word, b'e') | equal(word, b'E')) == bytes.len() {
                out.extend_from_slice(b"e0");
            }
        }
        Kind::Bytes => push_bytes(out, bytes),
        Kind::Text | Kind::LongText => push_text(out, bytes),
    }
}

/// Appends the first value of a row's text as a text literal, and returns what comes behind its end. The end is found while the text is copied.
#[inline]
fn push_first_text<'t>(out: &mut Vec<u8>, text: &'t [u8]) -> Option<&'t [u8]> {
    if let [NULL, after @ ..] = text
        && after.first().is_none_or(|byte| *byte == END)
    {
        out.extend_from_slice(b"NULL");
        return after.get(1..);
    }
    out.push(b'\'');
    let mut rest = text;
    let behind = loop {
        let (copied, special) = rest.split_at(plain(rest));
        out.extend_from_slice(copied);
        match special {
            [] => break None,
            [END, behind @ ..] => break Some(behind),
            [byte, after @ ..] => {
                push_special(out, *byte);
                rest = after;
            }
        }
    };
    out.push(b'\'');
    behind
}

fn is_no_text((value, kind): (Option<&[u8]>, &Kind)) -> bool {
    matches!(kind, Kind::Text | Kind::LongText) && value.is_some_and(|bytes| std::str::from_utf8(bytes).is_err())
}

#[cfg(test)]
#[path = "inserts/tests.rs"]
mod tests;
