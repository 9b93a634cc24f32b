use super::*;

/// A writer for columns of these names and types.
fn inserts(columns: &[(&str, &str)]) -> Inserts {
    let columns: Vec<(String, Kind)> =
        columns.iter().map(|(name, declared)| (format!("`{}`", name.replace('`', "``")), Kind::of(declared).unwrap())).collect();
    Inserts::new("`t`", &columns)
}

/// Adds a row as a server would send it.
fn push(inserts: &mut Inserts, values: &[Option<&[u8]>]) -> Result<(), RowFault> {
    let mut text = Vec::new();
    let mut beside = Vec::new();
    for (at, (value, kind)) in values.iter().zip(&inserts.kinds).enumerate() {
        if at > 0 {
            text.push(END);
        }
        match value {
            None => text.push(NULL),
            Some(bytes) if kind.is_inside() => text.extend_from_slice(bytes),
            Some(bytes) => text.extend_from_slice(crc32fast::hash(bytes).to_string().as_bytes()),
        }
        if !kind.is_inside() {
            beside.push(*value);
        }
    }
    let crc = crc32fast::hash(&text).to_string();
    inserts.push(&Row::new(Some(&text), Some(crc.as_bytes()), &|at| beside[at])?)
}

#[expect(clippy::unnecessary_wraps, reason = "what a row's value looks like")]
fn raw(bytes: &[u8]) -> Option<&[u8]> {
    Some(bytes)
}

fn text(batch: Option<(Vec<u8>, u64)>) -> (String, u64) {
    batch.map_or_else(Default::default, |(text, statements)| (String::from_utf8(text).unwrap(), statements))
}

#[test]
fn each_kind_is_written_without_loss() {
    let mut writer = inserts(&[("a", "int"), ("b`", "float"), ("c", "blob"), ("d", "varchar"), ("e", "double"), ("f", "text")]);
    let long = "it's\n\\ 名 and a tab\tand no end of what comes behind it\0".as_bytes();
    push(&mut writer, &[raw(b"-7"), raw(b"-0"), raw(b"\x00\xff"), raw(long), raw(b"1e300"), raw(b"\x1A\r'")]).unwrap();
    push(&mut writer, &[None, None, raw(b""), raw(b""), None, None]).unwrap();
    push(&mut writer, &[None, None, None, None, raw(b"1.5"), raw(b"")]).unwrap();
    assert_eq!(
        text(writer.finish()),
        (
            "INSERT INTO `t` (`a`, `b```, `c`, `d`, `e`, `f`) VALUES\n\
             (-7, -0e0, 0x00FF, 'it''s\\n\\\\ 名 and a tab\tand no end of what comes behind it\\0', 1e300, '\\Z\\r'''),\n\
             (NULL, NULL, '', '', NULL, NULL),\n(NULL, NULL, NULL, NULL, 1.5e0, '');\n"
                .to_owned(),
            1
        )
    );
    assert_eq!(writer.finish(), None);
}

#[test]
fn statements_end_at_about_a_mebibyte() {
    let mut writer = inserts(&[("a", "varchar")]);
    let mut sizes = Vec::new();
    for _ in 0..3_000 {
        push(&mut writer, &[raw(&[b'x'; 1_000])]).unwrap();
        if let Some((text, statements)) = writer.full() {
            sizes.push((text.len(), statements));
        }
    }
    assert_eq!(sizes.len(), 2);
    assert!(sizes.iter().all(|(size, statements)| (1 << 20..(1 << 20) + 2_000).contains(size) && *statements == 1), "{sizes:?}");
    assert!(writer.finish().is_some());
}

#[test]
fn a_large_value_is_put_together_in_pieces() {
    for kind in ["longtext", "varchar"] {
        let mut writer = inserts(&[("id", "int"), ("a", kind)]);
        push(&mut writer, &[raw(b"1"), raw(b"small")]).unwrap();
        // A character of three bytes across the border of a piece is not cut.
        let value = format!("xx{}", "名".repeat(PIECE / 3));
        push(&mut writer, &[raw(b"2"), raw(value.as_bytes())]).unwrap();
        let (text, statements) = text(writer.full());
        assert_eq!(statements, 4);
        let parts: Vec<&str> = text.split_inclusive(";\n").collect();
        assert!(parts[0].ends_with("(1, 'small');\n"));
        assert!(parts[1].starts_with("SET @runbook_1 = REPEAT('xx名") && parts[1].ends_with("名', 1);\n"));
        assert_eq!(parts[2], "SET @runbook_1 = CONCAT(@runbook_1, REPEAT('名', 1));\n");
        assert_eq!(parts[3], "INSERT INTO `t` (`id`, `a`) VALUES\n(2, @runbook_1);\n");
    }
}

#[test]
fn a_text_that_is_none_is_not_guessed_at() {
    let columns = [("b", "blob"), ("a", "varchar"), ("c", "text")];
    assert_eq!(push(&mut inserts(&columns), &[raw(b"\xff"), raw(b"ok"), raw(b"\xc3")]), Err(RowFault::NotText(2)));
    assert_eq!(push(&mut inserts(&columns), &[raw(b"\xff"), raw(b"\xe5\x90'\x8d"), None]), Err(RowFault::NotText(1)));
    // Two that would be a character if they stood together.
    assert_eq!(push(&mut inserts(&[("a", "varchar"), ("b", "varchar")]), &[raw(b"\xc3"), raw(b"\xa9")]), Err(RowFault::NotText(0)));
    let large = [b"x".repeat(LARGE), vec![0xC3]].concat();
    assert_eq!(push(&mut inserts(&columns), &[None, None, raw(&large)]), Err(RowFault::NotText(2)));
}

#[test]
fn more_or_fewer_values_than_columns_are_no_row() {
    for text in [b"x\xFFy\xFF1".as_slice(), b"x"] {
        let crc = crc32fast::hash(text).to_string();
        let row = Row::new(Some(text), Some(crc.as_bytes()), &|_| None).unwrap_or_else(|fault| panic!("{fault:?}"));
        assert_eq!(inserts(&[("a", "varchar"), ("b", "int")]).push(&row), Err(RowFault::Ambiguous));
        assert_eq!(inserts(&[("a", "int"), ("b", "varchar")]).push(&row), Err(RowFault::Ambiguous));
    }
}
