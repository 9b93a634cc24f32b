//! Rows as `INSERT` statements.

use std::io::Write as _;

use runbook_core::action::{Failure, FailureKind};

use super::column::{Column, Kind};
use crate::sql::quote::{name, push_name};

/// About how large a batch of statements, and a statement in it, becomes before it is handed over.
const STATEMENT_BYTES: usize = 1 << 20;
/// A value from this size on does not stand in the `INSERT` itself: servers take packets of 16 MiB by default, and hexadecimal doubles the size.
const LARGE: usize = 1 << 20;
/// Such a value is put together from pieces of this size, in a variable of the session.
const PIECE: usize = 1 << 20;

/// Writes the rows of one table.
pub(in crate::sql) struct RowWriter {
    head: Vec<u8>,
    kinds: Vec<Kind>,
    names: Vec<String>,
    table: String,
    out: Vec<u8>,
    statements: u64,
    /// Where the open statement begins in `out`.
    open: Option<usize>,
}

impl RowWriter {
    /// For a table whose columns are all of known types.
    pub(in crate::sql) fn new(table: &str, columns: &[Column]) -> Self {
        let mut head = format!("INSERT INTO {} (", name(table));
        let (mut kinds, mut names) = (Vec::new(), Vec::new());
        for column in columns.iter().filter(|column| !column.generated) {
            if let Some(kind) = column.kind {
                if !kinds.is_empty() {
                    head.push_str(", ");
                }
                push_name(&mut head, &column.name);
                kinds.push(kind);
                names.push(column.name.clone());
            }
        }
        head.push_str(") VALUES\n");
        Self { head: head.into_bytes(), kinds, names, table: table.to_owned(), out: Vec::new(), statements: 0, open: None }
    }

    /// Adds a row: bytes or null, in the order of the columns that are not generated.
    pub(in crate::sql) fn push(&mut self, values: &[Option<&[u8]>]) -> Result<(), Failure> {
        let is_large = |value: Option<&[u8]>| value.is_some_and(|bytes| bytes.len() >= LARGE);
        let large = values.iter().copied().any(is_large);
        if large {
            self.close();
            for (at, value) in values.iter().copied().enumerate().filter(|(_, value)| is_large(*value)) {
                if let Some(bytes) = value {
                    self.variable(at, bytes)?;
                }
            }
        }
        match self.open {
            None => {
                self.open = Some(self.out.len());
                self.out.extend_from_slice(&self.head);
            }
            Some(_) => self.out.extend_from_slice(b",\n"),
        }
        self.out.push(b'(');
        for at in 0..self.kinds.len() {
            if at > 0 {
                self.out.extend_from_slice(b", ");
            }
            match values.get(at) {
                Some(value) if large && is_large(*value) => {
                    let _ = write!(self.out, "@runbook_{at}");
                }
                Some(Some(bytes)) => self.value(at, bytes)?,
                _ => self.out.extend_from_slice(b"NULL"),
            }
        }
        self.out.push(b')');
        let full = self.open.is_some_and(|open| self.out.len() - open >= STATEMENT_BYTES);
        if full || large {
            self.close();
        }
        Ok(())
    }

    /// What there is, when it is enough to be handed over: whole statements only.
    pub(in crate::sql) fn full(&mut self) -> Option<(Vec<u8>, u64)> {
        (self.open.is_none() && self.out.len() >= STATEMENT_BYTES / 4).then(|| self.take())
    }

    /// Everything that is left.
    pub(in crate::sql) fn finish(&mut self) -> Option<(Vec<u8>, u64)> {
        self.close();
        (!self.out.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> (Vec<u8>, u64) {
        (std::mem::take(&mut self.out), std::mem::take(&mut self.statements))
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.out.extend_from_slice(b";\n");
            self.statements += 1;
        }
    }

    fn value(&mut self, at: usize, bytes: &[u8]) -> Result<(), Failure> {
        match self.kinds.get(at) {
            Some(Kind::Exact | Kind::Bits) => self.out.extend_from_slice(bytes),
            Some(Kind::Float) => {
                self.out.extend_from_slice(bytes);
                // Without an exponent it would be read as a decimal, which knows no `-0`.
                if !bytes.contains(&b'e') && !bytes.contains(&b'E') {
                    self.out.extend_from_slice(b"e0");
                }
            }
            Some(Kind::Bytes) => push_bytes(&mut self.out, bytes),
            Some(Kind::Text | Kind::LongText) => {
                self.text_or_fault(at, bytes)?;
                push_text(&mut self.out, bytes);
            }
            None => self.out.extend_from_slice(b"NULL"),
        }
        Ok(())
    }

    /// Puts a large value together in a variable.
    fn variable(&mut self, at: usize, bytes: &[u8]) -> Result<(), Failure> {
        let binary = self.kinds.get(at) == Some(&Kind::Bytes);
        if !binary {
            self.text_or_fault(at, bytes)?;
        }
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
        Ok(())
    }

    fn text_or_fault(&self, at: usize, bytes: &[u8]) -> Result<(), Failure> {
        if std::str::from_utf8(bytes).is_ok() {
            return Ok(());
        }
        let column = self.names.get(at).map_or("", String::as_str);
        let mut failure =
            Failure::new(FailureKind::Failed, format!("a value of `{}`.`{column}` is not valid in its own character set", self.table))
                .help("mend the value, or make the column binary");
        failure.retryable = false;
        Err(failure)
    }
}

pub(super) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if bytes.is_empty() {
        out.extend_from_slice(b"''");
        return;
    }
    out.reserve(2 + bytes.len() * 2);
    out.extend_from_slice(b"0x");
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}

/// With backslashes as escapes: the files set the mode for it. Line ends are escaped too, so that a row is a line.
pub(super) fn push_text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    out.push(b'\'');
    let mut rest = bytes;
    // Most texts need no escape at all: they are copied piece by piece, not byte by byte.
    while let Some(at) = rest.iter().position(|byte| SPECIAL[usize::from(*byte)]) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        out.extend_from_slice(match special.first() {
            Some(b'\'') => b"''",
            Some(b'\\') => b"\\\\",
            Some(b'\n') => b"\\n",
            Some(b'\r') => b"\\r",
            Some(0) => b"\\0",
            _ => b"\\Z",
        });
        rest = special.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.push(b'\'');
}

/// The bytes that are escaped in a text.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    special[b'\'' as usize] = true;
    special[b'\\' as usize] = true;
    special[b'\n' as usize] = true;
    special[b'\r' as usize] = true;
    special[0] = true;
    special[0x1A] = true;
    special
};

#[cfg(test)]
#[path = "rows/tests.rs"]
mod tests;
