//! Rows as text: values in single quotes, a quote doubled, null as `\N`.

/// A row's values; none is null.
pub(crate) type Fields = Vec<Option<Vec<u8>>>;

/// Appends a line.
pub(crate) fn write(into: &mut Vec<u8>, fields: &Fields) {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            into.push(b',');
        }
        match field {
            None => into.extend_from_slice(b"\\N"),
            Some(bytes) => {
                into.push(b'\'');
                for &byte in bytes {
                    if byte == b'\'' {
                        into.push(b'\'');
                    }
                    into.push(byte);
                }
                into.push(b'\'');
            }
        }
    }
    into.push(b'\n');
}

/// All lines.
pub(crate) fn read(text: &[u8]) -> Vec<Fields> {
    let mut rows = Vec::new();
    let mut row: Fields = Vec::new();
    let mut bytes = text.iter().copied().peekable();
    while bytes.peek().is_some() {
        row.push(value(&mut bytes));
        if bytes.next() != Some(b',') {
            rows.push(std::mem::take(&mut row));
        }
    }
    rows
}

/// One value; stands before the comma or the end of the line afterwards.
fn value(bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    if bytes.next_if_eq(&b'\'').is_none() {
        while let Some(byte) = bytes.next_if(|byte| !matches!(byte, b',' | b'\n')) {
            value.push(byte);
        }
        return (value != b"\\N").then_some(value);
    }
    while let Some(byte) = bytes.next() {
        if byte == b'\'' && bytes.next_if_eq(&b'\'').is_none() {
            break;
        }
        value.push(byte);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let row: Fields = vec![Some(b"it's, \n '' \\N".to_vec()), None, Some(Vec::new()), Some(b"\\N".to_vec())];
        let mut text = Vec::new();
        write(&mut text, &row);
        write(&mut text, &vec![None]);
        assert_eq!(read(&text), [row, vec![None]]);
    }
}
